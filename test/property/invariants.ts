import { scopeOf } from "../../src/manifest/scope.ts";
import { zfsRemotes } from "../../src/model/manifest.ts";
import type { OperationId, ZfsOperation } from "../../src/model/plan.ts";
import type { HostName } from "../../src/model/units.ts";
import type { ZfsPlan } from "../zfs-plan.ts";
import type { Unit } from "./execute.ts";
import type { Scenario } from "./histories.ts";
import { type ExpectedSource, resolve, ruleOf, typeOf } from "./resolve.ts";
import { allDatasets, find, isObserved, type World, type WorldDataset, type WorldSnapshot } from "./world.ts";

/** What a plan may do to a dataset. */
interface Role {
  readonly source: ExpectedSource;
  readonly remote?: string;
}

/** The promises, as seen by somebody who knows everything, also about what could not be observed. */
export class Referee {
  private readonly scenario: Scenario;
  private readonly sources: readonly ExpectedSource[];
  private readonly roles = new Map<string, Role[]>();
  /** By place and guid, as it was when the plan was made: what somebody renames meanwhile still counts. */
  private readonly names = new Map<string, string>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.sources = resolve(scenario.manifest, scenario.world);
    for (const { host, name, dataset } of allDatasets(scenario.world))
      for (const s of dataset.snapshots) this.names.set(`${host}:${name} ${s.guid}`, s.name);
    for (const source of this.sources) {
      this.role(`${source.host}:${source.dataset}`, { source });
      for (const copy of source.copies) this.role(`${copy.host}:${copy.target}`, { source, remote: copy.remote.name });
    }
  }
  private role(address: string, role: Role): void {
    this.roles.set(address, [...(this.roles.get(address) ?? []), role]);
  }

  /** What is wrong with a plan before anything is done: it touches what it must not. */
  judgePlan(plan: ZfsPlan, world: World): string[] {
    const earlier = new Set<OperationId>();
    return plan.operations.flatMap((o) => {
      const wrong = this.judgeOperation(o, world);
      if (earlier.has(o.id)) wrong.push("its id is taken");
      for (const id of o.dependsOn) if (!earlier.has(id)) wrong.push(`it stands before ${id}, on which it depends`);
      earlier.add(o.id);
      return wrong.map((w) => `${o.id} (${o.kind}): ${w}`);
    });
  }

  private judgeOperation(o: ZfsOperation, world: World): string[] {
    const { manifest } = this.scenario;
    const wrong: string[] = [];
    const remote =
      "remote" in o && o.remote !== undefined ? zfsRemotes(manifest).find(({ name }) => name === o.remote) : undefined;
    const touched = o.kind === "send" || o.kind === "resume" ? [o.at, o.from] : [o.at];
    for (const { host, dataset } of touched)
      if (!isObserved(world, host, dataset)) wrong.push(`${host}:${dataset} is not observed`);
    const source = this.sources.find((s) => `${s.host}:${s.dataset}` === o.source);
    const [only] = this.scenario.options.target ?? [];
    if (only !== undefined && !targets(only, o.source)) wrong.push(`${o.source} was not asked for`);
    if (source?.keys.suspend) wrong.push(`${o.source} is suspended`);
    if (o.kind !== "destroy-orphan") {
      if (source === undefined) wrong.push(`${o.source} is no source`);
      const roles = this.roles.get(`${o.at.host}:${o.at.dataset}`) ?? [];
      const expected = roles.some(
        (r) =>
          `${r.source.host}:${r.source.dataset}` === o.source &&
          (o.kind === "bookmark" || o.kind === "unbookmark" || o.kind === "create"
            ? r.remote === undefined
            : r.remote === remote?.name),
      );
      if (!expected) wrong.push(`${o.at.host}:${o.at.dataset} is not where ${o.source} belongs`);
    }
    if (source) {
      const scope = scopeOf(manifest, { allHosts: this.scenario.options.allHosts ?? false });
      const host = source.host as HostName;
      const ours = remote ? scope.copies(host, remote) : scope.sources(host);
      // bookmarks stand at the source: whoever thins there may make them
      const isBookmark = o.kind === "bookmark" || o.kind === "unbookmark";
      if (!ours && !(isBookmark && scope.sources(host))) wrong.push("this process is not responsible for it");
    }
    if ((o.kind === "send" || o.kind === "resume") && remote && remote.raw !== "auto")
      if (o.raw !== (remote.raw === "always"))
        wrong.push(`raw: ${remote.raw}, and the stream is ${o.raw ? "" : "not "}raw`);
    const removes = ["discard", "rollback", "destroy", "destroy-orphan"].includes(o.kind);
    if (o.kind === "rollback") {
      const there = find(world, o.at.host, o.at.dataset);
      const to = there?.snapshots.find((s) => "guid" in o.to && s.guid === o.to.guid);
      for (const { name } of o.unbookmarks ?? [])
        if (!there?.bookmarks.some((b) => b.name === name && b.txg > (to?.txg ?? Number.POSITIVE_INFINITY)))
          wrong.push(`#${name} is in nobody's way`);
    }
    if (remote?.deletions === "never" && removes) wrong.push(`${remote.name} is append-only`);
    if ((o.kind === "rollback" || o.kind === "replace") && remote && !this.consents(o.kind, o.source, remote.name))
      wrong.push("nobody approved it");
    if (o.kind === "destroy-orphan" && !this.approvesOrphan(`${o.at.host}:${o.at.dataset}`))
      wrong.push("nobody approved it");
    if (o.kind === "destroy")
      for (const s of o.snapshots) if (typeOf(manifest, s.name) !== o.type) wrong.push(`@${s.name} is not ${o.type}`);
    return wrong;
  }

  private consents(kind: "rollback" | "replace", source: string, remote: string): boolean {
    const { manifest, options, now } = this.scenario;
    const asked = [...(options.resolve ?? [])].some(([name, remedy]) => name === remote && remedy === kind);
    return (
      asked ||
      manifest.approvals.some(
        (a) =>
          a.kind === "resolve" && a.source === source && a.remote === remote && a.resolve === kind && a.until >= now,
      )
    );
  }
  private approvesOrphan(at: string): boolean {
    const { manifest, now } = this.scenario;
    return manifest.approvals.some((a) => a.kind === "orphan" && a.orphan === at && a.until >= now);
  }

  /**
   * What one command did that it must not have done. `before` and `after` are the worlds around it; `others` says
   * that somebody else was at work since the plan was made.
   */
  judgeStep(unit: Unit, before: World, after: World, others = false): string[] {
    const [o] = unit.operations;
    if (o === undefined) return [];
    const wrong: string[] = [];
    const changed = new Set(unit.operations.map((x) => `${x.at.host}:${x.at.dataset}`));
    const may = (host: string, name: string): boolean =>
      changed.has(`${host}:${name}`) ||
      (o.kind === "send" && host === o.at.host && (o.createParents as readonly string[]).includes(name)) ||
      (o.kind === "replace" &&
        host === o.at.host &&
        [o.at.dataset, o.renameTo].some((top) => name === top || name.startsWith(`${top}/`)));
    for (const { host, name, dataset } of allDatasets(before)) {
      const now = find(after, host, name);
      if (!may(host, name) && !same(dataset, now)) wrong.push(`${host}:${name} changed`);
      if (now?.guid === dataset.guid) wrong.push(...this.judgeLoss(o, host, name, dataset, now));
      else if (o.kind !== "replace" && !(o.kind === "discard" && dataset.snapshots.length === 0))
        if (o.kind !== "destroy-orphan") wrong.push(`${host}:${name} is gone`);
    }
    for (const { host, name } of allDatasets(after))
      if (!find(before, host, name) && !may(host, name)) wrong.push(`${host}:${name} came into being`);
    wrong.push(...this.judgeArrivals(o, before, after, others), ...this.judgeBases(o, before, after));
    wrong.push(...judgeEncryption(o, before, after));
    return wrong.map((w) => `${o.id} (${o.kind}): ${w}`);
  }

  private judgeLoss(o: ZfsOperation, host: string, name: string, before: WorldDataset, after: WorldDataset): string[] {
    const wrong: string[] = [];
    const lost = before.snapshots.filter((s) => !after.snapshots.some((t) => t.guid === s.guid));
    const newest = before.snapshots.at(-1);
    for (const s of lost) {
      if (s.holds.length > 0 || s.clones.length > 0) wrong.push(`${name}@${s.name} was held or cloned`);
      if (o.kind === "rollback" || o.kind === "destroy-orphan") continue;
      if (typeOf(this.scenario.manifest, s.name) === undefined) wrong.push(`${name}@${s.name} is foreign`);
      const isSource = this.roles.get(`${host}:${name}`)?.some((r) => r.remote === undefined);
      if (isSource && s === newest) wrong.push(`${name}@${s.name} is the newest of the source`);
      const filled = this.fillsQuota(host, name, s, after);
      if (!filled) wrong.push(`${name}@${s.name} went, and no newer ones fill the quota`);
    }
    const marks = before.bookmarks.filter((b) => !after.bookmarks.some((c) => c.name === b.name));
    for (const b of marks) {
      if (o.kind === "rollback" && o.unbookmarks?.some((c) => c.name === b.name && c.guid === b.guid)) continue;
      const ours = [...this.scenario.manifest.remotes.keys()].some((r) => b.name.startsWith(`holdfast-${r}-`));
      if (!ours) wrong.push(`${name}#${b.name} is not Holdfast's`);
    }
    return wrong;
  }

  /** Does the side have as many newer ones of the type as it is to keep? */
  private fillsQuota(host: string, name: string, gone: WorldSnapshot, after: WorldDataset): boolean {
    const [role, ...more] = this.roles.get(`${host}:${name}`) ?? [];
    const type = typeOf(this.scenario.manifest, gone.name);
    if (role === undefined || more.length > 0 || type === undefined) return true;
    const copy = role.source.copies.find((c) => c.remote.name === role.remote);
    const rule = ruleOf(copy?.keep ?? role.source.keys.keep, type);
    const typeNow = (s: WorldSnapshot) =>
      typeOf(this.scenario.manifest, this.names.get(`${host}:${name} ${s.guid}`) ?? s.name);
    const newer = after.snapshots.filter((s) => s.txg > gone.txg && typeNow(s) === type);
    return newer.length >= (rule?.count ?? 0);
  }

  /** Nothing arrives but what the plan said would, and what others took meanwhile in the midst of a range. */
  private judgeArrivals(o: ZfsOperation, before: World, after: World, others: boolean): string[] {
    if (o.kind !== "send" && o.kind !== "resume") return [];
    if (others && o.kind === "send" && o.snapshots.length > 1) return [];
    const announced = o.kind === "send" ? o.snapshots : [o.to];
    const had = find(before, o.at.host, o.at.dataset)?.snapshots ?? [];
    const arrived = (find(after, o.at.host, o.at.dataset)?.snapshots ?? []).filter(
      (s) => !had.some((t) => t.guid === s.guid),
    );
    return arrived
      .filter((s) => !announced.some((a) => ("guid" in a ? a.guid === s.guid : a.name === s.name)))
      .map((s) => `@${s.name} (guid ${s.guid}) arrived unannounced`);
  }

  /** The newest common base of every source and every copy, observed or not, never gets older. */
  private judgeBases(o: ZfsOperation, before: World, after: World): string[] {
    return this.sources.flatMap((source) =>
      source.copies.flatMap((copy) => {
        if (o.kind === "replace" && isAtOrBelow(copy.target, o.at.dataset) && copy.host === o.at.host) return [];
        const was = newestBase(before, source, copy);
        const is = newestBase(after, source, copy);
        if (was === undefined || (is !== undefined && is >= was)) return [];
        return [`${source.host}:${source.dataset} and ${copy.remote.name} lost their newest common base`];
      }),
    );
  }
}

