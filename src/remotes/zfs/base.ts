import type { Dataset, Snapshot } from "../../model/inventory.ts";
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
  const indexOf = newestFirst(target.snapshots);
  const view = local.views.findLast(({ snapshot, key }) => snapshot !== undefined && indexOf(key) !== undefined);
  const bookmark = local.dataset.bookmarks.findLast(({ guid }) => indexOf(guid) !== undefined);
  if (bookmark && bookmark.createtxg > (view?.snapshot?.createtxg ?? -1)) {
    const remoteIndex = indexOf(bookmark.guid) ?? 0;
    const name = target.snapshots[remoteIndex]?.name ?? bookmark.name;
    const { guid, createtxg: txg, creation } = bookmark;
    return { view: { key: guid, name, type: undefined, creation }, txg, remoteIndex, bookmark: bookmark.name };
  }
  if (!view?.snapshot) return undefined;
  return { view, txg: view.snapshot.createtxg, remoteIndex: indexOf(view.key) ?? 0 };
}

/** Where a guid is. Looked for from the newest on, and no further than it takes: mostly the newest is what is asked for. */
function newestFirst(snapshots: readonly Snapshot[]): (guid: string) => number | undefined {
  const seen = new Map<string, number>();
  let next = snapshots.length;
  return (guid) => {
    let index = seen.get(guid);
    while (index === undefined && next > 0) {
      next--;
      const here = (snapshots[next] as Snapshot).guid;
      seen.set(here, next);
      if (here === guid) index = next;
    }
    return index;
  };
}
