import type { AtDirectory, OperationId, RestoreFilesOperation } from "../model/plan.ts";
import type { DirectoryPath } from "../model/units.ts";
import { ResticFailed } from "./restic/errors.ts";
import { open, type RepositoryContext } from "./restic/run-context.ts";
import { done, endedBy, type Result } from "./result.ts";
import { failed, must, OperationFailed, type RunContext, whereOf } from "./zfs/context.ts";
import { copyFiles } from "./zfs/files.ts";
import { mount } from "./zfs/restore.ts";

type Context = RunContext & RepositoryContext;

/** Brings files back, from a repository or a snapshot. Never rejects. */
export async function restoreFiles(
  operations: readonly RestoreFilesOperation[],
  context: Context,
): Promise<ReadonlyMap<OperationId, Result>> {
  const results = new Map<OperationId, Result>();
  for (const operation of operations)
    results.set(operation.id, await restoreOne(operation, context).catch((error: unknown) => problemOf(error)));
  return results;
}

function problemOf(error: unknown): Result {
  if (error instanceof OperationFailed) return failed(error);
  if (!(error instanceof ResticFailed)) return endedBy(error);
  return { outcome: error.kind === "interrupted" ? "interrupted" : "failed", error: error.problem };
}

async function restoreOne(operation: RestoreFilesOperation, context: Context): Promise<Result> {
  const { id, from, paths, over, estimate, files } = operation;
  const into = await folderOf(operation, context);
  if (!("copy" in from)) {
    const snapshot = { name: from.snapshot.name, guid: context.guidOf(from.snapshot) };
    return copyFiles({ id, from: { ...from, snapshot }, into, paths, over, ...(estimate && { estimate }) }, context);
  }
  context.progress(id, 0 as never, estimate);
  const restored = await open(context, from).restore({
    id: from.copy.id,
    within: from.within,
    paths,
    into: into.directory,
    over,
    ...(files !== undefined && { files }),
    onProgress: ({ bytes, totalBytes, files: done, totalFiles: total }) =>
      context.progress(id, bytes, totalBytes, { done, total }),
  });
  const bytes = restored.bytes === undefined ? {} : { bytes: restored.bytes };
  if (restored.failed.length === 0) return done(bytes);
  const count = restored.failed.length;
  return {
    outcome: "partial",
    ...bytes,
    error: {
      message: `${count === 1 ? "1 file" : `${count} files`} could not be brought back; all others are in ${into.directory}`,
      output: restored.failed.join("\n"),
      hint: "look for them in another place: --from, or --at another time; restic check tells what is damaged",
    },
  };
}

/** The folder itself, or where the dataset is mounted. */
async function folderOf({ at }: RestoreFilesOperation, context: Context): Promise<AtDirectory> {
  if ("directory" in at) return at;
  const [problem] = await mount(at, context);
  const argv = ["zfs", "get", "-Hp", "-o", "value", "mounted,mountpoint", at.dataset];
  const { stdout } = await must(context, argv, whereOf(context, at, "mount"));
  const [mounted, mountpoint = ""] = stdout.split("\n");
  if (mounted === "yes") return { host: at.host, directory: mountpoint as DirectoryPath };
  throw new OperationFailed({
    message: `${at.host}:${at.dataset} is not mounted${problem === undefined ? "" : `: ${problem}`}`,
    hint: `mount it (zfs mount ${at.dataset}), or give a folder: --to DIR`,
  });
}
