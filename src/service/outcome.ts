import type { Plan } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import type { PassResult } from "../model/service.ts";
import type { Address } from "../model/units.ts";
import { type KnownSource, unseenOf } from "./sources.ts";

/** How a source is by a look at it, when nothing is started for it. */
export function resultOfLook(
  plan: Pick<Plan, "operations" | "blocked" | "unobserved">,
  source: KnownSource,
): PassResult {
  const isOf = (one: { readonly source: Address }): boolean => one.source === source.address;
  if (unseenOf(plan, source).length > 0) return "failed";
  if (plan.operations.some(isOf)) return "waiting";
  return plan.blocked.some(isOf) ? "blocked" : "clean";
}

/** How a pass over a source ended: `isBlocked` says that something else of it cannot be done. */
export function resultOfRun(reports: readonly OperationReport[], isBlocked: boolean): PassResult {
  const outcomes = new Set(reports.map(({ outcome }) => outcome));
  if (outcomes.has("failed") || outcomes.has("partial")) return "failed";
  if (outcomes.has("stale") || outcomes.has("interrupted") || outcomes.has("skipped")) return "waiting";
  return isBlocked ? "blocked" : "clean";
}

const WORST: readonly PassResult[] = ["failed", "waiting", "blocked", "clean"];
/** Of several sources. */
export const worst = (results: readonly PassResult[]): PassResult =>
  WORST.find((result) => results.includes(result)) ?? "clean";
