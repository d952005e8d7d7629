import type { Blocked, Operation, Plan } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import type { Address, RemoteName } from "../model/units.ts";

/** A run that has ended, or all that is told of one. */
export type Attempts = { readonly operations: readonly OperationReport[] };

/** What a plan and the last runs say of one place: a source's own side, or one of its copies. */
export interface PlaceFacts {
  readonly operations: readonly Operation[];
  readonly blocked: readonly Blocked[];
  /** Why the last attempt failed, where something is still to be done there. */
  readonly failure?: string;
}

export type FactsOf = (source: Address, remote?: RemoteName) => PlaceFacts;

const keyOf = (source: Address, remote: RemoteName | undefined): string => `${source}\0${remote ?? ""}`;

/** `reports`: the newest first. */
export function factsOf(plan: Plan, reports: readonly Attempts[]): FactsOf {
  const operations = grouped(plan.operations.filter(({ kind }) => kind !== "hook"));
  const blocked = grouped(plan.blocked);
  const failures = failuresOf(reports);
  return (source, remote) => {
    const key = keyOf(source, remote);
    const found = { operations: operations.get(key) ?? [], blocked: blocked.get(key) ?? [] };
    const failure = failures.get(key);
    // what nobody wants any more cannot be tried again
    const isOpen = found.operations.length + found.blocked.length > 0;
    return failure !== undefined && isOpen ? { ...found, failure } : found;
  };
}

function grouped<T extends { readonly source: Address; readonly remote?: RemoteName }>(
  all: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const key = keyOf(each.source, each.remote);
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return groups;
}

/** By place, of the last run in which something was tried there: `undefined` where that went well. */
function failuresOf(reports: readonly Attempts[]): ReadonlyMap<string, string | undefined> {
  const failures = new Map<string, string | undefined>();
  for (const { operations } of reports) {
    const failed = new Map<Address, string>();
    for (const { source, outcome, error, description } of operations)
      if (outcome === "failed" && !failed.has(source)) failed.set(source, error?.message ?? description);
    for (const [key, tried] of grouped(operations)) {
      if (failures.has(key) || !tried.some(wasTried)) continue;
      failures.set(key, tried.flatMap((each) => failureOf(each, failed))[0]);
    }
  }
  return failures;
}

export const wasTried = ({ outcome }: OperationReport): boolean => outcome !== "stale" && outcome !== "interrupted";

/** What was skipped because of a failure has failed with it; what was skipped because of a change has not. */
function failureOf(
  { source, outcome, error, description }: OperationReport,
  failed: ReadonlyMap<Address, string>,
): string[] {
  if (outcome === "failed") return [error?.message ?? description];
  const cause = outcome === "skipped" ? failed.get(source) : undefined;
  return cause === undefined ? [] : [cause];
}
