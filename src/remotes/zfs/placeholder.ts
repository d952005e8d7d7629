import type { Dataset } from "../../model/inventory.ts";
import { poolOf } from "../../model/units.ts";

/** ZFS counts some metadata as written in an empty dataset: up to 328 KiB were measured. */
const EMPTY = 512 * 1024;
/** A pool that nothing was put into yet: its root cannot be made anew, only received over. */
export const isEmptyPool = ({ name, snapshots, referenced }: Dataset): boolean =>
  poolOf(name) === name && snapshots.length === 0 && referenced <= EMPTY;
/** Holdfast's own empty parent. That nothing is in it is asked for again, exactly, before anything is received over it. */
export const isPlaceholder = (dataset: Dataset): boolean =>
  dataset.own.placeholder === "on" && dataset.snapshots.length === 0 && !dataset.mounted && dataset.referenced <= EMPTY;
