import type { DestroyOperation } from "../../src/model/plan.ts";
import type { ZfsPlan } from "../zfs-plan.ts";
import type { Scenario } from "./histories.ts";
import { day } from "./manifests.ts";
import { resolve, ruleOf, typeOf } from "./resolve.ts";
import { find, type World, type WorldDataset, type WorldSnapshot } from "./world.ts";

const periods: Readonly<Record<string, number>> = { hourly: 3600, daily: day, weekly: 7 * day, "daily-long": 7 * day };

/** Deletions that `destroyAtMost`, or first contact, must have held back: a second reading of planning.md, 5. */
export function judgeGuards(scenario: Scenario, before: World, plan: ZfsPlan): string[] {
  const { manifest, now, options } = scenario;
  const { percent, above, total } = manifest.guards.destroyAtMost;
  const wrong: string[] = [];
  let losses = 0;
  const consented = (source: string, remote: string | undefined): boolean =>
    options.allowDestroy !== undefined ||
    manifest.approvals.some(
      (a) => a.kind === "destroy" && a.until >= now && a.source === source && (a.remote ?? remote) === remote,
    );
  let anyConsent = false;
  for (const o of wholeDeletions(plan)) {
    const dataset = find(before, o.at.host, o.at.dataset);
    if (!dataset) continue;
    const there = dataset.snapshots.filter((s) => typeOf(manifest, s.name) === o.type);
    const arriving = plan.operations.flatMap((p): readonly { readonly name: string }[] => {
      if (p.at.host !== o.at.host || p.at.dataset !== o.at.dataset) return [];
      if (p.kind === "create") return [p];
      return p.kind === "send" ? p.snapshots : p.kind === "resume" ? [p.to] : [];
    });
    const gain = arriving.filter((s) => typeOf(manifest, s.name) === o.type).length;
    const lost = o.snapshots.filter((s) => there.some((t) => t.guid === s.guid)).length;
    const source = resolve(manifest, before).find((r) => `${r.host}:${r.dataset}` === o.source);
    const remotes = o.remote === undefined ? (source?.copies.map((c) => c.remote.name) ?? []) : [];
    const usual = there.length - piledUp(remotes, dataset, there, there.length + gain - lost);
    const loss = lost - gain - (there.length - usual);
    if (consented(o.source, o.remote)) {
      anyConsent = true;
      continue;
    }
    losses += Math.max(0, loss);
    const where = `${o.id}: ${lost} of ${there.length} ${o.type} go and ${gain} come`;
    if (dataset.own.get("adopted") !== "on" && lost > 0) wrong.push(`${where}, at first contact`);
    if (loss > above && loss * 100 > percent * usual) wrong.push(`${where}: more than ${percent} %`);
    if (there.length >= 2 && lost === there.length && gain === 0) wrong.push(`${where}: emptied`);
    const scheduled = manifest.snapshotTypes.get(o.type)?.schedule !== undefined;
    const keep =
      o.remote === undefined ? source?.keys.keep : source?.copies.find((c) => c.remote.name === o.remote)?.keep;
    const period = periods[o.type];
    const rule = keep?.by === "type" ? ruleOf(keep, o.type) : undefined;
    const left = rule === undefined || rule.count === 0 ? [] : there.slice(-rule.count);
    // where a clock was set back the newest is not the last
    const times = left.map(({ creation }) => creation);
    const span = Math.max(...times) - Math.min(...times);
    const longer = o.snapshots.some((s) => there.some((t) => t.guid === s.guid && t.creation < Math.min(...times)));
    if (scheduled && period && gain === 0 && left.length >= 2 && longer && span * 2 < (left.length - 1) * period)
      wrong.push(`${where}: those left span ${span} s only`);
  }
  if (losses > total && !anyConsent) wrong.push(`the plan loses ${losses}, more than ${total}`);
  return wrong;
}

/** What makes room goes first, apart from the rest: together they are one deletion. */
function wholeDeletions(plan: ZfsPlan): DestroyOperation[] {
  const whole = new Map<string, DestroyOperation>();
  for (const o of plan.operations) {
    if (o.kind !== "destroy") continue;
    const side = `${o.at.host}:${o.at.dataset} ${o.type}`;
    const other = whole.get(side);
    whole.set(side, other ? { ...other, snapshots: [...other.snapshots, ...o.snapshots] } : o);
  }
  return [...whole.values()];
}

/**
 * What came since a remote stopped, where no fewer than are left were there before. Only its oldest bookmark tells where, and
 * only while its snapshot is there.
 */
function piledUp(remotes: string[], dataset: WorldDataset, there: WorldSnapshot[], left: number): number {
  const since = remotes.map((remote) => {
    const [stop] = dataset.bookmarks
      .filter((b) => b.name === `holdfast-${remote}-${b.guid}`)
      .sort((a, b) => a.txg - b.txg);
    if (!stop || !dataset.snapshots.some((s) => s.guid === stop.guid)) return 0;
    const before = there.filter((s) => s.txg <= stop.txg).length;
    return before >= left ? there.length - before : 0;
  });
  return Math.max(0, ...since);
}
