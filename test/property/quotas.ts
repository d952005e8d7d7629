import { scopeOf } from "../../src/manifest/scope.ts";
import type { KeepByTime, Manifest, Retention } from "../../src/model/manifest.ts";
import { type Blocked, goneId } from "../../src/model/plan.ts";
import type { HostName } from "../../src/model/units.ts";
import type { ZfsPlan } from "../zfs-plan.ts";
import type { Scenario } from "./histories.ts";
import { type ExpectedCopy, type ExpectedSource, resolve, ruleOf, typeOf } from "./resolve.ts";
import {
  clonesOf,
  find,
  isObserved,
  type World,
  type WorldBookmark,
  type WorldDataset,
  type WorldSnapshot,
} from "./world.ts";

/** What a rule says of a list: what it counts, and what stands on the edge of an age, where either is right. */
interface Counted {
  readonly kept: ReadonlySet<string>;
  readonly edge: ReadonlySet<string>;
}

/** The guids that a `keep` counts among snapshots in order, the oldest first; a second reading of manifest.md. */
function countedBy(keep: Retention, manifest: Manifest, list: readonly WorldSnapshot[], now: number): Counted {
  const kept = new Set<string>();
  const edge = new Set<string>();
  if (keep.by === "time") {
    const typed = list.filter((s) => typeOf(manifest, s.name) !== undefined);
    // restic sorts by time; with a clock that went back, or with times to come, there is more than one right answer
    const monotonic = typed.every((s, i) => (typed[i - 1]?.creation ?? 0) < s.creation && s.creation <= now);
    for (const guid of monotonic ? keptByTime(keep, typed) : []) kept.add(guid);
    const since = keep.within && goBack(typed.at(-1)?.creation ?? 0, keep.within);
    for (const s of typed) if (s.creation === since) edge.add(s.guid);
    if (!monotonic) for (const s of typed) edge.add(s.guid);
    return { kept, edge };
  }
  for (const [type, rule] of keep.types) {
    const ofType = list.filter((s) => typeOf(manifest, s.name) === type);
    const first = ofType.length - rule.count;
    for (const [i, s] of ofType.entries()) {
      if (i >= first) kept.add(s.guid);
      else if (rule.within === undefined) continue;
      else if (now - s.creation < rule.within) kept.add(s.guid);
      else if (now - s.creation === rule.within) edge.add(s.guid);
    }
  }
  return { kept, edge };
}

/** restic's forget: newest first, one per bucket, the oldest of all where a bucket has counts left. */
function keptByTime(keep: KeepByTime, list: readonly WorldSnapshot[]): string[] {
  const iso = (s: WorldSnapshot): string => new Date(s.creation * 1000).toISOString();
  const week = (s: WorldSnapshot): string => {
    const days = Math.floor(s.creation / 86_400);
    return String(Math.floor((days + 3) / 7));
  };
  const buckets: { left: number; last: string; of: (s: WorldSnapshot) => string }[] = [
    { left: keep.last ?? 0, last: "", of: (s: WorldSnapshot) => s.guid },
    { left: keep.hourly ?? 0, last: "", of: (s: WorldSnapshot) => iso(s).slice(0, 13) },
    { left: keep.daily ?? 0, last: "", of: (s: WorldSnapshot) => iso(s).slice(0, 10) },
    { left: keep.weekly ?? 0, last: "", of: week },
    { left: keep.monthly ?? 0, last: "", of: (s: WorldSnapshot) => iso(s).slice(0, 7) },
    { left: keep.yearly ?? 0, last: "", of: (s: WorldSnapshot) => iso(s).slice(0, 4) },
  ];
  const newestFirst = [...list].reverse();
  const latest = newestFirst[0]?.creation ?? 0;
  return newestFirst
    .filter((s, nr) => {
      let wanted = keep.within !== undefined && s.creation > goBack(latest, keep.within);
      for (const bucket of buckets) {
        const value = bucket.of(s);
        if (bucket.left === 0 || (value === bucket.last && nr < newestFirst.length - 1)) continue;
        wanted = true;
        bucket.last = value;
        bucket.left--;
      }
      return wanted;
    })
    .map((s) => s.guid);
}

function goBack(from: number, { years, months, days, hours }: NonNullable<KeepByTime["within"]>): number {
  const date = new Date(from * 1000);
  date.setUTCFullYear(date.getUTCFullYear() - years, date.getUTCMonth() - months, date.getUTCDate() - days);
  return date.getTime() / 1000 - hours * 3600;
}

const deletionsOnly = ["withheld", "first-contact", "clock"];

/** After everything that could be done was done: each side has what its `keep` asks for, and no more without a reason. */
export class Quotas {
  private readonly scenario: Scenario;
  private readonly before: World;
  private readonly after: World;
  private readonly first: ZfsPlan;
  private readonly last: ZfsPlan;
  private readonly wrong: string[] = [];

