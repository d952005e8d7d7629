import type { Dataset } from "../../model/inventory.ts";
import type { BackupOperation } from "../../model/plan.ts";
import type { BackupReport, Problem } from "../../model/report.ts";
import type { EpochSeconds } from "../../model/units.ts";
import { TransportError } from "../../transport/types.ts";
import { done, type Result } from "../result.ts";
import type { BackupResult } from "./backup.ts";
import { ResticFailed } from "./errors.ts";
import { enoughFiles, tooLittle } from "./expect.ts";
import { record } from "./record.ts";
import { open, type RepositoryContext } from "./run-context.ts";
import { type BackupFrom, fileName } from "./sources.ts";
import { PARTIAL, partialTags } from "./tags.ts";

/** Makes a copy. One that lacks something is marked so where it is kept: nothing else remembers it. */
export async function runBackup(operation: BackupOperation, context: RepositoryContext): Promise<Result> {
  const { from, parent, files, tags, snapshot, id } = operation;
  await requireMount(operation, context);
  await enoughFiles(operation, context);
  const restic = open(context, operation.at);
  const guid = snapshot && context.guidOf(snapshot);
  const known = parent && ("id" in parent ? parent.id : context.createdBy(parent.createdBy));
  const made = await restic.backup({
    ...(await sourceOf(operation, context)),
    host: from.host,
    tags: guid === undefined ? tags : [...tags, `guid=${guid}`],
    ...(known && { parent: known }),
    ...(files && { files }),
    onProgress: ({ bytes, totalBytes, files, totalFiles, currentFiles: [current] }) =>
      context.progress(id, bytes, totalBytes, {
        done: files,
        total: totalFiles,
        ...(current !== undefined && { current }),
      }),
  });
  if (made.id === undefined)
    return { outcome: "failed", error: { message: "restic made no copy and did not say why" } };
  const details = { ...(made.added !== undefined && { bytes: made.added }), backup: reportOf(made) };
  const lacking = unreadable(made) ?? (await tooLittle(operation, made, restic, known ?? undefined));
  if (lacking === undefined) {
    context.created(id, made.id);
    return done(details);
  }
  const warnings = await markPartial(operation, made.id, context);
  return { outcome: "partial", ...details, error: lacking, ...(warnings.length > 0 && { warnings }) };
}

async function requireMount(
  { from, requireMount }: BackupOperation,
  { hosts, signal }: RepositoryContext,
): Promise<void> {
  if (requireMount === undefined) return;
  const { code } = await hosts.run(from.host, ["mountpoint", "-q", "--", requireMount], { signal, timeoutMs: 60_000 });
  if (code === 0) return;
  throw new ResticFailed("mount-missing", {
    message: `${from.host}: nothing is mounted at ${requireMount}`,
    hint: "mount it; `requireMount` of this source asks for that",
  });
}

async function sourceOf(
  { from, snapshot, stdin }: BackupOperation,
  context: RepositoryContext,
): Promise<{ readonly from: BackupFrom; readonly time?: EpochSeconds }> {
  if ("directory" in from)
    return {
      from: stdin ? { command: stdin, filename: fileName(from.directory) } : { folder: from.directory },
    };
  const guid = snapshot && context.guidOf(snapshot);
  const dataset: Dataset | null = await context.observe(from);
  const found = dataset?.snapshots.find((each) => each.guid === guid);
  if (!dataset || !found)
    throw new ResticFailed("missing-source", {
      message: `${from.host}:${from.dataset}@${snapshot?.name} is not there`,
    });
  const { mountpoint } = dataset;
  return {
    from: { dataset: from.dataset, snapshot: found.name, ...(mountpoint !== undefined && { mountpoint }) },
    time: found.creation,
  };
}

const reportOf = ({ files, bytes, unchanged, unreadable }: BackupResult): BackupReport => ({
  ...(files !== undefined && { files }),
  ...(bytes !== undefined && { bytes }),
  ...(unchanged && { unchanged }),
  unreadable,
});

function unreadable({ outcome, unreadable }: BackupResult): Problem | undefined {
  if (outcome !== "partial") return undefined;
  const count = unreadable.length;
  return {
    message: `the copy is partial: ${count === 0 ? "some files" : count === 1 ? "1 file" : `${count} files`} could not be read`,
    ...(count > 0 && { output: unreadable.join("\n") }),
    hint: "what could be read is kept, but does not count; exclude those files, or make them readable",
  };
}

/** Nothing but the repository remembers it: what is to end is not ended before that. */
async function markPartial(
  { at }: BackupOperation,
  copy: string,
  context: RepositoryContext,
): Promise<readonly string[]> {
  const restic = open({ ...context, signal: context.urgent }, at);
  const failed = await failureOf(restic.addTag(copy, PARTIAL));
  // on a server that removes nothing the tagged copy stands beside the other one, and listings know both by it
  if (failed === undefined || (failed instanceof ResticFailed && failed.kind === "append-only")) return [];
  // to tag it takes the repository to oneself, which somebody else's backup of days prevents; to add to it does not
  const why = await failureOf(record(restic, { host: at.host, filename: PARTIAL, tags: partialTags(copy) }));
  if (why === undefined) return [];
  return [
    `the copy cannot be marked as partial, and counts as complete until somebody does it, restic tag --add ${PARTIAL} ${copy}: ${why.message}`,
  ];
}

async function failureOf(work: Promise<unknown>): Promise<ResticFailed | TransportError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof ResticFailed || error instanceof TransportError) return error;
    throw error;
  }
}
