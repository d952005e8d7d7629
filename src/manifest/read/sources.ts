import type { DatasetEntry, SourceKeys } from "../../model/manifest.ts";
import type { Entry, ManifestDocument } from "../generated/types.ts";
import { patternFault } from "../names.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";
import { quote } from "../words.ts";
import type { Context } from "./context.ts";
import { readCommonKeys } from "./keys.ts";
import { readPattern } from "./patterns.ts";
import type { Reading } from "./reading.ts";

export function readPolicies(context: Context, document: ManifestDocument, reading: Reading): Map<string, SourceKeys> {
  const policies = new Map<string, SourceKeys>();
  for (const [name, keys] of Object.entries(document.policies ?? {})) {
    policies.set(name, readKeys(context, document, keys, ["policies", name], reading));
  }
  return policies;
}

export function readEntries(context: Context, document: ManifestDocument, reading: Reading): DatasetEntry[] {
  const entries = new Map<string, DatasetEntry>();
  for (const [key, written] of Object.entries(document.datasets ?? {})) {
    const path = ["datasets", key];
    const keys = readKeys(context, document, written, path, reading);
    const pattern = readPattern(context, reading.naming, key, path);
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

function readKeys(context: Context, document: ManifestDocument, keys: Entry, path: Path, reading: Reading): SourceKeys {
  const { recursive, skip, pin } = keys;
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
  return {
    ...readCommonKeys(context, document, keys, path, reading),
    ...(recursive === undefined ? {} : { recursive }),
    ...(skip && { skip }),
    ...(pin && { pin }),
  };
}
