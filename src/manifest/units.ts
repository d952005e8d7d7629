import { posix } from "node:path";
import { Cron } from "croner";
import type { CalendarDuration, Scheduled } from "../model/manifest.ts";
import type { Bytes, EpochSeconds, Seconds } from "../model/units.ts";

// The texts have passed the schema's patterns already; what is left to refuse has no meaning although it has the form.

const secondsPer = { y: 365 * 86_400, mo: 30 * 86_400, w: 7 * 86_400, d: 86_400, h: 3_600, m: 60, s: 1 } as const;

function parts(text: string): Partial<Record<string, number>> {
  return Object.fromEntries([...text.matchAll(/(\d+)(mo|[ywdhms])/g)].map(([, count, unit]) => [unit, Number(count)]));
}

/** `30d`, `1d12h`: a month counts 30 days, a year 365. `undefined` for nothing at all (`0d`). */
export function parseDuration(text: string): Seconds | undefined {
  const found = parts(text);
  const total = Object.entries(secondsPer).reduce((sum, [unit, seconds]) => sum + seconds * (found[unit] ?? 0), 0);
  return total > 0 ? (total as Seconds) : undefined;
}

/** `1y6mo14d`: in the calendar's own units, as restic counts. `undefined` for nothing at all. */
export function parseCalendarDuration(text: string): CalendarDuration | undefined {
  const { y = 0, mo = 0, w = 0, d = 0, h = 0 } = parts(text);
  return y + mo + w + d + h > 0 ? { years: y, months: mo, days: 7 * w + d, hours: h } : undefined;
}

const bytesPer: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

/** `10GiB` in bytes; `undefined` below one. */
export function parseSize(text: string): Bytes | undefined {
  const [, count, unit] = /^([\d.]+)(\w+)$/.exec(text) ?? [];
  const bytes = Math.floor(Number(count) * (bytesPer[unit ?? ""] ?? Number.NaN));
  return bytes >= 1 ? (bytes as Bytes) : undefined;
}

/** `20MiB/s` in bytes per second; `undefined` below one. */
export const parseRate = (text: string): Bytes | undefined => parseSize(text.replace(/\/s$/, ""));

/** An absolute path without `//`, `.`, `..` and a slash at its end. */
export function normalPath(path: string): string {
  const normal = posix.normalize(path);
  return normal === "/" ? normal : normal.replace(/\/$/, "");
}

/** `5%`. */
export const parsePercent = (text: string): number => Number(text.slice(0, -1));

/** The first moment after the day `YYYY-MM-DD` in a timezone; `undefined` for a day that does not exist. */
export function endOfDay(text: string, timezone: string): EpochSeconds | undefined {
  const day = new Date(`${text}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text) return undefined;
  const next = new Date(day.getTime() + 86_400_000).toISOString().slice(0, 10);
  const midnight = new Cron(`${next}T00:00:00`, { timezone, paused: true }).nextRun(new Date(0));
  return midnight ? ((midnight.getTime() / 1000) as EpochSeconds) : undefined;
}

/**
 * A point in time as people write it: `2026-11-21 18:00` in a timezone, a whole day (its end), with an offset of its own
 * (`2026-11-21T18:00:00Z`), or how long ago (`3h`). Undefined for anything else.
 */
export function parseMoment(text: string, timezone: string, now: EpochSeconds): EpochSeconds | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return (now - ago) as EpochSeconds;
  const [, day, time, zone] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?(Z|[+-]\d\d:\d\d)?$/.exec(text.trim()) ?? [];
  if (day === undefined) return undefined;
  const end = endOfDay(day, timezone);
  if (end === undefined) return undefined;
  if (time === undefined) return zone === undefined ? ((end - 1) as EpochSeconds) : undefined;
  const whole = time.length === 5 ? `${time}:00` : time;
  if (zone !== undefined) {
    const moment = Date.parse(`${day}T${whole}${zone}`) / 1000;
    return Number.isNaN(moment) ? undefined : (moment as EpochSeconds);
  }
  if (Number.isNaN(Date.parse(`${day}T${whole}Z`))) return undefined;
  const moment = new Cron(`${day}T${whole}`, { timezone, paused: true }).nextRun(new Date(0));
  return moment ? ((moment.getTime() / 1000) as EpochSeconds) : undefined;
}

/** What is wrong with a cron pattern of five fields, if anything is. */
export function scheduleFault(pattern: string): string | undefined {
  const fields = pattern.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== 5) {
    const count = ["no field", "one field"][fields.length] ?? `${fields.length} fields`;
    return `has ${count} where cron takes five`;
  }
  try {
    const cron = new Cron(pattern, { mode: "5-part", timezone: "UTC", paused: true });
    return cron.nextRun(someDay) ? undefined : "never fires";
  } catch (error) {
    return `is not a cron pattern: ${error instanceof Error ? error.message.replace(/^CronPattern: /, "") : String(error)}`;
  }
}
/** Whether a pattern ever fires does not depend on when one asks. */
const someDay = new Date("2026-01-01T00:00:00Z");

/** Longest time between two ticks, in seconds. */
export function longestGap({ schedule, timezone }: Scheduled): number {
  // a schedule that was refused is said so already
  if (scheduleFault(schedule) !== undefined || !isTimezone(timezone)) return 0;
  const runs = new Cron(schedule, { timezone, mode: "5-part", paused: true }).nextRuns(60, someDay);
  return Math.max(0, ...runs.slice(1).map((run, index) => (run.getTime() - (runs[index]?.getTime() ?? 0)) / 1000));
}

export function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
