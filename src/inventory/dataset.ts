import type { Dataset } from "../model/inventory.ts";
import { type DatasetName, type HostName, poolOf } from "../model/units.ts";
import type { Hosts } from "../transport/types.ts";
import { holdsOf, ownProperties } from "./extras.ts";
import { completed } from "./observe.ts";
import { list, UnobservedError, type Zfs } from "./zfs.ts";

/**
 * A fresh look at one dataset, for checks right before something is changed: without its children, and with a resume token
 * undecoded. Its own `holdfast:` properties are a process of their own, so they are asked for only with `own`, and none
 * are told otherwise. `null` when it does not exist although its pool is imported; throws when that cannot be known.
 */
export async function observeDataset(
  hosts: Hosts,
  host: HostName,
  dataset: DatasetName,
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number; readonly own?: boolean } = {},
): Promise<Dataset | null> {
  const zfs: Zfs = {
    host,
    hosts,
    options: { timeoutMs: options.timeoutMs ?? 600_000, ...(options.signal && { signal: options.signal }) },
  };
  const [{ datasets }, own] = await Promise.all([
    list(zfs, [dataset], { below: 1, types: "filesystem,volume,snapshot,bookmark" }),
    options.own ? ownProperties(zfs, [dataset], []) : new Map<string, Record<string, string>>(),
  ]);
  const found = datasets.find(({ name }) => name === dataset);
  if (found === undefined) return requireAbsent(zfs, dataset);
  const holds = await holdsOf(zfs, [found]);
  return completed(found, own.get(dataset) ?? {}, holds, undefined);
}

/** The pool must answer in the listing in which the dataset is missing: an exported pool gives the same error. */
async function requireAbsent(zfs: Zfs, dataset: DatasetName): Promise<null> {
  const pool = poolOf(dataset) as DatasetName;
  const { datasets } = await list(zfs, [pool, dataset], { below: 0, types: "filesystem,volume" });
  if (datasets.some(({ name }) => name === dataset))
    throw new UnobservedError(`${dataset} is being created right now`, "run again");
  if (datasets.some(({ name }) => name === pool)) return null;
  throw new UnobservedError(`pool ${pool} is not imported on ${zfs.host}`, `zpool import ${pool}`);
}
