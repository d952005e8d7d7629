import type { Plan } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import type { Condition, Status } from "../model/status.ts";
import type { Address, RemoteName } from "../model/units.ts";
import { type KnownSource, unseenAt } from "./sources.ts";

/** What is known of a source, or of one of its copies, when its conditions are worked out. */
export interface Facts {
  readonly suspended: boolean;
  /** Descriptions of what is running. */
  readonly running: readonly string[];
  /** Operations that are planned and do not run yet. */
  readonly pending: number;
  readonly blocked: readonly { readonly reason: string; readonly message: string }[];
  /** What of it could not be observed. */
  readonly unseen: readonly string[];
  /** Looks in a row that could not see it. */
  readonly blindLooks: number;
  /** What failed last, until something succeeds. */
  readonly failure?: string;
  /** Attempts that failed in a row. */
  readonly failures: number;
}

/** So many failures in a row are no hiccup. */
const STALLED_AFTER = 3;

type Verdict = Omit<Condition, "since">;

/** The conditions that follow from the facts; `since` is kept where a status stays what it was. */
export function conditionsOf(facts: Facts, before: readonly Condition[], now: string): Condition[] {
  return [ready(facts), reconciling(facts), blocked(facts), stalled(facts)].map((verdict) => {
    const known = before.find(({ type, status }) => type === verdict.type && status === verdict.status);
    return { ...verdict, since: known?.since ?? now };
  });
}

function ready({ suspended, blocked: [obstacle], unseen, failure, running, pending }: Facts): Verdict {
  const no = (reason: string, message: string): Verdict => ({ type: "Ready", status: false, reason, message });
  if (suspended) return no("Suspended", "nothing is done until it is resumed");
  if (failure !== undefined) return no("Failed", failure);
  if (unseen[0] !== undefined) return no("Unobserved", unseen[0]);
  if (obstacle) return no("Blocked", obstacle.message);
  if (running.length + pending > 0) return no("Pending", "something is still to be done");
  return { type: "Ready", status: true, reason: "UpToDate", message: "nothing is left to do" };
}

function reconciling({ suspended, running, pending, failure }: Facts): Verdict {
  const type = "Reconciling";
  if (running.length > 0) return { type, status: true, reason: "Running", message: some(running) };
  if (suspended || pending === 0) return { type, status: false, reason: "Idle", message: "nothing is running" };
  const message = `${pending === 1 ? "one operation waits" : `${pending} operations wait`} for the next attempt`;
  return { type, status: true, reason: failure === undefined ? "Waiting" : "Retrying", message };
}

function blocked({ blocked: [first, ...others] }: Facts): Verdict {
  const type = "Blocked";
  if (!first) return { type, status: false, reason: "Clear", message: "nothing is in the way" };
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  return { type, status: true, reason: camel(first.reason), message: `${first.message}${more}` };
}

function stalled({ failure, failures, unseen: [unseen], blindLooks, suspended }: Facts): Verdict {
  const yes = (reason: string, message: string): Verdict => ({ type: "Stalled", status: true, reason, message });
  if (!suspended && failure !== undefined && failures >= STALLED_AFTER)
    return yes("Failing", `${failures} attempts failed, the last one with: ${failure}`);
  // what is not seen is not planned for, so that nothing of it can fail
  if (!suspended && unseen !== undefined && blindLooks >= STALLED_AFTER)
    return yes("Unobserved", `it was not seen ${blindLooks} times in a row: ${unseen}`);
  return { type: "Stalled", status: false, reason: "Progressing", message: "no series of failures" };
}

const some = ([first = "", ...others]: readonly string[]): string =>
  others.length === 0 ? first : `${first}, and ${others.length} more`;

/** `no-common-base` → `NoCommonBase`. */
const camel = (words: string): string => words.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Conditions by place: a source itself, or one of its copies. */
export type Conditions = ReadonlyMap<string, readonly Condition[]>;

export const placeKey = (source: Address, remote?: RemoteName): string =>
  remote === undefined ? source : `${source} ${remote}`;

/** What runs, and how the last attempts ended, by place. */
export interface Attempts {
  readonly running: (key: string) => readonly string[];
  readonly failure: (key: string) => string | undefined;
  readonly failures: (source: Address) => number;
  readonly blindLooks: (key: string) => number;
}

/** The conditions of every source and of each of its copies. */
export function allConditions(
  plan: Plan,
  sources: readonly KnownSource[],
  attempts: Attempts,
  before: Conditions,
  now: string,
): Conditions {
  const pending = countBy(plan.operations);
  const blockedAt = groupBy(plan.blocked);
  const all = new Map<string, readonly Condition[]>();
  for (const source of sources) {
    for (const remote of [undefined, ...source.remotes]) {
      const key = placeKey(source.address, remote);
      const failure = attempts.failure(key);
      const running = attempts.running(key);
      const facts: Facts = {
        suspended: source.suspended,
        running,
        pending: Math.max(0, (pending.get(key) ?? 0) - running.length),
        blocked: blockedAt.get(key) ?? [],
        unseen: unseenAt(plan, source, remote).map(({ reason }) => reason),
        blindLooks: attempts.blindLooks(key),
        ...(failure !== undefined && { failure }),
        failures: attempts.failures(source.address),
      };
      all.set(key, conditionsOf(facts, before.get(key) ?? [], now));
    }
  }
  return all;
}

type Placed = { readonly source: Address; readonly remote?: RemoteName };

const keyOf = (one: Placed): string => placeKey(one.source, one.remote);

function countBy(all: readonly Placed[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + 1);
  return counts;
}

function groupBy<One extends Placed>(all: readonly One[]): Map<string, One[]> {
  const groups = new Map<string, One[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

/** The status, with the conditions that only a running service knows. */
export const withConditions = (status: Status, conditions: Conditions): Status => ({
  ...status,
  sources: status.sources.map((source) => {
    const own = conditions.get(placeKey(source.source));
    return {
      ...source,
      ...(source.own && { own: { ...source.own, ...(own && { conditions: own }) } }),
      copies: source.copies.map((copy) => {
        const there = conditions.get(placeKey(source.source, copy.remote));
        return there === undefined ? copy : { ...copy, conditions: there };
      }),
    };
  }),
});

/** What failed at each place in one pass, and where something succeeded. */
export function failuresIn(reports: readonly OperationReport[]): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const report of reports) {
    const key = keyOf(report);
    const isFailure = report.outcome === "failed" || report.outcome === "partial";
    if (isFailure) found.set(key, `${report.description}: ${report.error?.message ?? "it failed"}`);
    else if (report.outcome === "done" && !found.has(key)) found.set(key, undefined);
  }
  return found;
}
