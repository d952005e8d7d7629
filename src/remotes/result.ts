import type { BackupReport, Outcome, Problem, VerifyReport } from "../model/report.ts";
import type { Bytes, HostName } from "../model/units.ts";
import { TransportError } from "../transport/types.ts";

/** How one operation ended. */
export interface Result {
  readonly outcome: Outcome;
  /** Bytes that went through the pipeline, or that were added to a repository. */
  readonly bytes?: Bytes;
  readonly backup?: BackupReport;
  readonly verify?: VerifyReport;
  readonly error?: Problem;
  /** It is done, but something about it should be known. */
  readonly warnings?: readonly string[];
  /** A host that nothing will reach in this run: no need to try the rest there. */
  readonly lost?: HostName;
}

export const done = (details: Omit<Result, "outcome"> = {}): Result => ({ outcome: "done", ...details });

const NO_WAY_IN: ReadonlySet<TransportError["kind"]> = new Set<TransportError["kind"]>([
  "unreachable",
  "host-key",
  "authentication",
  "secret",
]);

/** What ended an operation that had no word of its own for it. */
export function endedBy(error: unknown): Result {
  if (error instanceof TransportError) {
    const outcome = error.kind === "aborted" ? "interrupted" : "failed";
    const lost = NO_WAY_IN.has(error.kind) && error.host !== undefined ? { lost: error.host } : {};
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    return { outcome, error: { message: error.message, ...hint }, ...lost };
  }
  const bug = error instanceof Error ? error : new Error(String(error));
  return {
    outcome: "failed",
    error: {
      message: `a bug in Holdfast: ${bug.message}`,
      ...(bug.stack === undefined ? {} : { output: bug.stack }),
      hint: "please report it with this output",
    },
  };
}
