import type { CopyKeys, SourceKeys } from "../../model/manifest.ts";
import type { DatasetName, RemoteName, TypeName } from "../../model/units.ts";
import type { Copy, Directory, Entry, ManifestDocument } from "../generated/types.ts";
import { datasetFault } from "../names.ts";
import type { Path } from "../tree.ts";
import { normalPath, parseDuration } from "../units.ts";
import { quote } from "../words.ts";
import type { Context } from "./context.ts";
import { readExpectation, readFiles } from "./files.ts";
import { readHooks } from "./hooks.ts";
import { readRetention } from "./keep.ts";
import type { Reading } from "./reading.ts";
import { readVerify } from "./verify.ts";

/** Keys that datasets, policies and directories have in common. */
export function readCommonKeys(
  context: Context,
  document: ManifestDocument,
  keys: Entry | Directory,
  path: Path,
  { types, timezone }: Pick<Reading, "types" | "timezone">,
): Omit<SourceKeys, "recursive" | "skip" | "pin"> {
  const { policy, take, suspend, priority, requireMount } = keys;
  if (policy !== undefined) context.reference("policy", policy, context.declared("policies"), [...path, "policy"]);
  take?.forEach((type, index) => {
    context.reference("type", type, types, [...path, "take", String(index)]);
  });
  const keep = readRetention(context, keys, path, types);
  const maxAge =
    keys.maxAge &&
    context.required(parseDuration(keys.maxAge), [...path, "maxAge"], "bad-duration", "must be longer than nothing");
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(take && { take: take as TypeName[] }),
    ...(keep && { keep }),
    ...(maxAge ? { maxAge } : {}),
    ...(suspend === undefined ? {} : { suspend }),
    ...(priority === undefined ? {} : { priority }),
    ...(keys.verify && { verify: readVerify(context, keys.verify, [...path, "verify"], timezone) }),
    ...(keys.expect && { expect: readExpectation(keys.expect) }),
    ...(keys.files && { files: readFiles(context, keys.files, [...path, "files"]) }),
    ...(keys.hooks && { hooks: readHooks(context, keys.hooks) }),
    ...(requireMount === undefined ? {} : { requireMount: normalPath(requireMount) }),
    ...(keys.remotes && { remotes: readCopies(context, document, keys.remotes, [...path, "remotes"], types) }),
  };
}

function readCopies(
  context: Context,
  document: ManifestDocument,
  remotes: Readonly<Record<string, Copy>>,
  path: Path,
  types: readonly string[],
): Map<RemoteName, CopyKeys> {
  const copies = new Map<RemoteName, CopyKeys>();
  for (const [name, keys] of Object.entries(remotes)) {
    const at = [...path, name];
    checkRemote(context, document, name, at);
    const keep = readRetention(context, keys, at, types);
    copies.set(name as RemoteName, {
      ...(keys.target === undefined ? {} : { target: readTarget(context, keys.target, [...at, "target"]) }),
      ...(keep && { keep }),
    });
  }
  return copies;
}

function checkRemote(context: Context, { mirrors }: ManifestDocument, name: string, path: Path): void {
  const remotes = context.declared("remotes");
  if (remotes.includes(name) || !context.declared("mirrors").includes(name)) {
    context.reference("remote", name, remotes, path, "key");
    return;
  }
  const of = mirrors?.[name]?.of ?? "its remote";
  context.report({
    code: "mirror-as-remote",
    message: `${quote(name)} is a mirror: it is filled from ${of}, never by a backup`,
    hint: `name ${of}; what is kept there comes to ${name} by itself`,
    path,
    at: "key",
  });
}

function readTarget(context: Context, target: string, path: Path): DatasetName {
  const fault = datasetFault(target);
  if (fault !== undefined) {
    const hint = "write a dataset name, without host, such as pool/offsite/vms";
    context.report({ code: "bad-dataset", message: `${quote(target)} ${fault}`, hint, path });
  }
  return target as DatasetName;
}
