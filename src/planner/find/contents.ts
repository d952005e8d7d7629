import type { EpochSeconds } from "../../model/units.ts";
import { byChoice, type Point } from "../restore/places.ts";

/** A point in time of a source. */
interface Moment {
  /** The same in every place. */
  readonly key: string;
  readonly taken: EpochSeconds;
  /** Of two of the same second the later has the higher. */
  readonly order: number;
}

export const laterFirst = (a: Moment, b: Moment): number => b.taken - a.taken || b.order - a.order;

/** One snapshot or copy. */
export interface Sighting {
  readonly moment: Moment;
  readonly point: Point;
}

/** What is the same in all of its sightings: searched in one of them, it is known of the others. */
export interface Content {
  /** The one to look into first; of each place one at least. */
  readonly sightings: readonly Sighting[];
  readonly newest: EpochSeconds;
}

/**
 * Sorted out by what is in them, newest first: snapshots of one guid are the same wherever they are, and the same as the
 * one before where nothing was written between the two; so are copies of one tree.
 */
export function contentsOf(points: readonly Point[], isMeant: (point: Point) => boolean = () => true): Content[] {
  const sameAs = unchanged(points);
  const contents = new Map<string, Sighting[]>();
  const moments = new Map<string, Moment>();
  for (const point of points) {
    if (!isMeant(point) || isPart(point)) continue;
    const key = point.kind === "snapshot" ? sameAs(point.snapshot.guid) : `${point.tree} ${point.within}`;
    const own = point.kind === "snapshot" ? point.snapshot.guid : point.key;
    const moment = moments.get(own) ?? { key: own, taken: point.taken, order: moments.size };
    moments.set(own, moment);
    const there = contents.get(key) ?? [];
    if (there.push({ moment, point }) === 1) contents.set(key, there);
  }
  return [...contents.values()]
    .map((sightings) => ({
      sightings: sightings.sort((a, b) => byPlace(a.point, b.point)),
      newest: newestOf(sightings),
    }))
    .sort((a, b) => laterFirst(a.newest, b.newest))
    .map(({ sightings, newest }) => ({ sightings, newest: newest.taken }));
}

const newestOf = (sightings: readonly Sighting[]): Moment =>
  sightings.map(({ moment }) => moment).reduce((a, b) => (laterFirst(a, b) < 0 ? a : b));

/** A redacted snapshot lacks what others of its guid have. */
const isPart = (point: Point): boolean => point.kind === "snapshot" && point.snapshot.redacted === true;

/** The nearest place first, there the newest. */
const byPlace = (a: Point, b: Point): number =>
  Number(isCopied(a)) - Number(isCopied(b)) || a.distance - b.distance || byChoice(a, b);

const isCopied = (point: Point): boolean => point.kind === "copy" || point.copied;

/** By guid, the first snapshot of those that have the same in them. */
function unchanged(points: readonly Point[]): (guid: string) => string {
  const same = new Map<string, string>();
  const first = (guid: string): string => {
    let found = guid;
    for (let next = same.get(found); next !== undefined; next = same.get(found)) found = next;
    return found;
  };
  let before: Point | undefined;
  for (const point of points) {
    if (point.kind !== "snapshot") continue;
    const { guid, written } = point.snapshot;
    if (before?.kind === "snapshot" && before.place === point.place && written === 0) {
      const [mine, other] = [first(guid), first(before.snapshot.guid)];
      if (mine !== other && !isPart(before) && !isPart(point)) same.set(mine, other);
    }
    before = point;
  }
  return first;
}