  constructor(scenario: Scenario, before: World, after: World, first: ZfsPlan, last: ZfsPlan) {
    this.scenario = scenario;
    this.before = before;
    this.after = after;
    this.first = first;
    this.last = last;
  }

  judge(): string[] {
    const { manifest, options } = this.scenario;
    const scope = scopeOf(manifest, { allHosts: options.allHosts ?? false });
    for (const source of resolve(manifest, this.before)) {
      if (!isObserved(this.before, source.host, source.dataset)) continue;
      const name = `${source.host}:${source.dataset}`;
      if (this.last.blocked.some((b) => b.source === name && ["ambiguous", "bug"].includes(b.reason))) continue;
      if (scope.sources(source.host as HostName)) {
        this.judgeBooks(name, undefined, source.host, source.dataset);
        if (!source.keys.suspend) this.judgeSource(source);
      }
      for (const copy of source.copies) {
        if (!scope.copies(source.host as HostName, copy.remote)) continue;
        if (!isObserved(this.before, copy.host, copy.target)) continue;
        this.judgeBooks(name, copy.remote.name, copy.host, copy.target);
        if (!source.keys.suspend) this.judgeCopy(source, copy);
      }
    }
    return this.wrong;
  }

  private blocks(source: string, remote: string, plan: ZfsPlan = this.last): Blocked | undefined {
    return plan.blocked.find((b) => b.source === source && b.remote === remote && !deletionsOnly.includes(b.reason));
  }
  private withheld(source: string, remote: string | undefined): Set<string> {
    const entries = this.last.blocked.filter((b) => b.source === source && b.remote === remote && b.withheld);
    return new Set(entries.flatMap((b) => b.withheld?.snapshots.map(goneId) ?? []));
  }

  /** Every snapshot of a side is kept, foreign or destroyed: one of them, in both plans. */
  private judgeBooks(source: string, remote: string | undefined, host: string, dataset: string): void {
    for (const [plan, world] of [
      [this.first, this.before],
      [this.last, this.after],
    ] as const) {
      const mine = (g: { readonly source: string; readonly remote?: string }): boolean =>
        g.source === source && g.remote === remote;
      const kept = new Set(plan.kept.filter(mine).flatMap((g) => g.snapshots));
      const foreign = new Set(plan.foreign.filter(mine).flatMap((g) => g.snapshots));
      const destroyed = new Set<string>();
      for (const o of plan.operations) {
        if (o.kind === "destroy" && o.source === source && o.remote === remote)
          for (const s of o.snapshots) destroyed.add(s.name);
        if (o.kind === "rollback" && o.source === source && o.remote === remote)
          for (const s of o.destroys) destroyed.add(s.name);
      }
      if (plan.operations.some((o) => o.kind === "replace" && o.at.host === host)) continue;
      for (const s of find(world, host, dataset)?.snapshots ?? []) {
        const books = [kept, foreign, destroyed].filter((set) => set.has(s.name)).length;
        if (books !== 1) this.wrong.push(`${host}:${dataset}@${s.name} is in ${books} of kept, foreign and destroyed`);
        const isForeign = typeOf(this.scenario.manifest, s.name) === undefined;
        if (isForeign !== foreign.has(s.name) && !destroyed.has(s.name))
          this.wrong.push(`${host}:${dataset}@${s.name} is ${isForeign ? "" : "not "}foreign`);
      }
    }
  }

  private judgeSource(source: ExpectedSource): void {
    const { manifest, now } = this.scenario;
    const name = `${source.host}:${source.dataset}`;
    const after = find(this.after, source.host, source.dataset);
    const before = find(this.before, source.host, source.dataset);
    if (!after || !before) return;
    const all = union(before.snapshots, after.snapshots);
    const counted = countedBy(source.keys.keep, manifest, all, now);
    const reasons = pinsOf(manifest, source, source.dataset, after, source.keys.keep, this.withheld(name, undefined));
    add(reasons, "newest", after.snapshots.slice(-1));
    for (const type of manifest.snapshotTypes.values()) {
      if (type.schedule === undefined) continue;
      const past = all.filter((s) => typeOf(manifest, s.name) === type.name && takenAt(s) <= now + 300);
      add(reasons, "newest-of-type", past.slice(-1));
    }
    const must = new Map<string, string>([...counted.kept].map((guid) => [guid, "count"]));
    for (const copy of source.copies) {
      for (const guid of this.neededBy(name, source, copy, before, after, all)) {
        if (guid.must) must.set(guid.guid, `${copy.remote.name}: ${guid.why}`);
        reasons.set(guid.guid, guid.why);
      }
      this.judgeAway(source, copy, before, after);
    }
    this.judgeSide(`${name}`, source.keys.keep, all, after, must, counted, reasons);
  }

