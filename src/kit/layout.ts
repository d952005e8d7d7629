import { type UsedRepository, usedRepositories } from "../manifest/repositories.ts";
import { scopeOf } from "../manifest/scope.ts";
import type { Inventory, RepositoryCopy } from "../model/inventory.ts";
import type { Manifest, ZfsRemote } from "../model/manifest.ts";
import type { At } from "../model/plan.ts";
import type { Address, DatasetName, EpochSeconds, HostName, RemoteName } from "../model/units.ts";
import { isWithin, Observations } from "../planner/observed.ts";
import { isGlob, matcher } from "../planner/patterns.ts";
import { type Point, placesOf, type SnapshotPoint } from "../planner/restore/places.ts";
import { type AnySource, restorable } from "../planner/restore/sources.ts";
import { type Copy, concerns, type Source } from "../planner/sources.ts";
import { hostNamed } from "./zfs.ts";

/** What there is to describe: sources, and the places that have copies of them. */
export interface Layout {
  readonly manifest: Manifest;
  readonly inventory: Inventory;
  readonly observations: Observations;
  readonly sources: readonly PlacedSource[];
  readonly zfs: readonly ZfsCopies[];
  readonly repositories: readonly RepositoryCopies[];
  /** Patterns on hosts that could not be seen. */
  readonly unresolved: readonly string[];
}

export interface PlacedSource {
  readonly source: AnySource;
  /** The newest of each place, by its name. */
  readonly newest: ReadonlyMap<RemoteName, Point>;
}

/** Copies on one ZFS remote and one host. */
export interface ZfsCopies {
  readonly remote: ZfsRemote;
  readonly host: HostName;
  readonly roots: readonly string[];
  readonly copies: readonly { readonly source: Source; readonly copy: Copy; readonly point?: SnapshotPoint }[];
}

export interface RepositoryCopies extends UsedRepository {
  readonly sources: readonly { readonly source: AnySource; readonly newest?: RepositoryCopy }[];
}

export function layoutOf(
  manifest: Manifest,
  inventory: Inventory,
  options: {
    readonly now: EpochSeconds;
    readonly allHosts: boolean;
    readonly isMeant: (source: Address) => boolean;
  },
): Layout {
  const observations = new Observations(inventory);
  const scope = scopeOf(manifest, options);
  const sources = restorable(manifest, observations)
    .filter(({ host, address }) => concerns(manifest, host, scope) && options.isMeant(address))
    .map((source): PlacedSource => {
      const request = { now: options.now, source: source.address };
      const { points } = placesOf(manifest, inventory, observations, source, request, source.host);
      return { source, newest: new Map(points.map((point) => [point.place, point])) };
    });
  return {
    manifest,
    inventory,
    observations,
    sources,
    zfs: zfsCopies(manifest, sources),
    repositories: repositoryCopies(manifest, inventory, sources),
    unresolved: manifest.datasets
      .filter(({ pattern }) => isGlob(pattern.dataset))
      .filter(({ pattern }) =>
        [...manifest.hosts.keys()].some(
          (host) =>
            matcher(pattern.host)(host) &&
            concerns(manifest, host, scope) &&
            observations.host(host).state === "unobserved",
        ),
      )
      .map(({ key }) => key),
  };
}

function zfsCopies(manifest: Manifest, sources: readonly PlacedSource[]): ZfsCopies[] {
  const found = new Map<string, ZfsCopies>();
  for (const { source, newest } of sources)
    for (const copy of "dataset" in source ? source.copies : []) {
      const { remote, host, target } = copy;
      const known = found.get(`${remote.name} ${host}`) ?? { remote, host, roots: [], copies: [] };
      const root = remote.root.replaceAll("{host}", source.host);
      const point = newest.get(remote.name);
      const one = { source: source as Source, copy, ...(point?.kind === "snapshot" && { point }) };
      found.set(`${remote.name} ${host}`, {
        ...known,
        roots: [...known.roots, isWithin(target, root) ? root : target],
        copies: [...known.copies, one],
      });
    }
  // the remotes' own order
  const order = [...manifest.remotes.keys()];
  return [...found.values()]
    .map((one) => ({ ...one, roots: outermost(one.roots) }))
    .sort((a, b) => order.indexOf(a.remote.name) - order.indexOf(b.remote.name));
}

function outermost(names: readonly string[]): string[] {
  const all = [...new Set(names)];
  return all.filter((name) => !all.some((other) => other !== name && isWithin(name, other)));
}

function repositoryCopies(
  manifest: Manifest,
  inventory: Inventory,
  sources: readonly PlacedSource[],
): RepositoryCopies[] {
  // also of hosts whose sources somebody else looks after
  return usedRepositories(manifest, scopeOf(manifest, { allHosts: true })).flatMap((used): RepositoryCopies[] => {
    const there = inventory.repositories?.[used.key];
    const copies = there?.state === "observed" ? there.copies : [];
    const own = sources.flatMap(({ source, newest }) => {
      const isThere = source.repositories.some(
        ({ at, mirrors }) => at.repository === used.key || mirrors.some((mirror) => mirror.at.repository === used.key),
      );
      if (!isThere) return [];
      const point = newest.get(used.repository.name);
      const copy = point?.kind === "copy" ? copies.find(({ id }) => id === point.id) : undefined;
      return [{ source, ...(copy && { newest: copy }) }];
    });
    return own.length === 0 ? [] : [{ ...used, sources: own }];
  });
}

/** Encryption roots that matter: of sources, and of copies that are not the sources' own. */
export function rootsOf({ observations, sources, zfs }: Layout): At[] {
  const found = new Map<string, At>();
  const add = (host: HostName, dataset: DatasetName | undefined): void => {
    if (dataset !== undefined) found.set(`${host}:${dataset}`, { host, dataset });
  };
  for (const { source } of sources)
    if ("dataset" in source) add(source.host, rootAt(observations, source.host, source.dataset));
  for (const { host, copies } of zfs) for (const { copy } of copies) add(host, rootAt(observations, host, copy.target));
  return [...found.values()];
}

/** Undefined for what is not encrypted, or could not be seen. */
export function rootAt(observations: Observations, host: HostName, dataset: DatasetName): DatasetName | undefined {
  const there = observations.look(host, dataset);
  return there.state === "present" && there.dataset.encryption !== "off" ? there.dataset.encryptionroot : undefined;
}

/** Every host that a command of the kit runs on. */
export const hostsOf = ({ manifest, zfs }: Layout) => [
  ...new Map(
    zfs
      .flatMap(({ host, copies }) => [host, ...copies.map(({ source }) => source.host)])
      .map((name) => [name, hostNamed(manifest, name)]),
  ).values(),
];
