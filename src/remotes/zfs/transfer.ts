import { propertyRight } from "../../inventory/rights.ts";
import type { At, OperationId, SnapshotRef, StreamOptions } from "../../model/plan.ts";
import { size } from "../../model/size.ts";
import type { Address, Bytes, RemoteName } from "../../model/units.ts";
import type { PipeResult } from "../../transport/types.ts";
import type { Result } from "../result.ts";
import {
  ADOPTED,
  estimateResumeCommand,
  type ReceiveArguments,
  receiveCommand,
  receivedProperties,
} from "./commands.ts";
import { diagnose, OperationFailed, type RunContext, run, showCommand, whereOf, whereOnRemote } from "./context.ts";
import { explain, type Meaning, type Where } from "./errors.ts";
import { guidsOf } from "./guids.ts";
import { parseEstimate, parseReceived, StreamProgress } from "./progress.ts";
import { inspectReceived } from "./received.ts";

/** What `send` and `resume` have in common: the pipeline, and finding out what really arrived. */

/** A stream in which nothing moves for so long is cut; what arrived is saved. */
const STALL_MS = 15 * 60_000;

export interface Transfer extends StreamOptions {
  readonly id: OperationId;
  readonly source: Address;
  readonly remote: RemoteName;
  /** The target. */
  readonly at: At;
  /** What has to be there in the end, oldest first. */
  readonly snapshots: readonly SnapshotRef[];
  readonly initial: boolean;
  /** Goes on with what is there half. */
  readonly resumed: boolean;
  readonly replacesPlaceholder: boolean;
}

/** How one attempt ended. */
export interface Attempt {
  readonly result: Result;
  readonly meaning: Meaning | "lost";
  /** The token of what is half-received now. */
  readonly token?: string;
}

/** `expected`: size of the stream, where it could be told. */
export async function transfer(
  operation: Transfer,
  sender: readonly string[],
  expected: Bytes | undefined,
  context: RunContext,
): Promise<Attempt> {
  const { at, from, id } = operation;
  const receiver = receiveCommand(receiveArguments(operation));
  const progress = new StreamProgress();
  context.progress(id, progress.bytes, expected);
  const piped = await context.hosts.pipe(
    {
      from: { host: from.host, argv: sender },
      to: { host: at.host, argv: receiver },
      compress: operation.compress,
      ...(operation.limit === undefined ? {} : { limit: operation.limit }),
    },
    {
      signal: context.signal,
      stallTimeoutMs: STALL_MS,
      onSenderLine: (line) => {
        if (progress.line(line)) context.progress(id, progress.bytes, expected);
      },
    },
  );
  const missing = await missingAt(operation, context).catch((error: unknown) => {
    if (piped.cause === undefined) throw error;
    return undefined; // the connection that was lost is not back
  });
  if (missing === undefined) {
    const { error } = await whatFailed(operation, piped, [sender, receiver], context);
    const message = `${error.message}; what arrived could not be looked at: the next plan will see it`;
    return {
      result: { outcome: outcomeOf(piped, context), bytes: progress.bytes, error: { ...error, message } },
      meaning: "lost",
    };
  }
  if (missing.length === 0) {
    // Short streams end before their first progress line.
    const bytes = Math.max(progress.bytes, expected ?? 0) as Bytes;
    context.progress(id, bytes, expected);
    return { result: await arrived(operation, piped, bytes, context), meaning: "unknown" };
  }
  return cut(operation, piped, [sender, receiver], progress.bytes, missing, context);
}

function receiveArguments(operation: Transfer): ReceiveArguments {
  return { ...operation, target: operation.at.dataset };
}

/** Exit codes do not tell what arrived: what is there now does. */
async function missingAt({ at, snapshots }: Transfer, context: RunContext): Promise<string[]> {
  const fullName = ({ name }: SnapshotRef): string => `${at.dataset}@${name}`;
  const there = await guidsOf(context, at.host, snapshots.map(fullName));
  return snapshots.filter((ref) => there.get(fullName(ref)) !== context.guidOf(ref)).map(({ name }) => name);
}

async function arrived(operation: Transfer, piped: PipeResult, bytes: Bytes, context: RunContext): Promise<Result> {
  const { stderr } = piped.receiver;
  if (!operation.initial && piped.ok && stderr.trim() === "") return { outcome: "done", bytes };
  const asked = new Map(receivedProperties(operation));
  if (operation.initial && operation.restores === undefined) asked.set(ADOPTED, "on");
  const { problem, warnings } = await inspectReceived(
    operation.datasetType,
    asked,
    stderr,
    receiverWhere(operation, context),
    context,
  );
  if (problem !== undefined) return { outcome: "failed", bytes, error: problem };
  return { outcome: "done", bytes, ...(warnings.length === 0 ? {} : { warnings }) };
}

async function cut(
  operation: Transfer,
  piped: PipeResult,
  commands: (readonly string[])[],
  bytes: Bytes,
  missing: readonly string[],
  context: RunContext,
): Promise<Attempt> {
  const { at, snapshots } = operation;
  const token = await tokenAt(at, context);
  const { meaning, error } = await whatFailed(operation, piped, commands, context);
  const kept: string[] = [];
  if (missing.length < snapshots.length) {
    kept.push(`${snapshots.length - missing.length} of ${snapshots.length} snapshots arrived`);
  }
  // What somebody else is receiving is not ours to count.
  if (token !== undefined && meaning !== "partial" && meaning !== "busy") {
    const saved = await savedBytes(operation, token, context);
    const amount = saved === undefined ? "what came" : size(saved);
    kept.push(`partially received, ${amount} of @${missing[0]} are saved; the next run resumes`);
  }
  const message = [error.message, ...kept].join("; ");
  const outcome = outcomeOf(piped, context);
  return {
    result: { outcome, bytes, error: { ...error, message } },
    meaning,
    ...(token === undefined ? {} : { token }),
  };
}

