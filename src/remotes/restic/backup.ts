import type { FileSelection, Repository } from "../../model/manifest.ts";
import type { Bytes, EpochSeconds, HostName } from "../../model/units.ts";
import { ResticFailed } from "./errors.ts";
import { type Message, numberOf, readMessage, textOf } from "./messages.ts";
import { must } from "./must.ts";
import type { Call, Session } from "./session.ts";
import { type BackupFrom, startFrom } from "./sources.ts";
import { isAtLeast, type ResticVersion, storageFlags } from "./version.ts";

export interface BackupOptions {
  readonly from: BackupFrom;
  /** Recorded as the copy's. */
  readonly host: HostName;
  readonly tags: readonly string[];
  /** Recorded as the copy's; default: when it begins. */
  readonly time?: EpochSeconds;
  /** Only files that differ from those of this copy are read; default: restic looks for one itself. */
  readonly parent?: string;
  /** Not for a command's output. */
  readonly files?: FileSelection;
  /** Make no copy where nothing differs from the parent; before restic 0.17 one is made. */
  readonly skipIfUnchanged?: boolean;
  /** Twice a second. */
  readonly onProgress?: (progress: BackupProgress) => void;
}

export interface BackupProgress {
  readonly files: number;
  /** Grows until all folders were looked at. */
  readonly totalFiles: number;
  readonly bytes: Bytes;
  readonly totalBytes: Bytes;
  readonly currentFiles: readonly string[];
  readonly secondsRemaining?: number;
}

export interface BackupResult {
  /** `partial`: there is a copy, which lacks what could not be read; `unchanged`: there is none, nothing has changed. */
  readonly outcome: "complete" | "partial" | "unchanged";
  readonly id?: string;
  readonly files?: number;
  readonly bytes?: Bytes;
  /** What it added to the repository. */
  readonly added?: Bytes;
  /** All of it is in the parent too. */
  readonly unchanged: boolean;
  /** What could not be read, and why, a line each; of many the first hundred. */
  readonly unreadable: readonly string[];
  /** How long it took. */
  readonly seconds: number;
}

const MOST_UNREADABLE = 100;
/** There is a copy all the same. */
const SOME_UNREADABLE = 3;

/** Makes a copy. Throws `ResticFailed` where there is none in the end. */
export async function backup(session: Session, options: BackupOptions): Promise<BackupResult> {
  const version = await session.version();
  const { words, start } = startFrom(options.from, options.files, version);
  const seen = new Events(options.onProgress);
  const call: Call = {
    args: ["backup", "--json", ...backupFlags(session.place.repository, options, version), ...words],
    start,
    variables: options.onProgress ? { RESTIC_PROGRESS_FPS: "2" } : {},
    onLine: (line) => seen.add(line),
    onErrorLine: (line) => seen.add(line),
  };
  const began = performance.now();
  const ended = await must(session, call, ({ code }) => code === SOME_UNREADABLE && seen.result.id !== undefined);
  const seconds = (performance.now() - began) / 1000;
  const { id, files, bytes, added, changes } = seen.result;
  const unreadable = [...seen.unreadable].slice(0, MOST_UNREADABLE);
  const counts = {
    ...(files !== undefined && { files }),
    ...(bytes !== undefined && { bytes }),
    ...(added !== undefined && { added }),
    unchanged: options.parent !== undefined && changes === 0,
    unreadable,
    seconds,
  };
  if (id === undefined) return { outcome: options.skipIfUnchanged ? "unchanged" : "complete", ...counts };
  const isPartial = ended.code === SOME_UNREADABLE || unreadable.length > 0;
  return { outcome: isPartial ? "partial" : "complete", id: await fullId(session, id), ...counts };
}