  /** What stays at the source for a copy's sake. */
  private *neededBy(
    name: string,
    source: ExpectedSource,
    copy: ExpectedCopy,
    before: WorldDataset,
    after: WorldDataset,
    all: readonly WorldSnapshot[],
  ): Generator<{ guid: string; why: string; must: boolean }> {
    const { manifest, now } = this.scenario;
    const observed = isObserved(this.before, copy.host, copy.target);
    if (!observed) {
      if (copy.remote.whileAway === "freeze") {
        for (const s of all) yield { guid: s.guid, why: "frozen", must: true };
        return;
      }
      const thin = countedBy(copy.keep, manifest, all, now);
      for (const guid of thin.kept) yield { guid, why: "thin", must: true };
      for (const guid of thin.edge) yield { guid, why: "thin", must: false };
      return;
    }
    const target = find(this.after, copy.host, copy.target);
    const base = newestShared(after, target);
    if (base) yield { guid: base.guid, why: "base", must: after.snapshots.some((s) => s.guid === base.guid) };
    const partial = target?.partial;
    if (partial) yield { guid: partial.step.guid, why: "partial-receive", must: false };
    if (partial?.step.fromGuid) yield { guid: partial.step.fromGuid, why: "partial-receive", must: false };
    const blocked = this.blocks(name, copy.remote.name);
    const scope = scopeOf(manifest, { allHosts: this.scenario.options.allHosts ?? false });
    const ours = scope.copies(source.host as HostName, copy.remote);
    if (blocked === undefined && ours && !partial?.opaque) return;
    const newer = all.filter(
      (s) => s.txg > (newestShared(before, find(this.before, copy.host, copy.target))?.txg ?? -1),
    );
    const waiting = countedBy(copy.keep, manifest, newer, now);
    const sure = blocked !== undefined && ours;
    for (const guid of waiting.kept) yield { guid, why: "waiting", must: sure };
    for (const guid of waiting.edge) yield { guid, why: "waiting", must: false };
  }

  /** While a remote is away: frozen, or thinned with a bookmark of everything that goes. */
  private judgeAway(source: ExpectedSource, copy: ExpectedCopy, before: WorldDataset, after: WorldDataset): void {
    if (isObserved(this.before, copy.host, copy.target)) return;
    const where = `${source.host}:${source.dataset}`;
    const marks = (d: WorldDataset): readonly WorldBookmark[] => d.bookmarks;
    if (marks(before).some((b) => !marks(after).some((c) => c.name === b.name)))
      this.wrong.push(`${where}: a bookmark went while ${copy.remote.name} was away`);
    for (const s of before.snapshots) {
      if (after.snapshots.some((t) => t.guid === s.guid)) continue;
      const marked = marks(after).some((b) => b.guid === s.guid && b.name.startsWith(`holdfast-${copy.remote.name}-`));
      if (!marked) this.wrong.push(`${where}@${s.name} went without a bookmark for ${copy.remote.name}, which is away`);
    }
  }

  private judgeCopy(source: ExpectedSource, copy: ExpectedCopy): void {
    const { manifest, now } = this.scenario;
    const name = `${source.host}:${source.dataset}`;
    const sourceBefore = find(this.before, source.host, source.dataset);
    const sourceAfter = find(this.after, source.host, source.dataset);
    const before = find(this.before, copy.host, copy.target);
    const after = find(this.after, copy.host, copy.target);
    if (!sourceBefore || !sourceAfter || before?.partial?.opaque) return;
    const remedied = this.first.operations.some(
      (o) => o.source === name && (o.kind === "rollback" || o.kind === "replace") && o.remote === copy.remote.name,
    );
    if (remedied) return;
    if (this.blocks(name, copy.remote.name)) {
      if (!this.blocks(name, copy.remote.name, this.first)) return;
      if (before !== undefined && JSON.stringify(before.snapshots) !== JSON.stringify(after?.snapshots))
        this.wrong.push(`${copy.host}:${copy.target} is blocked and changed all the same`);
      return;
    }
    const base = newestShared(sourceBefore, before);
    const there = before?.snapshots ?? [];
    const all = union(sourceBefore.snapshots, sourceAfter.snapshots);
    // a first copy that was cut goes on where it was, and what is older than that cannot come any more
    const half = before?.partial?.garbage ? undefined : before?.partial?.step;
    const isResumed = this.first.operations.some(
      (o) => o.source === name && o.kind === "resume" && o.remote === copy.remote.name,
    );
    // and by now may be gone again itself
    const isThere = isResumed || after?.snapshots.some((s) => s.guid === half?.guid);
    const first = half?.fromGuid === null && isThere ? half.guid : undefined;
    const from = all.find((s) => s.guid === first)?.txg ?? (base?.txg ?? -1) + 1;
    const newer = all.filter((s) => s.txg >= from && !there.some((t) => t.guid === s.guid));
    const candidates = [...there, ...newer];
    const counted = countedBy(copy.keep, manifest, candidates, now);
    const must = new Map<string, string>([...counted.kept].map((guid) => [guid, "count"]));
    const resumed = before?.partial?.step.guid;
    for (const s of after?.snapshots ?? []) {
      const arrived = !there.some((t) => t.guid === s.guid);
      if (arrived && !counted.kept.has(s.guid) && !counted.edge.has(s.guid) && s.guid !== resumed)
        this.wrong.push(`${copy.host}:${copy.target}@${s.name} was sent and is not wanted`);
    }
    if (after === undefined) {
      if (must.size > 0) this.wrong.push(`${copy.host}:${copy.target} is still missing`);
      return;
    }
    const reasons = pinsOf(manifest, source, copy.target, after, copy.keep, this.withheld(name, copy.remote.name));
    const newest = newestShared(sourceAfter, after);
    if (newest) reasons.set(newest.guid, "base");
    if (copy.remote.deletions === "never") add(reasons, "append-only", after.snapshots);
    if (source.keys.pin?.includes("oldestShared"))
      add(
        reasons,
        "oldest-shared",
        after.snapshots.filter((s) => typeOf(manifest, s.name) !== undefined && isShared(s, sourceAfter)).slice(0, 1),
      );
    this.judgeSide(`${copy.host}:${copy.target}`, copy.keep, candidates, after, must, counted, reasons);
  }

