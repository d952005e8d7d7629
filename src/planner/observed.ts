import type { Dataset, DirectoryInventory, HostInventory, Inventory, RepositoryInventory } from "../model/inventory.ts";
import type { At } from "../model/plan.ts";
import { type Address, type DatasetName, type HostName, poolOf, type RepositoryKey } from "../model/units.ts";

/** What is known of one dataset; `unobserved` is never taken for `absent`. */
export type Observed =
  | { readonly state: "present"; readonly dataset: Dataset }
  | { readonly state: "absent" }
  | { readonly state: "unobserved"; readonly pool?: string; readonly reason: string };

export const parentOf = (dataset: string): DatasetName | undefined => {
  const slash = dataset.lastIndexOf("/");
  return slash < 0 ? undefined : (dataset.slice(0, slash) as DatasetName);
};
export const isBelow = (dataset: string, ancestor: string): boolean => dataset.startsWith(`${ancestor}/`);
export const isWithin = (dataset: string, ancestor: string): boolean =>
  dataset === ancestor || isBelow(dataset, ancestor);

/** Looks datasets up in an inventory; indexes each host once. */
export class Observations {
  readonly #inventory: Inventory;
  readonly #indexes = new Map<HostName, ReadonlyMap<DatasetName, Dataset>>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  host(host: HostName): HostInventory {
    const { hosts } = this.#inventory;
    // one may be called constructor, which every object has
    const there = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
    return there ?? { state: "unobserved", reason: "was not listed" };
  }

  repository(key: RepositoryKey): RepositoryInventory {
    return this.#inventory.repositories?.[key] ?? { state: "unobserved", reason: "was not listed" };
  }

  repositories(): readonly RepositoryInventory[] {
    return Object.values(this.#inventory.repositories ?? {});
  }

  directory(address: Address): DirectoryInventory {
    return this.#inventory.directories?.[address] ?? { state: "unobserved", reason: "was not looked at" };
  }

  datasets(host: HostName): ReadonlyMap<DatasetName, Dataset> {
    let index = this.#indexes.get(host);
    if (!index) {
      const observed = this.host(host);
      index = new Map(observed.state === "observed" ? observed.datasets.map((dataset) => [dataset.name, dataset]) : []);
      this.#indexes.set(host, index);
    }
    return index;
  }

  look(host: HostName, name: DatasetName): Observed {
    const observed = this.host(host);
    if (observed.state === "unobserved") return observed;
    const pool = poolOf(name);
    if (!observed.pools.includes(pool)) return { state: "unobserved", pool, reason: `pool ${pool} is not imported` };
    const dataset = this.datasets(host).get(name);
    if (dataset) return { state: "present", dataset };
    if (!observed.roots.some((root) => isWithin(name, root)))
      return { state: "unobserved", reason: `${name} was not listed` };
    return { state: "absent" };
  }
}

/** Of a dataset that is to be: what is not there above it, outermost first. */
export function missingParents(observations: Observations, { host, dataset }: At): DatasetName[] {
  const missing: DatasetName[] = [];
  const there = observations.datasets(host);
  for (let name = parentOf(dataset); name !== undefined && name !== poolOf(name); name = parentOf(name)) {
    if (there.has(name)) break;
    missing.unshift(name);
  }
  return missing;
}
