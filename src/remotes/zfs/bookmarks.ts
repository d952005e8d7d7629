import type { Bookmark, Dataset, Snapshot } from "../../model/inventory.ts";
import type { Guid } from "../../model/units.ts";

/** The bookmark that keeps a remote's base at the source. */
export const bookmarkName = (remote: string, guid: string): string => `holdfast-${remote}-${guid}`;

/** Those of what is newer: while one is there, ZFS does not roll back. */
export const bookmarksAfter = (
  { bookmarks }: Dataset,
  { createtxg }: Snapshot,
): { readonly name: Bookmark["name"]; readonly guid: Guid }[] =>
  bookmarks.filter((bookmark) => bookmark.createtxg > createtxg).map(({ name, guid }) => ({ name, guid }));
