import type { Dataset, HostInventory, Inventory, RepositoryInventory } from "../../model/inventory.ts";
import type { Manifest } from "../../model/manifest.ts";
import { type DatasetName, type EpochSeconds, type HostName, poolOf } from "../../model/units.ts";
import { sourcesOf } from "../index.ts";
import { Observations } from "../observed.ts";
import { isGlob, matcher } from "../patterns.ts";
import { sourceNamed } from "../sources.ts";
import { emptyDataset } from "../world.ts";
import { placesOf } from "./places.ts";

/**
 * The manifest's hosts as if nothing had been done yet: every dataset that it names is there, without a snapshot, every
 * pool and every repository, without a copy. What a pattern matches nobody knows: a dataset of the pattern's own name stands
 * for all of it. `named`: also these, `[HOST:]DATASET`, where they are sources.
 */
export function emptyInventory(manifest: Manifest, now: EpochSeconds, named: readonly string[] = []): Inventory {
  const names = [...manifest.hosts.keys()].map((host) => [host, sourceNames(manifest, host, named)] as const);
  const directories = Object.fromEntries(
    manifest.directories.map(({ host, path }) => [`${host}:${path}`, { state: "present" as const }]),
  );
  const base = { formatVersion: 1, observedAt: now, directories } as const;
  const sourcesOnly = { ...base, hosts: hostsWith(names) };
  const { sources, directories: found } = sourcesOf(manifest, sourcesOnly, { allHosts: true });
  const observations = new Observations(sourcesOnly);
  const places = [...sources, ...found].flatMap((source) => placesOf(observations, source));
  const keys = places.flatMap(({ at }) => ("repository" in at ? [at.repository] : []));
  const withPools = names.map(([host, datasets]) => {
    const pools = places.flatMap(({ at }) => ("dataset" in at && at.host === host ? [poolOf(at.dataset)] : []));
    return [host, [...datasets, ...(pools as DatasetName[])]] as const;
  });
  return {
    ...base,
    hosts: hostsWith(withPools),
    repositories: Object.fromEntries(keys.map((key) => [key, emptyRepository(key)])),
  };
}

function sourceNames(manifest: Manifest, host: HostName, named: readonly string[]): DatasetName[] {
  const ofEntries = manifest.datasets
    .filter(({ pattern }) => matcher(pattern.host)(host))
    .flatMap(({ pattern }) => (isGlob(pattern.dataset) ? samplesOf(pattern.dataset) : [pattern.dataset]));
  const isHere = manifest.self === null || manifest.self === host;
  const asked = named
    .filter((name) => !isGlob(name))
    .flatMap((name) => (name.startsWith(`${host}:`) ? [name.slice(host.length + 1)] : isHere ? [name] : []))
    .filter((name) => !name.startsWith("/") && sourceNamed(manifest, host, name as DatasetName) !== undefined);
  return [...ofEntries, ...asked] as DatasetName[];
}

/** Names that a pattern matches, as like it as can be: `tank/*` is one, of `{a,b}` each, of `[ab]` one. */
function samplesOf(pattern: string): string[] {
  const braces = /\{([^{}]*)\}/.exec(pattern);
  if (braces) {
    const [whole, inner = ""] = braces;
    return inner.split(",").flatMap((one) => samplesOf(pattern.replace(whole, () => one)));
  }
  return [
    pattern.replace(/\[[!^]?([^\]]+)\]/g, (set, inner: string) => {
      const isOne = matcher(set);
      return [...inner, ..."x0_"].find((character) => isOne(character)) ?? set;
    }),
  ];
}

function hostsWith(names: readonly (readonly [HostName, readonly DatasetName[]])[]): Record<HostName, HostInventory> {
  return Object.fromEntries(
    names.map(([host, datasets]): [HostName, HostInventory] => {
      const pools = [...new Set(datasets.map(poolOf))];
      const all = [...new Set(datasets)].sort().map((name): Dataset => emptyDataset(name, {}));
      return [host, { state: "observed", zfsVersion: "", pools, roots: pools as DatasetName[], datasets: all }];
    }),
  );
}

const emptyRepository = (key: string): RepositoryInventory => ({
  state: "observed",
  resticVersion: "",
  id: key,
  chunkerPolynomial: "",
  copies: [],
  locks: [],
});
