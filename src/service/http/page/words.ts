import type { Health, SourceStatus, Status } from "../../../model/status.ts";
import { type Html, html } from "../../../render/html.ts";
import { duration, plural } from "../../../render/text.ts";

/** Never colour alone: each has a symbol, too, and its word. */
export const SYMBOLS: Readonly<Record<Health, string>> = {
  ok: "✓",
  suspended: "‖",
  waiting: "○",
  away: "◌",
  unknown: "?",
  overdue: "▲",
  blocked: "!",
  failed: "✕",
};

/** From bad to good. */
export const WORST_FIRST: readonly Health[] = [
  "failed",
  "blocked",
  "overdue",
  "unknown",
  "away",
  "waiting",
  "suspended",
  "ok",
];

/** What somebody should look at. */
export const NEEDS_YOU: ReadonlySet<Health> = new Set(["failed", "blocked", "overdue", "unknown"]);

const symbol = (health: Health): Html => html`<span class="symbol" aria-hidden="true">${SYMBOLS[health]}</span>`;

export const badge = (health: Health, word: string = health): Html =>
  html`<span class="badge ${health}">${symbol(health)} ${word}</span>`;

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

/** `2026-11-22 10:00:00 UTC`. */
export const clockTime = (ms: number): string => iso(ms).replace("T", " ").replace("Z", " UTC");

/** `2 h`, which the page's script keeps true; hovering shows the time itself. */
export const age = (ms: number, now: number): Html =>
  html`<time datetime="${iso(ms)}" title="${clockTime(ms)}" data-age>${duration(Math.abs(now - ms) / 1000)}</time>`;

/** `2 h ago`, or `in 5 m`. */
export const relative = (ms: number, now: number): Html =>
  html`<time datetime="${iso(ms)}" title="${clockTime(ms)}" data-relative>${relativeWords(ms, now)}</time>`;

const relativeWords = (ms: number, now: number): string =>
  Math.abs(now - ms) < 1000
    ? "now"
    : ms < now
      ? `${duration((now - ms) / 1000)} ago`
      : `in ${duration((ms - now) / 1000)}`;

export const countBy = (sources: readonly SourceStatus[]): ReadonlyMap<Health, number> => {
  const counts = new Map<Health, number>();
  for (const { health } of sources) counts.set(health, (counts.get(health) ?? 0) + 1);
  return counts;
};

/** One sentence for all. */
export function headline({ sources }: Status): string {
  const needing = sources.filter(({ health }) => NEEDS_YOU.has(health)).length;
  if (sources.length === 0) return "The manifest names no source";
  if (needing === 0)
    return sources.length === 1
      ? "The one source is well"
      : `All ${sources.length.toLocaleString("en-US")} sources are well`;
  return `${needing.toLocaleString("en-US")} of ${plural(sources.length, "source")} ${needing === 1 ? "needs" : "need"} you`;
}
