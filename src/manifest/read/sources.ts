import type { CopyKeys, DatasetEntry, SourceKeys } from "../../model/manifest.ts";
import type { DatasetName, RemoteName, TypeName } from "../../model/units.ts";
import type { Entry, ManifestDocument, Remotes } from "../generated/types.ts";
import { datasetFault, patternFault } from "../names.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";
import { parseDuration } from "../units.ts";
import { quote } from "../words.ts";
import type { Context } from "./context.ts";
import { readRetention } from "./keep.ts";
import { type Naming, readPattern } from "./patterns.ts";

export function readPolicies(
  context: Context,
  document: ManifestDocument,
  types: readonly string[],
): Map<string, SourceKeys> {
  const policies = new Map<string, SourceKeys>();
  for (const [name, keys] of Object.entries(document.policies ?? {})) {
    policies.set(name, readKeys(context, keys, ["policies", name], types));
  }
  return policies;
}

export function readEntries(
  context: Context,
  document: ManifestDocument,
  naming: Naming,
  types: readonly string[],
): DatasetEntry[] {
  const entries = new Map<string, DatasetEntry>();
  for (const [key, written] of Object.entries(document.datasets ?? {})) {
    const path = ["datasets", key];
    if (written.policy !== undefined) {
      context.reference("policy", written.policy, context.declared("policies"), [...path, "policy"]);
    }
    const keys = readKeys(context, written, path, types);
    const pattern = readPattern(context, naming, key, path);
    if (!pattern) continue;
    const means = `${pattern.host}:${pattern.dataset}`;
    const same = entries.get(means);
    if (same) context.report(sameEntry(key, same));
    else entries.set(means, { key, pattern, keys, place: context.place(path) });
  }
  return [...entries.values()];
}

const sameEntry = (key: string, same: DatasetEntry): Problem => ({
  code: "duplicate-entry",
  message: `${quote(key)} and ${quote(same.key)} are the same: ${same.pattern.host}:${same.pattern.dataset}`,
  hint: "join them into one entry",
  path: ["datasets", key],
  at: "key",
  related: [{ path: ["datasets", same.key], message: "first here" }],
});

function readKeys(context: Context, keys: Entry, path: Path, types: readonly string[]): SourceKeys {
  const { policy, recursive, skip, take, pin, suspend } = keys;
  skip?.forEach((pattern, index) => {
    const fault = patternFault(pattern);
    if (fault === undefined) return;
    const hint = "write full dataset names without host, such as tank/data/scratch/**";
    context.report({
      code: "bad-dataset",
      message: `${quote(pattern)} ${fault}`,
      hint,
      path: [...path, "skip", String(index)],
    });
  });
  take?.forEach((type, index) => {
    context.reference("type", type, types, [...path, "take", String(index)]);
  });
  const keep = readRetention(context, keys, path, types);
  const maxAge =
    keys.maxAge &&
    context.required(parseDuration(keys.maxAge), [...path, "maxAge"], "bad-duration", "must be longer than nothing");
  const remotes = keys.remotes && readCopies(context, keys.remotes, [...path, "remotes"], types);
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(recursive === undefined ? {} : { recursive }),
    ...(skip && { skip }),
    ...(take && { take: take as TypeName[] }),
    ...(keep && { keep }),
    ...(pin && { pin }),
    ...(maxAge ? { maxAge } : {}),
    ...(suspend === undefined ? {} : { suspend }),
    ...(remotes && { remotes }),
  };
}

function readCopies(
  context: Context,
  remotes: Remotes,
  path: Path,
  types: readonly string[],
): Map<RemoteName, CopyKeys> {
  const copies = new Map<RemoteName, CopyKeys>();
  for (const [name, keys] of Object.entries(remotes)) {
    const at = [...path, name];
    context.reference("remote", name, context.declared("remotes"), at, "key");
    const fault = keys.target === undefined ? undefined : datasetFault(keys.target);
    if (fault !== undefined) {
      const hint = "write a dataset name, without host, such as pool/offsite/vms";
      context.report({
        code: "bad-dataset",
        message: `${quote(keys.target ?? "")} ${fault}`,
        hint,
        path: [...at, "target"],
      });
    }
    const keep = readRetention(context, keys, at, types);
    copies.set(name as RemoteName, {
      ...(keys.target === undefined ? {} : { target: keys.target as DatasetName }),
      ...(keep && { keep }),
    });
  }
  return copies;
}
