import type { SnapshotType } from "../model/manifest.ts";
import type { CreateOperation } from "../model/plan.ts";
import { type EpochSeconds, poolOf } from "../model/units.ts";
import type { PlanContext } from "./context.ts";
import { keepsType } from "./retention.ts";
import type { Source } from "./sources.ts";
import { scheduledTypes, snapshotName } from "./types.ts";
import { takenAt, type View } from "./view.ts";

/** A snapshot this far in the future says nothing about when the next one is due. */
const FUTURE = 5 * 60;

/** Types with a schedule that the source takes and somebody keeps. */
export function takenTypes(context: PlanContext, source: Source): SnapshotType[] {
  const keeps = [source.keys.keep, ...source.copies.map((copy) => copy.keep)];
  return scheduledTypes(context.manifest, source.keys.take).filter((type) =>
    keeps.some((keep) => keepsType(keep, type.name)),
  );
}

/** The newest of a type, by which the next one is due. */
export const newestOf = (type: SnapshotType, views: readonly View[], now: EpochSeconds): View | undefined =>
  views.findLast((view) => view.type === type.name && takenAt(view) <= now + FUTURE);

export function isDue({ schedules, now }: PlanContext, type: SnapshotType, views: readonly View[]): boolean {
  const tick = schedules.latestTick(type);
  const newest = newestOf(type, views, now);
  return tick !== undefined && (newest === undefined || takenAt(newest) < tick);
}

/** Rule 1: the types whose newest snapshot is older than their latest tick. `isTaken` tells names in use on any side. */
export function dueCreates(
  context: PlanContext,
  source: Source,
  guid: CreateOperation["preconditions"],
  views: readonly View[],
  isTaken: (name: string) => boolean,
): CreateOperation[] {
  const group = context.groups.get(source.address);
  if (group?.hindrance !== undefined) return [];
  const operations: CreateOperation[] = [];
  for (const type of takenTypes(context, source)) {
    const isOwn = isDue(context, type, views);
    if (!isOwn && !group?.due.has(type.name)) continue;
    operations.push({
      ...createOperation(context, source, type, guid, isTaken),
      reason: `${type.name} is due since ${context.schedules.dueSince(type)}${isOwn ? "" : " in its group"}`,
      // one after the other, so that their order at the source is the order the plan counts on
      dependsOn: operations.slice(-1).map(({ id }) => id),
    });
  }
  return operations;
}

/** A snapshot of this type, now; in the next free second where the name is taken. */
export function createOperation(
  context: PlanContext,
  source: Source,
  type: SnapshotType,
  preconditions: CreateOperation["preconditions"],
  isTaken: (name: string) => boolean,
): CreateOperation {
  let at = context.now;
  while (isTaken(snapshotName(type.name, at))) at = (at + 1) as EpochSeconds;
  const name = snapshotName(type.name, at);
  const group = context.groups.get(source.address)?.group;
  return {
    id: `create ${source.address}@${name}`,
    kind: "create",
    source: source.address,
    at: { host: source.host, dataset: source.dataset },
    type: type.name,
    name,
    atomic: `${source.host}:${poolOf(source.dataset)} ${type.name}${group === undefined ? "" : ` ${group}`}`,
    ...(group !== undefined && { together: true }),
    reason: "",
    dependsOn: [],
    preconditions,
  };
}