export function backupFlags(repository: Repository, options: BackupOptions, version: ResticVersion): string[] {
  const { from, files, time, parent } = options;
  return [
    `--host=${options.host}`,
    ...options.tags.map((tag) => `--tag=${tag}`),
    ...(time === undefined ? [] : [`--time=${writeTime(time)}`]),
    ...(parent === undefined ? [] : [`--parent=${parent}`]),
    ...(options.skipIfUnchanged && isAtLeast(version, "0.17") ? ["--skip-if-unchanged"] : []),
    ...storageFlags(version, repository),
    ...(files === undefined || "command" in from ? [] : selection(files)),
  ];
}

/** restic takes no zone; its own is UTC here. */
const writeTime = (time: EpochSeconds): string => new Date(time * 1000).toISOString().slice(0, 19).replace("T", " ");

const selection = (files: FileSelection): string[] => [
  ...files.exclude.map((pattern) => `--exclude=${pattern}`),
  ...files.excludeIfPresent.map((name) => `--exclude-if-present=${name}`),
  ...(files.excludeCaches ? ["--exclude-caches"] : []),
  ...(files.excludeLargerThan === undefined ? [] : [`--exclude-larger-than=${files.excludeLargerThan}`]),
  ...(files.oneFileSystem ? ["--one-file-system"] : []),
];

/** What is told while a backup runs, on either stream. */
class Events {
  readonly unreadable = new Set<string>();
  /** `changes`: files and folders that the parent has otherwise or not at all. */
  result: Pick<BackupResult, "id" | "files" | "bytes" | "added"> & { readonly changes?: number } = {};
  readonly #onProgress: BackupOptions["onProgress"];

  constructor(onProgress: BackupOptions["onProgress"]) {
    this.#onProgress = onProgress;
  }

  add(line: string): void {
    const message = readMessage(line);
    if (message.kind === "status") this.#progress(message);
    else if (message.kind === "summary") this.result = resultOf(message.summary);
    else if (message.kind === "unreadable") this.#miss(message.message || message.item);
    else if (message.kind === "text") {
      // before 0.19 this is all that is said of it
      const absent = /^(.*) does not exist, skipping$/.exec(message.text)?.[1];
      if (absent !== undefined) this.#miss(`${absent} does not exist`);
    }
  }

  #miss(what: string): void {
    if (this.unreadable.size < MOST_UNREADABLE) this.unreadable.add(what);
  }

  #progress({ kind: _, bytes, totalBytes, ...status }: Extract<Message, { readonly kind: "status" }>): void {
    this.#onProgress?.({ ...status, bytes: bytes as Bytes, totalBytes: totalBytes as Bytes });
  }
}

function resultOf(summary: Readonly<Record<string, unknown>>): Events["result"] {
  const id = textOf(summary.snapshot_id);
  const files = numberOf(summary.total_files_processed);
  const bytes = numberOf(summary.total_bytes_processed);
  const added = numberOf(summary.data_added_packed) ?? numberOf(summary.data_added);
  const counts = ["files_new", "files_changed", "dirs_new", "dirs_changed"].map((name) => numberOf(summary[name]));
  return {
    ...(id && { id }),
    ...(counts.every((count) => count !== undefined) && { changes: counts.reduce((sum, count) => sum + count, 0) }),
    ...(files !== undefined && { files }),
    ...(bytes !== undefined && { bytes: bytes as Bytes }),
    ...(added !== undefined && { added: added as Bytes }),
  };
}

/** Before 0.17 only the beginning of an id is told. */
async function fullId(session: Session, id: string): Promise<string> {
  if (id.length === 64) return id;
  let found: string | undefined;
  const call: Call = {
    args: ["list", "snapshots", "--no-lock"],
    onLine: (line) => {
      if (line.startsWith(id)) found = line;
    },
  };
  const ended = await session.run(call);
  if (ended.code !== 0) throw await session.failure(ended, call);
  if (found !== undefined) return found;
  throw new ResticFailed("other", { message: `${session.name}: the copy ${id} that was just made is not there` });
}
