import { isLocal } from "../../manifest/repositories.ts";
import type { Dataset, Inventory, RepositoryCopy, Snapshot } from "../../model/inventory.ts";
import type { Manifest, ZfsRemote } from "../../model/manifest.ts";
import type { At, AtRepository } from "../../model/plan.ts";
import type { Bytes, EpochSeconds, HostName, RemoteName } from "../../model/units.ts";
import type { CopyView } from "../../remotes/restic/plan-views.ts";
import type { Observations } from "../observed.ts";
import { type RepositoryPlace, repositoryCopies } from "../repository-copies.ts";
import { timeInName } from "../types.ts";
import { OWN_SNAPSHOTS, type RestoreRequest } from "./request.ts";
import type { AnySource } from "./sources.ts";

/** A point in time of a source, in one place that has it. */
export type Point = SnapshotPoint | CopyPoint;

interface AnyPoint {
  readonly place: RemoteName;
  readonly name: string;
  readonly taken: EpochSeconds;
  /** Of two that are as new, the lower is nearer to where it goes. */
  readonly distance: number;
}
/** A snapshot of a dataset: the source's own, or one of its copy. */
export interface SnapshotPoint extends AnyPoint {
  readonly kind: "snapshot";
  readonly remote?: ZfsRemote;
  /** It was received: what its source was set to is what it received. */
  readonly copied: boolean;
  readonly from: At;
  readonly dataset: Dataset;
  readonly snapshot: Snapshot;
}
/** A copy in a repository: files, without the settings and the history of a dataset. */
export interface CopyPoint extends AnyPoint {
  readonly kind: "copy";
  readonly at: AtRepository;
  readonly id: string;
  /** The same wherever a copy of this point in time is. */
  readonly key: string;
  /** restic's id of all that is in it. */
  readonly tree: string;
  /** The folder in it that is the source's own. */
  readonly within: string;
  readonly files?: number;
  readonly bytes?: Bytes;
}

/** The best point of every place that has one, the one to take first; and the places that nothing is known of. */
export interface Places {
  readonly points: readonly Point[];
  readonly unseen: readonly { readonly place: RemoteName; readonly host: HostName; readonly reason: string }[];
}

/** `target`: the host it goes to. */
export function placesOf(
  manifest: Manifest,
  inventory: Inventory,
  observations: Observations,
  source: AnySource,
  request: RestoreRequest,
  target: HostName,
): Places {
  const points: Point[] = [];
  const unseen: { place: RemoteName; host: HostName; reason: string }[] = [];
  const isMeant = (place: string) => request.from === undefined || request.from === place;
  for (const { place, at, remote } of "dataset" in source ? datasetsWith(source, request) : []) {
    if (!isMeant(place)) continue;
    const there = observations.look(at.host, at.dataset);
    if (there.state === "unobserved") unseen.push({ place, host: at.host, reason: there.reason });
    if (there.state !== "present") continue;
    const { dataset } = there;
    const found = newest(dataset.snapshots.filter(({ redacted }) => !redacted).map(snapshotAsPoint), request);
    if (found === undefined) continue;
    const copied = remote !== undefined || request.ofCopy === true;
    points.push({ ...snapshotPoint({ place, at, ...(remote && { remote }) }, dataset, found.of, target), copied });
  }
  for (const place of repositoryCopies(manifest, inventory, source)) {
    if (!isMeant(place.name)) continue;
    const there = observations.repository(place.at.repository);
    if (there.state === "unobserved") unseen.push({ place: place.name, host: place.at.host, reason: there.reason });
    const found = bestCopy(place, request);
    if (found) points.push({ ...found, distance: distanceOf(manifest, place) });
  }
  return { points: points.sort(byChoice), unseen };
}

/** Every point in time of a source, in every place that has it; and the places that nothing is known of. */
export function everyPoint(
  manifest: Manifest,
  inventory: Inventory,
  observations: Observations,
  source: AnySource,
): Places {
  const points: Point[] = [];
  const unseen: { place: RemoteName; host: HostName; reason: string }[] = [];
  for (const where of "dataset" in source ? datasetsWith(source, { from: OWN_SNAPSHOTS }) : []) {
    const there = observations.look(where.at.host, where.at.dataset);
    if (there.state === "unobserved") unseen.push({ place: where.place, host: where.at.host, reason: there.reason });
    if (there.state !== "present") continue;
    const { dataset } = there;
    points.push(...dataset.snapshots.map((snapshot) => snapshotPoint(where, dataset, snapshot, source.host)));
  }
  for (const place of repositoryCopies(manifest, inventory, source)) {
    const there = observations.repository(place.at.repository);
    if (there.state === "unobserved") unseen.push({ place: place.name, host: place.at.host, reason: there.reason });
    const distance = distanceOf(manifest, place);
    for (const view of place.views) if (view.copy) points.push({ ...copyPoint(place, view, view.copy), distance });
  }
  return { points, unseen };
}

