import type { Repository } from "../../model/manifest.ts";
import type { RemoteName, Seconds } from "../../model/units.ts";
import type { Mirror, ResticRemote } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { normalPath, parseDuration, parseRate, parseSize } from "../units.ts";
import { dotted } from "../words.ts";
import { readAdoption } from "./adoption.ts";
import type { Context } from "./context.ts";
import { readEnvironment } from "./environment.ts";
import { readHooks } from "./hooks.ts";
import { readRetention } from "./keep.ts";
import { readLocation } from "./location.ts";
import { readMaintenance } from "./maintenance.ts";
import type { Reading } from "./reading.ts";
import { readSecret } from "./secrets.ts";

/** What remotes of type restic and mirrors have in common. */
export function readRepository(
  context: Context,
  name: RemoteName,
  keys: ResticRemote | Mirror,
  path: Path,
  reading: Reading,
): Repository {
  const { requireMount, compression, cacheDir } = keys;
  const packSize = keys.packSize && readPackSize(context, keys.packSize, [...path, "packSize"]);
  const retryLock = readDuration(context, keys.retryLock, [...path, "retryLock"]);
  const maxAge = readDuration(context, keys.maxAge, [...path, "maxAge"]);
  const keep = readRetention(context, keys, path, reading.types);
  checkPrune(context, keys, path);
  return {
    name,
    location: readLocation(context, keys.repository, [...path, "repository"]) ?? "",
    password: readSecret(context, keys.password, [...path, "password"]),
    environment: readEnvironment(context, keys.environment ?? {}, [...path, "environment"]),
    init: keys.init ?? false,
    ...(requireMount === undefined ? {} : { requireMount: normalPath(requireMount) }),
    limit: readLimit(context, keys.limit ?? {}, [...path, "limit"]),
    priority: keys.priority ?? "normal",
    ...(compression && { compression }),
    ...(packSize && { packSize }),
    ...(cacheDir === undefined ? {} : { cacheFolder: context.file(cacheDir) }),
    ...(retryLock && { retryLock }),
    deletions: keys.deletions ?? "allow",
    ...(keys.offsite === undefined ? {} : { offsite: keys.offsite }),
    removable: keys.removable ?? false,
    whileAway: keys.whileAway ?? "thin",
    ...(maxAge && { maxAge }),
    ...(keep && { keep }),
    maintenance: readMaintenance(context, keys.maintenance ?? {}, [...path, "maintenance"], reading.timezone),
    adopt: readAdoption(context, keys.adopt ?? [], reading),
    hooks: readHooks(context, keys.hooks ?? []),
  };
}

const readDuration = (context: Context, text: string | undefined, path: Path): Seconds | undefined =>
  text === undefined
    ? undefined
    : context.required(parseDuration(text), path, "bad-duration", "must be longer than nothing");

const mebibyte = 2 ** 20;

function readPackSize(context: Context, text: string, path: Path): Repository["packSize"] {
  const size = parseSize(text);
  const fits = size !== undefined && size >= 4 * mebibyte && size <= 128 * mebibyte && size % mebibyte === 0;
  return context.required(fits ? size : undefined, path, "bad-size", "must be whole MiB, from 4MiB to 128MiB");
}

/** restic counts in KiB: what is less than one would be no limit at all. */
function readLimit(context: Context, keys: NonNullable<ResticRemote["limit"]>, path: Path): Repository["limit"] {
  const read = (key: "upload" | "download") => {
    const text = keys[key];
    if (text === undefined) return {};
    const rate = parseRate(text);
    const enough = rate !== undefined && rate >= 1024 ? rate : undefined;
    const limit = context.required(enough, [...path, key], "bad-rate", "must be at least 1KiB/s");
    return limit === undefined ? {} : { [key]: limit };
  };
  return { ...read("upload"), ...read("download") };
}

function checkPrune(context: Context, { deletions, maintenance }: ResticRemote | Mirror, path: Path): void {
  if (deletions !== "never" || !maintenance?.prune) return;
  context.report({
    code: "conflicting-keys",
    message: `${dotted(path)} is never deleted from, so there is nothing to prune`,
    hint: "leave out maintenance.prune, or `deletions: never`",
    path: [...path, "maintenance", "prune"],
    at: "key",
    related: [{ path: [...path, "deletions"], message: "said here" }],
  });
}
