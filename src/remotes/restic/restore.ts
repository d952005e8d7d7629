import { createHash } from "node:crypto";
import type { Bytes, DirectoryPath } from "../../model/units.ts";
import { CLAIM_FOLDER, FINISH_FOLDER, IS_BARE } from "../target-scripts.ts";
import { ResticFailed } from "./errors.ts";
import { numberOf, readMessage } from "./messages.ts";
import { must } from "./must.ts";
import type { Call, Ended, Session } from "./session.ts";
import { isAtLeast, type ResticVersion } from "./version.ts";

export interface RestoreOptions {
  readonly id: string;
  /** Folder of the copy whose contents are wanted; `/` is all of it. */
  readonly within: string;
  /** Files and folders in that, relative; everything when empty. */
  readonly paths: readonly string[];
  readonly into: DirectoryPath;
  /** Over what is there: files that differ are overwritten, others stay. */
  readonly over: boolean;
  /** What was written is read again, and its contents compared with the repository's. */
  readonly verify?: true;
  /** How many the copy has, where that was recorded. */
  readonly files?: number;
  /** Twice a second, from restic 0.16 on. */
  readonly onProgress?: (progress: {
    readonly bytes: Bytes;
    readonly totalBytes: Bytes;
    readonly files: number;
    readonly totalFiles: number;
  }) => void;
}

export interface RestoreResult {
  readonly files?: number;
  readonly bytes?: Bytes;
  /** What could not be brought back, and why, a line each; of many the first hundred. All else is there. */
  readonly failed: readonly string[];
}

/** Of many the first. */
const MOST_FAILED = 100;

/**
 * Brings files back into a folder that is empty, or that an unfinished restore of the same left. Throws `ResticFailed`
 * where nothing came back, or not what was named.
 */
export async function restore(session: Session, options: RestoreOptions): Promise<RestoreResult> {
  const version = await session.version();
  const { id, within, paths, into, over } = options;
  if (within !== "/" && !isAtLeast(version, "0.16"))
    throw new ResticFailed("too-old", {
      message: `restic ${version.text} cannot restore a folder of a copy alone, and this copy has it at ${within}`,
      hint: "install restic 0.16 or newer where the files go",
    });
  const mark = markOf(options);
  if (!over) await claim(session, into, mark);
  const full = new AbortController();
  const seen = new Events(options, () => full.abort());
  const call: Call = {
    args: [
      "restore",
      ...(isAtLeast(version, "0.16") ? ["--json"] : []),
      ...sparseFlag(version),
      ...(options.verify ? ["--verify"] : []),
      `--target=${into}`,
      ...paths.map((path) => `--include=/${escapePattern(path)}`),
      "--",
      within === "/" ? id : `${id}:${within}`,
    ],
    variables: options.onProgress ? { RESTIC_PROGRESS_FPS: "2" } : {},
    onLine: (line) => seen.add(line),
    onErrorLine: (line) => seen.add(line),
    signal: full.signal,
  };
  const isAnswer = ({ code }: Ended): boolean => code === SOME_FAILED && (seen.failed.size > 0 || seen.isOnlyLinks);
  await run(session, call, isAnswer).catch((error: unknown) => {
    throw seen.noSpace === undefined ? error : isFull(session, into, seen.noSpace);
  });
  if (seen.noSpace !== undefined) throw isFull(session, into, seen.noSpace);
  const failed = [...seen.failed].map(([what, why]) => `${what}: ${why}`);
  const { files, bytes } = seen;
  const result = {
    ...(files !== undefined && { files }),
    ...(bytes !== undefined && { bytes: bytes as Bytes }),
    failed,
  };
  if (failed.length > 0) return result;
  await requireSome(session, options, mark);
  await finish(session, options, mark);
  return result;
}

/** Without it holes come back as zeros; where a file is there already, restic leaves no holes in it. */
export const sparseFlag = (version: ResticVersion): string[] => (isAtLeast(version, "0.15") ? ["--sparse"] : []);

const isFull = ({ place }: Session, into: DirectoryPath, why: string): ResticFailed =>
  new ResticFailed("no-space", {
    message: `there is no more space for what comes to ${place.host}:${into}: ${why}`,
    hint: "free or add space there, and give the same command again: it goes on from there",
  });

/** Some files cannot be read back: restic tells which, goes on with the others, and ends with 1. */
const SOME_FAILED = 1;

/** Where not even a lock can be written, none is needed. */
async function run(session: Session, call: Call, isAnswer: (ended: Ended) => boolean): Promise<void> {
  try {
    await must(session, call, isAnswer);
  } catch (error) {
    if (!(error instanceof ResticFailed) || !["permission", "no-space"].includes(error.kind)) throw error;
    await must(session, { ...call, args: ["--no-lock", ...call.args] }, isAnswer);
  }
}

