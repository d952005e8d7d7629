import type { SnapshotType } from "../../model/manifest.ts";
import type { EpochSeconds, Seconds } from "../../model/units.ts";
import { nextTick } from "../schedule.ts";

const DAY = 86_400;
/** As the manifest counts one. */
const MONTH = 30 * DAY;

/** When to look: at the start, at the end, and every so often; without a step after a day, a week and each month. */
export function datesOf(start: EpochSeconds, length: Seconds, every?: Seconds): EpochSeconds[] {
  const offsets = every === undefined ? [0, DAY, 7 * DAY] : [0];
  const step = every ?? MONTH;
  for (let offset: number = step; offset < length; offset += step) offsets.push(offset);
  return [...offsets.filter((offset) => offset < length), length].map((offset) => (start + offset) as EpochSeconds);
}

/** When something may be due: at each of the dates, and at every tick between them. At most `most`, and one more. */
export function passesOf(types: readonly SnapshotType[], dates: readonly EpochSeconds[], most: number): EpochSeconds[] {
  const [start = 0, end = 0] = [dates[0], dates.at(-1)];
  const passes = new Set<number>(dates);
  for (const { schedule, timezone } of types) {
    if (schedule === undefined) continue;
    const following = (after: number) => nextTick({ schedule, timezone }, after as EpochSeconds);
    for (let tick = following(start); tick !== undefined && tick < end; tick = following(tick)) {
      passes.add(tick);
      if (passes.size > most) break;
    }
  }
  return [...passes].sort((a, b) => a - b) as EpochSeconds[];
}
