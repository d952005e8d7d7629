import type { Manifest } from "../../model/manifest.ts";
import { zfsRemotes } from "../../model/manifest.ts";
import { type Address, type DatasetName, type HostName, isDirectory } from "../../model/units.ts";
import { marksOf } from "../../remotes/restic/tags.ts";
import { isPlaceholder } from "../../remotes/zfs/placeholder.ts";
import { type DirectorySource, resolveDirectories } from "../directories.ts";
import { isBelow, isWithin, type Observations } from "../observed.ts";
import { isGlob, matcher } from "../patterns.ts";
import { type Source, sourceNamed } from "../sources.ts";
import { besides } from "./besides.ts";

export type AnySource = Source | DirectorySource;

/**
 * All that could be restored: the sources that are there, and those that only their copies still tell of. Sorted by
 * address, so that a dataset comes before those below it.
 */
export function restorable(manifest: Manifest, observations: Observations): AnySource[] {
  const found = new Map<Address, AnySource>();
  const add = (host: HostName, dataset: string): void => {
    const source = sourceNamed(manifest, host, dataset as DatasetName);
    if (source) found.set(source.address, source);
  };
  for (const host of manifest.hosts.keys()) {
    const isBeside = besides(observations, host);
    for (const name of observations.datasets(host).keys()) if (!isBeside(name)) add(host, name);
    for (const { pattern } of manifest.datasets)
      if (!isGlob(pattern.dataset) && matcher(pattern.host)(host)) add(host, pattern.dataset);
  }
  for (const [host, dataset] of copied(manifest, observations)) add(host, dataset);
  for (const { address, host } of inRepositories(observations))
    if (!isDirectory(address)) add(host, address.slice(host.length + 1));
  for (const directory of resolveDirectories(manifest)) found.set(directory.address, directory);
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

/** What the datasets below remotes would be copies of. */
function copied(manifest: Manifest, observations: Observations): [HostName, string][] {
  return [...manifest.hosts.keys()].flatMap((from) =>
    placesFor(manifest, from).flatMap(({ host, target, original }): [HostName, string][] =>
      [...observations.datasets(host).values()]
        .filter((dataset) => (original === "" ? isBelow(dataset.name, target) : isWithin(dataset.name, target)))
        .filter((dataset) => !isPlaceholder(dataset))
        .map(({ name }) => [from, `${original}${name.slice(target.length)}`.replace(/^\//, "")]),
    ),
  );
}

/** Where copies of a host's datasets are: below a remote's root by their full names, or exactly where an entry puts them. */
function placesFor(
  manifest: Manifest,
  from: HostName,
): { readonly host: HostName; readonly target: string; readonly original: string }[] {
  return zfsRemotes(manifest).flatMap((remote) => {
    const host = remote.host ?? from;
    const exact = manifest.datasets.flatMap(({ pattern, keys }) => {
      const target = keys.remotes?.get(remote.name)?.target;
      if (target === undefined || isGlob(pattern.dataset) || !matcher(pattern.host)(from)) return [];
      return [{ host, target, original: pattern.dataset }];
    });
    return [{ host, target: remote.root.replaceAll("{host}", from), original: "" }, ...exact];
  });
}

function inRepositories(observations: Observations): { readonly address: Address; readonly host: HostName }[] {
  const addresses = new Set(
    observations
      .repositories()
      .flatMap((repository) =>
        repository.state === "observed" ? repository.copies.flatMap((copy) => marksOf(copy)?.source ?? []) : [],
      ),
  );
  return [...addresses].map((address) => ({
    address,
    host: address.slice(0, address.indexOf(":")) as HostName,
  }));
}
