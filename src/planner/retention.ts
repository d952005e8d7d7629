import type { CalendarDuration, KeepByTime, KeepRule, Retention } from "../model/manifest.ts";
import type { KeptReason } from "../model/plan.ts";
import type { EpochSeconds, TypeName } from "../model/units.ts";
import type { View } from "./view.ts";
import { writeCount, writeSeconds } from "./write.ts";

export interface Why {
  readonly reason: KeptReason;
  readonly detail: string;
}

/** Why each snapshot is kept, in the order of the views; `undefined` for surplus and foreign ones. */
export type Verdict = readonly (readonly Why[] | undefined)[];

/** Those that a rule counts, not merely leaves alone. */
export function countedOf(views: readonly View[], verdict: Verdict): View[] {
  return views.filter((_, index) => isCounted(verdict[index]));
}

export const isCounted = (whys: readonly Why[] | undefined): boolean =>
  whys !== undefined && whys[0]?.reason !== "unlisted";

/** Whether a type is kept at all: more than none. */
export function keepsType(retention: Retention, type: TypeName): boolean {
  if (retention.by === "time") return true;
  const rule = retention.types.get(type);
  return rule !== undefined && (rule.count > 0 || rule.within !== undefined);
}

/**
 * Which snapshots a retention keeps and why.
 * `views` are in order, oldest first; foreign ones are not looked at. `zone` is for the calendar rules.
 */
export function retain(retention: Retention, views: readonly View[], now: EpochSeconds, zone: string): Verdict {
  return retention.by === "type"
    ? retainByType(retention.types, views, now)
    : retainByTime(retention, views, now, zone);
}

type Types = Extract<Retention, { by: "type" }>["types"];

function retainByType(types: Types, views: readonly View[], now: EpochSeconds): Verdict {
  const verdict = new Array<readonly Why[] | undefined>(views.length);
  const states = new Map<TypeName, TypeState>();
  for (let index = views.length - 1; index >= 0; index--) {
    const view = views[index] as View;
    const { type } = view;
    if (type === undefined) continue;
    let state = states.get(type);
    if (!state) {
      state = typeState(type, types.get(type));
      states.set(type, state);
    }
    const { rule } = state;
    if (!rule) {
      verdict[index] = state.unlisted;
      continue;
    }
    const counted = state.seen++ < rule.count;
    const young = rule.within !== undefined && view.creation >= now - rule.within;
    if (counted) verdict[index] = young ? state.both : state.count;
    else if (young) verdict[index] = state.within;
  }
  return verdict;
}

interface TypeState {
  readonly rule: KeepRule | undefined;
  readonly count: readonly Why[];
  readonly within: readonly Why[];
  readonly both: readonly Why[];
  readonly unlisted: readonly Why[];
  seen: number;
}

function typeState(type: TypeName, rule: KeepRule | undefined): TypeState {
  const count: Why = { reason: "count", detail: `${type}: ${writeCount(rule?.count ?? 0)}` };
  const within: Why = { reason: "within", detail: `${type}: within ${writeSeconds(rule?.within ?? 0)}` };
  const unlisted: Why = { reason: "unlisted", detail: `${type} is not in keep` };
  return { rule, count: [count], within: [within], both: [count, within], unlisted: [unlisted], seen: 0 };
}

interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function localTime(at: EpochSeconds, zone: string): LocalTime {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
    });
    formats.set(zone, format);
  }
  const parts = new Map(format.formatToParts(at * 1000).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  return { year: part("year"), month: part("month"), day: part("day"), hour: part("hour") };
}

/** ISO 8601 week as one number, YYYYWW. */
function isoWeek({ year, month, day }: LocalTime): number {
  const date = new Date(Date.UTC(year, month - 1, day));
  const weekday = date.getUTCDay() || 7;
  date.setUTCDate(date.getUTCDate() + 4 - weekday);
  const first = Date.UTC(date.getUTCFullYear(), 0, 1);
  return date.getUTCFullYear() * 100 + Math.ceil(((date.getTime() - first) / 86_400_000 + 1) / 7);
}

const buckets = {
  hourly: (t: LocalTime) => t.year * 1_000_000 + t.month * 10_000 + t.day * 100 + t.hour,
  daily: (t: LocalTime) => t.year * 10_000 + t.month * 100 + t.day,
  weekly: isoWeek,
  monthly: (t: LocalTime) => t.year * 100 + t.month,
  yearly: (t: LocalTime) => t.year,
} as const;

/** Calendar years, months and days first, then hours, back from `from`. */
function backFrom(from: EpochSeconds, length: CalendarDuration): EpochSeconds {
  const date = new Date(from * 1000);
  date.setUTCFullYear(
    date.getUTCFullYear() - length.years,
    date.getUTCMonth() - length.months,
    date.getUTCDate() - length.days,
  );
  return (date.getTime() / 1000 - length.hours * 3600) as EpochSeconds;
}

/**
 * restic's rules: newest first, a rule keeps a snapshot when its bucket differs from the last one that rule kept; the
 * oldest is kept by any rule with count left; `within` counts back from the newest that is not in the future.
 */
function retainByTime(policy: KeepByTime, views: readonly View[], now: EpochSeconds, zone: string): Verdict {
  const verdict = new Array<Why[] | undefined>(views.length);
  // reversed first: the sort is stable, so of equal seconds the newest stays first
  const typed = views
    .map((view, place) => ({ ...view, place }))
    .filter((view) => view.type !== undefined)
    .reverse()
    .sort((a, b) => b.creation - a.creation);
  const keep = ({ place }: { readonly place: number }, detail: string) => {
    const why: Why = { reason: "time", detail };
    const whys = verdict[place];
    if (whys) whys.push(why);
    else verdict[place] = [why];
  };

  for (const view of typed.slice(0, policy.last ?? 0)) keep(view, `last: ${policy.last}`);
  for (const rule of ["hourly", "daily", "weekly", "monthly", "yearly"] as const) {
    let left = policy[rule] ?? 0;
    let previous: number | undefined;
    typed.forEach((view, index) => {
      if (left <= 0) return;
      const bucket = buckets[rule](localTime(view.creation, zone));
      if (bucket === previous && index !== typed.length - 1) return;
      previous = bucket;
      left--;
      keep(view, `${rule}: ${policy[rule]}`);
    });
  }
  const newest = typed.find((view) => view.creation <= now);
  if (policy.within && newest) {
    const start = backFrom(newest.creation, policy.within);
    for (const view of typed) if (view.creation > start) keep(view, "within");
  }
  return verdict;
}
