import type { SnapshotType } from "../../model/manifest.ts";
import type { TypeName } from "../../model/units.ts";
import { builtinSchedules } from "../builtin-schedules.ts";
import type { ManifestDocument } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { isTimezone, scheduleFault } from "../units.ts";
import { dotted, nearestWord, quote } from "../words.ts";
import type { Context } from "./context.ts";

export function readTimezone(context: Context, name: string | undefined, path: Path): string | undefined {
  if (name === undefined || isTimezone(name)) return name;
  const near = nearestWord(name, [...Intl.supportedValuesOf("timeZone"), "UTC"]);
  context.report({
    code: "bad-timezone",
    message: `${dotted(path)}: there is no timezone ${quote(name)}`,
    hint: near === undefined ? "write an IANA name such as Europe/Berlin or UTC" : `did you mean ${near}?`,
    path,
  });
  return undefined;
}

export function readSnapshotTypes(
  context: Context,
  document: ManifestDocument,
  timezone: string,
): Map<TypeName, SnapshotType> {
  const declared = document.snapshotTypes ?? {};
  const names = new Set([...builtinSchedules.keys(), ...context.declared("snapshotTypes")]);
  const types = new Map<TypeName, SnapshotType>();
  for (const name of names) {
    const keys = declared[name] ?? {};
    const path = ["snapshotTypes", name];
    const schedule = keys.schedule ?? builtinSchedules.get(name);
    if (keys.schedule !== undefined) checkSchedule(context, keys.schedule, [...path, "schedule"]);
    types.set(name as TypeName, {
      name: name as TypeName,
      ...(schedule === undefined ? {} : { schedule: schedule.trim() }),
      timezone: readTimezone(context, keys.timezone, [...path, "timezone"]) ?? timezone,
      adopt: keys.adopt ?? [],
    });
  }
  return types;
}

export function checkSchedule(context: Context, schedule: string, path: Path): void {
  const fault = scheduleFault(schedule);
  if (fault === undefined) return;
  const hint = 'five fields: minute, hour, day of month, month, day of week, such as "0 * * * *"';
  context.report({ code: "bad-schedule", message: `${quote(schedule)} ${fault}`, hint, path });
}
