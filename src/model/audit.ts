import type { Bytes, DatasetName, EpochSeconds, HostName } from "./units.ts";

/** What is protected on one machine and what is not, found without a manifest: `holdfast audit --json`. */
export interface Audit {
  readonly formatVersion: 1;
  readonly host: HostName;
  /** ISO 8601, UTC. */
  readonly now: string;
  /** Datasets with data of their own, the least protected first; replicas of others are in `replicas`. */
  readonly datasets: readonly AuditedDataset[];
  readonly replicas: readonly Replica[];
  /** Snapshots by the tool whose names they have. */
  readonly owners: readonly SnapshotOwner[];
  readonly holds: readonly AuditedHold[];
  readonly repositories: readonly AuditedRepository[];
  readonly unobserved: readonly { readonly what: string; readonly reason: string; readonly hint?: string }[];
}

export type Protection =
  /** No snapshot, and no copy elsewhere. */
  | "none"
  /** Snapshots on its own pool: nothing is left when that is. */
  | "snapshots"
  /** On another pool, or in a repository, but something newer is not. */
  | "behind"
  /** All that has changed is elsewhere. */
  | "copied";

export interface AuditedDataset {
  readonly dataset: DatasetName;
  readonly type: "filesystem" | "volume";
  readonly referenced: Bytes;
  readonly snapshots: number;
  /** Creation of the newest snapshot. */
  readonly newest?: EpochSeconds;
  /** Where else its data is, the most recent first. */
  readonly copies: readonly AuditedCopy[];
  readonly protection: Protection;
  /** Changes since this time are in no snapshot; absent where there are none. */
  readonly unsnapshottedSince?: EpochSeconds | "ever";
  /** Changes since this time are on this pool only; absent where there are none. */
  readonly uncopiedSince?: EpochSeconds | "ever";
}

export interface AuditedCopy {
  /** A dataset of another pool, or a repository. */
  readonly place: string;
  /** Creation of the newest snapshot that is there. */
  readonly newest: EpochSeconds;
}

/** Two datasets that share snapshots. */
export interface Replica {
  readonly source: DatasetName;
  readonly replica: DatasetName;
  readonly shared: number;
  /** Creation of the newest snapshot that both have. */
  readonly newestShared: EpochSeconds;
  /** Snapshots of the source that are newer than that. */
  readonly behind: number;
  /** Both have gone on since: no increment can be received without a rollback. */
  readonly diverged: boolean;
  /** Snapshots that only the replica has since. */
  readonly ahead: number;
  /** Written at the replica since its newest snapshot. */
  readonly written: Bytes;
}

export interface SnapshotOwner {
  /** A tool's name, or `unknown`. */
  readonly tool: string;
  readonly snapshots: number;
  readonly datasets: number;
  /** What destroying them frees at least: space that several snapshots share is not in it. */
  readonly used: Bytes;
  readonly oldest: EpochSeconds;
  readonly newest: EpochSeconds;
  /** Nothing by this name was made for much longer than usual: nobody seems to thin these any more. */
  readonly silent: boolean;
}

export interface AuditedHold {
  readonly snapshot: string;
  readonly creation: EpochSeconds;
  readonly tags: readonly string[];
  readonly used: Bytes;
  /** Of a transfer that is long over, or of a tool that is silent. */
  readonly leaked: boolean;
}

export interface AuditedRepository {
  readonly repository: string;
  readonly copies: number;
  readonly newest?: EpochSeconds;
  /** Hosts and paths with the newest copy of each. */
  readonly sources: readonly {
    readonly host: string;
    readonly paths: readonly string[];
    readonly newest: EpochSeconds;
  }[];
  /** When Holdfast last verified it; restic itself keeps no record. */
  readonly checked?: EpochSeconds;
  readonly staleLocks: number;
}
