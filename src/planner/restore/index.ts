import type { Inventory } from "../../model/inventory.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { At, AtDirectory, Blocked, Note, Operation, OperationId, Plan, Unobserved } from "../../model/plan.ts";
import { writePlace } from "../../model/plan.ts";
import type { DatasetName, DirectoryPath, EpochSeconds } from "../../model/units.ts";
import { isEmptyPool, isPlaceholder } from "../../remotes/zfs/placeholder.ts";
import { isBelow, isWithin, Observations, parentOf } from "../observed.ts";
import { linkParents } from "../order.ts";
import { check } from "../self-check.ts";
import { summarize } from "../summary.ts";
import { type Move, restoreDataset } from "./datasets.ts";
import { restoreFiles } from "./files.ts";
import { notesOn } from "./notes.ts";
import { type Places, type Point, placesOf, type SnapshotPoint } from "./places.ts";
import type { RestoreRequest } from "./request.ts";
import { type AnySource, restorable } from "./sources.ts";

export type { RestoreRequest, RestoreTarget } from "./request.ts";
export { restorable } from "./sources.ts";

/**
 * What would bring back what is asked for. Pure, and checked as every plan is: each step works in a simulated world. What
 * a restore that was cut has left is gone on with.
 */
export function planRestore(manifest: Manifest, inventory: Inventory, request: RestoreRequest): Plan {
  const made = assemble(manifest, inventory, request);
  return check(made, inventory, (simulated) => {
    const again = assemble(manifest, simulated, request);
    // what is in folders is not simulated
    return { ...again, operations: again.operations.filter(({ kind }) => kind !== "restore-files") };
  });
}

/** The sources that are asked for, most important first, then by address. */
function chosenSources(sources: readonly AnySource[], { source, recursive }: RestoreRequest): AnySource[] {
  if (typeof source !== "string") {
    const all = sources.filter(({ host }) => host === source.allOf);
    const priorities = prioritiesOf(all);
    return all.sort((a, b) => (priorities.get(b.address) ?? 0) - (priorities.get(a.address) ?? 0));
  }
  return sources.filter(
    ({ address }) => address === source || (recursive === true && !address.includes(":/") && isBelow(address, source)),
  );
}

/** A dataset cannot come back before those above it: they are as important as what is below them. */
function prioritiesOf(sources: readonly AnySource[]): ReadonlyMap<string, number> {
  const priorities = new Map<string, number>(sources.map(({ address, keys }) => [address, keys.priority ?? 0]));
  for (const { address, keys } of sources)
    for (let above = parentOf(address); above !== undefined; above = parentOf(above)) {
      const own = priorities.get(above);
      if (own !== undefined) priorities.set(above, Math.max(own, keys.priority ?? 0));
    }
  return priorities;
}

/** Where datasets would go that were not looked at, or of which it is not known how to go on. */
export function targetsOf(manifest: Manifest, inventory: Inventory, request: RestoreRequest): At[] {
  const observations = new Observations(inventory);
  return destinations(manifest, inventory, observations, request).flatMap(({ placed }) => {
    if ("message" in placed || !("dataset" in placed.at)) return [];
    const there = observations.look(placed.at.host, placed.at.dataset);
    const isKnown = there.state === "absent" || (there.state === "present" && there.dataset.resume === undefined);
    return isKnown ? [] : [placed.at];
  });
}

/** One source, what it can be brought back from, and where that would go. */
interface Destination {
  readonly source: AnySource;
  readonly places: Places;
  readonly placed: Placed | Refusal;
}

function destinations(
  manifest: Manifest,
  inventory: Inventory,
  observations: Observations,
  request: RestoreRequest,
): Destination[] {
  let asOf: EpochSeconds | undefined;
  return chosenSources(restorable(manifest, observations), request).map((source) => {
    // all of a tree as it was at the same time
    const wanted = asOf === undefined ? request : asOfThen(request, asOf);
    const places = placesOf(manifest, inventory, observations, source, wanted, request.to?.host ?? source.host);
    const [point] = places.points;
    if (point === undefined) return { source, places, placed: nothingFor(source, request, places) };
    if (request.recursive) asOf ??= point.taken;
    return { source, places, placed: placeFor(source, point, request, stampOf(asOf ?? point.taken), observations) };
  });
}

