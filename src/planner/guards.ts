import type { Blocked, BlockedReason } from "../model/plan.ts";
import type { Bytes } from "../model/units.ts";
import type { PlanContext } from "./context.ts";
import { type Deletion, goneIn } from "./side.ts";
import type { SourcePlan } from "./source-plan.ts";

export interface Withheld {
  readonly deletion: Deletion;
  readonly reason: Extract<BlockedReason, "withheld" | "first-contact" | "clock" | "verify">;
  readonly why: string;
}
export interface Guarded {
  readonly through: readonly Deletion[];
  readonly withheld: readonly Withheld[];
}

/** Holds back what looks like a mistake rather than thinning, unless somebody agreed to it. */
export function guard(context: PlanContext, deletions: readonly Deletion[]): Guarded {
  const agreed = new Set<Deletion>();
  for (;;) {
    const withheld = held(
      context,
      deletions.filter((deletion) => !agreed.has(deletion)),
    );
    const more = agreedTo(
      context,
      withheld.map(({ deletion }) => deletion),
    );
    if (more.length === 0) {
      const back = new Set(withheld.map(({ deletion }) => deletion));
      return { through: deletions.filter((deletion) => !back.has(deletion)), withheld };
    }
    // each agreement may leave so little that another one covers it, or that the total does
    for (const deletion of more) agreed.add(deletion);
  }
}

function held(context: PlanContext, deletions: readonly Deletion[]): Withheld[] {
  const suspicious: Withheld[] = [];
  const others: Deletion[] = [];
  for (const deletion of deletions) {
    const found = suspicion(context, deletion);
    if (found) suspicious.push({ deletion, ...found });
    else if (lossOf(deletion) > 0) others.push(deletion);
  }
  return [...suspicious, ...beyondTotal(context, others)];
}

/**
 * What is held back because the whole plan would lose too much. What arrives comes all the same and is no excuse in the
 * next pass, nor is what a remote lacked that this plan brings it: hence each is judged again as it will be then, and the
 * others once more without those held back by that.
 */
function beyondTotal(context: PlanContext, deletions: readonly Deletion[]): Withheld[] {
  const { total } = context.manifest.guards.destroyAtMost;
  const losses = lossesOf(deletions);
  if (losses <= total) return [];
  const why = `this plan would lose ${losses} snapshots in all, more than guards.destroyAtMost.total (${total})`;
  const suspicious = new Set(deletions.filter((deletion) => suspicion(context, inNextPass(deletion))));
  const others = deletions.filter((deletion) => !suspicious.has(deletion));
  const withheld = lossesOf(others.map(inNextPass)) > total ? [...suspicious, ...others] : [...suspicious];
  return withheld.map((deletion) => ({ deletion, reason: "withheld", why }));
}

function inNextPass(deletion: Deletion): Deletion {
  const { existing, arriving, piledUpThen } = deletion;
  return { ...deletion, existing: existing + arriving, arriving: 0, piledUp: piledUpThen };
}

const lossesOf = (deletions: readonly Deletion[]): number =>
  deletions.reduce((sum, deletion) => sum + lossOf(deletion), 0);
const lossOf = ({ operation, arriving, piledUp }: Deletion): number => goneIn(operation).length - arriving - piledUp;

function suspicion(context: PlanContext, deletion: Deletion): Omit<Withheld, "deletion"> | undefined {
  const { place, operation, existing, arriving, piledUp, counted, type } = deletion;
  const { percent, above } = context.manifest.guards.destroyAtMost;
  const count = goneIn(operation).length;
  const loss = lossOf(deletion);
  if (!place.adopted) return { reason: "first-contact", why: "Holdfast has not managed this dataset before" };
  if (deletion.unproven !== undefined) return { reason: "verify", why: deletion.unproven };
  if (deletion.clockDoubt !== undefined) return { reason: "clock", why: deletion.clockDoubt };
  if (existing >= 2 && (deletion.isEmptied || existing - count + arriving === 0)) {
    return { reason: "withheld", why: `no ${type.name} snapshot would be left of ${existing} in the end` };
  }
  const routine = existing - piledUp;
  if (loss > above && loss > (routine * percent) / 100) {
    return {
      reason: "withheld",
      why: `${loss} of ${routine} ${type.name} snapshots would be lost, more than ${percent} %`,
    };
  }
  return type.schedule === undefined || !crowded(context, deletion)
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

/** How many snapshots the rollbacks of a plan would destroy, where that is more than a plan may and nobody agreed to so many. */
export function rolledBackBeyondTotal(
  { manifest, consents }: PlanContext,
  plans: readonly Pick<SourcePlan, "operations">[],
): number | undefined {
  let count = 0;
  for (const { operations } of plans)
    for (const operation of operations) {
      if (operation.kind !== "rollback" || operation.remote === undefined) continue;
      const { length } = operation.destroys;
      if (length > consents.allowed(operation.source, operation.remote)) count += length;
    }
  return count > manifest.guards.destroyAtMost.total && count > consents.allowDestroy ? count : undefined;
}

/** Those that approvals, or the option of this run, let through. */
function agreedTo(context: PlanContext, withheld: readonly Deletion[]): readonly Deletion[] {
  if (sizeOf(withheld) <= context.consents.allowDestroy) return withheld;
  return [...new Set(withheld.map(({ place }) => place.source))].flatMap((source) =>
    context.consents.destroys(source).flatMap((approval) => {
      const covered = withheld.filter(
        ({ place }) => place.source === source && (approval.remote === undefined || place.remote === approval.remote),
      );
      return sizeOf(covered) <= approval.destroy ? covered : [];
    }),
  );
}

const sizeOf = (deletions: readonly Deletion[]): number =>
  deletions.reduce((sum, { operation }) => sum + goneIn(operation).length, 0);

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
  const count = goneIn(operation).length;
  const isForget = operation.kind === "forget";
  const [one, several] = isForget ? ["copy", "copies"] : ["snapshot", "snapshots"];
  const what = `${isForget ? "forgetting" : "destroying"} ${count} ${operation.type} ${count === 1 ? one : several}`;
  const names = goneIn(operation).map(({ name }) => (isForget ? name : `@${name}`));
  return {
    source: place.source,
    ...(place.remote !== undefined && { remote: place.remote }),
    at: place.at,
    reason,
    message: `${what} is withheld: ${why}`,
    evidence: [`${operation.reason}`, `${names[0]} … ${names.at(-1)}`],
    remedies: [
      `holdfast apply --allow-destroy ${total}`,
      `an approval: { source: "${place.source}", destroy: ${ofSource}, until: … }`,
      "or change keep",
    ],
    withheld: {
      type: operation.type,
      snapshots: goneIn(operation),
      bytes: isForget ? (0 as Bytes) : operation.bytes,
    },
  };
}
