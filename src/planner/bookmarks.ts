import type { Dataset } from "../model/inventory.ts";
import type { BookmarkOperation, Precondition, UnbookmarkOperation } from "../model/plan.ts";
import type { RemoteName } from "../model/units.ts";
import { bookmarkName } from "../remotes/zfs/bookmarks.ts";
import type { CopyPlan } from "../remotes/zfs/plan.ts";
import type { Stop } from "./side.ts";
import type { Source } from "./sources.ts";
import { refOf, type View } from "./view.ts";

/**
 * Where remotes stopped: those that are away, and those that this plan brings further, as a bookmark is renewed only when
 * everything has arrived there. Where a remote is there and wants nothing newer, an old one says nothing of absence. Only
 * the oldest of a remote can be where it stopped, and only while its snapshot is there: others were made to destroy what
 * they mark.
 */
export function stopsOf({ bookmarks, snapshots }: Dataset, copies: readonly CopyPlan[]): readonly Stop[] {
  const behind = copies.filter(
    ({ state, base, shared }) => state === "away" || (base && shared && base.view.key !== shared.view.key),
  );
  const there = new Set(snapshots.map(({ guid }) => guid));
  return behind.flatMap(({ copy, state }) => {
    const own = bookmarks.filter(({ name, guid }) => name === bookmarkName(copy.remote.name, guid));
    const oldest = own.sort((a, b) => a.createtxg - b.createtxg)[0];
    return oldest && there.has(oldest.guid) ? [{ txg: oldest.createtxg, isAway: state === "away" }] : [];
  });
}

/** What a remote that is away can be brought further from, once the snapshot itself is gone. */
export function bookmarkForAway(
  { address, host, dataset: name }: Source,
  dataset: Dataset,
  remote: RemoteName,
  view: View,
): BookmarkOperation[] {
  if (!view.snapshot) return [];
  const bookmark = bookmarkName(remote, view.key);
  if (dataset.bookmarks.some((existing) => existing.name === bookmark)) return [];
  const at = { host, dataset: name };
  return [
    {
      id: `bookmark ${address}@${view.name} ${remote}`,
      kind: "bookmark",
      source: address,
      remote,
      at,
      reason: `stays a base for ${remote}, which is away`,
      dependsOn: [],
      preconditions: [{ ...at, kind: "snapshot", snapshot: refOf(view) }],
      bookmark,
      of: refOf(view),
    },
  ];
}

/** Holdfast's bookmarks of this remote that the newer one makes superfluous, once all copies are where they shall be. */
export function unbookmark(
  { address, host, dataset: name }: Source,
  dataset: Dataset,
  plan: CopyPlan,
  all: readonly CopyPlan[],
  preconditions: readonly Precondition[],
): UnbookmarkOperation[] {
  const { copy, base, state } = plan;
  const { name: remote } = copy.remote;
  if (state !== "planned" || !base) return [];
  // by guid: the snapshot that another copy rests on may be destroyed before this is done, and its own bookmark lost
  const needed = new Set<string>(all.filter((other) => other !== plan).flatMap((other) => other.base?.view.key ?? []));
  const current = bookmarkName(remote, base.view.key);
  const superfluous = dataset.bookmarks.filter(
    ({ name, guid }) => name === bookmarkName(remote, guid) && name !== current && !needed.has(guid),
  );
  if (superfluous.length === 0) return [];
  return [
    {
      id: `unbookmark ${address} ${remote}`,
      kind: "unbookmark",
      source: address,
      remote,
      at: { host, dataset: name },
      reason: `@${base.view.name} is the base now`,
      dependsOn: all.flatMap(({ operations }) => operations.map(({ id }) => id)),
      preconditions,
      bookmarks: superfluous.map(({ name, guid }) => ({ name, guid })),
    },
  ];
}
