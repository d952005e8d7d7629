import type { Requirements, Scheduled, Verify } from "../../model/manifest.ts";
import type { Require, Verify as VerifyKeys } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { parseDuration, parseSize } from "../units.ts";
import type { Context } from "./context.ts";
import { readScheduled } from "./maintenance.ts";

/** `timezone`: of a schedule that names none. */
export function readVerify(context: Context, keys: VerifyKeys, path: Path, timezone: string): Verify {
  const sample =
    keys.sample && context.required(parseSize(keys.sample), [...path, "sample"], "bad-size", "must be at least 1B");
  const within = keys.within && readDuration(context, keys.within, [...path, "within"]);
  const { schedule } = keys;
  if (schedule === undefined && keys.timezone !== undefined) {
    context.report({
      code: "conflicting-keys",
      message: "a timezone without a schedule says nothing",
      hint: "add schedule, or remove timezone",
      path: [...path, "timezone"],
      at: "key",
    });
  }
  const when: Scheduled | undefined =
    schedule === undefined ? undefined : readScheduled(context, { ...keys, schedule }, path, timezone);
  return { ...(when && { schedule: when }), ...(sample ? { sample } : {}), ...(within ? { within } : {}) };
}

export function readRequirements(context: Context, keys: Require): Requirements {
  const { copies, offsite, immutable, encrypted } = keys;
  const verifiedWithin =
    keys.verifiedWithin && readDuration(context, keys.verifiedWithin, ["require", "verifiedWithin"]);
  return {
    ...(copies === undefined ? {} : { copies }),
    ...(offsite === undefined ? {} : { offsite }),
    ...(immutable === undefined ? {} : { immutable }),
    ...(encrypted && { encrypted }),
    ...(verifiedWithin ? { verifiedWithin } : {}),
  };
}

const readDuration = (context: Context, text: string, path: Path) =>
  context.required(parseDuration(text), path, "bad-duration", "must be longer than nothing");
