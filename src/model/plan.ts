import type { Remedy } from "./manifest.ts";
import type { Address, Bytes, DatasetName, Guid, HostName, RemoteName, TypeName } from "./units.ts";

/** What `apply` would do and why, as plain JSON. Operations are in an order in which they can run one after the other. */
export interface Plan {
  readonly formatVersion: 1;
  readonly manifestDigest: string;
  /** Who planned: `null` for a controller. */
  readonly self: HostName | null;
  /** ISO 8601, UTC: when the inventory was taken. */
  readonly observedAt: string;
  /** ISO 8601, UTC: the clock the plan was made for. */
  readonly now: string;
  /** False when something that matters could not be observed: `unobserved` says what. */
  readonly complete: boolean;
  readonly unobserved: readonly Unobserved[];
  readonly operations: readonly Operation[];
  readonly blocked: readonly Blocked[];
  readonly kept: readonly KeptGroup[];
  /** Snapshots that no declared type matches: never touched, never counted. */
  readonly foreign: readonly SnapshotGroup[];
  readonly notes: readonly Note[];
  readonly summary: Summary;
}

export type OperationId = string;

/** A snapshot that exists (`guid`), or one that an earlier operation of this plan creates (`createdBy`). */
export type SnapshotRef =
  | { readonly name: string; readonly guid: Guid }
  | { readonly name: string; readonly createdBy: OperationId };

/** A dataset on a host: where something is done, or must be true. */
export interface At {
  readonly host: HostName;
  readonly dataset: DatasetName;
}

/** What must still be true right before an operation runs. All are checked by guid against a fresh listing. */
export type Precondition =
  /** The dataset is still this one. */
  | (At & { readonly kind: "dataset"; readonly guid: Guid })
  /** There is no such dataset. */
  | (At & { readonly kind: "absent" })
  /** Still Holdfast's own empty placeholder: nothing in it, no snapshots. */
  | (At & { readonly kind: "placeholder"; readonly guid: Guid })
  /** The snapshot is there under this name with this guid. */
  | (At & { readonly kind: "snapshot"; readonly snapshot: SnapshotRef })
  /** The guid is there, whatever its name; as a snapshot or, where `bookmark` allows it, as a bookmark. */
  | (At & { readonly kind: "present"; readonly snapshot: SnapshotRef; readonly bookmark: boolean })
  /** These fill the quota that makes others superfluous: all are there, by guid or by the operation that creates it. */
  | (At & { readonly kind: "quota"; readonly snapshots: readonly (Guid | OperationId)[] })
  /** Only these snapshots follow the base (all of them when it is `null`), and nothing was written since the newest. */
  | (At & { readonly kind: "follows"; readonly base: SnapshotRef | null; readonly extras: readonly Guid[] })
  /** The half-received stream is still the same; `null`: there is none. */
  | (At & { readonly kind: "token"; readonly token: string | null });

interface OperationBase {
  readonly id: OperationId;
  readonly source: Address;
  /** The dataset that is changed, and the host it is on. */
  readonly at: At;
  /** Why, for people. Never decides anything. */
  readonly reason: string;
  /** Operations that must have succeeded before. */
  readonly dependsOn: readonly OperationId[];
  readonly preconditions: readonly Precondition[];
}
interface OnRemote extends OperationBase {
  readonly remote: RemoteName;
}

