import { createHash } from "node:crypto";
import type { At, AtDirectory, OperationId } from "../../model/plan.ts";
import type { Bytes, Guid } from "../../model/units.ts";
import { done, type Result } from "../result.ts";
import { IN_SNAPSHOT, MOUNT_SNAPSHOT } from "../snapshot-scripts.ts";
import { CLAIM_FOLDER, FINISH_FOLDER } from "../target-scripts.ts";
import { OperationFailed, type RunContext, run, showCommand } from "./context.ts";

/** Files of a snapshot that are to go into a folder. */
export interface CopyFiles {
  readonly id: OperationId;
  readonly from: At & { readonly snapshot: { readonly name: string; readonly guid: Guid } };
  readonly into: AtDirectory;
  /** Relative to the dataset; everything when empty. */
  readonly paths: readonly string[];
  /** Over what is there: files that differ are overwritten, others stay. */
  readonly over: boolean;
  readonly estimate?: Bytes;
}

/** Everything there is of a file, and only of this file system. */
const KEEP = ["--xattrs", "--xattrs-include=*", "--acls", "--sparse", "--numeric-owner"] as const;
/** tar tells how far it is in records. */
const RECORD = 10_240;

export const tarOut = (paths: readonly string[]): string[] => [
  "tar",
  "--create",
  "--file=-",
  "--format=pax",
  "--one-file-system",
  ...KEEP,
  "--",
  ...(paths.length === 0 ? ["./"] : paths.map((path) => `./${path}`)),
];

export const tarIn = (into: string): string[] => [
  "tar",
  "--extract",
  "--file=-",
  `--directory=${into}`,
  "--same-permissions",
  "--delay-directory-restore",
  ...KEEP,
];

const withProgress = ([tar = "", ...words]: readonly string[]): string[] => [
  tar,
  "--checkpoint=100",
  "--checkpoint-action=echo=%u",
  ...words,
];

/** `PATH…`: all are there; prints the first that is not. */
const ARE_THERE = `for path do
  if [ ! -e "./$path" ] && [ ! -L "./$path" ]; then echo "holdfast: missing $path" >&2; exit 1; fi
done`;

/** By GNU tar on both sides, into a folder that is empty, or that an unfinished copy of the same files left. */
export async function copyFiles(wanted: CopyFiles, context: RunContext): Promise<Result> {
  const { id, from, into, paths, over, estimate } = wanted;
  const source = await context.observe(from);
  const place = source?.mountpoint ?? "";
  const inSnapshot = (argv: readonly string[]): string[] => [
    ...["sh", "-c", IN_SNAPSHOT, "sh", MOUNT_SNAPSHOT],
    ...[from.dataset, from.snapshot.name, place],
    ...argv,
  ];
  const look = await run(context, from.host, inSnapshot(["sh", "-c", ARE_THERE, "sh", ...paths]));
  if (look.code !== 0) throw unreadable(wanted, look.stderr);
  const mark = markOf(wanted);
  if (!over) await claim(into, mark, context);
  let bytes = 0;
  context.progress(id, 0 as Bytes, estimate);
  const piped = await context.hosts.pipe(
    {
      from: { host: from.host, argv: inSnapshot(withProgress(tarOut(paths))) },
      to: { host: into.host, argv: tarIn(into.directory) },
    },
    {
      signal: context.signal,
      onSenderLine: (line) => {
        const records = /^\.*(?:tar: )?(\d+)$/.exec(line.trim())?.[1];
        if (records === undefined) return;
        bytes = Number(records) * RECORD;
        context.progress(id, bytes as Bytes, estimate);
      },
    },
  );
  if (!piped.ok) {
    const { cause, sender, receiver } = piped;
    const isEnded = cause?.kind === "aborted" || context.signal.aborted;
    return {
      outcome: isEnded ? "interrupted" : "failed",
      bytes: bytes as Bytes,
      error: {
        message: `not all files arrived in ${into.host}:${into.directory}: ${cause?.message ?? "tar failed"}`,
        output: withoutProgress(cause?.kind === "receiver" ? receiver.stderr : sender.stderr),
        command: showCommand(tarOut(paths), tarIn(into.directory)),
        hint: `${cause?.hint === undefined ? "" : `${cause.hint}; `}run the same again: it goes on into the same folder`,
      },
    };
  }
  const finished = await run(context, into.host, ["sh", "-c", FINISH_FOLDER, into.directory, mark, ...paths]);
  if (finished.code !== 0) throw unreadable(wanted, finished.stderr);
  const { stdout: user } = await run(context, into.host, ["id", "-u"]);
  const warnings =
    user.trim() === "0" ? [] : [`${into.host} is not reached as root: all files there belong to the account that is`];
  return done({ bytes: Math.max(bytes, estimate ?? 0) as Bytes, ...(warnings.length > 0 && { warnings }) });
}

const withoutProgress = (stderr: string): string =>
  stderr
    .split("\n")
    .filter((line) => !/^\.*(?:tar: )?\d*$/.test(line.trim()))
    .join("\n");

/** Known by it: this snapshot, these files. */
const markOf = ({ from, paths }: CopyFiles): string =>
  `.holdfast-restore-${createHash("sha256")
    .update(JSON.stringify([from.snapshot.guid, paths]))
    .digest("hex")
    .slice(0, 16)}`;

async function claim({ host, directory }: AtDirectory, mark: string, context: RunContext): Promise<void> {
  const { code, stderr } = await run(context, host, ["sh", "-c", CLAIM_FOLDER, directory, mark]);
  if (code === 0) return;
  const isFull = stderr.startsWith("holdfast: ");
  throw new OperationFailed({
    message: isFull
      ? `${host}:${directory} is not empty: nothing was restored`
      : `${host}:${directory} cannot be made or written: ${stderr.trim()}`,
    hint: "give another place: --to DIR",
  });
}

function unreadable({ from }: CopyFiles, stderr: string): OperationFailed {
  const missing = /^holdfast: missing (.*)$/s.exec(stderr.trimEnd())?.[1];
  const where = `${from.host}:${from.dataset}@${from.snapshot.name}`;
  if (missing !== undefined)
    return new OperationFailed({ message: `${where} has no ${missing}`, hint: "see what it has: holdfast ls" });
  const isLocked = /encryption key not loaded|key.*not loaded/i.test(stderr);
  return new OperationFailed({
    message: isLocked ? `${where} cannot be read: its key is not loaded` : `${where} cannot be read`,
    output: stderr.trim(),
    hint: isLocked
      ? "load it there (zfs load-key), or restore the whole dataset: that needs no key"
      : "only root can mount a snapshot; or mount the dataset there, or restore the whole dataset",
  });
}
