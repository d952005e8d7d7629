import type { DrillRecord, DrillResult } from "./drill.ts";
import type { Expectation, FileSelection, HookAction, Remedy } from "./manifest.ts";
import type {
  Address,
  Bytes,
  DatasetName,
  DirectoryPath,
  EpochSeconds,
  Guid,
  HostName,
  RemoteName,
  RepositoryKey,
  Seconds,
  TypeName,
} from "./units.ts";

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
  /** How the last drills went, of copies that are to be verified or ever were. */
  readonly verified?: readonly VerifiedCopy[];
  /** What `require` asks for and is not so, once this plan is done. */
  readonly shortfalls?: readonly Shortfall[];
  readonly summary: Summary;
}

/** How the drills of one copy went. */
export interface DrillState {
  readonly result: DrillResult | "never";
  readonly lastGood?: EpochSeconds;
  readonly lastTried?: EpochSeconds;
  /** The last good one is longer ago than the manifest allows. */
  readonly overdue: boolean;
}
export interface VerifiedCopy extends DrillState {
  readonly source: Address;
  readonly remote: RemoteName;
  readonly at: At | AtRepository;
  readonly last?: DrillRecord;
}

export interface Shortfall {
  readonly source: Address;
  readonly rule: "copies" | "offsite" | "immutable" | "encrypted" | "verifiedWithin";
  /** Of a copy, where one falls short. */
  readonly remote?: RemoteName;
  readonly message: string;
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
/** A restic repository, and the host whose restic works on it. */
export interface AtRepository {
  readonly host: HostName;
  readonly repository: RepositoryKey;
}
export interface AtDirectory {
  readonly host: HostName;
  readonly directory: DirectoryPath;
}
export type AnyAt = At | AtRepository | AtDirectory;

/** The place on its host. */
export const placeOnHost = (at: AnyAt): string =>
  "dataset" in at ? at.dataset : "directory" in at ? at.directory : at.repository;
/** `HOST:DATASET`, `HOST:/PATH`, or the key of a repository. */
export const writePlace = (at: AnyAt): string => ("repository" in at ? at.repository : `${at.host}:${placeOnHost(at)}`);

/**
 * A copy in any repository it may be in: that of a snapshot is known by the snapshot's guid, that of a directory by the
 * id it first had; or what an operation of this plan brings about.
 */
export type CopyRef =
  | { readonly name: string; readonly identity: string }
  | { readonly name: string; readonly createdBy: OperationId };

/** A copy in one repository, by restic's id there, or by the backup of this plan that makes it. */
export type CopyId =
  | { readonly name: string; readonly id: string }
  | { readonly name: string; readonly createdBy: OperationId };

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
  /** Each of these guids has a bookmark, whatever its name. */
  | (At & { readonly kind: "bookmarked"; readonly guids: readonly Guid[] })
  /**
   * These fill the quota that makes others superfluous: all are there, by guid or by the operation that creates it, and
   * under the names given in the same order: under another one it may be of no type, and count for nothing.
   */
  | (At & {
      readonly kind: "quota";
      readonly snapshots: readonly (Guid | OperationId)[];
      readonly names: readonly string[];
    })
  /** Only these snapshots follow the base (all of them when it is `null`), and nothing was written since the newest. */
  | (At & { readonly kind: "follows"; readonly base: SnapshotRef | null; readonly extras: readonly Guid[] })
  /** The half-received stream is still the same; `null`: there is none. */
  | (At & { readonly kind: "token"; readonly token: string | null });

/**
 * A copy that makes others superfluous. With `id`, restic's id there, it is there already: another id means other tags, by
 * which it may count for nothing.
 */
export type StayingCopy =
  | { readonly name: string; readonly identity: string; readonly id?: string }
  | { readonly name: string; readonly createdBy: OperationId };

/** What must still be true of a repository: it is this one, and these complete copies of the source are there. */
export interface RepositoryPrecondition extends AtRepository {
  readonly kind: "copies";
  readonly id: string;
  readonly copies: readonly StayingCopy[];
}

export type AnyPrecondition = Precondition | RepositoryPrecondition;

interface AnyOperation {
  readonly id: OperationId;
  /** For what is done to a whole repository: that repository. */
  readonly source: Address;
  /** Why, for people. Never decides anything. */
  readonly reason: string;
  /** Operations that must have succeeded before. */
  readonly dependsOn: readonly OperationId[];
  /** Operations that must have ended before, however they did. */
  readonly after?: readonly OperationId[];
}
interface OperationBase extends AnyOperation {
  /** The dataset that is changed, and the host it is on. */
  readonly at: At;
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
  /** All that have the same `atomic`, or none of them. */
  readonly together?: true;
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
/**
 * The remedy for a diverged or modified copy, and a restore of a source in place: destroys by name what follows `to`, then
 * rolls back to it.
 */
export interface RollbackOperation extends OperationBase {
  readonly kind: "rollback";
  /** Absent: the source itself. */
  readonly remote?: RemoteName;
  readonly to: SnapshotRef;
  readonly destroys: readonly DestroyedSnapshot[];
  /** Bookmarks of what is newer, which cannot stay. */
  readonly unbookmarks?: readonly { readonly name: string; readonly guid: Guid }[];
  readonly bytes: Bytes;
}
/** Keeps what is there: renames the remote's dataset, or the source that is restored, aside; a full send follows. */
export interface ReplaceOperation extends OperationBase {
  readonly kind: "replace";
  /** Absent: the source itself. */
  readonly remote?: RemoteName;
  readonly datasetType: "filesystem" | "volume";
  readonly renameTo: DatasetName;
  /** File systems in use there, children before their parents: unmounted first, and no longer mounted by themselves. */
  readonly unmounts?: readonly DatasetName[];
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
  /**
   * Brings a copy back: nothing marks it as a copy. `received`: with the settings that it once received rather than those
   * of a copy (`send -b`); `own`: with those it has.
   */
  readonly restores?: "received" | "own";
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
/** Makes an empty file system that files are restored into. */
export interface MakeOperation extends OnRemote {
  readonly kind: "make";
  readonly beside: boolean;
  /** Parents to create first, as for a send. */
  readonly createParents: readonly DatasetName[];
}
/** Ends a restore: what is restored is no longer marked as unfinished, and is mounted unless something is in the way. */
export interface SettleOperation extends OnRemote {
  readonly kind: "settle";
  readonly datasetType: "filesystem" | "volume";
  /** It is no source, being beside one, as long as it has this name: it is marked with it. */
  readonly beside: boolean;
  /** The copy whose received settings its stream could not bring: they are set now. */
  readonly settingsOf?: At;
  /** Not these of them. */
  readonly excludeProperties: readonly string[];
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

interface OnRepository extends AnyOperation {
  readonly remote: RemoteName;
  readonly at: AtRepository;
  readonly preconditions: readonly AnyPrecondition[];
}

/** Creates a repository; a mirror with the chunker parameters of the one it is filled from. */
export interface InitOperation extends OnRepository {
  readonly kind: "init";
  readonly chunkerOf?: AtRepository;
  /** Where nothing is in it yet, this has been done as well as it can be: recorded, so that it is due with its next tick. */
  readonly records: readonly ("prune" | "check")[];
}
/** Reads a source and writes a copy of it. */
export interface BackupOperation extends OnRepository {
  readonly kind: "backup";
  /** What people call the copy that is made. */
  readonly name: string;
  readonly types: readonly TypeName[];
  readonly from: At | AtDirectory;
  /** Absent for a directory, which is read as it is. */
  readonly snapshot?: SnapshotRef;
  /** A command whose output is kept instead of files. */
  readonly stdin?: readonly string[];
  readonly files?: FileSelection;
  readonly expect?: Expectation;
  readonly requireMount?: string;
  /** The copy with which files are compared, so that only changed ones are read. */
  readonly parent: CopyId | null;
  readonly tags: readonly string[];
  /** Of the copy before: what is to be read, about. */
  readonly estimate?: Bytes;
  /** What the copy before has, where it was recorded and is to be compared with. */
  readonly before?: { readonly files: number; readonly bytes: Bytes };
}
/** Fills a mirror with copies of one source. */
export interface CopyOperation extends OnRepository {
  readonly kind: "copy";
  readonly from: AtRepository;
  readonly copies: readonly CopyId[];
  readonly estimate?: Bytes;
}
export interface ForgottenCopy {
  readonly id: string;
  readonly name: string;
  readonly creation: EpochSeconds;
}
/** What it is known by where it was. */
export const goneId = (gone: DestroyedSnapshot | ForgottenCopy): string => ("guid" in gone ? gone.guid : gone.id);

/** Removes an explicit list of copies of one type of one source; what they alone hold goes with the next prune. */
export interface ForgetOperation extends OnRepository {
  readonly kind: "forget";
  readonly type: TypeName;
  readonly copies: readonly ForgottenCopy[];
}
/** Frees the space of what was forgotten. */
export interface PruneOperation extends OnRepository {
  readonly kind: "prune";
  readonly maxUnused?: string;
  /** Ids of the records of this work that the next one makes superfluous. */
  readonly outdated: readonly string[];
}
/** Verifies a repository: its structure, and one of the parts that make up its data. */
export interface CheckOperation extends OnRepository {
  readonly kind: "check";
  readonly subset?: { readonly part: number; readonly of: number };
  readonly outdated: readonly string[];
}
/** Removes locks whose holders are gone. */
export interface UnlockOperation extends OnRepository {
  readonly kind: "unlock";
  readonly holders: readonly string[];
}

/** Something of the user's own that runs around what is done with a source. */
export interface HookOperation extends AnyOperation {
  readonly kind: "hook";
  readonly around: "snapshot" | "backup" | "run";
  readonly phase: "before" | "after";
  /** The source. */
  readonly at: At | AtDirectory;
  /** Where it is around one backup: of which remote. */
  readonly remote?: RemoteName;
  readonly action: HookAction;
  readonly timeout: Seconds;
  readonly onFailure: "abort" | "warn";
  /** What it stands around. */
  readonly encloses: readonly OperationId[];
  /** Of one that runs after: the one before, where there is one. It runs whenever that was tried. */
  readonly closes?: OperationId;
  readonly preconditions: readonly Precondition[];
}

export type RepositoryOperation =
  | InitOperation
  | BackupOperation
  | CopyOperation
  | ForgetOperation
  | PruneOperation
  | CheckOperation
  | UnlockOperation;

/** Brings files back: into a folder, or into the file system of a dataset. */
export interface RestoreFilesOperation extends AnyOperation {
  readonly kind: "restore-files";
  readonly at: At | AtDirectory;
  /** The remote or mirror they come from, or `source` for the source's own snapshots. */
  readonly remote: RemoteName;
  readonly from:
    | (At & { readonly snapshot: SnapshotRef })
    /** `within`: the folder of the copy that is the source's own. */
    | (AtRepository & { readonly copy: { readonly name: string; readonly id: string }; readonly within: string });
  /** Relative to the source; everything when empty. */
  readonly paths: readonly string[];
  /** Into what is there: files that differ are overwritten, others stay. Otherwise only into a place that is empty. */
  readonly over: boolean;
  readonly estimate?: Bytes;
  readonly files?: number;
  readonly preconditions: readonly Precondition[];
}

/**
 * A restore drill: a sample of a copy is read or restored, and compared with the same snapshot at the source. Changes
 * nothing but the record of how it went.
 */
export interface VerifyOperation extends AnyOperation {
  readonly kind: "verify";
  readonly remote: RemoteName;
  /** Where the copy is. */
  readonly at: At | AtRepository;
  /** What is verified. */
  readonly of:
    | (At & { readonly snapshot: SnapshotRef; readonly datasetType: "filesystem" | "volume" })
    | (AtRepository & {
        readonly copy: CopyRef;
        /** The manifest leaves some of the source's files out. */
        readonly isSelection: boolean;
        /** The record of the last drill that went well. */
        readonly good?: string;
        /** Ids of records that this drill's makes superfluous. */
        readonly outdated: readonly string[];
      });
  /** The same at the source. Absent for a directory, which goes on changing. */
  readonly against?: At & { readonly snapshot: SnapshotRef };
  /** Bytes that are compared; absent: everything. */
  readonly sample?: Bytes;
  /** Chooses the sample: the same one gives the same files. */
  readonly seed: string;
  /** When the last drill of it went well. */
  readonly lastGood?: EpochSeconds;
  readonly preconditions: readonly Precondition[];
}

export type Operation = ZfsOperation | RepositoryOperation | HookOperation | RestoreFilesOperation | VerifyOperation;
export type OperationKind = Operation["kind"];

export type ZfsOperation =
  | CreateOperation
  | AdoptOperation
  | DiscardOperation
  | RollbackOperation
  | ReplaceOperation
  | SendOperation
  | ResumeOperation
  | MakeOperation
  | SettleOperation
  | BookmarkOperation
  | UnbookmarkOperation
  | DestroyOperation
  | DestroyOrphanOperation;

export const isHook = (operation: Operation): operation is HookOperation => operation.kind === "hook";
export const isRestoreOfFiles = (operation: Operation): operation is RestoreFilesOperation =>
  operation.kind === "restore-files";
/** What brings data back, and what has to be done around that. */
export type RestoringOperation =
  | SendOperation
  | ResumeOperation
  | MakeOperation
  | SettleOperation
  | RestoreFilesOperation;
export const isRestore = (operation: Operation): operation is RestoringOperation =>
  operation.kind === "make" ||
  operation.kind === "settle" ||
  operation.kind === "restore-files" ||
  ((operation.kind === "send" || operation.kind === "resume") && operation.restores !== undefined);
export const isVerify = (operation: Operation): operation is VerifyOperation => operation.kind === "verify";
/** What has operations of its own, whatever it is done to. */
const isApart = (operation: Operation): boolean =>
  isHook(operation) || isRestoreOfFiles(operation) || isVerify(operation);
export const isOnDataset = (operation: Operation): operation is ZfsOperation =>
  !isApart(operation) && "dataset" in operation.at;
export const isOnRepository = (operation: Operation): operation is RepositoryOperation =>
  !isApart(operation) && "repository" in operation.at;

/** The repositories it works in: the one that it is done to, and the one that it reads from. */
export function repositoriesOf(operation: Operation): RepositoryKey[] {
  return [operation.at, readsFrom(operation)].flatMap((at) => (at && "repository" in at ? [at.repository] : []));
}

function readsFrom(operation: Operation): AnyAt | undefined {
  if (operation.kind === "init") return operation.chunkerOf;
  return operation.kind === "copy" || operation.kind === "restore-files" ? operation.from : undefined;
}

/** The source whose present state an operation gives up for an older one; only a restore in place does that. */
export const isInPlace = (operation: Operation): boolean =>
  ((operation.kind === "rollback" || operation.kind === "replace") && operation.remote === undefined) ||
  (operation.kind === "restore-files" && operation.over);

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
  /** A volume has no files that restic could read. */
  | "no-files"
  /** There is certainly no repository, and the manifest does not say that it may be made. */
  | "no-repository"
  /** No copy of it that was asked for can be restored from what was observed. */
  | "no-copy"
  /** What is at the place it would go to could not be looked at. */
  | "unseen"
  /** A restore of it has not been finished. */
  | "restoring"
  /** Another member of its group cannot be snapshotted, and one without the others is not wanted. */
  | "group"
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
  /** The last drill of a copy failed: nothing is thinned until one passes. */
  | "verify"
  /** The plan failed its own check: a bug in Holdfast. */
  | "bug";

export interface Blocked {
  readonly source: Address;
  readonly remote?: RemoteName;
  readonly at: AnyAt;
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
    readonly snapshots: readonly (DestroyedSnapshot | ForgottenCopy)[];
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
  /** Files were missing when it was made, and no complete copy is as new. */
  | "partial"
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
  readonly repository?: RepositoryKey;
  readonly remote?: RemoteName;
  readonly reason: string;
  /** What to do about it. */
  readonly hint?: string;
  /**
   * True for a removable remote that is not overdue: absence is normal, and the plan is complete without it. Of a repository
   * a plan cannot know how old its copies are: then true for any that is removable.
   */
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
  | "waiting"
  /** A mirror's copy differs from what it is a copy of. */
  | "drift"
  /** A mirror that cuts files differently stores what it is given anew. */
  | "chunker"
  /** What this version of restic cannot do. */
  | "restic-version"
  /** No drill went well for longer than the manifest allows. */
  | "verify"
  /** Where a restore comes from, what else has it, and what follows from it. */
  | "restore";
/** Worth knowing, changes nothing. */
export interface Note {
  readonly kind: NoteKind;
  readonly source?: Address;
  readonly remote?: RemoteName;
  readonly at?: AnyAt;
  readonly message: string;
}

/** Counts of snapshots, not of operations. */
export interface Summary {
  readonly create: number;
  readonly send: number;
  readonly sendBytes: Bytes;
  readonly resume: number;
  /** Datasets and folders that are brought back; absent where nothing is. */
  readonly restore?: number;
  readonly restoreBytes?: Bytes;
  /** Copies that are written to repositories. */
  readonly backup: number;
  /** Copies that go to mirrors. */
  readonly copy: number;
  readonly forget: number;
  readonly destroy: number;
  readonly destroyBytes: Bytes;
  /** Operations of the other kinds: adopt, bookmark, discard, rollback, replace … */
  readonly other: number;
  readonly blocked: number;
  readonly kept: number;
}
