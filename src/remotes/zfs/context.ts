import { userInfo } from "node:os";
import type { Dataset } from "../../model/inventory.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { At, Operation, OperationId, SnapshotRef } from "../../model/plan.ts";
import type { Outcome, Problem } from "../../model/report.ts";
import type { Bytes, Guid, HostName } from "../../model/units.ts";
import { quoteAll } from "../../transport/shell.ts";
import { type Hosts, type RunResult, TransportError } from "../../transport/types.ts";
import { explain, type Meaning, type Where } from "./errors.ts";

/** How one operation ended. */
export interface Result {
  readonly outcome: Exclude<Outcome, "skipped">;
  /** Bytes that went through the pipeline. */
  readonly bytes?: Bytes;
  readonly error?: Problem;
  /** It is done, but something about it should be known. */
  readonly warnings?: readonly string[];
  /** A host that nothing will reach in this run: no need to try the rest there. */
  readonly lost?: HostName;
}

export const done = (details: Omit<Result, "outcome"> = {}): Result => ({ outcome: "done", ...details });

/** What an operation needs to run. */
export interface RunContext {
  readonly hosts: Hosts;
  readonly manifest: Manifest;
  /** Ends transfers, which can be resumed; short commands run to their end. */
  readonly signal: AbortSignal;
  /** Ends everything. */
  readonly urgent: AbortSignal;
  /** Throws when the operation that creates it did not succeed. */
  guidOf(ref: SnapshotRef): Guid;
  /** What was seen right before this operation; looks where nothing was seen. Null when the dataset is absent. */
  observe(at: At): Promise<Dataset | null>;
  /** Tells which guid a create got. */
  created(id: OperationId, guid: Guid): void;
  progress(id: OperationId, bytes: Bytes, expected: Bytes | undefined): void;
}

/** Ends an operation with a problem. */
export class OperationFailed extends Error {
  override readonly name = "OperationFailed";
  readonly problem: Problem;
  readonly meaning: Meaning;
  constructor(problem: Problem, meaning: Meaning = "unknown") {
    super(problem.message);
    this.problem = problem;
    this.meaning = meaning;
  }
}

/** Who `zfs` runs as on a host. */
function userOn(manifest: Manifest, name: HostName): string {
  const host = manifest.hosts.get(name);
  if (host?.sudo) return "root";
  return host === undefined || host.local ? thisUser() : host.user;
}

function thisUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "root"); // an account without a name; `zfs allow` takes the number
  }
}

export function whereOf(context: RunContext, at: At, permissions: string, permissionsOn: string = at.dataset): Where {
  return { at, user: userOn(context.manifest, at.host), permissions, permissionsOn };
}

/** Short commands; one that hangs is ended, so that the rest goes on. */
const PATIENCE_MS = 10 * 60_000;
/** Destroying and rolling back wait for the pool. */
export const LONG_PATIENCE_MS = 60 * 60_000;

export const run = (
  context: Pick<RunContext, "hosts" | "urgent">,
  host: HostName,
  argv: readonly string[],
  timeoutMs = PATIENCE_MS,
): Promise<RunResult> => context.hosts.run(host, argv, { timeoutMs, signal: context.urgent });

/** A command that failed, as a problem. */
export function failure(
  result: Pick<RunResult, "code" | "signal" | "stderr">,
  argv: readonly string[],
  where: Where,
): OperationFailed {
  const ended = result.code === null ? `was ended by ${result.signal ?? "a signal"}` : `ended with ${result.code}`;
  const command = showCommand(argv);
  const { meaning, ...problem } = explain(result.stderr, where, command, `${argv.slice(0, 2).join(" ")} ${ended}`);
  return new OperationFailed(problem, meaning);
}

const SHOWN = 400;
/** For people: as one would type it, tokens and long lists shortened. */
export function showCommand(...stages: (readonly string[])[]): string {
  return stages
    .map((argv) => {
      const line = quoteAll(argv.map((word, index) => (argv[index - 1] === "-t" ? word.slice(0, 20) : word)));
      return line.length <= SHOWN ? line : `${line.slice(0, SHOWN / 2)} … ${line.slice(-SHOWN / 2)}`;
    })
    .join(" | ");
}

/** Runs a command that must succeed, or whose failure means that there was nothing to do. */
export async function must(
  context: RunContext,
  argv: readonly string[],
  where: Where,
  options: { readonly orElse?: readonly Meaning[]; readonly timeoutMs?: number } = {},
): Promise<RunResult> {
  const result = await run(context, where.at.host, argv, options.timeoutMs);
  if (result.code === 0) return result;
  const failed = failure(result, argv, where);
  if (options.orElse?.includes(failed.meaning)) return result;
  throw failed;
}

const NO_WAY_IN: ReadonlySet<TransportError["kind"]> = new Set<TransportError["kind"]>([
  "unreachable",
  "host-key",
  "authentication",
  "secret",
]);

/** Anything that was thrown, as the end of an operation. */
export function failed(error: unknown): Result {
  if (error instanceof OperationFailed) return { outcome: "failed", error: error.problem };
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

export type OperationOf<K extends Operation["kind"]> = Extract<Operation, { readonly kind: K }>;
