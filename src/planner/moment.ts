import type { CalendarDuration } from "../model/manifest.ts";
import type { EpochSeconds } from "../model/units.ts";

/** What is recorded of a time beside its whole seconds. */
export interface Recorded {
  /** Of the clock that showed it, in minutes east of UTC. */
  readonly offset: number;
  readonly nanoseconds: number;
}

/** A point in time as a clock showed it. */
export interface Moment extends Recorded {
  readonly seconds: EpochSeconds;
}

/** How Holdfast has restic record times. */
export const IN_UTC: Recorded = { offset: 0, nanoseconds: 0 };

/** Of a time as restic writes it: `2026-11-22T10:00:00.5+01:00`. */
export function recordedIn(time: string): Recorded {
  const [, fraction = "", sign, hours = "0", minutes = "0"] = /(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(time) ?? [];
  const offset = Number(hours) * 60 + Number(minutes);
  return { offset: sign === "-" ? -offset : offset, nanoseconds: Number(fraction.slice(0, 9).padEnd(9, "0")) };
}

/** As a clock in that zone showed it. */
export const inZone = (seconds: EpochSeconds, zone: string): Moment => ({
  seconds,
  offset: offsetIn(zone, seconds),
  nanoseconds: 0,
});

export const compareMoments = (a: Moment, b: Moment): number => a.seconds - b.seconds || a.nanoseconds - b.nanoseconds;

/** The hour, day, ISO week, month and year that the clock showed, a number each that no other has. */
export const calendar = {
  hourly: (moment: Moment) => Math.floor(shown(moment) / 3600),
  daily: (moment: Moment) => Math.floor(shown(moment) / 86_400),
  // the first day of the epoch was a Thursday, and weeks begin with Monday
  weekly: (moment: Moment) => Math.floor((Math.floor(shown(moment) / 86_400) + 3) / 7),
  monthly: (moment: Moment) => face(moment).getUTCFullYear() * 12 + face(moment).getUTCMonth(),
  yearly: (moment: Moment) => face(moment).getUTCFullYear(),
} as const;

/** Calendar years, months and days by that clock first, then hours. A day that a month lacks is one of the next. */
export function back(moment: Moment, { years, months, days, hours }: CalendarDuration): Moment {
  const date = face(moment);
  date.setUTCFullYear(date.getUTCFullYear() - years, date.getUTCMonth() - months, date.getUTCDate() - days);
  const seconds = date.getTime() / 1000 - moment.offset * 60 - hours * 3600;
  const isBeyondDates = Number.isNaN(seconds);
  return { ...moment, seconds: (isBeyondDates ? Number.NEGATIVE_INFINITY : seconds) as EpochSeconds };
}

const shown = ({ seconds, offset }: Moment): number => seconds + offset * 60;
const face = (moment: Moment): Date => new Date(shown(moment) * 1000);

const formats = new Map<string, Intl.DateTimeFormat>();
function offsetIn(zone: string, at: EpochSeconds): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
    formats.set(zone, format);
  }
  const name = format.formatToParts(at * 1000).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours = "0", minutes = "0"] = /([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  const offset = Number(hours) * 60 + Number(minutes);
  return sign === "-" ? -offset : offset;
}
