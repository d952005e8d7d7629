import { basename } from "node:path";
import type { FileSelection } from "../../model/manifest.ts";
import type { DatasetName, DirectoryPath } from "../../model/units.ts";
import { IN_SNAPSHOT, MOUNT_SNAPSHOT } from "../snapshot-scripts.ts";
import type { Call } from "./session.ts";
import { IN_FOLDER, stdinScript } from "./source-scripts.ts";
import { isAtLeast, type ResticVersion } from "./version.ts";

/** What a backup reads. */
export type BackupFrom = FolderSource | SnapshotSource | CommandSource;

export interface FolderSource {
  readonly folder: DirectoryPath;
}
/**
 * A ZFS snapshot. Root mounts it where the dataset's files are, for restic alone, so that paths are stored as people know
 * them; in a folder of its own where that is not possible. Others read it below `.zfs`.
 */
export interface SnapshotSource {
  readonly dataset: DatasetName;
  readonly snapshot: string;
  /** The dataset's mount point; what is no path (`none`, `legacy`) is taken for none. */
  readonly mountpoint?: string;
}
/** What a command prints, all or nothing: where it fails there is no copy. */
export interface CommandSource {
  readonly command: readonly string[];
  /** What the one file is called. */
  readonly filename: string;
}

/** What a command's output is called where a directory's path names it: restic takes no folders there. */
export const fileName = (path: DirectoryPath): string => basename(path) || "output";

/** How a backup of it is started: the last words of the command line, and what is around it. */
export interface SourceStart {
  readonly words: readonly string[];
  readonly start: NonNullable<Call["start"]>;
}

export function startFrom(from: BackupFrom, files: FileSelection | undefined, version: ResticVersion): SourceStart {
  if ("command" in from) return startCommand(from, version);
  // paths are told from inside, so that what is stored does not begin with where it is
  const words = ["--", ...(files === undefined || files.include.length === 0 ? ["."] : files.include)];
  if ("folder" in from) return { words, start: (argv) => ["sh", "-c", IN_FOLDER, from.folder, ...argv] };
  const { dataset, snapshot, mountpoint = "" } = from;
  const start = (argv: readonly string[]) => [
    ...["sh", "-c", IN_SNAPSHOT, "sh", MOUNT_SNAPSHOT],
    ...[dataset, snapshot, mountpoint],
    ...argv,
  ];
  return { words, start };
}

function startCommand({ command, filename }: CommandSource, version: ResticVersion): SourceStart {
  const name = `--stdin-filename=${filename}`;
  if (isAtLeast(version, "0.17")) {
    return { words: ["--stdin-from-command", name, "--", ...command], start: (argv) => argv };
  }
  return { words: ["--stdin", name], start: (argv) => ["sh", "-c", stdinScript(command, argv)] };
}
