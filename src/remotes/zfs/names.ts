import type { Dataset } from "../../model/inventory.ts";

/** Length of the longest name among datasets, their snapshots and their bookmarks: a rename lengthens them all. */
export function longestName(datasets: readonly Dataset[]): number {
  let longest = 0;
  for (const { name, snapshots, bookmarks } of datasets) {
    longest = Math.max(longest, name.length);
    for (const one of [...snapshots, ...bookmarks]) longest = Math.max(longest, name.length + 1 + one.name.length);
  }
  return longest;
}
