import type { BookmarkOperation, OperationId, Precondition, SendOperation } from "../../model/plan.ts";
import type { Bytes, Guid } from "../../model/units.ts";
import { missingParents } from "../../planner/observed.ts";
import { refOf, type View } from "../../planner/view.ts";
import type { Base } from "./base.ts";
import { bookmarkName } from "./bookmarks.ts";
import type { Encryption } from "./encryption.ts";
import { baseAtSource, type Facts, operationOn, streamOptions } from "./facts.ts";
import { ranges } from "./ranges.ts";

/** One operation a stream; each waits for the one before, the first for `after`. */
export function send(
  facts: Facts,
  wanted: readonly View[],
  there: readonly View[],
  base: Base | undefined,
  encryption: Encryption,
  target: { readonly isThere: boolean; readonly placeholder: boolean },
  after: OperationId | undefined,
): SendOperation[] {
  const operations: SendOperation[] = [];
  const extras = base ? there.slice(base.remoteIndex + 1).map((view) => view.key as Guid) : [];
  let previous = base?.view;
  let bookmark = base?.bookmark;
  for (const range of ranges(facts.local.views, wanted, base)) {
    const to = range.at(-1) as View;
    const first = previous === base?.view;
    const before = operations.at(-1)?.id ?? after;
    const operation: SendOperation = {
      ...operationOn(facts, "send", to.name),
      ...streamOptions(facts, encryption),
      kind: "send",
      reason: previous ? `${facts.copy.remote.name} keeps it` : "first copy: the oldest that is kept there",
      dependsOn: [...(before === undefined ? [] : [before]), ...range.flatMap((view) => view.createdBy ?? [])],
      preconditions: [
        { ...facts.from, kind: "snapshot", snapshot: refOf(to) },
        ...(previous ? [baseAtSource(facts, previous, bookmark)] : []),
        ...targetReady(facts, first, previous, extras, target),
      ],
      base: previous ? { ...refOf(previous), ...(bookmark !== undefined && { bookmark }) } : null,
      to: refOf(to),
      snapshots: range.map(refOf),
      estimate: estimate(facts, range, previous === undefined),
      createParents: previous || target.isThere ? [] : missingParents(facts.context.observations, facts.at),
      replacesPlaceholder: previous === undefined && target.placeholder,
    };
    operations.push(operation);
    previous = to;
    bookmark = undefined;
  }
  return operations;
}

function targetReady(
  facts: Facts,
  first: boolean,
  previous: View | undefined,
  extras: readonly Guid[],
  target: { readonly isThere: boolean; readonly placeholder: boolean },
): Precondition[] {
  if (previous) {
    return [
      { ...facts.at, kind: "follows", base: refOf(previous), extras: first ? extras : [] },
      { ...facts.at, kind: "token", token: null },
    ];
  }
  if (target.placeholder && facts.target) return [{ ...facts.at, kind: "placeholder", guid: facts.target.guid }];
  return [{ ...facts.at, kind: "absent" }];
}

/** What `written` says; the first stream carries all that its snapshot refers to. */
function estimate(facts: Facts, range: readonly View[], full: boolean): Bytes {
  const { dataset, views } = facts.local;
  const sizes = range.map((view, index) => {
    if (full && index === 0) return view.snapshot?.referenced ?? dataset.referenced;
    if (view.snapshot) return view.snapshot.written;
    // only the first of the snapshots that are taken now can carry what was written since the newest
    return views.find(({ createdBy }) => createdBy !== undefined) === view ? dataset.written : 0;
  });
  return sizes.reduce<number>((sum, size) => sum + size, 0) as Bytes;
}

/** The newest shared snapshot stays a base even when the source destroys it. */
export function bookmarkBase(facts: Facts, base: Base, after: OperationId | undefined): BookmarkOperation[] {
  const { name: remote } = facts.copy.remote;
  const guid = base.view.createdBy === undefined ? base.view.key : undefined;
  const existing = facts.local.dataset.bookmarks.find((bookmark) => bookmark.name === bookmarkName(remote, guid ?? ""));
  if (existing?.guid === guid && guid !== undefined) return [];
  const operation: BookmarkOperation = {
    ...operationOn(facts, "bookmark", base.view.name),
    at: facts.from,
    kind: "bookmark",
    reason: `base of the next increment to ${remote}`,
    dependsOn: after === undefined ? [] : [after],
    preconditions: [
      baseAtSource(facts, base.view, base.bookmark),
      { ...facts.at, kind: "present", snapshot: refOf(base.view), bookmark: false },
    ],
    // the guid of a snapshot that is not taken yet is filled in by whoever takes it
    bookmark: bookmarkName(remote, guid ?? "{guid}"),
    of: refOf(base.view),
    ...(base.bookmark !== undefined && { fromBookmark: base.bookmark }),
  };
  return [operation];
}
