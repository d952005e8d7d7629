import type { BackupOperation } from "../../model/plan.ts";
import type { Problem } from "../../model/report.ts";
import { TransportError } from "../../transport/types.ts";
import type { BackupResult } from "./backup.ts";
import { ResticFailed } from "./errors.ts";
import type { Restic } from "./restic.ts";
import type { RepositoryContext } from "./run-context.ts";
import type { Stats } from "./stats.ts";

const COUNTING_MS = 10 * 60_000;

/** Stops as soon as there are enough. */
const COUNT = `find "$1/" -type f -exec sh -c 'for file do echo; done' sh {} + 2>/dev/null | head -n "$2" | wc -l`;

/** Before a directory is read: an empty or unmounted one is no reason for a copy. Of a snapshot only reading it tells. */
export async function enoughFiles(
  { from, expect, stdin }: BackupOperation,
  { hosts, signal }: RepositoryContext,
): Promise<void> {
  const least = expect?.minFiles;
  if (least === undefined || stdin || !("directory" in from)) return;
  const argv = ["sh", "-c", COUNT, "sh", from.directory, String(least)];
  const { stdout } = await hosts.run(from.host, argv, { signal, timeoutMs: COUNTING_MS });
  const found = Number(stdout.trim());
  if (found >= least) return;
  throw new ResticFailed("missing-source", {
    message: `${from.host}:${from.directory} has ${filesIn(found)}, and at least ${least} ${least === 1 ? "is" : "are"} expected: nothing was copied`,
    hint: "is it mounted? `expect.minFiles` of this source asks for that many",
  });
}

/** After it was read: why the copy does not count. `parent`: the id of the copy before. */
export async function tooLittle(
  { expect, before: recorded }: Pick<BackupOperation, "expect" | "before">,
  made: BackupResult,
  restic: Restic,
  parent: string | undefined,
): Promise<Problem | undefined> {
  const { minFiles, shrinkAtMost } = expect ?? {};
  const { id, files } = made;
  if (minFiles !== undefined && files !== undefined && files < minFiles) {
    return {
      message: `the copy has ${filesIn(files)}, and at least ${minFiles} ${minFiles === 1 ? "is" : "are"} expected: it does not count`,
      hint: "does `files` exclude too much? `expect.minFiles` of this source asks for that many",
    };
  }
  if (shrinkAtMost === undefined || parent === undefined || id === undefined) return undefined;
  const now = sizeOf(made);
  const sizes = recorded && now ? { before: recorded, after: now } : await measured(restic, { parent, id });
  if ("message" in sizes) return sizes;
  const { before, after } = sizes;
  const least = 1 - shrinkAtMost / 100;
  const shrunk = (["files", "bytes"] as const).find((what) => after[what] < before[what] * least);
  if (shrunk === undefined) return undefined;
  return {
    message: `the source shrank from ${before[shrunk]} to ${after[shrunk]} ${shrunk}, by more than ${shrinkAtMost} %: the copy does not count`,
    hint: "if that is right, raise `expect.shrinkAtMost` of this source until one copy is made",
  };
}

async function measured(
  restic: Restic,
  { parent, id }: { readonly parent: string; readonly id: string },
): Promise<{ readonly before: Stats; readonly after: Stats } | Problem> {
  try {
    return { before: await restic.stats(parent), after: await restic.stats(id) };
  } catch (error) {
    // the copy is there already, and nobody will look at it again
    if (!(error instanceof ResticFailed || error instanceof TransportError)) throw error;
    return {
      message: `whether the source shrank cannot be told: ${error.message}: the copy does not count`,
      hint: "the next one that is due takes its place; `--retry-partial` does not wait for that",
    };
  }
}

const filesIn = (count: number): string => (count === 0 ? "no files" : count === 1 ? "1 file" : `${count} files`);

const sizeOf = ({ files, bytes }: BackupResult) =>
  files === undefined || bytes === undefined ? undefined : { files, bytes };
