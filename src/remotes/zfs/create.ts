import type { CreateOperation, OperationId } from "../../model/plan.ts";
import type { HostName } from "../../model/units.ts";
import type { RunResult } from "../../transport/types.ts";
import { done, type Result } from "../result.ts";
import { batches, byteLength, snapshotCommand } from "./commands.ts";
import { failure, type RunContext, run, whereOf } from "./context.ts";
import { guidsOf } from "./guids.ts";

/** Linux takes 2 MiB of arguments in all, environment included. */
const LOCAL_BYTES = 1024 * 1024;
/** Over SSH the whole command is one argument of the remote shell, of at most 128 KiB with its quoting. */
const REMOTE_BYTES = 96 * 1024;

const fullName = ({ at, name }: CreateOperation): string => `${at.dataset}@${name}`;

/** Takes the snapshots of one pool in one command, all in the same instant. What is known is in `results` even if it throws. */
export async function create(
  operations: readonly CreateOperation[],
  context: RunContext,
  results: Map<OperationId, Result>,
): Promise<void> {
  const host = operations[0]?.at.host;
  if (host === undefined) return;
  const bytes = context.manifest.hosts.get(host)?.local === false ? REMOTE_BYTES : LOCAL_BYTES;
  const commands = batches(operations, (operation) => byteLength(fullName(operation)), { bytes });
  if (commands.length > 1 && operations.some(({ together }) => together)) {
    const message = "not taken: the names of this group do not fit into one command, so it could not be one instant";
    for (const { id } of operations)
      results.set(id, { outcome: "failed", error: { message, hint: "make it smaller" } });
    return;
  }
  const warnings =
    commands.length === 1
      ? {}
      : { warnings: [`taken by ${commands.length} commands one after the other: the names do not fit into one`] };
  for (const command of commands) {
    const taken = await take(command, host, context, results);
    const guids = await guidsOf(context, host, taken.map(fullName));
    for (const operation of taken) {
      const guid = guids.get(fullName(operation));
      if (guid === undefined) {
        const message = `zfs snapshot reported success, but ${host}:${fullName(operation)} is not there`;
        results.set(operation.id, { outcome: "failed", error: { message } });
      } else {
        context.created(operation.id, guid);
        results.set(operation.id, done(warnings));
      }
    }
  }
}

/** One command makes all snapshots or none: what stands in the way is taken out, and the rest tried again. */
async function take(
  operations: readonly CreateOperation[],
  host: HostName,
  context: RunContext,
  results: Map<OperationId, Result>,
): Promise<readonly CreateOperation[]> {
  let rest = operations;
  while (rest.length > 0) {
    const argv = snapshotCommand(rest.map(fullName));
    const result = await run(context, host, argv);
    if (result.code === 0) return rest;
    if (rest.some(({ together }) => together)) {
      await blame(rest, result, context, results);
      return [];
    }
    const obstacles = obstaclesIn(result.stderr);
    const remaining: CreateOperation[] = [];
    for (const operation of rest) {
      const obstacle = obstacles.get(fullName(operation)) ?? obstacles.get(operation.at.dataset);
      if (obstacle === undefined) remaining.push(operation);
      else results.set(operation.id, obstructed(operation, obstacle));
    }
    rest = remaining.length < rest.length ? remaining : await blame(rest, result, context, results);
  }
  return [];
}

/** Of a command that failed as a whole: those that are not to blame. Where the right is lacking `zfs` names none. */
async function blame(
  operations: readonly CreateOperation[],
  result: RunResult,
  context: RunContext,
  results: Map<OperationId, Result>,
): Promise<readonly CreateOperation[]> {
  const innocent: CreateOperation[] = [];
  const argv = snapshotCommand(operations.map(fullName));
  for (const operation of operations) {
    const failed = await failure(context, result, argv, whereOf(context, operation.at, "snapshot"));
    results.set(operation.id, { outcome: "failed", error: failed.problem });
    if (failed.meaning === "permission" && failed.lacking.length === 0) innocent.push(operation);
  }
  return innocent.length < operations.length ? innocent : [];
}

/** Datasets and full snapshot names that a failed `zfs snapshot` names, with what it says about each. */
export function obstaclesIn(stderr: string): Map<string, string> {
  const obstacles = new Map<string, string>();
  for (const [, name, what] of stderr.matchAll(/^cannot (?:open|create snapshot) '([^']+)': (.+)$/gm)) {
    if (name !== undefined && what !== undefined) obstacles.set(name, what);
  }
  return obstacles;
}

function obstructed({ at, name }: CreateOperation, what: string): Result {
  const full = `${at.host}:${at.dataset}@${name}`;
  const message = /already exists/.test(what)
    ? `${full} exists already; it was not made by this run`
    : /does not exist/.test(what)
      ? `${at.host}:${at.dataset} does not exist any more`
      : `${full} could not be taken: ${what}`;
  return { outcome: "failed", error: { message, hint: "the others of this moment were taken without it" } };
}
