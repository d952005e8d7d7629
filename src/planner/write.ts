import type {
  CalendarDuration,
  Expectation,
  FileSelection,
  Hook,
  HookAction,
  KeepRule,
  Retention,
  Verify,
} from "../model/manifest.ts";
import type { TypeName } from "../model/units.ts";

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
  if (within) rules.push(`within: ${writeCalendar(within)}`);
  return `keepByTime { ${rules.join(", ")} }`;
}

/** A calendar length as the manifest writes it: `1y5mo7d2h`. */
export function writeCalendar({ years, months, days, hours }: CalendarDuration): string {
  const parts = [
    [years, "y"],
    [months, "mo"],
    [days, "d"],
    [hours, "h"],
  ] as const;
  return parts.flatMap(([count, unit]) => (count ? `${count}${unit}` : [])).join("");
}

/** What a type's surplus is beyond: `daily: 7`. */
export function writeLimit(retention: Retention, type: TypeName): string {
  const rule = retention.by === "type" ? retention.types.get(type) : undefined;
  return rule ? `${type}: ${writeRule(rule)}` : writeRetention(retention);
}

export const writeCount = (count: number): string => (count === Number.POSITIVE_INFINITY ? "all" : String(count));
const writeRule = (rule: KeepRule): string =>
  rule.within === undefined
    ? writeCount(rule.count)
    : `{ count: ${writeCount(rule.count)}, within: ${writeSeconds(rule.within)} }`;

const SIZES = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["B", 1],
] as const;
/** In the largest unit of which it is a whole number. */
const writeSize = (bytes: number): string => {
  const [unit, length] = SIZES.find(([, length]) => bytes % length === 0) ?? ["B", 1];
  return `${bytes / length}${unit}`;
};

/** `{ a: b, c: [d] }`, without what is not set. */
function writeMapping(keys: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(keys).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}`]));
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}
const writeList = (values: readonly string[]): string | undefined =>
  values.length === 0 ? undefined : `[${values.join(", ")}]`;

export const writeExpectation = ({ minFiles, shrinkAtMost }: Expectation): string =>
  writeMapping({
    minFiles: minFiles === undefined ? undefined : String(minFiles),
    shrinkAtMost: shrinkAtMost === undefined ? undefined : `${shrinkAtMost}%`,
  });

export const writeVerify = ({ schedule, sample, within }: Verify): string =>
  writeMapping({
    schedule: schedule && `"${schedule.schedule}"`,
    timezone: schedule && schedule.timezone !== "UTC" ? schedule.timezone : undefined,
    sample: sample === undefined ? undefined : writeSize(sample),
    within: within === undefined ? undefined : writeSeconds(within),
  });

export const writeFiles = (files: FileSelection): string =>
  writeMapping({
    include: writeList(files.include),
    exclude: writeList(files.exclude),
    excludeIfPresent: writeList(files.excludeIfPresent),
    excludeCaches: files.excludeCaches ? "true" : undefined,
    excludeLargerThan: files.excludeLargerThan === undefined ? undefined : writeSize(files.excludeLargerThan),
    oneFileSystem: files.oneFileSystem ? "true" : undefined,
  });

const writeAction = (action: HookAction | undefined): string | undefined =>
  action && ("command" in action ? `[${action.command.join(", ")}]` : `{ http: { method: ${action.http.method} } }`);

export const writeHooks = (hooks: readonly Hook[]): string =>
  `[${hooks
    .map(({ around, before, after, timeout, onFailure }) =>
      writeMapping({
        around,
        before: writeAction(before),
        after: writeAction(after),
        timeout: writeSeconds(timeout),
        onFailure,
      }),
    )
    .join(", ")}]`;
