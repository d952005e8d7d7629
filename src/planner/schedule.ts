import { Cron } from "croner";
import type { Scheduled, SnapshotType } from "../model/manifest.ts";
import type { EpochSeconds, Seconds } from "../model/units.ts";

const DAY = 86_400;
/** What the names of the built-in types promise, whatever a schedule says: a mistyped cron must not thin by it. */
const nominal: Readonly<Record<string, number>> = {
  hourly: 3600,
  daily: DAY,
  weekly: 7 * DAY,
  monthly: 28 * DAY,
  yearly: 365 * DAY,
};

/** Questions about one manifest's schedules at one time; each is answered once. */
export interface Schedules {
  /** The latest tick at or before now. */
  latestTick(type: SnapshotType): EpochSeconds | undefined;
  /** The latest tick for people, in the schedule's zone: `17:00`, with the date where it is not today's. */
  dueSince(type: SnapshotType): string;
  /** Shortest time between two ticks, and never shorter than a built-in type's name says. */
  shortestPeriod(type: SnapshotType): Seconds;
  /** Longest time between two ticks. */
  longestPeriod(type: SnapshotType): Seconds;
}

interface Gaps {
  readonly shortest: number;
  readonly longest: number;
}
const knownGaps = new Map<string, Gaps>();
/** Any time does: what is asked for is how far apart ticks lie, not when they are. */
const REFERENCE = new Date("2026-01-01T00:00:00Z");

function gapsOf(type: SnapshotType): Gaps {
  const key = `${type.schedule} ${type.timezone}`;
  let gaps = knownGaps.get(key);
  if (!gaps) {
    const runs = cron(type).previousRuns(60, REFERENCE);
    const between = runs.slice(1).map((run, index) => ((runs[index]?.getTime() ?? 0) - run.getTime()) / 1000);
    gaps =
      between.length === 0
        ? { shortest: 0, longest: 0 }
        : { shortest: Math.min(...between), longest: Math.max(...between) };
    knownGaps.set(key, gaps);
  }
  return gaps;
}

const crons = new Map<string, Cron>();
function cron({ schedule = "", timezone }: Pick<SnapshotType, "schedule" | "timezone">): Cron {
  const key = `${schedule} ${timezone}`;
  let known = crons.get(key);
  if (!known) {
    known = new Cron(schedule, { timezone, mode: "5-part" });
    crons.set(key, known);
  }
  return known;
}

/** The first tick after a time; undefined where there is none. */
export function nextTick(scheduled: Scheduled, after: EpochSeconds): EpochSeconds | undefined {
  const tick = cron(scheduled).nextRun(new Date(after * 1000));
  return tick ? (Math.floor(tick.getTime() / 1000) as EpochSeconds) : undefined;
}

export function schedulesAt(now: EpochSeconds): Schedules {
  const ticks = new Map<SnapshotType, EpochSeconds | undefined>();
  const texts = new Map<SnapshotType, string>();
  const before = new Date(now * 1000 + 1);

  const latestTick = (type: SnapshotType) => {
    if (!ticks.has(type)) {
      const tick = cron(type).previousRuns(1, before)[0];
      ticks.set(type, tick && (Math.floor(tick.getTime() / 1000) as EpochSeconds));
    }
    return ticks.get(type);
  };

  return {
    latestTick,
    dueSince(type) {
      let text = texts.get(type);
      if (text === undefined) {
        text = clock(latestTick(type) ?? now, now, type.timezone);
        texts.set(type, text);
      }
      return text;
    },
    shortestPeriod: (type) => Math.max(gapsOf(type).shortest, nominal[type.name] ?? 0) as Seconds,
    longestPeriod: (type) => gapsOf(type).longest as Seconds,
  };
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** `2026-01-01 17:00`. A format is slow to make. */
function formatIn(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
    formats.set(zone, format);
  }
  return format;
}

function clock(tick: EpochSeconds, now: EpochSeconds, zone: string): string {
  const text = (at: EpochSeconds) => formatIn(zone).format(at * 1000);
  const [date, time] = text(tick).split(" ");
  const suffix = zone === "UTC" ? "" : ` ${zone}`;
  return `${date === text(now).split(" ")[0] ? "" : `${date} `}${time}${suffix}`;
}
