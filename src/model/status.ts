import type { AnyAt, BlockedReason, DrillState, Summary, Unobserved } from "./plan.ts";
import type { Address, Bytes, EpochSeconds, HostName, RemoteName, Seconds, TypeName } from "./units.ts";

/** How every source and each of its copies is: the answer of `holdfast status --json`. */
export interface Status {
  readonly formatVersion: 1;
  /** Who looked: `null` for a controller. */
  readonly self: HostName | null;
  readonly manifestDigest: string;
  /** ISO 8601, UTC: when the inventory was taken. */
  readonly observedAt: string;
  /** ISO 8601, UTC: the clock that ages are judged by. */
  readonly now: string;
  /** The worst of all sources. */
  readonly health: Health;
  /** False when something that matters could not be observed: `unobserved` says what. */
  readonly complete: boolean;
  readonly unobserved: readonly Unobserved[];
  /** Sorted by address. */
  readonly sources: readonly SourceStatus[];
  /** Datasets that no entry of the manifest speaks of. */
  readonly unprotected: number;
  /** What a plan would do now. */
  readonly pending: Summary;
}

/** What outweighs all that stand before it, the least first. */
export const HEALTHS = ["ok", "suspended", "waiting", "away", "unknown", "overdue", "blocked", "failed"] as const;

export const worst = (all: readonly Health[]): Health =>
  all.reduce((a, b) => (HEALTHS.indexOf(b) > HEALTHS.indexOf(a) ? b : a), "ok");

/** In the order in which one outweighs another. */
export type Health =
  | "ok"
  /** Nothing is done with it until it is resumed. */
  | "suspended"
  /** Something is still to be done, and it is not late. */
  | "waiting"
  /** It cannot be seen, and that is nothing unusual yet. */
  | "away"
  /** Nobody knows: it could not be observed. */
  | "unknown"
  /** Older than its `maxAge`, or than twice the pause of its schedule. */
  | "overdue"
  | "blocked"
  /** The last attempt failed. */
  | "failed";

export interface SourceStatus {
  readonly source: Address;
  readonly host: HostName;
  readonly kind: "dataset" | "directory";
  /** The worst of it and of its copies. */
  readonly health: Health;
  readonly suspended: boolean;
  /** Of a dataset: its snapshots. */
  readonly own?: PlaceStatus;
  /** One for each remote and mirror that has copies of it, in the manifest's order. */
  readonly copies: readonly CopyStatus[];
}

/** How one side is. */
export interface PlaceStatus {
  readonly at: AnyAt;
  readonly health: Health;
  /** It could not be seen: `newest` is what it is known to have had, if anything is, and `types` is empty. */
  readonly unseen?: true;
  /** The newest point in time that it has, of any declared type. */
  readonly newest?: { readonly name: string; readonly creation: EpochSeconds };
  /** Seconds from that to now. */
  readonly age?: Seconds;
  /** More than this is overdue: its `maxAge`, or what its schedules come to. */
  readonly dueWithin?: Seconds;
  /** Its newest is older than that, or there is none; also where something worse is the matter. Never while suspended. */
  readonly overdue: boolean;
  readonly types: readonly TypeStatus[];
  /** What is in the way; withheld deletions too. */
  readonly blocked: readonly BlockedStatus[];
  /** Snapshots or copies whose deletion is held back until somebody agrees. */
  readonly withheld: number;
  /** In words, what is the matter; absent when it is ok. */
  readonly message?: string;
  /** Only from a running service. */
  readonly conditions?: readonly Condition[];
}

export interface CopyStatus extends PlaceStatus {
  readonly remote: RemoteName;
  readonly kind: "zfs" | "restic" | "mirror";
  /**
   * What it does not have yet, of what it should have. Of a repository that cannot be seen nobody knows: 0. Bytes are what
   * was written to the source; 0 where files have to be read to know.
   */
  readonly waiting: { readonly snapshots: number; readonly bytes: Bytes };
  /** When what is there was last proved to be readable; absent where that was never done or is not known. */
  readonly verified?: EpochSeconds;
  /** How its restore drills went, where there are to be any or ever were. */
  readonly verify?: DrillState;
}

/** What the sides of a source were seen to have when they were seen last; what a status says of it is one. */
export interface LastSeen {
  readonly source: Address;
  readonly own?: Pick<PlaceStatus, "newest">;
  readonly copies: readonly Pick<CopyStatus, "remote" | "newest">[];
}

export interface TypeStatus {
  readonly type: TypeName;
  readonly count: number;
  /** Of the newest of that type. */
  readonly newest?: EpochSeconds;
}

export interface BlockedStatus {
  readonly reason: BlockedReason;
  readonly message: string;
  readonly remedies: readonly string[];
}

/** As Kubernetes has them: true or false, why, and since when. */
export interface Condition {
  readonly type: "Ready" | "Reconciling" | "Blocked" | "Stalled";
  readonly status: boolean;
  /** One word, for machines. */
  readonly reason: string;
  readonly message: string;
  /** ISO 8601, UTC: when `status` became what it is. */
  readonly since: string;
}