function snapshotPoint(
  { place, at, remote }: DatasetPlace,
  dataset: Dataset,
  snapshot: Snapshot,
  target: HostName,
): SnapshotPoint {
  const { name, taken } = snapshotAsPoint(snapshot);
  return {
    kind: "snapshot",
    place,
    ...(remote && { remote }),
    copied: remote !== undefined,
    name,
    taken,
    distance: at.host === target ? 0 : 1,
    from: at,
    dataset,
    snapshot,
  };
}

/** Whole datasets before files alone, then the newest, then the nearest. */
export const byChoice = (a: Point, b: Point): number =>
  Number(a.kind === "copy") - Number(b.kind === "copy") || b.taken - a.taken || a.distance - b.distance;

interface DatasetPlace {
  readonly place: RemoteName;
  readonly at: At;
  readonly remote?: ZfsRemote;
}

/** The source's own snapshots are no backup: they serve for single files, in place, and where they are asked for. */
function datasetsWith(
  source: Extract<AnySource, { dataset: unknown }>,
  request: Pick<RestoreRequest, "paths" | "inPlace" | "from">,
): DatasetPlace[] {
  const { paths = [], inPlace, from } = request;
  const own = from === OWN_SNAPSHOTS || paths.length > 0 || inPlace === true;
  const at = { host: source.host, dataset: source.dataset };
  return [
    ...(own ? [{ place: OWN_SNAPSHOTS as RemoteName, at }] : []),
    ...source.copies.map(({ remote, host, target }) => ({
      place: remote.name,
      remote,
      at: { host, dataset: target },
    })),
  ];
}

interface Candidate<T> {
  readonly name: string;
  readonly id?: string;
  readonly taken: EpochSeconds;
  readonly of: T;
}

/** A name that Holdfast gave has the time it was taken at; other snapshots have the time they were made. */
const snapshotAsPoint = (snapshot: Snapshot): Candidate<Snapshot> => ({
  name: snapshot.name,
  id: snapshot.guid,
  taken: timeInName(snapshot.name) ?? snapshot.creation,
  of: snapshot,
});

/** The last that fits; they are in order. */
function newest<T>(candidates: readonly Candidate<T>[], { at, snapshot }: RestoreRequest): Candidate<T> | undefined {
  return candidates.findLast(
    ({ name, id, taken }) =>
      (at === undefined || taken <= at) &&
      (snapshot === undefined || name === snapshot || id === snapshot || isBeginning(snapshot, id)),
  );
}

/** restic shows the first eight characters of an id. */
const isBeginning = (text: string, id: string | undefined): boolean =>
  /^[0-9a-f]{8,64}$/.test(text) && id?.startsWith(text) === true;

function bestCopy(place: RepositoryPlace, request: RestoreRequest): Omit<CopyPoint, "distance"> | undefined {
  const candidates = place.views.flatMap((view) => {
    const { copy } = view;
    return copy === undefined ? [] : [{ name: view.name, id: copy.id, taken: view.creation, of: { copy, view } }];
  });
  // one that lacks files is better than none, and is taken where it is named
  const whole = newest(
    candidates.filter(({ of }) => !of.view.isPartial),
    request,
  );
  const found = whole ?? (request.snapshot === undefined ? undefined : newest(candidates, request));
  if (found === undefined) return undefined;
  return copyPoint(place, found.of.view, found.of.copy);
}

function copyPoint(
  { name: place, at }: RepositoryPlace,
  { name, creation, key }: CopyView,
  copy: RepositoryCopy,
): Omit<CopyPoint, "distance"> {
  const isOurs = copy.tags.includes("holdfast");
  return {
    kind: "copy",
    place,
    name,
    taken: creation,
    at,
    id: copy.id,
    key,
    tree: copy.tree,
    within: isOurs || copy.paths.length !== 1 ? "/" : (copy.paths[0] ?? "/"),
    ...(copy.files !== undefined && { files: copy.files }),
    ...(copy.bytes !== undefined && { bytes: copy.bytes }),
  };
}

/** A disk of this machine, then a remote, then a mirror of one. */
function distanceOf(manifest: Manifest, { name }: RepositoryPlace): number {
  const remote = manifest.remotes.get(name);
  if (remote?.type === "restic") return isLocal(remote) ? 0 : 2;
  const mirror = manifest.mirrors.get(name);
  return mirror && isLocal(mirror) ? 1 : 3;
}