/** Takes a snapshot. All creates with the same `atomic` are one `zfs snapshot` command. */
export interface CreateOperation extends OperationBase {
  readonly kind: "create";
  readonly type: TypeName;
  readonly name: string;
  readonly atomic: string;
}
/** Sets `holdfast:adopted=on`: from now on deletions are planned here. */
export interface AdoptOperation extends OperationBase {
  readonly kind: "adopt";
  readonly remote?: RemoteName;
}
/** Throws a half-received stream away (`receive -A`). */
export interface DiscardOperation extends OnRemote {
  readonly kind: "discard";
  readonly bytes: Bytes;
  /** The stream was to be the first of this dataset, which goes with it. */
  readonly removesDataset?: true;
}
/** The remedy for a diverged or modified copy: destroys by name what follows `to`, then rolls back to it. */
export interface RollbackOperation extends OnRemote {
  readonly kind: "rollback";
  readonly to: SnapshotRef;
  readonly destroys: readonly DestroyedSnapshot[];
  readonly bytes: Bytes;
}
/** The remedy that keeps what is there: renames the remote's dataset aside; a full send follows. */
export interface ReplaceOperation extends OnRemote {
  readonly kind: "replace";
  readonly renameTo: DatasetName;
}
/** How a stream is made and received; common to `send` and `resume`. */
export interface StreamOptions {
  /** The source's dataset; `at` is the target. */
  readonly from: At;
  readonly datasetType: "filesystem" | "volume";
  readonly raw: boolean;
  /**
   * Of what is received, where the stream does not settle it: with the key of the dataset above (`receive -x encryption`,
   * and no `send -e`: embedded blocks cannot be encrypted), or not at all although that one is.
   */
  readonly encryption?: "inherit" | "off";
  /** `send -p`. */
  readonly withProperties: boolean;
  /** `receive -o`. */
  readonly properties: Readonly<Record<string, string>>;
  /** `receive -x`. */
  readonly excludeProperties: readonly string[];
  readonly compress: "off" | "zstd";
  /** Bytes per second. */
  readonly limit?: Bytes;
  /** Where the pipeline is started and watched. */
  readonly runsOn: HostName;
}
/** One stream: full (`base` null), one step (`-i`), or a range of neighbours (`-I`). */
export interface SendOperation extends OnRemote, StreamOptions {
  readonly kind: "send";
  readonly base: (SnapshotRef & { readonly bookmark?: string }) | null;
  readonly to: SnapshotRef;
  /** Everything that arrives, oldest first; the last is `to`. More than one only for a range. */
  readonly snapshots: readonly SnapshotRef[];
  /** From what `zfs list` says; the exact size is asked for right before sending. */
  readonly estimate: Bytes;
  /** Parents to create first, outermost first, as empty placeholders that are never mounted. */
  readonly createParents: readonly DatasetName[];
  /** Receive over Holdfast's own empty placeholder (`receive -F`). */
  readonly replacesPlaceholder: boolean;
}
/** Goes on with a half-received stream. */
export interface ResumeOperation extends OnRemote, StreamOptions {
  readonly kind: "resume";
  readonly token: string;
  readonly to: SnapshotRef;
  readonly base: { readonly guid: Guid } | null;
  readonly received: Bytes;
  /** Absent when `zfs send` could not tell. */
  readonly remaining?: Bytes;
  /** The first receive went over a placeholder: the rest needs `receive -F` too. */
  readonly replacesPlaceholder: boolean;
  /** False on an append-only remote: a stream that is refused for good then stays. */
  readonly mayDiscard: boolean;
}
/** Marks the newest shared snapshot at the source, so that it stays a base when it is destroyed there. */
export interface BookmarkOperation extends OnRemote {
  readonly kind: "bookmark";
  readonly bookmark: string;
  readonly of: SnapshotRef;
  /** Made from this bookmark where the snapshot is gone. */
  readonly fromBookmark?: string;
}
export interface UnbookmarkOperation extends OnRemote {
  readonly kind: "unbookmark";
  readonly bookmarks: readonly { readonly name: string; readonly guid: Guid }[];
}
export interface DestroyedSnapshot {
  readonly name: string;
  readonly guid: Guid;
  /** What `zfs list` shows as used: the least that is freed. */
  readonly used: Bytes;
}
/** Destroys an explicit list of snapshots of one type on one side. */
export interface DestroyOperation extends OperationBase {
  readonly kind: "destroy";
  /** Absent: at the source itself. */
  readonly remote?: RemoteName;
  readonly type: TypeName;
  readonly snapshots: readonly DestroyedSnapshot[];
  readonly bytes: Bytes;
}
/** Destroys a copy whose source is gone; only by an approval that names it. */
export interface DestroyOrphanOperation extends OnRemote {
  readonly kind: "destroy-orphan";
  readonly snapshots: readonly DestroyedSnapshot[];
  readonly bytes: Bytes;
}

export type Operation =
  | CreateOperation
  | AdoptOperation
  | DiscardOperation
  | RollbackOperation
  | ReplaceOperation
  | SendOperation
  | ResumeOperation
  | BookmarkOperation
  | UnbookmarkOperation
  | DestroyOperation
  | DestroyOrphanOperation;
export type OperationKind = Operation["kind"];

