import type { Retention, SnapshotType } from "../model/manifest.ts";
import type { Seconds } from "../model/units.ts";
import { keepsType } from "./retention.ts";
import type { Schedules } from "./schedule.ts";

/**
 * How old the newest of a place may be where no `maxAge` says it: twice the longest pause of the most frequent schedule
 * that it keeps, so that one that is late or fails once is nothing yet. Undefined where nothing comes by a schedule.
 */
export function dueBySchedule(
  schedules: Schedules,
  taken: readonly SnapshotType[],
  keep?: Retention,
): Seconds | undefined {
  const kept = taken.filter(({ name }) => keep === undefined || keepsType(keep, name));
  const [mostFrequent] = [...kept].sort((a, b) => schedules.shortestPeriod(a) - schedules.shortestPeriod(b));
  const pause = mostFrequent && schedules.longestPeriod(mostFrequent);
  return pause ? ((2 * pause) as Seconds) : undefined;
}
