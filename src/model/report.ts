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
  /** Bytes that went through the pipeline. */
  readonly bytes?: Bytes;
  readonly error?: Problem;
  /** What should be known of it although it is done, such as a property that the other side refused. */
  readonly warnings?: readonly string[];
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

/** What the engine tells while it works: progress, log and metrics listen. */
export interface EngineEvents {
  started: { readonly id: OperationId; readonly description: string; readonly expected?: Bytes };
  progress: { readonly id: OperationId; readonly bytes: Bytes; readonly expected?: Bytes };
  finished: OperationReport;
}
