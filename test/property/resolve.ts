import type { DatasetEntry, KeepRule, Manifest, Retention, SourceKeys, ZfsRemote } from "../../src/model/manifest.ts";
import { parentOf, type World } from "./world.ts";

/** The manifest's sources by a second, simple reading: for patterns that are exact or end in `/*`, hosts exact or `*`. */
export interface ExpectedSource {
  readonly host: string;
  readonly dataset: string;
  readonly keys: SourceKeys & { readonly keep: Retention };
  /** Scheduled or listed types it takes. */
  readonly take: readonly string[];
  readonly copies: readonly ExpectedCopy[];
}
export interface ExpectedCopy {
  readonly remote: ZfsRemote;
  readonly host: string;
  readonly target: string;
  readonly keep: Retention;
}

export function resolve(manifest: Manifest, world: World): ExpectedSource[] {
  const found: ExpectedSource[] = [];
  for (const [host, machine] of world.hosts)
    for (const pool of machine.pools.values())
      for (const dataset of pool.datasets.keys()) {
        const source = resolveOne(manifest, host, dataset);
        if (source) found.push(source);
      }
  return found;
}

function entryFor(manifest: Manifest, host: string, dataset: string): DatasetEntry | undefined {
  return manifest.datasets.find(
    ({ pattern }) =>
      (pattern.host === "*" || pattern.host === host) &&
      (pattern.dataset.endsWith("/*")
        ? parentOf(dataset) === pattern.dataset.slice(0, -2)
        : pattern.dataset === dataset),
  );
}

/** Entries at the dataset and around it, the nearest first, each with the dataset it matched. */
function chainOf(manifest: Manifest, host: string, dataset: string): { entry: DatasetEntry; at: string }[] {
  const chain: { entry: DatasetEntry; at: string }[] = [];
  for (let at: string | undefined = dataset; at !== undefined; at = parentOf(at)) {
    const entry = entryFor(manifest, host, at);
    if (entry) chain.push({ entry, at });
  }
  return chain;
}

function resolveOne(manifest: Manifest, host: string, dataset: string): ExpectedSource | undefined {
  const chain = chainOf(manifest, host, dataset);
  const nearest = chain[0];
  if (nearest === undefined) return undefined;
  const look = <K extends keyof SourceKeys>(key: K): { value: SourceKeys[K]; at: string } | undefined => {
    const entry = chain.find((c) => c.entry.keys[key] !== undefined);
    if (entry) return { value: entry.entry.keys[key], at: entry.at };
    const policy = chain.find((c) => c.entry.keys.policy !== undefined)?.entry.keys.policy;
    const fromPolicy = policy === undefined ? undefined : manifest.policies.get(policy)?.[key];
    return fromPolicy === undefined ? undefined : { value: fromPolicy, at: nearest.at };
  };
  if (nearest.at !== dataset) {
    if (look("recursive")?.value !== true) return undefined;
    const skip = (look("skip")?.value ?? []).map((p) => p.replace(/\/\*\*$/, ""));
    if (skip.some((p) => dataset === p || dataset.startsWith(`${p}/`))) return undefined;
  }
  const keep = look("keep")?.value ?? manifest.defaults.keep;
  if (keep === undefined) return undefined;
  const remotes = look("remotes");
  const take = look("take")?.value;
  const pin = look("pin")?.value;
  const scheduled = [...manifest.snapshotTypes.values()].filter((t) => t.schedule !== undefined).map((t) => t.name);
  const kept: string[] = keep.by === "type" ? [...keep.types.keys()] : [];
  return {
    host,
    dataset,
    keys: { keep, suspend: look("suspend")?.value ?? false, ...(pin === undefined ? {} : { pin }) },
    take: take ?? scheduled.filter((t) => kept.includes(t)),
    copies: [...(remotes?.value ?? [])].flatMap(([name, copy]): ExpectedCopy[] => {
      const remote = manifest.remotes.get(name);
      if (remote?.type !== "zfs") return [];
      const below = remotes === undefined ? "" : dataset.slice(remotes.at.length);
      return [
        {
          remote,
          host: remote.host ?? host,
          target: copy.target === undefined ? `${remote.root.replace("{host}", host)}/${dataset}` : copy.target + below,
          keep: copy.keep ?? remote.keep ?? keep,
        },
      ];
    }),
  };
}

const literals = (pattern: string): number => pattern.replaceAll("*", "").length;
const expressions = new Map<string, RegExp>();
function matches(pattern: string, name: string): boolean {
  const known = expressions.get(pattern);
  if (known) return known.test(name);
  const literal = pattern.split("*").map((p) => p.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  expressions.set(pattern, new RegExp(`^${literal.join(".*")}$`));
  return matches(pattern, name);
}

/** The declared type of a snapshot's name; `undefined` is foreign. */
export function typeOf(manifest: Manifest, name: string): string | undefined {
  let best: { type: string; length: number } | undefined;
  for (const type of manifest.snapshotTypes.values())
    for (const pattern of [`${type.name}-*`, ...type.adopt])
      if (matches(pattern, name) && literals(pattern) > (best?.length ?? -1))
        best = { type: type.name, length: literals(pattern) };
  return best?.type;
}

export const ruleOf = (keep: Retention, type: string): KeepRule | undefined =>
  keep.by === "type" ? [...keep.types].find(([name]) => name === type)?.[1] : undefined;