const outcomeOf = (piped: PipeResult, { signal }: RunContext): "interrupted" | "failed" =>
  piped.cause?.kind === "aborted" || signal.aborted ? "interrupted" : "failed";

/** The sender's own error rather than the receiver's "failed to read from stream". */
async function whatFailed(
  operation: Transfer,
  piped: PipeResult,
  commands: (readonly string[])[],
  context: RunContext,
): Promise<{ meaning: Attempt["meaning"]; error: NonNullable<Result["error"]> }> {
  const { at, from } = operation;
  const command = showCommand(...commands);
  const { cause } = piped;
  if (cause === undefined) {
    const message = `zfs reported success, but not everything arrived at ${at.host}:${at.dataset}`;
    const { meaning: _, ...error } = explain(
      piped.receiver.stderr,
      receiverWhere(operation, context),
      command,
      message,
    );
    return { meaning: "unknown", error: { ...error, message } };
  }
  if (cause.kind === "aborted") return { meaning: "lost", error: { message: "ended before everything had arrived" } };
  if (cause.kind !== "sender" && cause.kind !== "receiver") {
    const hint = cause.hint === undefined ? {} : { hint: cause.hint };
    return { meaning: "lost", error: { message: cause.message, command, ...hint } };
  }
  const [stage, where] =
    cause.kind === "sender"
      ? [piped.sender, whereOf(context, from, operation.snapshots.length > 1 ? "send,hold" : "send")]
      : [piped.receiver, receiverWhere(operation, context)];
  const { meaning, lacking: _, ...error } = await diagnose(context, stage.stderr, where, command, cause.message);
  return { meaning, error: { ...(cause.hint === undefined ? {} : { hint: cause.hint }), ...error } };
}

/** Everything `zfs allow` has to grant at the target; for a new dataset, on the one above it. */
function receiverWhere(operation: Transfer, context: RunContext): Where {
  const { at, initial, replacesPlaceholder, remote, restores } = operation;
  const names = [...receivedProperties(operation).map(([name]) => name), ...operation.excludeProperties];
  if (initial && restores === undefined) names.push(ADOPTED);
  const there = restores === undefined ? context.manifest.remotes.get(remote) : undefined;
  const mayOnlyGrow = there?.deletions === "never" && !replacesPlaceholder;
  const rights = [mayOnlyGrow ? "receive:append" : "receive", "create", "mount", ...names.map(propertyRight)];
  const above = at.dataset.slice(0, at.dataset.lastIndexOf("/"));
  const on = initial && above !== "" ? above : at.dataset;
  return whereOnRemote(context, operation, [...new Set(rights)].join(","), on);
}

/** The token of a half-received stream at the target; it changes while a receive runs. */
export async function tokenAt({ host, dataset }: At, context: RunContext): Promise<string | undefined> {
  const argv = ["zfs", "get", "-Hp", "-o", "value", "receive_resume_token", dataset];
  const { code, stdout } = await run(context, host, argv);
  const token = stdout.trim();
  return code === 0 && token !== "-" && token !== "" ? token : undefined;
}

async function savedBytes({ from }: Transfer, token: string, context: RunContext): Promise<Bytes | undefined> {
  const { stdout, stderr } = await run(context, from.host, estimateResumeCommand(token));
  return parseReceived(`${stdout}\n${stderr}`);
}

/** The exact size of a stream, from the very command that makes it with `-n`. */
export async function sizeOf(
  estimate: readonly string[],
  from: At,
  context: RunContext,
): Promise<{ readonly code: number | null; readonly size: Bytes | undefined; readonly output: string }> {
  const { code, stdout, stderr } = await run(context, from.host, estimate);
  const output = `${stdout}\n${stderr}`;
  return { code, size: parseEstimate(output).size, output: stderr };
}

/** Refuses a stream that cannot fit: a full pool stops everything else there, too. */
export async function requireSpace(at: At, stream: Bytes | undefined, context: RunContext): Promise<void> {
  if (stream === undefined) return;
  const available = await availableAt(at, context);
  if (available === undefined || stream <= available) return;
  throw new OperationFailed(
    {
      message: `${at.host}:${at.dataset} has ${size(available)} available, the stream needs ${size(stream - available)} more`,
      hint: "free space or raise the quota there, or keep less on this remote: what is surplus there goes before the transfer",
    },
    "space",
  );
}

async function availableAt(at: At, context: RunContext): Promise<Bytes | undefined> {
  const dataset = await context.observe(at);
  if (dataset !== null) return dataset.available;
  const parts = at.dataset.split("/");
  const above = parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
  if (above.length === 0) return undefined;
  const argv = ["zfs", "list", "-Hp", "-t", "filesystem,volume", "-o", "name,available", ...above];
  const { stdout } = await run(context, at.host, argv);
  const nearest = stdout
    .split("\n")
    .map((line) => line.split("\t"))
    .sort(([a = ""], [b = ""]) => b.length - a.length)[0]?.[1];
  return nearest !== undefined && /^\d+$/.test(nearest) ? (Number(nearest) as Bytes) : undefined;
}
