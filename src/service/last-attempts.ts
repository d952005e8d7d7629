import type { OperationReport } from "../model/report.ts";
import { type Attempts, wasTried } from "../planner/status-facts.ts";
import { placeKey } from "./conditions.ts";

/**
 * With one more attempt, the newest first, of each place only the last one, and only of what failed: more need not be known
 * of the past, however long it was.
 */
export function withAttempt(before: readonly Attempts[], operations: readonly OperationReport[]): readonly Attempts[] {
  const placeOf = ({ source, remote }: OperationReport): string => placeKey(source, remote);
  const tried = new Set(operations.filter(wasTried).map(placeOf));
  const older = before.map((attempt) => ({
    operations: attempt.operations.filter((report) => !tried.has(placeOf(report))),
  }));
  return [{ operations }, ...older].filter((attempt) => attempt.operations.some(({ outcome }) => outcome === "failed"));
}