/** Below a dataset that somebody encrypted nothing becomes plaintext; below a raw copy the source's own layout counts. */
function judgeEncryption(o: ZfsOperation, before: World, after: World): string[] {
  const made = find(after, o.at.host, o.at.dataset);
  const above = find(after, o.at.host, o.at.dataset.slice(0, o.at.dataset.lastIndexOf("/")));
  if (!made || !above || find(before, o.at.host, o.at.dataset)) return [];
  if (made.encryption !== "off" || above.encryption === "off" || above.rawReplica) return [];
  return ["plaintext below an encrypted dataset"];
}

const isAtOrBelow = (name: string, top: string): boolean => name === top || name.startsWith(`${top}/`);

/** `[HOST:]DATASET`, with `*` for one level and `**` for all below. */
function targets(only: string, source: string): boolean {
  const [host = "", dataset = ""] = source.split(":");
  const [wantedHost = "*", wanted = only] = only.includes(":") ? only.split(":") : [];
  if (wantedHost !== "*" && wantedHost !== host) return false;
  if (wanted.endsWith("/**")) return isAtOrBelow(dataset, wanted.slice(0, -3));
  return wanted.endsWith("/*") ? dataset.split("/").slice(0, -1).join("/") === wanted.slice(0, -2) : dataset === wanted;
}

/** Its createtxg at the source, as a snapshot or a bookmark there. */
function newestBase(
  world: World,
  source: { readonly host: string; readonly dataset: string },
  copy: { readonly host: string; readonly target: string },
): number | undefined {
  const there = new Set(find(world, copy.host, copy.target)?.snapshots.map((s) => s.guid));
  const here = find(world, source.host, source.dataset);
  let newest: number | undefined;
  for (const s of [...(here?.snapshots ?? []), ...(here?.bookmarks ?? [])])
    if (there.has(s.guid)) newest = Math.max(newest ?? 0, s.txg);
  return newest;
}

function same(a: WorldDataset, b: WorldDataset | undefined): boolean {
  return (
    b !== undefined &&
    a.guid === b.guid &&
    a.written === b.written &&
    a.snapshots === b.snapshots &&
    a.bookmarks === b.bookmarks &&
    a.partial === b.partial &&
    a.own.size === b.own.size &&
    [...a.own].every(([key, value]) => b.own.get(key) === value)
  );
}
