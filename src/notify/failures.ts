import type { Plan } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import type { Address, RemoteName } from "../model/units.ts";

/** An attempt that failed, until one at the same place succeeds. */
export interface Failure {
  readonly source: Address;
  readonly remote?: RemoteName;
  readonly message: string;
  readonly remedies: readonly string[];
}

/** By place. */
export type Failures = Readonly<Record<string, Failure>>;

type At = Pick<Failure, "source" | "remote">;

export const placeOf = ({ source, remote }: At): string =>
  JSON.stringify(remote === undefined ? [source] : [source, remote]);

const isFailure = ({ outcome }: OperationReport): boolean => outcome === "failed" || outcome === "partial";

/** What has failed now, and what still has. An operation that did not run says nothing. */
export function afterRun(failures: Failures, operations: readonly OperationReport[]): Failures {
  const next: Record<string, Failure> = { ...failures };
  for (const operation of operations) if (operation.outcome === "done") delete next[placeOf(operation)];
  for (const operation of [...operations].reverse().filter(isFailure)) next[placeOf(operation)] = failureOf(operation);
  return next;
}

/** Where nothing is to be done any more, nothing has failed: what was to be done has come about in another way. */
export function afterLook(failures: Failures, { operations, blocked, complete }: Plan): Failures {
  const wanted = new Set([...operations, ...blocked].map(placeOf));
  return complete ? Object.fromEntries(Object.entries(failures).filter(([key]) => wanted.has(key))) : failures;
}

const LONGEST = 1000;

function failureOf({ source, remote, description, error, backup }: OperationReport): Failure {
  const unreadable = backup?.unreadable ?? [];
  const [first] = unreadable;
  const more = unreadable.length > 1 ? ` (and ${unreadable.length - 1} more)` : "";
  const lastWords = error?.output?.trimEnd().split("\n").at(-1)?.trim();
  const why = [
    ...(error === undefined ? [] : [error.message]),
    ...(lastWords && !error?.message.includes(lastWords) ? [lastWords] : []),
    ...(first === undefined || error?.message.includes(first) ? [] : [`could not be read: ${first}${more}`]),
  ].join(": ");
  return {
    source,
    ...(remote !== undefined && { remote }),
    message: `${description}: ${why || "it failed"}`.slice(0, LONGEST),
    remedies: error?.hint === undefined ? [] : [error.hint],
  };
}
