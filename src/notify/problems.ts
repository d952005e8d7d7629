import type { Address, EpochSeconds, RemoteName, Seconds } from "../model/units.ts";

/** What can be the matter with a place; what is over has recovered. */
export type Matter = "failed" | "blocked" | "overdue";

/** A source (without `remote`) or one of its copies, as it was just found. */
export interface Place {
  readonly source: Address;
  readonly remote?: RemoteName;
  /** `unseen`: what was the matter may still be so. `suspended`: nobody wants to hear of it. */
  readonly state: "seen" | "unseen" | "suspended";
  /** A host or a repository, which is only looked at while something is the matter: absent means that nothing is. */
  readonly loose?: true;
  readonly troubles: readonly Trouble[];
}

export interface Trouble {
  readonly matter: Matter;
  readonly message: string;
  readonly remedies: readonly string[];
  /** Nothing is said of what passes sooner. */
  readonly patience?: Seconds;
}

/** Everything that was found in one look. */
export interface Sight {
  readonly places: readonly Place[];
  /** False where some sources that there are may be missing. */
  readonly complete: boolean;
  /** Only some sources were looked for: of nothing else anything is known. */
  readonly narrowed: boolean;
}

/** Something that is the matter, or was until it is told to be over. */
export interface Problem {
  readonly source: Address;
  readonly remote?: RemoteName;
  readonly matter: Matter;
  readonly since: EpochSeconds;
  /** Nothing is said before. */
  readonly tellFrom: EpochSeconds;
  readonly message: string;
  readonly remedies: readonly string[];
  readonly loose?: true;
  /** Since then it is over. */
  readonly over?: EpochSeconds;
}

/** By `problemKey`. */
export type Problems = Readonly<Record<string, Problem>>;

const problemKey = ({ matter, source, remote }: Pick<Problem, "matter" | "source" | "remote">): string =>
  JSON.stringify(remote === undefined ? [matter, source] : [matter, source, remote]);

const placeKey = ({ source, remote }: Pick<Place, "source" | "remote">): string =>
  JSON.stringify(remote === undefined ? [source] : [source, remote]);

/**
 * What is the matter now, with since when. What is gone from the manifest or suspended is forgotten; what cannot be seen
 * stays as it was.
 */
export function updated(known: Problems, sight: Sight, now: EpochSeconds): Problems {
  const places = new Map(sight.places.map((place) => [placeKey(place), place]));
  const next: Record<string, Problem> = {};
  const before = Object.fromEntries(Object.entries(known).map(([key, problem]) => [key, notAhead(problem, now)]));
  for (const [key, problem] of Object.entries(before)) {
    const place = places.get(placeKey(problem));
    const isGone = place === undefined && !problem.loose && sight.complete && !sight.narrowed;
    if (isGone || place?.state === "suspended") continue;
    const isOver = place === undefined ? problem.loose && !sight.narrowed : place.state === "seen";
    next[key] = isOver && problem.over === undefined ? { ...problem, over: now } : problem;
  }
  for (const place of sight.places)
    for (const trouble of place.troubles) {
      const { matter, message, remedies, patience = 0 } = trouble;
      const { source, remote, loose } = place;
      const at = { source, ...(remote !== undefined && { remote }) };
      const problem = { ...at, matter, message, remedies, ...(loose && { loose }) };
      const key = problemKey(problem);
      const same = before[key]?.over === undefined ? before[key] : undefined;
      const since = same?.since ?? now;
      // what was worth telling at once does not wait because its cause changed
      const tellFrom = Math.min(since + patience, same?.tellFrom ?? Number.POSITIVE_INFINITY);
      next[key] = { ...problem, since, tellFrom: tellFrom as EpochSeconds };
    }
  return next;
}

/** What a clock saw that was ahead begins now: until that time comes it would be silent. */
const notAhead = (problem: Problem, now: EpochSeconds): Problem =>
  problem.since <= now
    ? problem
    : { ...problem, since: now, tellFrom: (now + problem.tellFrom - problem.since) as EpochSeconds };
