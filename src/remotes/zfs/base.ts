import type { Dataset } from "../../model/inventory.ts";
import type { Txg } from "../../model/units.ts";
import type { View } from "../../planner/view.ts";

/** The newest snapshot that both sides have: what an increment starts from. */
export interface Base {
  readonly view: View;
  /** At the source; decides what is newer. */
  readonly txg: Txg;
  /** Position among the remote's snapshots. */
  readonly remoteIndex: number;
  /** Set where the source has it only as this bookmark. */
  readonly bookmark?: string;
}

/** Shared by guid; a source bookmark with the guid is as good, a snapshot is preferred. */
export function findBase(
  local: { readonly dataset: Dataset; readonly views: readonly View[] },
  target: Dataset | undefined,
): Base | undefined {
  if (!target || target.snapshots.length === 0) return undefined;
  const there = new Map(target.snapshots.map(({ guid }, index) => [guid as string, index]));
  const view = local.views.findLast((candidate) => candidate.snapshot !== undefined && there.has(candidate.key));
  const bookmark = local.dataset.bookmarks.findLast(({ guid }) => there.has(guid));
  if (bookmark && bookmark.createtxg > (view?.snapshot?.createtxg ?? -1)) {
    const remoteIndex = there.get(bookmark.guid) ?? 0;
    const name = target.snapshots[remoteIndex]?.name ?? bookmark.name;
    const { guid, createtxg: txg, creation } = bookmark;
    return { view: { key: guid, name, type: undefined, creation }, txg, remoteIndex, bookmark: bookmark.name };
  }
  if (!view?.snapshot) return undefined;
  return { view, txg: view.snapshot.createtxg, remoteIndex: there.get(view.key) ?? 0 };
}
