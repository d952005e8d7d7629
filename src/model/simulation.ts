import type { AnyAt, Blocked, Unobserved } from "./plan.ts";
import type { Address, EpochSeconds, HostName, RemoteName, Seconds, TypeName } from "./units.ts";

/** What a manifest comes to over time: the answer of `holdfast simulate --json`. */
export interface Simulation {
  readonly formatVersion: 1;
  /** Who asked: `null` for a controller. */
  readonly self: HostName | null;
  readonly manifestDigest: string;
  /** IANA zone of the manifest. */
  readonly timezone: string;
  /** What it starts from: what was observed, or nothing at all. */
  readonly from: "observed" | "nothing";
  /** ISO 8601, UTC: the clock it starts at. */
  readonly start: string;
  /** ISO 8601, UTC. */
  readonly end: string;
  /** False when something that matters could not be observed: `unobserved` says what. */
  readonly complete: boolean;
  readonly unobserved: readonly Unobserved[];
  /** In the way at the start, and taken to stay so. */
  readonly blocked: readonly Blocked[];
  /** Deletions that are withheld at the start, and taken to be agreed to. */
  readonly withheld: readonly Blocked[];
  /** Of datasets, then of directories; each sorted by its first source. */
  readonly groups: readonly SimulatedGroup[];
}

/** Sources with the same settings, of which the same is there at the start: one is played forward for all. */
export interface SimulatedGroup {
  /** Sorted; what is said of places is said of the first. */
  readonly sources: readonly Address[];
  readonly suspended: boolean;
  /** The source's own side, then its copies in the manifest's order. */
  readonly places: readonly SimulatedPlace[];
  /** ISO 8601, UTC: when the counts last changed; absent where they may still change. */
  readonly steadySince?: string;
}

/** One side, date by date. */
export interface SimulatedPlace {
  /** `source`, or the name of a remote or mirror. */
  readonly name: RemoteName;
  readonly kind: "source" | "zfs" | "restic" | "mirror";
  readonly at: AnyAt;
  /** As the manifest writes it. */
  readonly keep: string;
  /** Why nobody knows what it has; `dates` is empty then. */
  readonly unobserved?: string;
  /** As it is after all that is due by then has been done. */
  readonly dates: readonly SimulatedDate[];
  /** What is the first of its type to be destroyed or forgotten there, in order of time. */
  readonly firstDestroyed: readonly FirstDestroyed[];
}

export interface SimulatedDate {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Snapshots or copies of any declared type; a copy may be of several. */
  readonly count: number;
  /** In the manifest's order, without those of which there is none. */
  readonly types: readonly SimulatedType[];
  /** How far back one can go there. */
  readonly oldest?: { readonly creation: EpochSeconds; readonly age: Seconds };
}

export interface SimulatedType {
  readonly type: TypeName;
  readonly count: number;
  /** Of the oldest of that type. */
  readonly oldest: EpochSeconds;
}

export interface FirstDestroyed {
  readonly type: TypeName;
  /** When it was taken. */
  readonly creation: EpochSeconds;
  /** ISO 8601, UTC. */
  readonly at: string;
}
