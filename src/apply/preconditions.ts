import type { Dataset, Skimmed, Snapshot } from "../model/inventory.ts";
import type { Precondition, SnapshotRef } from "../model/plan.ts";
import { size } from "../model/size.ts";
import type { Guid } from "../model/units.ts";
import { isEmptyPool, isPlaceholder } from "../remotes/zfs/placeholder.ts";

/** What a fresh look at one dataset showed. */
export type Observed =
  | { readonly state: "present"; readonly dataset: Dataset }
  | { readonly state: "absent" }
  /** Nobody can say: this proves nothing, least of all absence. */
  | { readonly state: "unobserved"; readonly reason: string };

/** The guid a reference stands for; undefined while the operation that creates it has not succeeded. */
export type GuidOf = (ref: SnapshotRef) => Guid | undefined;

/** What names and guids alone can prove. */
type OfNames = Extract<Precondition, { kind: "dataset" | "snapshot" | "present" | "bookmarked" | "quota" }>;
const OF_NAMES: ReadonlySet<Precondition["kind"]> = new Set<OfNames["kind"]>([
  "dataset",
  "snapshot",
  "present",
  "bookmarked",
  "quota",
]);
export const isOfNames = (precondition: Precondition): precondition is OfNames => OF_NAMES.has(precondition.kind);

export function unmetByNames(precondition: OfNames, there: Skimmed, guidOf: GuidOf): string | undefined {
  const where = `${precondition.host}:${precondition.dataset}`;
  switch (precondition.kind) {
    case "dataset":
      return otherDataset(there.guid, precondition.guid, where);
    case "snapshot":
      return otherSnapshot(there, precondition.snapshot, where, guidOf);
    case "present":
      return missingGuid(there, precondition.snapshot, precondition.bookmark, where, guidOf);
    case "bookmarked":
      return unmarked(there, precondition.guids, where);
    case "quota":
      return missingOfQuota(there, precondition, where, guidOf);
  }
}

/** Says what was expected and what is there instead; undefined when the precondition holds. */
export function unmet(precondition: Precondition, observed: Observed, guidOf: GuidOf): string | undefined {
  const where = `${precondition.host}:${precondition.dataset}`;
  if (observed.state === "unobserved") return `${where} could not be observed: ${observed.reason}`;
  if (precondition.kind === "absent") {
    return observed.state === "absent" ? undefined : `${where} should not exist, but it does`;
  }
  if (observed.state === "absent") {
    const nothingExpected = precondition.kind === "token" && precondition.token === null;
    return nothingExpected ? undefined : `${where} is not there any more`;
  }
  const { dataset } = observed;
  if (isOfNames(precondition)) return unmetByNames(precondition, dataset, guidOf);
  switch (precondition.kind) {
    case "placeholder":
      return otherDataset(dataset.guid, precondition.guid, where) ?? filledPlaceholder(dataset, where);
    case "follows":
      return follows(dataset, precondition.base, precondition.extras, where, guidOf);
    case "token":
      return otherToken(dataset, precondition.token, where);
  }
}

export function otherDataset(found: Guid, expected: Guid, where: string): string | undefined {
  return found === expected ? undefined : `${where} is another dataset now: guid ${found} instead of ${expected}`;
}

/** Only what a listing shows; whoever receives over it asks exactly (`canmount`, `logicalreferenced`). */
function filledPlaceholder(dataset: Dataset, where: string): string | undefined {
  if (isPlaceholder(dataset) || isEmptyPool(dataset)) return undefined;
  if (dataset.own.placeholder !== "on") return `${where} is no longer marked as Holdfast's placeholder`;
  if (dataset.snapshots.length > 0)
    return `${where} should be an empty placeholder, but has ${names(dataset.snapshots)}`;
  if (dataset.mounted) return `${where} should be an empty placeholder, but is mounted`;
  return `${where} should be an empty placeholder, but holds ${size(dataset.referenced)}`;
}

type Named = Skimmed["snapshots"][number];
interface Index {
  readonly byName: ReadonlyMap<string, Named>;
  readonly byGuid: ReadonlyMap<Guid, Named>;
  readonly bookmarked: ReadonlySet<Guid>;
}
const indexes = new WeakMap<Skimmed, Index>();

