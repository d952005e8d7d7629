import type { Blocked, BlockedReason } from "../model/plan.ts";
import type { PlanContext } from "./context.ts";
import type { Deletion } from "./side.ts";

export interface Withheld {
  readonly deletion: Deletion;
  readonly reason: Extract<BlockedReason, "withheld" | "first-contact" | "clock">;
  readonly why: string;
}
export interface Guarded {
  readonly through: readonly Deletion[];
  readonly withheld: readonly Withheld[];
}

/** Holds back what looks like a mistake rather than thinning, unless somebody agreed to it. */
export function guard(context: PlanContext, deletions: readonly Deletion[]): Guarded {
  const withheld = new Map<Deletion, Withheld>();
  for (const deletion of deletions) {
    const found = suspicion(context, deletion);
    if (found) withheld.set(deletion, { deletion, ...found });
  }
  const { total } = context.manifest.guards.destroyAtMost;
  const small = deletions.filter((deletion) => !withheld.has(deletion) && lossOf(deletion) > 0);
  const losses = lossesOf(small);
  if (losses > total) {
    const why = `this plan would lose ${losses} snapshots in all, more than guards.destroyAtMost.total (${total})`;
    for (const deletion of small) withheld.set(deletion, { deletion, reason: "withheld", why });
  }
  approve(context, withheld);
  // what was agreed to no longer counts against the others
  const left = small.filter((deletion) => withheld.has(deletion));
  if (lossesOf(left) <= total) for (const deletion of left) withheld.delete(deletion);
  if (sizeOf([...withheld.keys()]) <= context.consents.allowDestroy) withheld.clear();
  return {
    through: deletions.filter((deletion) => !withheld.has(deletion)),
    withheld: [...withheld.values()],
  };
}

const lossesOf = (deletions: readonly Deletion[]): number =>
  deletions.reduce((sum, deletion) => sum + lossOf(deletion), 0);
const lossOf = ({ operation, arriving }: Deletion): number => operation.snapshots.length - arriving;

function suspicion(context: PlanContext, deletion: Deletion): Omit<Withheld, "deletion"> | undefined {
  const { place, operation, existing, arriving, counted, type } = deletion;
  const { percent, above } = context.manifest.guards.destroyAtMost;
  const count = operation.snapshots.length;
  const loss = lossOf(deletion);
  if (!place.adopted) return { reason: "first-contact", why: "Holdfast has not managed this dataset before" };
  if (place.clockDoubt !== undefined && deletion.ageBased) return { reason: "clock", why: place.clockDoubt };
  if (existing >= 2 && existing - count + arriving === 0) {
    return { reason: "withheld", why: `no ${type.name} snapshot would be left of ${existing}` };
  }
  if (loss > above && loss > (existing * percent) / 100) {
    return {
      reason: "withheld",
      why: `${loss} of ${existing} ${type.name} snapshots would be lost, more than ${percent} %`,
    };
  }
  return type.schedule === undefined || deletion.ageBased || !crowded(context, deletion)
    ? undefined
    : {
        reason: "withheld",
        why: `the ${counted.length} newest ${type.name} snapshots lie closer together than their schedule: older ones would be lost to them`,
      };
}

/** The kept ones span less than half of what they should, and those destroyed would lengthen it. */
function crowded(context: PlanContext, { counted, oldestDestroyed, type }: Deletion): boolean {
  if (counted.length < 2) return false;
  const oldest = counted.reduce<number>((least, creation) => Math.min(least, creation), Number.POSITIVE_INFINITY);
  const newest = counted.reduce<number>((most, creation) => Math.max(most, creation), 0);
  const expected = (counted.length - 1) * context.schedules.shortestPeriod(type);
  return newest - oldest < expected / 2 && oldestDestroyed < oldest;
}

function approve(context: PlanContext, withheld: Map<Deletion, Withheld>): void {
  for (const source of new Set([...withheld.keys()].map(({ place }) => place.source))) {
    for (const approval of context.consents.destroys(source)) {
      const covered = [...withheld.keys()].filter(
        ({ place }) => place.source === source && (approval.remote === undefined || place.remote === approval.remote),
      );
      if (sizeOf(covered) <= approval.destroy) for (const deletion of covered) withheld.delete(deletion);
    }
  }
}

const sizeOf = (deletions: readonly Deletion[]): number =>
  deletions.reduce((sum, { operation }) => sum + operation.snapshots.length, 0);

/** Blocked entries, one for each withheld deletion. */
export function blockedDeletions(withheld: readonly Withheld[]): Blocked[] {
  const total = sizeOf(withheld.map(({ deletion }) => deletion));
  const bySource = new Map<string, number>();
  for (const { deletion } of withheld) {
    const { source } = deletion.place;
    bySource.set(source, (bySource.get(source) ?? 0) + sizeOf([deletion]));
  }
  return withheld.map((entry) => blockedDeletion(entry, total, bySource.get(entry.deletion.place.source) ?? 0));
}

function blockedDeletion({ deletion, reason, why }: Withheld, total: number, ofSource: number): Blocked {
  const { operation, place } = deletion;
  const count = operation.snapshots.length;
  const what = `${count} ${operation.type} ${count === 1 ? "snapshot" : "snapshots"}`;
  return {
    source: place.source,
    ...(place.remote !== undefined && { remote: place.remote }),
    at: place.at,
    reason,
    message: `destroying ${what} is withheld: ${why}`,
    evidence: [`${operation.reason}`, `@${operation.snapshots[0]?.name} … @${operation.snapshots.at(-1)?.name}`],
    remedies: [
      `holdfast apply --allow-destroy ${total}`,
      `an approval: { source: "${place.source}", destroy: ${ofSource}, until: … }`,
      "or change keep",
    ],
    withheld: { type: operation.type, snapshots: operation.snapshots, bytes: operation.bytes },
  };
}
