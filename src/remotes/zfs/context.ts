import { userInfo } from "node:os";
import { accountOn, hasReceiveAppend, lackingOn } from "../../inventory/rights.ts";
import { reasonOf, versionOf, type Zfs } from "../../inventory/zfs.ts";
import type { Dataset, Skimmed } from "../../model/inventory.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { At, OperationId, SnapshotRef, ZfsOperation } from "../../model/plan.ts";
import type { Problem } from "../../model/report.ts";
import type { Bytes, Guid, HostName, RemoteName } from "../../model/units.ts";
import { quoteAll } from "../../transport/shell.ts";
import type { Hosts, RunResult } from "../../transport/types.ts";
import { endedBy, type Result } from "../result.ts";
import { type Explained, explain, grantOf, type Meaning, type Where } from "./errors.ts";

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
  /** Names and guids, where these were looked at right before this operation. */
  skimmed(at: At): Promise<Skimmed | undefined>;
  /** Tells which guid a create got. */
  created(id: OperationId, guid: Guid): void;
  progress(id: OperationId, bytes: Bytes, expected: Bytes | undefined): void;
}

/** Ends an operation with a problem. */
export class OperationFailed extends Error {
  override readonly name = "OperationFailed";
  readonly problem: Problem;
  readonly meaning: Meaning;
  /** Rights that the account lacks for it. */
  readonly lacking: readonly string[];
  constructor(problem: Problem, meaning: Meaning = "unknown", lacking: readonly string[] = []) {
    super(problem.message);
    this.problem = problem;
    this.meaning = meaning;
    this.lacking = lacking;
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

/** Of what is changed on a remote: rights are granted on its root, for all copies. */
export function whereOnRemote(
  context: RunContext,
  { at, source, remote }: Pick<ZfsOperation, "at" | "source"> & { readonly remote?: RemoteName },
  permissions: string,
  permissionsOn: string = at.dataset,
): Where {
  const where = whereOf(context, at, permissions, permissionsOn);
  const from = source.slice(0, source.indexOf(":"));
  const there = remote && context.manifest.remotes.get(remote);
  const root = there?.type === "zfs" ? there.root.replaceAll("{host}", from) : undefined;
  return root !== undefined && permissionsOn.startsWith(`${root}/`) ? { ...where, grantOn: root } : where;
}

/** Short commands; one that hangs is ended, so that the rest goes on. */
const PATIENCE_MS = 10 * 60_000;
/** Destroying and rolling back wait for the pool. */
export const LONG_PATIENCE_MS = 60 * 60_000;

type Context = Pick<RunContext, "hosts" | "urgent">;

export const run = (
  context: Context,
  host: HostName,
  argv: readonly string[],
  timeoutMs = PATIENCE_MS,
): Promise<RunResult> => context.hosts.run(host, argv, { timeoutMs, signal: context.urgent });

/** A command that failed, as a problem. */
export async function failure(
  context: Context,
  result: Pick<RunResult, "code" | "signal" | "stderr">,
  argv: readonly string[],
  where: Where,
): Promise<OperationFailed> {
  const ended = result.code === null ? `was ended by ${result.signal ?? "a signal"}` : `ended with ${result.code}`;
  const command = showCommand(argv);
  const otherwise = `${argv.slice(0, 2).join(" ")} ${ended}`;
  const { meaning, lacking, ...problem } = await diagnose(context, result.stderr, where, command, otherwise);
  return new OperationFailed(problem, meaning, lacking);
}

/** `explain`, and where something was refused: which rights the account lacks. `zfs` never says. */
export async function diagnose(
  context: Context,
  ...[output, where, command, otherwise]: Parameters<typeof explain>
): Promise<Explained & { readonly lacking: readonly string[] }> {
  const explained = explain(output, where, command, otherwise);
  const lacking = explained.meaning === "permission" ? await lackingFor(where, context) : [];
  if (lacking.length === 0) return { ...explained, lacking };
  const message = `${where.user} lacks ${lacking.join(", ")} on ${where.at.host}:${where.permissionsOn}`;
  return { ...explained, message, hint: grantOf(where, lacking), lacking };
}

/** None where nobody can tell. */
async function lackingFor({ at, permissions, permissionsOn }: Where, context: Context): Promise<readonly string[]> {
  const options = { timeoutMs: PATIENCE_MS, signal: context.urgent };
  const zfs: Zfs = { host: at.host, hosts: context.hosts, options };
  try {
    const account = await accountOn(zfs);
    const reach = permissionsOn === at.dataset ? "dataset" : "tree";
    const lacking = await lackingOn(zfs, account, permissions.split(","), permissionsOn, reach);
    if (!lacking.includes("receive:append") || hasReceiveAppend((await versionOf(zfs)).tools)) return lacking;
    return lacking.map((right) => (right === "receive:append" ? "receive" : right));
  } catch (error) {
    reasonOf(error); // anything else is a bug, and thrown
    return [];
  }
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
  const failed = await failure(context, result, argv, where);
  if (options.orElse?.includes(failed.meaning)) return result;
  throw failed;
}

/** Anything that was thrown, as the end of an operation. */
export const failed = (error: unknown): Result =>
  error instanceof OperationFailed ? { outcome: "failed", error: error.problem } : endedBy(error);

export type OperationOf<K extends ZfsOperation["kind"]> = Extract<ZfsOperation, { readonly kind: K }>;
