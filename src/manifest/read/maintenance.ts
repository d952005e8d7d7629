import type { Prune, Repository, RepositoryCheck, Scheduled } from "../../model/manifest.ts";
import type { Maintenance } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { parsePercent, parseSize } from "../units.ts";
import type { Context } from "./context.ts";
import { checkSchedule, readTimezone } from "./types.ts";

export function readMaintenance(
  context: Context,
  { prune, check }: Maintenance,
  path: Path,
  timezone: string,
): Repository["maintenance"] {
  return {
    ...(prune && { prune: readPrune(context, prune, [...path, "prune"], timezone) }),
    ...(check && { check: readCheck(context, check, [...path, "check"], timezone) }),
  };
}

function readPrune(context: Context, keys: NonNullable<Maintenance["prune"]>, path: Path, timezone: string): Prune {
  const { maxUnused } = keys;
  const isSize = maxUnused !== undefined && maxUnused !== "unlimited" && !maxUnused.endsWith("%");
  return {
    ...readScheduled(context, keys, path, timezone),
    ...(maxUnused === undefined ? {} : { maxUnused: isSize ? String(parseSize(maxUnused) ?? 0) : maxUnused }),
  };
}

function readCheck(
  context: Context,
  keys: NonNullable<Maintenance["check"]>,
  path: Path,
  timezone: string,
): RepositoryCheck {
  const { readData } = keys;
  return {
    ...readScheduled(context, keys, path, timezone),
    ...(readData === undefined ? {} : { readData: parsePercent(readData) }),
  };
}

/** `timezone`: where none is given. */
export function readScheduled(
  context: Context,
  keys: { readonly schedule: string; readonly timezone?: string },
  path: Path,
  timezone: string,
): Scheduled {
  checkSchedule(context, keys.schedule, [...path, "schedule"]);
  return {
    schedule: keys.schedule.trim(),
    timezone: readTimezone(context, keys.timezone, [...path, "timezone"]) ?? timezone,
  };
}
