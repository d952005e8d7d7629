import type { Dataset, HostInventory, Inventory, RepositoryCopy } from "../../model/inventory.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { DatasetName, HostName, RemoteName } from "../../model/units.ts";
import { marksOf } from "../../remotes/restic/tags.ts";
import { isBelow, Observations } from "../observed.ts";
import { type AnySource, placesOf } from "./places.ts";

/** As much of a manifest and of what there is as a few sources need: a pass over it takes as long as they do. */
export interface Part {
  readonly manifest: Manifest;
  readonly inventory: Inventory;
  readonly members: readonly AnySource[];
}

/**
 * `members` stand alone, together with whom they are snapshotted with. Places that nobody could look at are left out, so
 * that they hold nothing up.
 */
export function partOf(manifest: Manifest, inventory: Inventory, members: readonly AnySource[]): Part {
  const observations = new Observations(inventory);
  const places = members.flatMap((source) => placesOf(observations, source));
  const unseen = new Set(places.flatMap(({ name, unobserved }) => (unobserved === undefined ? [] : [name])));
  const seen = <Value>(all: ReadonlyMap<RemoteName, Value>) => new Map([...all].filter(([name]) => !unseen.has(name)));
  const datasets = places.flatMap(({ at }) => ("dataset" in at ? [at] : []));
  const keys = new Set<string>(places.flatMap(({ at }) => ("repository" in at ? [at.repository] : [])));
  const own = new Set<string>(members.map(({ address }) => address));
  /** Of these sources, or nobody's that Holdfast knows by a mark: adopted ones, and records. */
  const isWanted = (copy: RepositoryCopy): boolean => {
    const marks = marksOf(copy);
    return marks === undefined || own.has(marks.source);
  };
  const { hosts, repositories = {}, directories = {} } = inventory;
  return {
    members,
    manifest: { ...manifest, remotes: seen(manifest.remotes), mirrors: seen(manifest.mirrors) },
    inventory: {
      ...inventory,
      hosts: Object.fromEntries(
        (Object.entries(hosts) as [HostName, HostInventory][]).map(([host, there]) => [
          host,
          only(
            there,
            datasets.filter((at) => at.host === host).map(({ dataset }) => dataset),
          ),
        ]),
      ),
      repositories: Object.fromEntries(
        Object.entries(repositories)
          .filter(([key]) => keys.has(key))
          .map(([key, there]) => [
            key,
            there.state === "observed" ? { ...there, copies: there.copies.filter(isWanted) } : there,
          ]),
      ),
      directories: Object.fromEntries(Object.entries(directories).filter(([address]) => own.has(address))),
    },
  };
}

/** The datasets, and those above them as they are but for their snapshots, which are nobody's care here. */
function only(there: HostInventory, names: readonly DatasetName[]): HostInventory {
  if (there.state === "unobserved") return there;
  const wanted = new Set<string>(names);
  const datasets = there.datasets.flatMap((dataset): Dataset[] => {
    if (wanted.has(dataset.name)) return [dataset];
    return names.some((name) => isBelow(name, dataset.name)) ? [{ ...dataset, snapshots: [], bookmarks: [] }] : [];
  });
  return { ...there, roots: names.filter((name, index) => names.indexOf(name) === index), datasets };
}
