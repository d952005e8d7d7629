import type { FileType } from "./folder.ts";
import type { At, AtRepository } from "./plan.ts";
import type { Address, Bytes, RemoteName } from "./units.ts";

/** The answer of `holdfast find`: which snapshots and copies have files and folders of a name. */
export interface Found {
  readonly formatVersion: 1;
  /** What was looked for, as it was given. */
  readonly pattern: string;
  /** False when something could not be searched: `unsearched` says what. */
  readonly complete: boolean;
  /** How many points in time of how many sources were searched, wherever they are. */
  readonly searched: { readonly sources: number; readonly snapshots: number };
  /** Newest first: by the last snapshot or copy that has it, then by source and path. */
  readonly paths: readonly FoundPath[];
  /** Further hits that were counted, but not kept. */
  readonly omitted: number;
  readonly unsearched: readonly Unsearched[];
  /** Sources whose contents cannot be looked into at all. */
  readonly volumes: readonly Address[];
}

/** A file or folder by its path, and how it was over time. */
export interface FoundPath {
  readonly source: Address;
  /** Relative to the source. Bytes that are no UTF-8 stand as `\xNN`; of those restic only says that they were there, by U+FFFD. */
  readonly path: string;
  /** Newest first: by the last snapshot or copy that has it. */
  readonly versions: readonly FoundVersion[];
  /** Older versions that are not shown. */
  readonly more: number;
}

/** What has the same type, size and time of change is the same version. */
export interface FoundVersion {
  readonly type: FileType;
  /** Of files. */
  readonly size?: Bytes;
  /** When it was last changed: ISO 8601, UTC. */
  readonly modified: string;
  /** How many points in time have it, each counted once, wherever it is. */
  readonly snapshots: number;
  readonly newest: FoundIn;
  readonly oldest: FoundIn;
  /** Where it can be had, the place to take it from first. */
  readonly places: readonly FoundAt[];
  /** The command that brings it back; absent where a name has bytes that cannot be typed. */
  readonly restore?: string;
}

/** One snapshot or copy. */
export interface FoundIn {
  /** Its name. */
  readonly snapshot: string;
  /** What moment it is from: ISO 8601, UTC. */
  readonly taken: string;
}

/** The newest snapshot or copy of one place that has a version, and how many there have it. */
export interface FoundAt extends FoundIn {
  /** A remote or mirror, or `source` for the source's own snapshots. */
  readonly place: RemoteName;
  readonly at: At | AtRepository;
  /** restic's id of a copy in a repository. */
  readonly copy?: string;
  readonly snapshots: number;
}

/** What could not be searched, or not wholly, and is in no other place that could. */
export interface Unsearched {
  /** Absent where a whole host or repository could not be seen. */
  readonly source?: Address;
  /** A remote or mirror, `source` for the source's own snapshots, or the name of a host or repository. */
  readonly place: string;
  /** How many points in time; absent where not even that is known. */
  readonly snapshots?: number;
  readonly reason: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** One file or folder as a listing tells of it. */
export interface Hit {
  /** Relative to the source, names that are no UTF-8 as in `FoundPath`. */
  readonly path: string;
  /** The path is shown as it is; otherwise nobody can type it. */
  readonly exact: boolean;
  readonly type: FileType;
  /** Of files. */
  readonly size?: Bytes;
  /** Since the epoch: `SECONDS.NANOSECONDS`, nine digits of them. */
  readonly modified: string;
}

/** What a listing is asked for. Coarse: it may tell more than is wanted, `matches` decides. */
export interface Wanted {
  readonly matches: (path: string) => boolean;
  readonly ignoreCase: boolean;
  readonly type?: FoundType;
  /** Folders that lead to it, each by its own name: nothing is anywhere else. */
  readonly under: readonly string[];
  /** What comes after those, each a shell pattern with `\` before what stands for itself; undefined: any folders. */
  readonly parts: readonly (string | undefined)[];
}

export type FoundType = "file" | "folder" | "link";
