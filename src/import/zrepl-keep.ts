import type { Keep, KeepRule } from "../manifest/generated/types.ts";
import { more, written } from "./places.ts";

/** How often zrepl takes snapshots, as a snapshot type. */
export interface Rhythm {
  readonly type: string;
  /** Seconds from one to the next, at most. */
  readonly interval: number;
}

/** One keep rule of zrepl, as YAML has it. */
export type ZreplRule = Readonly<Record<string, unknown>>;

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Types by which a grid can be kept: the longest and the shortest time between two, in seconds. */
const TYPES: readonly (readonly [type: string, longest: number, shortest: number])[] = [
  ["yearly", 366 * DAY, 365 * DAY],
  ["monthly", 31 * DAY, 28 * DAY],
  ["weekly", 7 * DAY, 7 * DAY],
  ["daily", DAY, DAY],
  ["hourly", HOUR, HOUR],
];
/** For a day that has 25 hours, and what is taken a moment late. */
const MARGIN = HOUR;

/**
 * At least what these rules keep, of snapshots taken in these rhythms. Undefined: some of it is not understood. `own`: names that
 * the job's snapshots have.
 */
export function keepOf(
  rules: readonly ZreplRule[],
  rhythms: readonly Rhythm[],
  own: readonly string[],
): Keep | undefined {
  const all = rules.map((rule) => keepOfRule(rule, rhythms, own));
  if (all.some((keep) => keep === undefined)) return undefined;
  const newest: Keep = Object.fromEntries(rhythms.map(({ type }) => [type, 1]));
  return all.reduce<Keep>((sofar, keep) => more(sofar, keep ?? {}), newest);
}

function keepOfRule(rule: ZreplRule, rhythms: readonly Rhythm[], own: readonly string[]): Keep | undefined {
  const each = (kept: KeepRule): Keep => Object.fromEntries(rhythms.map(({ type }) => [type, kept]));
  const { type, count, grid } = rule;
  // what is not sent yet stays in any case
  if (type === "not_replicated") return {};
  const matches = rule.regex === undefined ? true : isMeant(rule, own);
  if (matches === undefined) return undefined;
  // it is about other snapshots, and these are left alone
  if (!matches) return {};
  if (type === "regex") return each("all");
  if (type === "last_n")
    return typeof count === "number" && Number.isInteger(count) && count > 0 ? each(count) : undefined;
  return type === "grid" && typeof grid === "string" ? keepOfGrid(grid, rhythms) : undefined;
}

/** Whether it means any of the job's own snapshots. */
function isMeant({ regex, negate }: ZreplRule, own: readonly string[]): boolean | undefined {
  if (typeof regex !== "string") return undefined;
  try {
    const expression = new RegExp(regex);
    return own.some((name) => expression.test(name) !== (negate === true));
  } catch {
    return undefined;
  }
}

/** Each interval of a grid keeps its oldest, however unevenly they lie: so a type is needed that comes at least as often. */
function keepOfGrid(grid: string, rhythms: readonly Rhythm[]): Keep | undefined {
  let end = 0;
  let keep: Keep = {};
  for (const part of grid.split("|")) {
    const [, times, length = "", count = "1"] =
      /^\s*(\d+)\s*x\s*([^(]+?)\s*(?:\(\s*keep=(\w+)\s*\))?\s*$/.exec(part) ?? [];
    const seconds = secondsOf(length);
    if (times === undefined || seconds === undefined || !/^(?:all|[1-9]\d*)$/.test(count)) return undefined;
    end += Number(times) * seconds;
    const distance = count === "all" ? 0 : seconds / Number(count);
    const usual = TYPES.find(([, longest]) => longest <= distance);
    for (const { type, interval } of rhythms) {
      // a grid begins at the newest snapshot, which may be that old
      const until = end + Math.max(interval, MARGIN);
      keep = more(
        keep,
        usual === undefined || interval >= usual[1]
          ? { [type]: { count: Math.ceil(until / interval) + 1, within: written(until) } }
          : { [usual[0]]: { count: Math.ceil(until / usual[2]) + 1, within: written(until) } },
      );
    }
  }
  return keep;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: HOUR, d: DAY, w: 7 * DAY };

/** Of `10m`, as zrepl writes it; undefined for anything else. */
export function secondsOf(text: string): number | undefined {
  const [, count, unit = ""] = /^\s*(\d+)\s*([smhdw])\s*$/.exec(text) ?? [];
  const seconds = Number(count) * (UNITS[unit] ?? Number.NaN);
  return seconds > 0 ? seconds : undefined;
}