/** One operation can have thousands of preconditions on one dataset. */
function indexOf(there: Skimmed): Index {
  const known = indexes.get(there);
  if (known !== undefined) return known;
  const index: Index = {
    byName: new Map(there.snapshots.map((snapshot) => [snapshot.name, snapshot])),
    byGuid: new Map(there.snapshots.map((snapshot) => [snapshot.guid, snapshot])),
    bookmarked: new Set(there.bookmarks.map(({ guid }) => guid)),
  };
  indexes.set(there, index);
  return index;
}

function otherSnapshot(there: Skimmed, ref: SnapshotRef, where: string, guidOf: GuidOf): string | undefined {
  const guid = guidOf(ref);
  if (guid === undefined) return `${where}@${ref.name} was not created`;
  const { byName, byGuid } = indexOf(there);
  const found = byName.get(ref.name);
  if (found?.guid === guid) return undefined;
  if (found !== undefined) return `${where}@${ref.name} is another snapshot now: guid ${found.guid} instead of ${guid}`;
  const renamed = byGuid.get(guid);
  return renamed === undefined
    ? `${where}@${ref.name} (guid ${guid}) is not there any more`
    : `${where}@${ref.name} is named @${renamed.name} now`;
}

function missingGuid(
  there: Skimmed,
  ref: SnapshotRef,
  bookmark: boolean,
  where: string,
  guidOf: GuidOf,
): string | undefined {
  const guid = guidOf(ref);
  if (guid === undefined) return `${where}@${ref.name} was not created`;
  const { byGuid, bookmarked } = indexOf(there);
  if (byGuid.has(guid) || (bookmark && bookmarked.has(guid))) return undefined;
  return `${where} has no ${bookmark ? "snapshot or bookmark" : "snapshot"} with guid ${guid} (@${ref.name}) any more`;
}

function unmarked(there: Skimmed, guids: readonly Guid[], where: string): string | undefined {
  const { bookmarked } = indexOf(there);
  const bare = guids.filter((guid) => !bookmarked.has(guid));
  return bare.length === 0 ? undefined : `${where} has no bookmark of guid ${bare.slice(0, 3).join(", ")} any more`;
}

function missingOfQuota(
  there: Skimmed,
  { snapshots, names }: Extract<Precondition, { kind: "quota" }>,
  where: string,
  guidOf: GuidOf,
): string | undefined {
  const { byName } = indexOf(there);
  const missing = names.filter((name, index) => {
    const key = snapshots[index] ?? "";
    const guid = /^\d+$/.test(key) ? key : guidOf({ name, createdBy: key });
    return guid === undefined || byName.get(name)?.guid !== guid;
  });
  if (missing.length === 0) return undefined;
  const shown = missing.slice(0, 3).map((name) => `@${name}`);
  const more = missing.length > 3 ? [`${missing.length - 3} more`] : [];
  return `${where} has ${missing.length} of the ${names.length} snapshots that fill the quota no more, or under other names: ${[...shown, ...more].join(", ")}`;
}

function follows(
  dataset: Dataset,
  base: SnapshotRef | null,
  extras: readonly Guid[],
  where: string,
  guidOf: GuidOf,
): string | undefined {
  let later = dataset.snapshots;
  if (base !== null) {
    const gone = missingGuid(dataset, base, false, where, guidOf);
    if (gone !== undefined) return gone;
    const guid = guidOf(base);
    later = later.slice(later.findIndex((snapshot) => snapshot.guid === guid) + 1);
  }
  const expected = new Set(extras);
  const unexpected = later.filter(({ guid }) => !expected.has(guid));
  if (unexpected.length > 0) {
    const after = base === null ? "" : ` after @${base.name}`;
    return `${where} has ${names(unexpected)}${after}, which the plan does not know`;
  }
  if (dataset.snapshots.length > 0 && dataset.written > 0) {
    return `${where} was changed: ${size(dataset.written)} written since its newest snapshot`;
  }
  return undefined;
}

function otherToken(dataset: Dataset, token: string | null, where: string): string | undefined {
  const there = dataset.resume?.token ?? null;
  if (there === token) return undefined;
  if (token === null) return `${where} has a half-received stream now, which the plan does not know`;
  return there === null
    ? `${where} has no half-received stream any more`
    : `${where} has another half-received stream now: somebody received in the meantime, or still does`;
}

function names(snapshots: readonly Snapshot[]): string {
  const shown = snapshots.slice(0, 3).map(({ name, guid }) => `@${name} (guid ${guid})`);
  return [...shown, ...(snapshots.length > 3 ? [`${snapshots.length - 3} more`] : [])].join(", ");
}
