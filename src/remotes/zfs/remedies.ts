import type { DiscardOperation, Precondition, ReplaceOperation, RollbackOperation } from "../../model/plan.ts";
import { type Bytes, type DatasetName, type EpochSeconds, maxNameLength } from "../../model/units.ts";
import { isBelow } from "../../planner/observed.ts";
import { destroyed, refOf, type View } from "../../planner/view.ts";
import type { Finding } from "./blocked.ts";
import { bookmarksAfter } from "./bookmarks.ts";
import { type Facts, operationOn, targetIs, wantedThere } from "./facts.ts";
import { longestName } from "./names.ts";
import { withoutReceive } from "./partial.ts";

/** Destroys by name what follows `to` and rolls back to it. */
export function rollback(
  facts: Facts,
  to: View,
  extras: readonly View[],
  finding: Finding,
  after: DiscardOperation | undefined,
): RollbackOperation {
  const destroys = extras.map(destroyed);
  const unbookmarks = facts.target && to.snapshot ? bookmarksAfter(facts.target, to.snapshot) : [];
  return {
    ...operationOn(facts, "rollback", to.name),
    kind: "rollback",
    reason: `${finding.message}; rollback was asked for`,
    dependsOn: after ? [after.id] : [],
    preconditions: [
      targetIs(facts),
      { ...facts.at, kind: "snapshot", snapshot: refOf(to) },
      ...extras.map((view): Precondition => ({ ...facts.at, kind: "snapshot", snapshot: refOf(view) })),
    ],
    to: refOf(to),
    destroys,
    ...(unbookmarks.length > 0 && { unbookmarks }),
    bytes: destroys.reduce((sum, { used }) => sum + used, facts.target?.written ?? 0) as Bytes,
  };
}

/** Renames what is there aside; a full stream follows. */
export function replace(facts: Facts, finding: Finding): ReplaceOperation {
  const { host, dataset } = facts.at;
  const goingBelow = [...facts.context.going].filter(([key]) => isBelow(key, `${host}:${dataset}`));
  return {
    ...operationOn(facts, "replace", dataset),
    kind: "replace",
    reason: `${finding.message}; replace was asked for`,
    dependsOn: goingBelow.map(([, id]) => id),
    preconditions: [targetIs(facts)],
    datasetType: facts.target?.type ?? facts.local.dataset.type,
    renameTo: nameAside(dataset, facts.context.now, facts.context.observations.datasets(host)),
  };
}

/** With the time, or the next second whose name is free. */
function nameAside(dataset: DatasetName, now: EpochSeconds, taken: ReadonlyMap<DatasetName, unknown>): DatasetName {
  for (let at: number = now; ; at++) {
    const stamp = new Date(at * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
    const name = `${dataset}-replaced-${stamp}` as DatasetName;
    if (!taken.has(name)) return name;
  }
}

/** Why the copy may not be renamed aside; `undefined` when it may. */
export function refuseReplace(facts: Facts, finding: Finding): Finding | undefined {
  const { host, dataset } = facts.at;
  const children = [...facts.context.observations.datasets(host).keys()].filter(
    (name) => isBelow(name, dataset) && !facts.context.going.has(`${host}:${name}`),
  );
  if (children.length > 0) {
    return {
      ...finding,
      reason: "remedy",
      message: "replace would move the datasets below it along",
      evidence: [...finding.evidence, ...children.map((child) => `${host}:${child} is below it`)],
    };
  }
  const aside = nameAside(dataset, facts.context.now, facts.context.observations.datasets(host));
  const longest = longestName(facts.target ? [facts.target] : []) + aside.length - dataset.length;
  if (longest > maxNameLength) {
    return {
      ...finding,
      reason: "remedy",
      message: `renamed aside, it would have names longer than the ${maxNameLength} characters ZFS takes`,
      evidence: [...finding.evidence, `as ${host}:${aside} the longest name in it has ${longest}`],
      remedies: finding.remedies.filter((remedy) => remedy !== "replace"),
      advice: [`rename it there to something shorter: zfs rename ${dataset} …`],
    };
  }
  if (wantedThere(facts, [], undefined).length > 0) return undefined;
  return {
    ...finding,
    reason: "remedy",
    message: `${finding.message}; there is nothing to send that could replace it`,
    remedies: finding.remedies.filter((remedy) => remedy !== "replace"),
    advice: [...(finding.advice ?? []), `replace it once ${facts.source.address} has a snapshot that the remote keeps`],
  };
}

/** Why the copy may not be rolled back; `undefined` when it may. */
export function refuseRollback(facts: Facts, extras: readonly View[], finding: Finding): Finding | undefined {
  const { above, total } = facts.context.manifest.guards.destroyAtMost;
  const { rolledBackInAll } = facts.context;
  const resolve = `holdfast apply --resolve ${facts.copy.remote.name}=rollback`;
  const tooMany = (what: string, advice: string): Finding => ({
    ...finding,
    reason: "remedy",
    message: `rollback would destroy ${what}`,
    remedies: ["replace"],
    advice: [advice],
  });
  if (extras.length > facts.context.consents.allowed(facts.source.address, facts.copy.remote.name)) {
    if (extras.length > above)
      return tooMany(
        `${extras.length} snapshots, more than guards.destroyAtMost.above (${above})`,
        `${resolve} --allow-destroy ${extras.length} --target ${facts.source.address}`,
      );
    if (rolledBackInAll !== undefined)
      return tooMany(
        `${extras.length} of ${rolledBackInAll} snapshots in all, more than guards.destroyAtMost.total (${total})`,
        `${resolve} --allow-destroy ${rolledBackInAll}, or one source after the other: ${resolve} --target ${facts.source.address}`,
      );
  }
  const tied = extras
    .map((view) => withoutReceive(view, facts.at.dataset))
    .filter((view) => view.snapshot?.holds || view.snapshot?.clones);
  if (tied.length === 0) return undefined;
  return {
    ...finding,
    reason: "remedy",
    message: `rollback would destroy what is held or cloned: ${tied.map((view) => `@${view.name}`).join(", ")}`,
    evidence: [
      ...finding.evidence,
      ...tied.map(
        (view) =>
          `@${view.name}: ${[...(view.snapshot?.holds ?? []).map((tag) => `hold ${tag}`), ...(view.snapshot?.clones ?? []).map((clone) => `clone ${clone}`)].join(", ")}`,
      ),
    ],
  };
}
