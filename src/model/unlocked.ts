import type { RepositoryLock } from "./inventory.ts";
import type { HostName, RepositoryKey } from "./units.ts";

/** The answer of `holdfast unlock --json`. */
export interface Unlocked {
  readonly formatVersion: 1;
  readonly repositories: readonly UnlockedRepository[];
  /** Holdfast's own locks on this machine, one for each host that it works on. */
  readonly own: readonly OwnLock[];
}

export interface UnlockedRepository {
  readonly repository: RepositoryKey;
  /** Whose restic looked. */
  readonly host: HostName;
  /** Absent where they could not be looked at. */
  readonly locks?: readonly ClearedLock[];
  /** What kept them from being looked at, or from being removed. */
  readonly problem?: { readonly message: string; readonly hint?: string };
}

export interface ClearedLock extends RepositoryLock {
  /** Of a process on the host that looked. */
  readonly here: boolean;
  /** What it counts as left behind for. */
  readonly why?: LeftBehind;
  readonly removed: boolean;
}

export type LeftBehind =
  /** Its process was on the host that looked, and is gone. */
  | "gone"
  /** It was not renewed for half an hour. */
  | "old";

export interface OwnLock {
  readonly path: string;
  readonly held: boolean;
  /** Who holds it; where nobody does, who did and ended without giving it up. */
  readonly holder?: LockHolder;
}

export interface LockHolder {
  readonly pid: number;
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly host: string;
}
