import type { ZfsRemote } from "../../model/manifest.ts";
import type { RemoteName } from "../../model/units.ts";
import type { ZfsRemote as RemoteKeys } from "../generated/types.ts";
import { datasetFault } from "../names.ts";
import type { Path } from "../tree.ts";
import { parseDuration, parseRate } from "../units.ts";
import { dotted, quote } from "../words.ts";
import type { Context } from "./context.ts";
import { readRetention } from "./keep.ts";
import type { Reading } from "./reading.ts";

const defaultProperties = { readonly: "on", canmount: "noauto" };

export function readZfsRemote(
  context: Context,
  name: RemoteName,
  keys: RemoteKeys,
  path: Path,
  { naming, types }: Reading,
): ZfsRemote {
  if (keys.host !== undefined) context.reference("host", keys.host, naming.hosts, [...path, "host"]);
  checkRoot(context, keys.root, [...path, "root"]);
  checkProperties(context, keys, path);
  const removable = keys.removable ?? false;
  const limit = keys.limit?.upload;
  const upload =
    limit && context.required(parseRate(limit), [...path, "limit", "upload"], "bad-rate", "must be at least 1B/s");
  const maxAge =
    keys.maxAge &&
    context.required(parseDuration(keys.maxAge), [...path, "maxAge"], "bad-duration", "must be longer than nothing");
  const keep = readRetention(context, keys, path, types);
  return {
    name,
    type: "zfs",
    ...(keys.host === undefined ? {} : { host: keys.host as NonNullable<ZfsRemote["host"]> }),
    root: keys.root,
    mode: keys.mode ?? "push",
    deletions: keys.deletions ?? "allow",
    ...(keys.offsite === undefined ? {} : { offsite: keys.offsite }),
    raw: keys.raw ?? "auto",
    properties: { ...(keys.properties ?? defaultProperties) },
    excludeProperties: keys.excludeProperties ?? [],
    withProperties: keys.withProperties ?? true,
    compress: keys.compress ?? "off",
    ...(upload ? { limit: { upload } } : {}),
    removable,
    whileAway: keys.whileAway ?? (removable ? "thin" : "freeze"),
    ...(maxAge ? { maxAge } : {}),
    ...(keep && { keep }),
  };
}

function checkRoot(context: Context, root: string, path: Path): void {
  const fault = datasetFault(root.replaceAll("{host}", "h"));
  if (fault === undefined) return;
  const hint = "write a dataset name such as tank/backups/{host}; only {host} may stand in braces";
  context.report({ code: "bad-dataset", message: `${quote(root)} ${fault}`, hint, path });
}

function checkProperties(context: Context, keys: RemoteKeys, path: Path): void {
  for (const [name, value] of Object.entries(keys.properties ?? {})) {
    const at = [...path, "properties", name];
    if (name.startsWith("holdfast:")) {
      context.report({
        code: "bad-property",
        message: `${name} is Holdfast's own`,
        hint: "remove it",
        path: at,
        at: "key",
      });
    } else if (!name.includes(":") && /^(true|false|yes|no)$/i.test(value)) {
      const word = /^(true|yes)$/i.test(value) ? "on" : "off";
      const message = `${dotted(at)}: ZFS wants on or off, not ${quote(value)}`;
      context.report({ code: "bad-property", message, hint: `write \`${name}: "${word}"\``, path: at });
    }
    const excluded = (keys.excludeProperties ?? []).indexOf(name);
    if (excluded === -1) continue;
    context.report({
      code: "conflicting-keys",
      message: `${dotted(path)} both sets ${name} and excludes it`,
      hint: "zfs receive takes one of the two",
      path: [...path, "excludeProperties", String(excluded)],
      related: [{ path: at, message: "set here" }],
    });
  }
}