/** Known by it: this copy, this part of it. */
const markOf = ({ id, within, paths }: RestoreOptions): string =>
  `.holdfast-restore-${createHash("sha256")
    .update(JSON.stringify([id, within, paths]))
    .digest("hex")
    .slice(0, 16)}`;

const PATIENCE_MS = 60_000;
const script = (session: Session, ...argv: readonly string[]) =>
  session.exec(["sh", "-c", ...argv], { timeoutMs: PATIENCE_MS });

async function claim(session: Session, into: DirectoryPath, mark: string): Promise<void> {
  const { code, stderr } = await script(session, CLAIM_FOLDER, into, mark);
  if (code === 0) return;
  if (NO_SPACE.test(stderr)) throw isFull(session, into, stderr.trim());
  const isOccupied = stderr.startsWith("holdfast: ");
  throw new ResticFailed(isOccupied ? "occupied" : "permission", {
    message: isOccupied
      ? `${into} is not empty: nothing was restored`
      : `${into} cannot be made or written: ${stderr.trim()}`,
    hint: "give another place: --to DIR",
  });
}

/** restic ends with 0 where its patterns match nothing. */
async function requireSome(
  session: Session,
  { into, paths, files, over }: RestoreOptions,
  mark: string,
): Promise<void> {
  if (over || paths.length > 0 || files === 0) return;
  const { code } = await script(session, IS_BARE, into, mark);
  if (code !== 0) return;
  throw new ResticFailed("other", {
    message: `restic reported success, but nothing is in ${into}`,
    hint: "see what the copy has: restic ls",
  });
}

async function finish(session: Session, { into, paths }: RestoreOptions, mark: string): Promise<void> {
  const { code, stderr } = await script(session, FINISH_FOLDER, into, mark, ...paths);
  if (code === 0) return;
  const missing = /^holdfast: missing (.*)$/s.exec(stderr.trimEnd())?.[1];
  throw new ResticFailed(missing === undefined ? "other" : "missing-source", {
    message: missing === undefined ? `${into} cannot be looked at: ${stderr.trim()}` : `the copy has no ${missing}`,
    hint: "see what it has: holdfast ls, or restic ls",
  });
}

/** restic's patterns are those of Go. */
export const escapePattern = (path: string): string => path.replaceAll(/[*?[\]\\]/g, "\\$&");

const NO_SPACE = /no space left on device|disk quota exceeded/i;
/** Some file systems say the same of a file that has more of these than they take. */
const ATTRIBUTES = /^xattr\./;

/** What is told while a restore runs, on either stream. */
class Events {
  /** Why, by path: of what is said several times of one, the first. */
  readonly failed = new Map<string, string>();
  /** What is said of links that are there already is no failure, whatever restic ends with. */
  isOnlyLinks = false;
  files: number | undefined;
  bytes: number | undefined;
  /** What could not be written because there is no space. */
  noSpace: string | undefined;
  readonly #options: RestoreOptions;
  readonly #onNoSpace: () => void;

  /** restic would read all that is left, to write none of it: `onNoSpace` is where to end it. */
  constructor(options: RestoreOptions, onNoSpace: () => void) {
    this.#options = options;
    this.#onNoSpace = onNoSpace;
  }

  add(line: string): void {
    const message = readMessage(line);
    if (message.kind === "status") {
      const { files, totalFiles, bytes, totalBytes } = message;
      this.#options.onProgress?.({ files, totalFiles, bytes: bytes as Bytes, totalBytes: totalBytes as Bytes });
    } else if (message.kind === "summary") {
      this.files = numberOf(message.summary.files_restored);
      this.bytes = numberOf(message.summary.bytes_restored);
    } else if (message.kind === "unreadable") this.#miss(message.item, message.message);
    else if (message.kind === "text") {
      // before 0.16 this is all that is said of it
      const [, what, why] = /^ignoring error for (.*?): (.*)$/.exec(message.text) ?? [];
      if (what !== undefined && why !== undefined) this.#miss(what, why);
    }
  }

  #miss(what: string, why: string): void {
    // old versions cannot make a link that is there already: in a folder that only this restore has written to it is right
    if (!this.#options.over && /^Symlink: .*file exists$/.test(why)) {
      this.isOnlyLinks = true;
      return;
    }
    if (NO_SPACE.test(why) && !ATTRIBUTES.test(why)) {
      this.noSpace ??= `${what}: ${why}`;
      this.#onNoSpace();
    }
    if (this.failed.size < MOST_FAILED && !this.failed.has(what)) this.failed.set(what, why);
  }
}
