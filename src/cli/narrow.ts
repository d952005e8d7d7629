import type { HostInventory, Inventory } from "../model/inventory.ts";
import type { At, AtRepository } from "../model/plan.ts";
import { type Address, type DatasetName, type HostName, isDirectory } from "../model/units.ts";
import { isWithin } from "../planner/observed.ts";

/** A source, and where it and its copies are. */
interface Places {
  readonly source: Address;
  readonly datasets: readonly { readonly at: At }[];
  readonly repositories: readonly { readonly at: AtRepository }[];
}

/** Of an inventory only what is about some sources. What is left out was not looked at, which is not the same as absent. */
export function narrowed(inventory: Inventory, sources: readonly Places[]): Inventory {
  const places = sources.flatMap(({ datasets }) => datasets.map(({ at }) => at));
  const keys = new Set<string>(sources.flatMap(({ repositories }) => repositories.map(({ at }) => at.repository)));
  const directories = new Set<string>(sources.map(({ source }) => source).filter(isDirectory));
  const { hosts, repositories, directories: paths } = inventory;
  return {
    ...inventory,
    hosts: Object.fromEntries(
      (Object.entries(hosts) as [HostName, HostInventory][]).map(([host, there]) => [
        host,
        only(
          there,
          places.filter((at) => at.host === host).map(({ dataset }) => dataset),
        ),
      ]),
    ),
    ...(repositories && { repositories: pick(repositories, keys) }),
    ...(paths && { directories: pick(paths, directories) }),
  };
}

function only(there: HostInventory, roots: readonly DatasetName[]): HostInventory {
  if (there.state === "unobserved") return there;
  const isListed = (name: string, among: readonly string[]): boolean => among.some((root) => isWithin(name, root));
  const datasets = there.datasets.filter(({ name }) => isListed(name, roots));
  return { ...there, roots: [...new Set(roots)].filter((root) => isListed(root, there.roots)), datasets };
}

const pick = <Value>(all: Readonly<Record<string, Value>>, keys: ReadonlySet<string>): Record<string, Value> =>
  Object.fromEntries(Object.entries(all).filter(([key]) => keys.has(key)));
