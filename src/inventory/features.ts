import type { Features, Need } from "../model/inventory.ts";
import { type DatasetName, poolOf } from "../model/units.ts";
import { ask, missingRoots, rows, type Zfs } from "./zfs.ts";

/**
 * Pool features that streams depend on: a receiver refuses at the first record what its pool cannot hold. Measured on
 * OpenZFS 2.1 and 2.3, pool by pool with one feature off.
 */
const OF_STREAMS = new Set([
  "embedded_data",
  "encryption",
  "large_blocks",
  "large_dnode",
  "longname",
  "lz4_compress",
  "zstd_compress",
]);

/** The imported pools, and their states of the features that matter. */
export async function poolsOf(zfs: Zfs): Promise<ReadonlyMap<string, Features>> {
  const argv = ["zpool", "get", "-H", "-o", "name,property,value", "all"];
  const pools = new Map<string, Record<string, Features[string]>>();
  for (const [pool = "", property = "", value = ""] of rows(await ask(zfs, argv), 3, "zpool get")) {
    const features = pools.get(pool) ?? {};
    pools.set(pool, features);
    const feature = property.slice("feature@".length);
    if (!property.startsWith("feature@") || !OF_STREAMS.has(feature)) continue;
    if (value === "active" || value === "enabled" || value === "disabled") features[feature] = value;
  }
  return pools;
}

/** In use somewhere and impossible somewhere else: only then does it matter which datasets need it. */
export function isDoubtful(pools: readonly Features[]): boolean {
  return [...OF_STREAMS].some(
    (feature) =>
      pools.some((features) => features[feature] === "active") &&
      pools.some((features) => (features[feature] ?? "disabled") === "disabled"),
  );
}

const LARGEST_OLD_BLOCK = 131_072;

/** By the dataset's settings: whether its data uses a feature cannot be asked. */
const NEEDS: Readonly<Record<string, (value: string) => string | undefined>> = {
  recordsize: (value) => (Number(value) > LARGEST_OLD_BLOCK ? "large_blocks" : undefined),
  volblocksize: (value) => (Number(value) > LARGEST_OLD_BLOCK ? "large_blocks" : undefined),
  dnodesize: (value) => (value === "legacy" ? undefined : "large_dnode"),
  compression: (value) => (value.startsWith("zstd") ? "zstd_compress" : undefined),
  longname: (value) => (value === "on" ? "longname" : undefined),
};

/** Which of its pool's features in use a dataset's streams need, by dataset. */
export async function needsOf(
  { host, hosts, options }: Zfs,
  roots: readonly DatasetName[],
  pools: ReadonlyMap<string, Features>,
): Promise<ReadonlyMap<DatasetName, readonly Need[]>> {
  const knowsLongNames = [...pools.values()].some(({ longname }) => longname !== undefined);
  const properties = Object.keys(NEEDS).filter((property) => property !== "longname" || knowsLongNames);
  const argv = ["zfs", "get", "-Hp", "-t", "filesystem,volume", "-o", "name,property,value", "-r"];
  const command = [...argv, properties.join(","), ...roots];
  const result = await hosts.run(host, command, options);
  missingRoots(command, result, roots);
  const needs = new Map<DatasetName, Need[]>();
  for (const [name = "", property = "", value = ""] of rows(result.stdout, 3, "zfs get")) {
    const feature = value === "-" ? undefined : NEEDS[property]?.(value);
    if (feature === undefined || pools.get(poolOf(name))?.[feature] !== "active") continue;
    const dataset = name as DatasetName;
    needs.set(dataset, [...(needs.get(dataset) ?? []), { feature, setting: `${property}=${value}` }]);
  }
  return needs;
}
