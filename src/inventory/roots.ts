import type { Scope } from "../manifest/scope.ts";
import type { CopyKeys, DatasetEntry, Manifest, SourceKeys, ZfsRemote } from "../model/manifest.ts";
import { type DatasetName, type HostName, poolOf, type RemoteName } from "../model/units.ts";
import { isGlob, matcher } from "../planner/patterns.ts";

/** What has to be listed on one host. */
export interface ListingRoots {
  /** Every imported pool; `roots` is then empty. */
  readonly everything: boolean;
  /** None lies within another. */
  readonly roots: readonly DatasetName[];
}

/**
 * Which parts of which hosts matter to what this process is responsible for: the sources themselves, the copies it makes
 * or thins, and the copies of sources it thins. Hosts that do not matter are not in it.
 */
export function listingRoots(
  manifest: Manifest,
  scope: Scope,
  also: readonly AlsoListed[] = [],
): Map<HostName, ListingRoots> {
  const wanted = new Map<HostName, Set<string>>();
  const want = (host: HostName, root: string): void => {
    const roots = wanted.get(host) ?? new Set();
    wanted.set(host, roots.add(root));
  };
  for (const { host, entries, copies } of relevant(manifest, scope)) {
    for (const entry of entries) {
      const prefix = literalPrefix(entry.pattern.dataset);
      want(host, manifest.unprotected !== undefined && scope.sources(host) ? poolOf(prefix) : prefix);
    }
    for (const copy of copies) want(copy.host, copy.root);
  }
  for (const { host, root } of also) want(host, root);
  return new Map([...wanted].map(([host, roots]) => [host, merge(roots)]));
}

/** A place that the manifest does not speak of. */
export interface AlsoListed {
  readonly host: HostName;
  readonly root: DatasetName;
  /** Where a half-received stream there can come from. */
  readonly from: readonly HostName[];
}

/** Where copies of one host's datasets can be. */
interface CopyRoot {
  readonly from: HostName;
  readonly host: HostName;
  readonly root: DatasetName;
}

/** Hosts whose sources a half-received stream at this place can come from: nearest root first, usually the only one. */
export function tokenSources(
  manifest: Manifest,
  scope: Scope,
  host: HostName,
  dataset: DatasetName,
  also: readonly AlsoListed[] = [],
): HostName[] {
  const copies = relevant(manifest, scope).flatMap((each) => each.copies);
  const around = copies.filter((copy) => copy.host === host && isWithin(dataset, copy.root));
  around.sort((a, b) => b.root.length - a.root.length);
  const others = also.filter((place) => place.host === host && isWithin(dataset, place.root));
  return [...new Set([...around.map(({ from }) => from), ...others.flatMap(({ from }) => from)])];
}

interface Relevant {
  readonly host: HostName;
  readonly entries: readonly DatasetEntry[];
  readonly copies: readonly CopyRoot[];
}

/** Hosts with sources that concern this process. Which keys a source ends up with is not asked: any entry may give them. */
function relevant(manifest: Manifest, scope: Scope): Relevant[] {
  const found: Relevant[] = [];
  for (const host of manifest.hosts.keys()) {
    const entries = manifest.datasets.filter(({ pattern }) => matcher(pattern.host)(host));
    if (entries.length === 0) continue;
    const used = entries.flatMap(({ keys }) => copiesIn(manifest, keys));
    const copies = used.flatMap(([name, { target }]): CopyRoot[] => {
      const remote = manifest.remotes.get(name);
      if (remote?.type !== "zfs" || !(scope.sources(host) || scope.copies(host, remote))) return [];
      return placesOf(host, remote, target);
    });
    if (scope.sources(host) || copies.length > 0) found.push({ host, entries, copies });
  }
  return found;
}

function copiesIn({ policies }: Manifest, keys: SourceKeys): [RemoteName, CopyKeys][] {
  const policy = keys.policy === undefined ? undefined : policies.get(keys.policy);
  return [...(keys.remotes ?? []), ...(policy?.remotes ?? [])];
}

/** The root as well as an exact target: what is below the root and no source's copy is reported as an orphan. */
function placesOf(from: HostName, remote: ZfsRemote, target: DatasetName | undefined): CopyRoot[] {
  const host = remote.host ?? from;
  const root = remote.root.replaceAll("{host}", from) as DatasetName;
  return [{ from, host, root }, ...(target === undefined ? [] : [{ from, host, root: target }])];
}

/** The components of a pattern before the first one that can match several names; empty when that is the first. */
function literalPrefix(pattern: string): string {
  const components = pattern.split("/");
  const first = components.findIndex(isGlob);
  return (first < 0 ? components : components.slice(0, first)).join("/");
}

const isWithin = (dataset: string, root: string): boolean => dataset === root || dataset.startsWith(`${root}/`);

function merge(roots: ReadonlySet<string>): ListingRoots {
  if (roots.has("")) return { everything: true, roots: [] };
  const outer = [...roots].filter((root) => ![...roots].some((other) => other !== root && isWithin(root, other)));
  return { everything: false, roots: outer.sort() as DatasetName[] };
}
