import type { CalendarDuration, KeepByTime, Retention } from "../model/manifest.ts";
import type { KeptReason } from "../model/plan.ts";
import type { EpochSeconds, TypeName } from "../model/units.ts";
import type { View } from "./view.ts";

export interface Why {
  readonly reason: KeptReason;
  readonly detail: string;
}

/** What retention says of each typed snapshot: why it is kept. Those it does not name are surplus. */
export type Verdict = ReadonlyMap<string, readonly Why[]>;

/** Those that a rule counts, not merely leaves alone. */
export function countedBy(verdict: Verdict): string[] {
  return [...verdict].flatMap(([key, whys]) => (whys[0]?.reason === "unlisted" ? [] : [key]));
}

/** Whether a type is kept at all: more than none. */
export function keepsType(retention: Retention, type: TypeName): boolean {
  if (retention.by === "time") return true;
  const rule = retention.types.get(type);
  return rule !== undefined && (rule.count > 0 || rule.within !== undefined);
}

/**
 * Which snapshots a retention keeps and why, keyed by `View.key`.
 * `views` are in order, oldest first; foreign ones are not looked at. `zone` is for the calendar rules.
 */
export function retain(retention: Retention, views: readonly View[], now: EpochSeconds, zone: string): Verdict {
  return retention.by === "type"
    ? retainByType(retention.types, views, now)
    : retainByTime(retention, views, now, zone);
}

type Types = Extract<Retention, { by: "type" }>["types"];

function retainByType(types: Types, views: readonly View[], now: EpochSeconds): Verdict {
  const verdict = new Map<string, Why[]>();
  const seen = new Map<TypeName, number>();
  const shared = new Map<TypeName, { count: Why[]; within: Why[]; both: Why[]; unlisted: Why[] }>();
  for (let index = views.length - 1; index >= 0; index--) {
    const view = views[index] as View;
    const { type } = view;
    if (type === undefined) continue;
    const rule = types.get(type);
    let whys = shared.get(type);
    if (!whys) {
      const count: Why = {
        reason: "count",
        detail: `${type}: ${rule?.count === Number.POSITIVE_INFINITY ? "all" : (rule?.count ?? 0)}`,
      };
      const within: Why = { reason: "within", detail: `${type}: within ${rule?.within ?? 0}s` };
      const unlisted: Why = { reason: "unlisted", detail: `${type} is not in keep` };
      whys = { count: [count], within: [within], both: [count, within], unlisted: [unlisted] };
      shared.set(type, whys);
    }
    if (!rule) {
      verdict.set(view.key, whys.unlisted);
      continue;
    }
    const position = seen.get(type) ?? 0;
    seen.set(type, position + 1);
    const counted = position < rule.count;
    const young = rule.within !== undefined && view.creation >= now - rule.within;
    if (counted) verdict.set(view.key, young ? whys.both : whys.count);
    else if (young) verdict.set(view.key, whys.within);
  }
  return verdict;
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
  const verdict = new Map<string, Why[]>();
  // reversed first: the sort is stable, so of equal seconds the newest stays first
  const typed = views
    .filter((view) => view.type !== undefined)
    .reverse()
    .sort((a, b) => b.creation - a.creation);
  const keep = (view: View, detail: string) => {
    const whys = verdict.get(view.key);
    const why: Why = { reason: "time", detail };
    if (whys) whys.push(why);
    else verdict.set(view.key, [why]);
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
