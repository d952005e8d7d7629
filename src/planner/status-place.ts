import type { AnyAt } from "../model/plan.ts";
import {
  type BlockedStatus,
  type Health,
  type PlaceStatus,
  type SourceStatus,
  type TypeStatus,
  worst,
} from "../model/status.ts";
import type { EpochSeconds, Seconds } from "../model/units.ts";
import { ageOf } from "./source-notes.ts";
import type { PlaceFacts } from "./status-facts.ts";
import { writeSeconds } from "./write.ts";

/** ISO 8601, UTC. */
export const iso = (at: EpochSeconds): string => new Date(at * 1000).toISOString().replace(/\.\d+/, "");

/** With the worst of all its places. */
export const sourceStatus = (status: Omit<SourceStatus, "health">): SourceStatus => ({
  ...status,
  health: worst([...(status.own ? [status.own] : []), ...status.copies].map(({ health }) => health)),
});

/** All that the health of one place follows from. */
export interface Seen {
  readonly at: AnyAt;
  readonly newest?: NonNullable<PlaceStatus["newest"]>;
  readonly types: readonly TypeStatus[];
  readonly dueWithin?: Seconds;
  readonly facts: PlaceFacts;
  /** Snapshots or copies that it lacks. */
  readonly waiting: number;
  /** Set where it cannot be seen. */
  readonly unseen?: {
    /** That is nothing unusual. */
    readonly expected: boolean;
    readonly reason: string;
    /** Nobody knows how old the newest is, so that nobody can say that it is too old. */
    readonly isAgeUnknown: boolean;
  };
  /** The newest that is there lacks files. */
  readonly isPartial?: boolean;
  readonly suspended: boolean;
}

/** What is the matter, the worst last. */
type Finding = readonly [health: Health, message: string];

export function placeStatus(now: EpochSeconds, seen: Seen): PlaceStatus {
  const { at, newest, types, dueWithin, facts } = seen;
  const findings = seen.suspended ? SUSPENDED : findingsOf(now, seen);
  const blocked = facts.blocked.map(({ reason, message, remedies }): BlockedStatus => ({ reason, message, remedies }));
  const health = worst(findings.map(([each]) => each));
  const messages = [...findings].reverse().map(([, message]) => message);
  return {
    at,
    health,
    ...(seen.unseen && { unseen: true }),
    ...(newest && { newest, age: ageIn(now, newest.creation) }),
    ...(dueWithin !== undefined && { dueWithin }),
    overdue: findings.some(([each]) => each === "overdue"),
    // a failed listing is not an empty one
    types: seen.unseen ? [] : types,
    blocked,
    withheld: facts.blocked.reduce((sum, { withheld }) => sum + (withheld?.snapshots.length ?? 0), 0),
    ...(health !== "ok" && { message: messages.join("; ") }),
  };
}

const SUSPENDED: readonly Finding[] = [["suspended", "suspended: nothing is changed"]];

export const ageIn = (now: EpochSeconds, creation: EpochSeconds): Seconds => Math.max(0, now - creation) as Seconds;

export const overdueMessage = (now: EpochSeconds, newest: EpochSeconds | undefined, dueWithin: Seconds): string =>
  `${newest === undefined ? "there is none yet" : `the newest ${ageOf(now, newest)}`}, due within ${writeSeconds(dueWithin)}`;

function findingsOf(now: EpochSeconds, seen: Seen): Finding[] {
  const { facts, waiting, unseen, dueWithin, newest } = seen;
  const findings: Finding[] = [];
  const pending = facts.operations.length;
  if (waiting > 0) findings.push(["waiting", `${waiting} to come`]);
  else if (pending > 0)
    findings.push(["waiting", pending === 1 ? "1 operation is due" : `${pending} operations are due`]);
  if (unseen)
    findings.push(
      unseen.expected ? ["away", `away: ${unseen.reason}`] : ["unknown", `cannot be seen: ${unseen.reason}`],
    );
  const isAgeKnown = newest !== undefined || !unseen?.isAgeUnknown;
  if (dueWithin !== undefined && isAgeKnown && (newest === undefined || now - newest.creation > dueWithin))
    findings.push(["overdue", overdueMessage(now, newest?.creation, dueWithin)]);
  const [first] = facts.blocked;
  if (first) {
    const others = facts.blocked.length - 1;
    findings.push(["blocked", `${named(first)}${others > 0 ? ` (and ${others} more)` : ""}`]);
  }
  if (seen.isPartial) findings.push(["failed", "the newest copy lacks files that could not be read"]);
  if (facts.failure !== undefined) findings.push(["failed", `the last attempt failed: ${facts.failure}`]);
  return findings;
}

/** Some messages begin with what it is called. */
const named = ({ reason, message }: BlockedStatus): string =>
  message.startsWith(`${reason}:`) ? message : `${reason}: ${message}`;
