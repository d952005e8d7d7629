import type { FoundAt, FoundIn, FoundPath, FoundVersion, Hit } from "../../model/found.ts";
import type { Address } from "../../model/units.ts";
import { byChoice, type Point } from "../restore/places.ts";
import { type Content, laterFirst, type Sighting } from "./contents.ts";

/** Versions of files that are kept, of all paths together; what else is found is only counted. */
const MOST_VERSIONS = 50_000;

interface Version {
  readonly hit: Hit;
  /** Which of the source's contents have it, a bit each. */
  contents: bigint;
  /** The newest of them. */
  first: number;
}

/** What was found of one source. */
interface Kept {
  readonly source: Address;
  readonly contents: readonly Content[];
  readonly paths: Map<string, Version[]>;
}

/** How what was found is brought back. */
interface Commands {
  /** False where it was found out that it cannot be read there. */
  readonly isReadable: (sighting: Sighting) => boolean;
  readonly restore: (source: Address, hit: Hit, sighting: Sighting) => string;
}

/** Keeps what was found, of bounded size, in whatever order it comes. */
export class Collected {
  readonly #most: number;
  readonly #sources = new Map<Address, Kept>();
  #kept = 0;
  omitted = 0;

  constructor(most = MOST_VERSIONS) {
    this.#most = most;
  }

  /** `index`: of the content that has it, among those of the source. */
  add(source: Address, contents: readonly Content[], index: number, hit: Hit): void {
    const kept = this.#sources.get(source) ?? { source, contents, paths: new Map() };
    this.#sources.set(source, kept);
    const versions: Version[] = kept.paths.get(hit.path) ?? [];
    const known = versions.find((version) => isSame(version.hit, hit));
    if (known !== undefined) {
      known.contents |= 1n << BigInt(index);
      known.first = Math.min(known.first, index);
    } else if (this.#kept >= this.#most) this.omitted += 1;
    else {
      this.#kept += 1;
      if (versions.push({ hit, contents: 1n << BigInt(index), first: index }) === 1) kept.paths.set(hit.path, versions);
    }
  }

  /** Newest first; of each path so many versions. */
  paths(limit: number, { restore, isReadable }: Commands): FoundPath[] {
    const found = [...this.#sources.values()].flatMap(({ source, contents, paths }) =>
      [...paths].map(([path, versions]) => {
        const newest = versions.reduce((first, version) => Math.min(first, version.first), Number.POSITIVE_INFINITY);
        return { source, contents, path, versions, newest: contents[newest]?.newest ?? 0 };
      }),
    );
    return found
      .sort((a, b) => b.newest - a.newest || byText(a.source, b.source) || byText(a.path, b.path))
      .map(({ source, contents, path, versions }) => ({
        source,
        path,
        versions: versions
          .sort((a, b) => a.first - b.first || byText(b.hit.modified, a.hit.modified))
          .slice(0, limit)
          .map((version) =>
            shown(version, contents, {
              isReadable,
              restore: (hit, sighting) => restore(source, hit, sighting),
            }),
          ),
        more: Math.max(0, versions.length - limit),
      }));
  }
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const isSame = (a: Hit, b: Hit): boolean =>
  a.type === b.type && a.size === b.size && a.modified === b.modified && a.exact === b.exact;

function shown(
  { hit, contents: bits }: Version,
  contents: readonly Content[],
  {
    restore,
    isReadable,
  }: Pick<Commands, "isReadable"> & { readonly restore: (hit: Hit, sighting: Sighting) => string },
): FoundVersion {
  const sightings = contents
    .filter((_, index) => (bits >> BigInt(index)) & 1n)
    .flatMap((content) => content.sightings)
    .sort((a, b) => laterFirst(a.moment, b.moment) || byChoice(a.point, b.point));
  const [newest] = sightings;
  // of those that have the oldest moment the best
  const oldest = sightings.find(({ moment }) => moment.key === sightings.at(-1)?.moment.key);
  if (newest === undefined || oldest === undefined) throw new Error(`nothing has ${hit.path}`);
  const command = hit.exact ? restore(hit, sightings.find(isReadable) ?? newest) : undefined;
  return {
    type: hit.type,
    ...(hit.size !== undefined && { size: hit.size }),
    modified: iso(Math.floor(Number(hit.modified))),
    snapshots: count(sightings),
    newest: foundIn(newest),
    oldest: foundIn(oldest),
    places: places(sightings),
    ...(command !== undefined && { restore: command }),
  };
}

/** In the order of the newest that each has. */
function places(sightings: readonly Sighting[]): FoundAt[] {
  const byPlace = new Map<string, Sighting[]>();
  for (const sighting of sightings) {
    const there = byPlace.get(sighting.point.place) ?? [];
    if (there.push(sighting) === 1) byPlace.set(sighting.point.place, there);
  }
  return [...byPlace.values()].flatMap((there) => {
    const [newest] = there;
    if (newest === undefined) return [];
    const { point } = newest;
    return [
      {
        ...foundIn(newest),
        place: point.place,
        at: atOf(point),
        ...(point.kind === "copy" && { copy: point.id }),
        snapshots: count(there),
      },
    ];
  });
}

const atOf = (point: Point): FoundAt["at"] => (point.kind === "copy" ? point.at : point.from);

const count = (sightings: readonly Sighting[]): number => new Set(sightings.map(({ moment }) => moment.key)).size;

const foundIn = ({ moment, point }: Sighting): FoundIn => ({ snapshot: point.name, taken: iso(moment.taken) });

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(".000", "");