function assemble(manifest: Manifest, inventory: Inventory, request: RestoreRequest): Plan {
  const observations = new Observations(inventory);
  const operations: Operation[] = [];
  const blocked: Blocked[] = [];
  const notes: Note[] = [];
  const unobserved = new Map<string, Unobserved>();
  const moves: Move[] = [];
  for (const { source, places, placed } of destinations(manifest, inventory, observations, request)) {
    const [point] = places.points;
    if (point === undefined || "message" in placed) {
      for (const { place, host, reason } of places.unseen)
        unobserved.set(place, { host, remote: place, reason, expected: false });
      if ("message" in placed) blocked.push({ evidence: [], ...placed, source: source.address });
      continue;
    }
    const { at, beside, over } = placed;
    if (typeof request.source !== "string" && isThereAlready(observations, at)) {
      notes.push({ kind: "restore", source: source.address, message: "it is there, and stays as it is" });
      continue;
    }
    const common = { source: source.address, beside, paths: request.paths ?? [] };
    const restored =
      point.kind === "snapshot" && "dataset" in at && common.paths.length === 0
        ? restoreDataset(observations, {
            ...common,
            at,
            withSnapshots: request.withSnapshots ?? false,
            recursive: request.recursive ?? false,
            ...movedAside(moves, at, point),
            aside: `-replaced-${stampOf(request.now)}`,
          })
        : restoreFiles(observations, { ...common, point, at, over });
    operations.push(...restored.operations);
    blocked.push(...restored.blocked);
    if (restored.moves) moves.push(restored.moves);
    notes.push(...notesOn(observations, source, places, { at, beside, request, restored }));
  }
  const parts = {
    operations: linkParents(operations),
    blocked,
    kept: [],
    foreign: [],
    notes,
    unobserved: [...unobserved.values()],
  };
  return {
    formatVersion: 1,
    manifestDigest: manifest.digest,
    self: manifest.self,
    observedAt: iso(inventory.observedAt),
    now: iso(request.now),
    complete: unobserved.size === 0,
    ...parts,
    summary: summarize(parts),
  };
}

/** What is below an original that goes aside is there no more; its own snapshots went with it. */
function movedAside(
  moves: readonly Move[],
  at: At,
  point: SnapshotPoint,
): { readonly point: SnapshotPoint; readonly movedBy?: OperationId } {
  const move = moves.find((one) => isInside(at, one.at));
  if (move === undefined) return { point };
  const { from } = point;
  if (!isInside(from, move.at)) return { point, movedBy: move.by };
  const dataset = `${move.to}${from.dataset.slice(move.at.dataset.length)}` as DatasetName;
  return { point: { ...point, from: { ...from, dataset } }, movedBy: move.by };
}

const isInside = (at: At, above: At): boolean => at.host === above.host && isWithin(at.dataset, above.dataset);

const iso = (at: EpochSeconds): string => new Date(at * 1000).toISOString().replace(/\.\d+/, "");

/** `20261122T0310Z` */
const stampOf = (at: EpochSeconds): string =>
  new Date(at * 1000)
    .toISOString()
    .replace(/[-:]/g, "")
    .replace(/\d\d\.\d+Z$/, "Z");

function asOfThen({ snapshot: _, ...request }: RestoreRequest, at: EpochSeconds): RestoreRequest {
  return { ...request, at };
}

interface Placed {
  readonly at: At | AtDirectory;
  readonly beside: boolean;
  readonly over: boolean;
}
type Refusal = Pick<Blocked, "at" | "reason" | "message" | "remedies"> & Partial<Pick<Blocked, "evidence">>;

