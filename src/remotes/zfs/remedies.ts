import type { DiscardOperation, Precondition, ReplaceOperation, RollbackOperation } from "../../model/plan.ts";
import type { Bytes, DatasetName, EpochSeconds } from "../../model/units.ts";
import { isBelow } from "../../planner/observed.ts";
import { destroyed, refOf, type View } from "../../planner/view.ts";
import type { Finding } from "./blocked.ts";
import { type Facts, operationOn, targetIs, wantedThere } from "./facts.ts";
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
  if (wantedThere(facts, [], undefined).length > 0) return undefined;
  return { ...finding, message: `${finding.message}; there is nothing to send that could replace it` };
}

/** Why the copy may not be rolled back; `undefined` when it may. */
export function refuseRollback(facts: Facts, extras: readonly View[], finding: Finding): Finding | undefined {
  const { above } = facts.context.manifest.guards.destroyAtMost;
  if (
    extras.length > above &&
    extras.length > facts.context.consents.allowed(facts.source.address, facts.copy.remote.name)
  ) {
    return {
      ...finding,
      reason: "remedy",
      message: `rollback would destroy ${extras.length} snapshots, more than guards.destroyAtMost.above (${above})`,
      remedies: ["replace"],
      advice: [
        `holdfast apply --resolve ${facts.copy.remote.name}=rollback --allow-destroy ${extras.length} --target ${facts.source.address}`,
      ],
    };
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
