import type { KeepByTime, KeepCounts, KeepRule, Retention } from "../../model/manifest.ts";
import type { TypeName } from "../../model/units.ts";
import type { Keep, KeepByTime as KeepByTimeKeys, KeepRule as KeepRuleKeys } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { parseCalendarDuration, parseDuration } from "../units.ts";
import { dotted } from "../words.ts";
import type { Context } from "./context.ts";

/** `keep` or `keepByTime`, whichever is there. */
export function readRetention(
  context: Context,
  keys: { readonly keep?: Keep; readonly keepByTime?: KeepByTimeKeys },
  path: Path,
  types: readonly string[],
): Retention | undefined {
  if (keys.keepByTime) return readKeepByTime(context, keys.keepByTime, [...path, "keepByTime"]);
  return keys.keep && readKeep(context, keys.keep, [...path, "keep"], types);
}

function readKeep(context: Context, keep: Keep, path: Path, types: readonly string[]): KeepCounts {
  const rules = new Map<TypeName, KeepRule>();
  for (const [name, rule] of Object.entries(keep)) {
    context.reference("type", name, types, [...path, name], "key");
    rules.set(name as TypeName, readRule(context, rule, [...path, name]));
  }
  return { by: "type", types: rules };
}

function readRule(context: Context, rule: KeepRuleKeys, path: Path): KeepRule {
  if (rule === "all") return { count: Number.POSITIVE_INFINITY };
  if (typeof rule === "number") return { count: rule };
  const within = context.required(
    parseDuration(rule.within),
    [...path, "within"],
    "bad-duration",
    "must be longer than nothing",
  );
  return { count: rule.count, ...(within === undefined ? {} : { within }) };
}

function readKeepByTime(context: Context, keys: KeepByTimeKeys, path: Path): KeepByTime {
  const { within: text, ...counts } = keys;
  const within =
    text === undefined
      ? undefined
      : context.required(
          parseCalendarDuration(text),
          [...path, "within"],
          "bad-duration",
          "must be longer than nothing",
        );
  if (text === undefined && Object.values(counts).every((count) => count === 0)) {
    const hint = "give at least one rule that keeps something, such as `last: 1`";
    context.report({ code: "empty-value", message: `${dotted(path)} keeps nothing at all`, hint, path });
  }
  return { by: "time", ...counts, ...(within && { within }) };
}
