import type { Bytes, EpochSeconds } from "./units.ts";

export type DrillResult =
  /** What was restored is what the source had. */
  | "passed"
  /** Nothing is wrong with it, but not all of a drill could be done: `limit` says what was. */
  | "limited"
  | "failed";

/** A drill that was carried out, as it is remembered where the copy is: there is no other memory. */
export interface DrillRecord {
  readonly time: EpochSeconds;
  readonly result: DrillResult;
  /** Name of the snapshot or copy. */
  readonly of: string;
  readonly files: number;
  readonly bytes: Bytes;
  /** Of a failed one: the first few of the files that differ. */
  readonly differs: readonly string[];
  /** Of one that was limited: by what. */
  readonly limit?: DrillLimit;
}

/** What a drill could not do. */
export type DrillLimit =
  /** The copy's key is not loaded: the pool's scrub and the chain of guids were looked at. */
  | "key"
  /** It was read, with nothing to compare it with. */
  | "read";

/** As many names of files are remembered, and of each so much. */
export const REMEMBERED_NAMES = 5;
export const REMEMBERED_LENGTH = 120;
