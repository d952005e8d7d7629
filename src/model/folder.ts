import type { At, AtRepository } from "./plan.ts";
import type { Address, Bytes, RemoteName } from "./units.ts";

/** The answer of `holdfast ls`: one folder of a snapshot or copy, or one file of it. */
export interface Folder {
  readonly formatVersion: 1;
  readonly source: Address;
  /** A remote or mirror, or `source` for the source's own snapshots. */
  readonly place: RemoteName;
  readonly at: At | AtRepository;
  /** Name of the snapshot or copy. */
  readonly snapshot: string;
  /** restic's id of a copy in a repository. */
  readonly copy?: string;
  /** What moment it is from: ISO 8601, UTC. */
  readonly taken: string;
  /** Relative to the source; empty for its top. */
  readonly path: string;
  /** By name. */
  readonly entries: readonly FolderEntry[];
}

export interface FolderEntry {
  /** Bytes that are no UTF-8 stand as `\xNN`; of those restic only says that they were there, by U+FFFD. */
  readonly name: string;
  readonly type: FileType;
  /** In octal, such as `0644` or `1777`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Of files. */
  readonly size?: Bytes;
  /** When it was last changed: ISO 8601, UTC. */
  readonly modified: string;
  /** Where a link leads; restic's listings do not say. */
  readonly target?: string;
}

export type FileType = "file" | "folder" | "link" | "pipe" | "socket" | "character-device" | "block-device" | "other";