/** Where it goes: beside the original, named after the time it is from, so that running it again goes on with it. */
function placeFor(
  source: AnySource,
  point: Point,
  request: RestoreRequest,
  stamp: string,
  observations: Observations,
): Placed | Refusal {
  const host = request.to?.host ?? source.host;
  const { to, inPlace = false, paths = [] } = request;
  const isAll = typeof request.source !== "string";
  const suffix = isAll || source.address === request.source ? "" : source.address.slice(`${request.source}`.length);
  const whole = { beside: true, over: false } as const;
  if (to?.directory !== undefined) {
    const below = isAll ? `/${placeName(source)}`.replace("//", "/") : suffix;
    return { at: { host, directory: `${to.directory}${below}`.replace(/\/+$/, "") as DirectoryPath }, ...whole };
  }
  if (to?.dataset !== undefined) {
    const below = isAll ? `/${placeName(source).replace(/^\//, "")}` : suffix;
    const dataset = `${to.dataset}${below}` as DatasetName;
    const isOriginal = "dataset" in source && host === source.host && dataset === source.dataset;
    return isOriginal
      ? refusal(source, `${dataset} is the original itself`, ["to restore over it: --in-place instead of --to"])
      : { at: { host, dataset }, ...whole };
  }
  if ("path" in source) {
    const isPresent = observations.directory(source.address).state !== "absent";
    if (inPlace || isAll) return { at: { host, directory: source.path }, beside: false, over: inPlace && isPresent };
    return { at: { host, directory: `${source.path}-restored-${stamp}` as DirectoryPath }, ...whole };
  }
  if (paths.length > 0) return placeForPaths(source, inPlace, stamp, observations);
  if (inPlace || isAll) {
    const there = observations.look(host, source.dataset);
    const isOver = point.kind === "copy" && there.state === "present" && there.dataset.own.restoring !== "on";
    return { at: { host, dataset: source.dataset }, beside: false, over: isOver };
  }
  const top = typeof request.source === "string" ? request.source.slice(source.host.length + 1) : source.dataset;
  const name = top.includes("/") ? `${top}-restored-${stamp}` : `${top}/${top}-restored-${stamp}`;
  return { at: { host, dataset: `${name}${suffix}` as DatasetName }, ...whole };
}

/** Single files go beside the folder that they are from. */
function placeForPaths(
  { host, dataset, address }: Extract<AnySource, { dataset: unknown }>,
  inPlace: boolean,
  stamp: string,
  observations: Observations,
): Placed | Refusal {
  const there = observations.look(host, dataset);
  if (inPlace && there.state === "present") return { at: { host, dataset }, beside: false, over: true };
  const mountpoint = there.state === "present" && there.dataset.mounted ? there.dataset.mountpoint : undefined;
  if (mountpoint?.startsWith("/") && mountpoint !== "/")
    return { at: { host, directory: `${mountpoint}-restored-${stamp}` as DirectoryPath }, beside: true, over: false };
  return {
    at: { host, dataset },
    reason: "occupied",
    message: `${address} is not mounted: there is no place beside it for single files`,
    remedies: ["give a folder: --to DIR"],
  };
}

const placeName = (source: AnySource): string => ("path" in source ? source.path : source.dataset);

const refusal = (source: AnySource, message: string, remedies: readonly string[]): Refusal => ({
  at: "path" in source ? { host: source.host, directory: source.path } : { host: source.host, dataset: source.dataset },
  reason: "occupied",
  message,
  remedies,
});

/** Of a whole host only what is missing comes back. */
function isThereAlready(observations: Observations, at: At | AtDirectory): boolean {
  if ("directory" in at)
    return observations.directory(writePlace(at) as Parameters<Observations["directory"]>[0]).state === "present";
  const there = observations.look(at.host, at.dataset);
  if (there.state !== "present" || there.dataset.own.restoring !== undefined) return false;
  return !isPlaceholder(there.dataset) && !isEmptyPool(there.dataset);
}

function nothingFor(source: AnySource, { snapshot, at, from, ofCopy }: RestoreRequest, { unseen }: Places): Refusal {
  // a fact is one line
  const evidence = unseen.map(({ place, reason }) => `${place} could not be seen: ${reason.replaceAll("\n", "; ")}`);
  const which = snapshot !== undefined ? ` called ${snapshot}` : at === undefined ? "" : ` from ${iso(at)} or before`;
  const where = from === undefined ? "no place that was seen has a" : `${from} has no`;
  if (ofCopy)
    return {
      ...refusal(source, `it is not there, or has no snapshot${which}`, [
        "what there is: zfs list -t filesystem,volume,snapshot",
      ]),
      reason: "no-copy",
      evidence,
    };
  return {
    ...refusal(source, `${where} copy of it${which}`, [`what there is: holdfast list ${source.address}`]),
    reason: "no-copy",
    evidence,
  };
}