  private judgeSide(
    where: string,
    keep: Retention,
    all: readonly WorldSnapshot[],
    after: WorldDataset,
    must: ReadonlyMap<string, string>,
    counted: Counted,
    reasons: ReadonlyMap<string, string>,
  ): void {
    const { manifest } = this.scenario;
    for (const s of all) {
      const type = typeOf(manifest, s.name);
      const gone = !after.snapshots.some((t) => t.guid === s.guid);
      const ruled = type !== undefined && (keep.by === "time" || ruleOf(keep, type) !== undefined);
      if (gone && must.has(s.guid)) this.wrong.push(`${where}@${s.name} is missing: ${must.get(s.guid)}`);
      else if (!gone && ruled && !must.has(s.guid) && !counted.edge.has(s.guid) && !reasons.has(s.guid))
        this.wrong.push(`${where}@${s.name} is there without a reason`);
    }
  }
}

/** What stays on either side whatever is counted. */
function pinsOf(
  manifest: Manifest,
  source: ExpectedSource,
  name: string,
  dataset: WorldDataset,
  keep: Retention,
  withheld: ReadonlySet<string>,
): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const s of dataset.snapshots) {
    if (s.holds.length > 0) reasons.set(s.guid, "held");
    if (clonesOf(name, dataset, s).length > 0) reasons.set(s.guid, "cloned");
    if (withheld.has(s.guid)) reasons.set(s.guid, "withheld");
  }
  if (source.keys.pin?.includes("oldest"))
    add(
      reasons,
      "oldest",
      dataset.snapshots
        .filter((s) => {
          const type = typeOf(manifest, s.name);
          return type !== undefined && (keep.by === "time" || ruleOf(keep, type) !== undefined);
        })
        .slice(0, 1),
    );
  if (source.keys.pin?.includes("oldestShared") && name === source.dataset)
    for (const s of dataset.snapshots) reasons.set(s.guid, reasons.get(s.guid) ?? "maybe oldest-shared");
  return reasons;
}

const add = (reasons: Map<string, string>, why: string, snapshots: readonly WorldSnapshot[]): void => {
  for (const s of snapshots) reasons.set(s.guid, why);
};

const union = (before: readonly WorldSnapshot[], after: readonly WorldSnapshot[]): WorldSnapshot[] =>
  [...before, ...after.filter((s) => !before.some((t) => t.guid === s.guid))].sort((a, b) => a.txg - b.txg);

const isShared = (s: WorldSnapshot, other: WorldDataset): boolean => other.snapshots.some((t) => t.guid === s.guid);

/** By its creation or the time in its name, whichever is later. */
function takenAt({ name, creation }: WorldSnapshot): number {
  const [, y, mo, d, h, mi, s] = /-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(name) ?? [];
  return Math.max(creation, y === undefined ? 0 : Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`) / 1000);
}

/** The newest of the source, as a snapshot or a bookmark, that the target has. */
function newestShared(
  source: WorldDataset,
  target: WorldDataset | undefined,
): { readonly guid: string; readonly txg: number } | undefined {
  return [...source.snapshots, ...source.bookmarks]
    .filter((s) => target?.snapshots.some((t) => t.guid === s.guid))
    .sort((a, b) => a.txg - b.txg)
    .at(-1);
}
