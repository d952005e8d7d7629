import type { DrillResult } from "./drill.ts";
import type { OperationId, OperationKind } from "./plan.ts";
import type { Address, Bytes, RemoteName } from "./units.ts";

/** What `apply` did, operation by operation. */
export interface Report {
  readonly formatVersion: 1;
  readonly manifestDigest: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** False when the run was ended from outside. */
  readonly finished: boolean;
  readonly operations: readonly OperationReport[];
}

export type Outcome =
  | "done"
  | "failed"
  /** A copy was made that lacks files, which does not count. */
  | "partial"
  /** A precondition no longer held: nothing was changed. */
  | "stale"
  /** Something it depends on did not succeed. */
  | "skipped"
  /** Ended by the user; a transfer can be resumed. */
  | "interrupted";

export interface OperationReport {
  readonly id: OperationId;
  readonly kind: OperationKind;
  readonly source: Address;
  readonly remote?: RemoteName;
  /** One line that says what it was. */
  readonly description: string;
  readonly outcome: Outcome;
  /** Seconds; 0 for what did not run. */
  readonly seconds: number;
  /** Bytes that went through the pipeline, or that were added to a repository. */
  readonly bytes?: Bytes;
  readonly backup?: BackupReport;
  readonly verify?: VerifyReport;
  /** Of a hook that ends what another one began: seconds from the start of that to its own end, such as a downtime. */
  readonly windowSeconds?: number;
  readonly error?: Problem;
  /** What should be known of it although it is done, such as a property that the other side refused. */
  readonly warnings?: readonly string[];
}

/** What a drill looked at and found. */
export interface VerifyReport {
  readonly result: DrillResult;
  /** Compared byte by byte, or read where there was nothing to compare with. */
  readonly files: number;
  readonly bytes: Bytes;
  /** What was done, in words. */
  readonly message: string;
  /** What differs and how, a line each; of many the first hundred. */
  readonly differences: readonly string[];
}

/** What a backup read. */
export interface BackupReport {
  /** Absent where restic did not tell. */
  readonly files?: number;
  readonly bytes?: Bytes;
  /** Nothing differs from the copy before: the new one shares all of it. */
  readonly unchanged?: true;
  /** What could not be read, and why, a line each; of many the first hundred. */
  readonly unreadable: readonly string[];
}

/** An error as a value: what, and what to do next. */
export interface Problem {
  readonly message: string;
  /** Last lines of the command's stderr. */
  readonly output?: string;
  /** The command that failed, without secrets. */
  readonly command?: string;
  readonly hint?: string;
}

/** How far a backup is. */
export interface FileProgress {
  readonly done: number;
  /** Grows until all folders were looked at. */
  readonly total: number;
  /** What is being read. */
  readonly current?: string;
}

/** What the engine tells while it works: progress, log and metrics listen. */
export interface EngineEvents {
  started: { readonly id: OperationId; readonly description: string; readonly expected?: Bytes };
  progress: {
    readonly id: OperationId;
    readonly bytes: Bytes;
    readonly expected?: Bytes;
    readonly files?: FileProgress;
  };
  finished: OperationReport;
}
