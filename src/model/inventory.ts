import type { Address, Bytes, DatasetName, EpochSeconds, Guid, HostName, RepositoryKey, Txg } from "./units.ts";

/** Everything that was observed, and when. Plain JSON: `holdfast list --json` writes it, `plan --inventory` reads it. */
export interface Inventory {
  readonly formatVersion: 1;
  readonly observedAt: EpochSeconds;
  readonly hosts: Readonly<Record<HostName, HostInventory>>;
  readonly repositories?: Readonly<Record<RepositoryKey, RepositoryInventory>>;
  /** By address. */
  readonly directories?: Readonly<Record<Address, DirectoryInventory>>;
}

export type HostInventory =
  | {
      readonly state: "observed";
      readonly zfsVersion: string;
      /** Of the kernel module, where `zfs version` tells it. */
      readonly kernelVersion?: string;
      /** Imported pools; a dataset of any other pool is unobserved, not absent. */
      readonly pools: readonly string[];
      /** By pool. */
      readonly features?: Readonly<Record<string, Features>>;
      /** Roots that were listed: outside of them nothing is known. A pool's name covers the pool. */
      readonly roots: readonly DatasetName[];
      /** Sorted by name. */
      readonly datasets: readonly Dataset[];
    }
  | { readonly state: "unobserved"; readonly reason: string };

/** States of a pool's features that streams depend on; one that its OpenZFS does not know is not in it. */
export type Features = Readonly<Record<string, "disabled" | "enabled" | "active">>;

/** A feature that a dataset's streams need at the receiving pool. */
export interface Need {
  readonly feature: string;
  /** The dataset's setting that needs it: `recordsize=1048576`. */
  readonly setting: string;
}

export interface Dataset {
  readonly name: DatasetName;
  readonly type: "filesystem" | "volume";
  readonly guid: Guid;
  readonly createtxg: Txg;
  readonly used: Bytes;
  readonly referenced: Bytes;
  readonly available: Bytes;
  /** Bytes written since the newest snapshot (or since creation when there is none). */
  readonly written: Bytes;
  /** `DATASET@SNAPSHOT` of a clone's origin. */
  readonly origin?: string;
  /** `off`, or the cipher. */
  readonly encryption: string;
  readonly encryptionroot?: DatasetName;
  readonly keystatus?: "available" | "unavailable";
  readonly mounted: boolean;
  readonly mountpoint?: string;
  /** A receive that was cut, or that is still running: only trying to resume tells them apart. */
  readonly resume?: ResumeState;
  /** Asked for only where another observed pool lacks a feature that this dataset's pool uses. */
  readonly needs?: readonly Need[];
  /** `holdfast:` user properties that are set locally, without the prefix. */
  readonly own: Readonly<Record<string, string>>;
  /** In order of createtxg. */
  readonly snapshots: readonly Snapshot[];
  /** In order of createtxg. */
  readonly bookmarks: readonly Bookmark[];
}

export interface Snapshot {
  /** Without the dataset and `@`. */
  readonly name: string;
  readonly guid: Guid;
  readonly createtxg: Txg;
  readonly creation: EpochSeconds;
  readonly used: Bytes;
  readonly referenced: Bytes;
  /** Bytes written between the snapshot before and this one. */
  readonly written: Bytes;
  /** Tags of the holds on it; present only where there are any. */
  readonly holds?: readonly string[];
  /** Datasets cloned from it (`…/%recv` is a half-received increment); present only where there are any. */
  readonly clones?: readonly string[];
  /** Received from `zfs send --redact`: it lacks a part of the data. Present only where it is true. */
  readonly redacted?: true;
}

/** What a look at names and guids alone shows of a dataset. */
export interface Skimmed {
  readonly guid: Guid;
  readonly snapshots: readonly Pick<Snapshot, "name" | "guid">[];
  readonly bookmarks: readonly Pick<Bookmark, "name" | "guid">[];
}

/** A bookmark carries its snapshot's guid, createtxg and creation. */
export interface Bookmark {
  /** Without the dataset and `#`. */
  readonly name: string;
  readonly guid: Guid;
  readonly createtxg: Txg;
  readonly creation: EpochSeconds;
}

/** What `zfs send -nvP -t TOKEN`, run where the source is, says about a token. */
export interface ResumeState {
  readonly token: string;
  /** Absent until it was decoded; then the plan does not touch this dataset. */
  readonly content?: {
    /** `DATASET@SNAPSHOT` being sent. */
    readonly toName: string;
    readonly toGuid: Guid;
    /** Absent for a full stream. */
    readonly fromGuid?: Guid;
    readonly raw: boolean;
    /** Already received. */
    readonly bytes: Bytes;
    /** Still to come, where `zfs send` could tell. */
    readonly remaining?: Bytes;
    /** False when the sending side can no longer produce the stream. */
    readonly usable: boolean;
    readonly problem?: string;
  };
}

/** A restic repository. Only one that is certainly not there is `absent`. */
export type RepositoryInventory =
  | {
      readonly state: "observed";
      /** Of the program that listed it: `0.18.0`. */
      readonly resticVersion: string;
      readonly id: string;
      readonly chunkerPolynomial: string;
      /** Everybody's, in order of time, then id. */
      readonly copies: readonly RepositoryCopy[];
      readonly locks: readonly RepositoryLock[];
    }
  | { readonly state: "absent" }
  | { readonly state: "unobserved"; readonly reason: string; readonly hint?: string };

/** What restic calls a snapshot: a copy of a source as it was at one time. */
export interface RepositoryCopy {
  readonly id: string;
  /** The id it had before it was copied here from another repository, or before its tags were changed. */
  readonly original?: string;
  readonly parent?: string;
  /** As recorded, with the offset of the machine that made it: `2026-11-22T10:00:00.5+01:00`. */
  readonly time: string;
  /** The same in whole seconds. */
  readonly creation: EpochSeconds;
  readonly tree: string;
  readonly host: string;
  readonly paths: readonly string[];
  readonly tags: readonly string[];
  /** From restic 0.17 on. */
  readonly files?: number;
  readonly bytes?: Bytes;
  /** What it added to the repository. */
  readonly added?: Bytes;
}

export interface RepositoryLock {
  readonly id: string;
  readonly since: EpochSeconds;
  readonly exclusive: boolean;
  readonly host: string;
  readonly user: string;
  readonly pid: number;
  /** restic takes it for left behind: older than half an hour, or of a process of this host that is gone. */
  readonly stale: boolean;
}

export type DirectoryInventory =
  | { readonly state: "present" }
  | { readonly state: "absent" }
  | { readonly state: "unobserved"; readonly reason: string };