export type BlockedReason =
  /** The manifest names a dataset that is not there. */
  | "source-missing"
  /** Entries of the same closeness both claim the source, or two sources claim one target. */
  | "ambiguous"
  | "diverged"
  | "modified"
  | "no-common-base"
  /** Data at the target that is not a copy. */
  | "occupied"
  /** The same name with another guid. */
  | "name-conflict"
  /** ZFS takes no name as long as that of the copy, or of the bookmark at the source, would be. */
  | "name-too-long"
  /** Encryption on the two sides does not allow the stream the manifest asks for. */
  | "encryption"
  /** The target's pool lacks a feature that the stream needs. */
  | "feature"
  /** What both sides share is redacted at the target: it lacks data, and increments do not fit. */
  | "redacted"
  /** A half-received stream that cannot be used and may not be thrown away. */
  | "partial-receive"
  /** Deletions held back by guards.destroyAtMost. */
  | "withheld"
  /** Deletions held back because this dataset was never managed before. */
  | "first-contact"
  /** Age-based deletions held back because the clock looks wrong. */
  | "clock"
  /** A remedy would destroy something held or cloned. */
  | "remedy"
  /** An orphan's approval cannot be carried out. */
  | "orphan"
  /** The plan failed its own check: a bug in Holdfast. */
  | "bug";

export interface Blocked {
  readonly source: Address;
  readonly remote?: RemoteName;
  readonly at: At;
  readonly reason: BlockedReason;
  /** What is in the way, in a sentence. */
  readonly message: string;
  /** Facts that show it, one a line: guids, bytes, names. */
  readonly evidence: readonly string[];
  /** What to do about it, each a command or a line of the manifest. */
  readonly remedies: readonly string[];
  /** Deletions that are held back. */
  readonly withheld?: {
    readonly type: TypeName;
    readonly snapshots: readonly DestroyedSnapshot[];
    readonly bytes: Bytes;
  };
  /** How much waits because of it. */
  readonly waiting?: { readonly snapshots: number; readonly bytes: Bytes };
  /** Applies to this copy's remedies `--resolve` can name. */
  readonly resolvable?: readonly Remedy[];
}

export type KeptReason =
  /** Among the newest N of its type. */
  | "count"
  /** Younger than `within`. */
  | "within"
  /** A rule of keepByTime. */
  | "time"
  /** Its type is not in `keep`: left alone. */
  | "unlisted"
  /** Newest snapshot shared with a remote: the base of the next increment. */
  | "base"
  | "oldest"
  | "oldest-shared"
  | "held"
  | "cloned"
  /** The newest snapshot of the source. */
  | "newest"
  /** The newest of a scheduled type: so that what was just taken is not due again. */
  | "newest-of-type"
  /** A remote still waits for it. */
  | "waiting"
  /** A half-received stream needs it. */
  | "partial-receive"
  /** Deletions here are frozen while a remote cannot be observed. */
  | "frozen"
  /** The remote is append-only. */
  | "append-only"
  /** Another machine thins this copy. */
  | "elsewhere"
  /** The copy is blocked, the source suspended, or its deletion withheld. */
  | "blocked"
  | "suspended"
  | "withheld";

/** Snapshots of one side that are kept for the same reason. A snapshot kept for two reasons is in two groups. */
export interface KeptGroup extends SnapshotGroup {
  readonly reason: KeptReason;
  /** What explains it: `hourly: 24`, a hold's tag, a clone's name, a remote. */
  readonly detail: string;
}
export interface SnapshotGroup {
  readonly source: Address;
  /** Absent: at the source itself. */
  readonly remote?: RemoteName;
  readonly snapshots: readonly string[];
}

export interface Unobserved {
  readonly host: HostName;
  readonly pool?: string;
  readonly remote?: RemoteName;
  readonly reason: string;
  /** True for a removable remote that is not overdue: absence is normal, and the plan is complete without it. */
  readonly expected: boolean;
}

export type NoteKind =
  | "orphan"
  | "unprotected"
  /** An entry of the manifest that no dataset matches. */
  | "unmatched"
  | "unused-bookmark"
  | "suspended"
  | "overdue"
  | "lapsed-approval"
  /** A raw copy is no longer its own encryption root. */
  | "encryption"
  /** More is to be sent than is available there. */
  | "space"
  | "waiting";
/** Worth knowing, changes nothing. */
export interface Note {
  readonly kind: NoteKind;
  readonly source?: Address;
  readonly remote?: RemoteName;
  readonly at?: At;
  readonly message: string;
}

/** Counts of snapshots, not of operations. */
export interface Summary {
  readonly create: number;
  readonly send: number;
  readonly sendBytes: Bytes;
  readonly resume: number;
  readonly destroy: number;
  readonly destroyBytes: Bytes;
  /** Operations of the other kinds: adopt, bookmark, discard, rollback, replace … */
  readonly other: number;
  readonly blocked: number;
  readonly kept: number;
}
