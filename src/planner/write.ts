import type { KeepRule, Retention } from "../model/manifest.ts";

/** Seconds as the manifest writes durations: the largest unit that fits without a rest. */
export function writeSeconds(seconds: number): string {
  for (const [unit, length] of [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
  ] as const) {
    if (seconds !== 0 && seconds % length === 0) return `${seconds / length}${unit}`;
  }
  return `${seconds}s`;
}

/** A retention as the manifest writes it. */
export function writeRetention(retention: Retention): string {
  if (retention.by === "type") {
    const rules = [...retention.types].map(([type, rule]) => `${type}: ${writeRule(rule)}`);
    return rules.length === 0 ? "{}" : `{ ${rules.join(", ")} }`;
  }
  const { by: _, within, ...counts } = retention;
  const rules = Object.entries(counts).map(([rule, count]) => `${rule}: ${writeCount(count)}`);
  if (within) {
    const parts = [
      [within.years, "y"],
      [within.months, "mo"],
      [within.days, "d"],
      [within.hours, "h"],
    ] as const;
    rules.push(`within: ${parts.flatMap(([count, unit]) => (count ? `${count}${unit}` : [])).join("")}`);
  }
  return `keepByTime { ${rules.join(", ")} }`;
}

export const writeCount = (count: number): string => (count === Number.POSITIVE_INFINITY ? "all" : String(count));
const writeRule = (rule: KeepRule): string =>
  rule.within === undefined
    ? writeCount(rule.count)
    : `{ count: ${writeCount(rule.count)}, within: ${writeSeconds(rule.within)} }`;
