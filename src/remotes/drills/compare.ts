import type { RunResult } from "../../transport/types.ts";
import { type Kind, kindOf } from "./attributes.ts";
import { bucketOf, differenceOf, type Entry, EntryReader, ListingSums, nanoseconds } from "./entries.ts";
import { type Header, readHeader } from "./headers.ts";
import type { Candidate, GroupLimits } from "./sample.ts";
import { BLOCKS, DETAILS, LIST, SUM } from "./scripts.ts";
import type { Means, Side } from "./side.ts";

export type { Means, Side } from "./side.ts";

/** Something that is not the same on both sides: a file, and how it differs. */
export interface Difference {
  readonly what: string;
  readonly how: string;
}

/** Of many differences the first. */
export const MOST_DIFFERENCES = 100;

/** A side cannot be looked into at all: that says nothing about the copy. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
  readonly side: Side;
  constructor(side: Side, message: string) {
    super(message);
    this.side = side;
  }
}

export const GROUPS: GroupLimits = { files: 300, nameBytes: 40_000, bytes: 256 * 2 ** 20 };

const sh = (script: string, ...args: readonly string[]): string[] => ["sh", "-c", script, "sh", ...args];

const runIn = ({ hosts, signal }: Means, side: Side, argv: readonly string[]): Promise<RunResult> =>
  hosts.run(side.host, side.inside(argv), { signal });

/** Every file and folder of a side, while they are found. */
export async function list({ hosts, signal }: Means, side: Side, take: (entry: Entry) => void): Promise<void> {
  const reader = new EntryReader(take);
  const { code, stderr } = await hosts.run(side.host, side.inside(sh(LIST)), { signal, onLine: reader.add });
  const problem = stderr.trim();
  if (code !== 0 || problem !== "") throw new Unreadable(side, problem || `find ended with ${code}`);
}

/** One for each entry that the two sides do not have alike. `each` sees those of the source. */
export async function compareListings(
  means: Means,
  source: Side,
  copy: Side,
  each: (entry: Entry) => void,
): Promise<{ readonly entries: number; readonly differences: Difference[] }> {
  const [here, there] = [new ListingSums(), new ListingSums()];
  await Promise.all([
    list(means, source, (entry) => {
      here.add(entry);
      each(entry);
    }),
    list(means, copy, (entry) => there.add(entry)),
  ]);
  const buckets = here.differing(there);
  if (buckets.size === 0) return { entries: here.entries, differences: [] };
  const collect = async (side: Side): Promise<Map<string, Entry>> => {
    const found = new Map<string, Entry>();
    await list(means, side, (entry) => {
      if (buckets.has(bucketOf(entry.path))) found.set(entry.path, entry);
    });
    return found;
  };
  const [mine, theirs] = await Promise.all([collect(source), collect(copy)]);
  const differences: Difference[] = [];
  for (const path of [...new Set([...mine.keys(), ...theirs.keys()])].sort()) {
    if (differences.length === MOST_DIFFERENCES) break;
    const difference = differenceOf(mine.get(path), theirs.get(path));
    if (difference !== undefined) differences.push({ what: shown(path), how: difference });
  }
  return { entries: here.entries, differences };
}

export const shown = (path: string): string => path.replace(/^\.\//, "");

export interface Leniency {
  /** Restored by an account that cannot give files away, nor set all of their attributes. */
  readonly isOwnerKept: boolean;
  /** Restored to where there can be no such attributes. */
  readonly lost?: ReadonlySet<Kind>;
}

const OTHER_ATTRIBUTES = "other attributes";
export const isOfAttributes = ({ how }: Difference): boolean => how.split(", ").includes(OTHER_ATTRIBUTES);

/**
 * One for each file of a group that the two sides do not have alike: one sum on each side where all is well, and a closer
 * look at every file where not.
 */
export async function compareGroup(
  means: Means,
  source: Side,
  copy: Side,
  group: readonly Candidate[],
  leniency: Leniency = { isOwnerKept: true },
): Promise<Difference[]> {
  const paths = group.map(({ path }) => path);
  const [here, there] = await Promise.all([
    runIn(means, source, sh(SUM, ...paths)),
    runIn(means, copy, sh(SUM, ...paths)),
  ]);
  const isQuiet = here.stderr.trim() === "" && there.stderr.trim() === "";
  if (here.code === 0 && there.code === 0 && isQuiet && here.stdout === there.stdout && here.stdout !== "") return [];
  const [mine, theirs] = await Promise.all([details(means, source, paths), details(means, copy, paths)]);
  return paths.flatMap((path, index) => {
    const [a, b] = [mine[index], theirs[index]];
    if (a === undefined || a.problem !== undefined || a.header === undefined)
      throw new Unreadable(source, `${shown(path)}: ${a?.problem ?? "is not there"}`);
    const difference = compareDetails(a, b, leniency);
    return difference === undefined ? [] : [{ what: shown(path), how: difference }];
  });
}

/** One for each file of a group that cannot be read to its end. */
export async function readGroup(means: Means, side: Side, group: readonly Candidate[]): Promise<Difference[]> {
  const paths = group.map(({ path }) => path);
  const { code, stderr } = await runIn(means, side, sh(SUM, ...paths));
  if (code === 0 && stderr.trim() === "") return [];
  const looked = await details(means, side, paths);
  return paths.flatMap((path, index) => {
    const found = looked[index];
    if (found?.problem !== undefined) return [{ what: shown(path), how: found.problem }];
    return found?.header === undefined ? [{ what: shown(path), how: "it cannot be read" }] : [];
  });
}

interface Details {
  /** Of the contents; empty for what has none. */
  readonly sum: string;
  readonly problem?: string;
  readonly header: Header | undefined;
}

/** Of many files in parts, so that what is printed stays small. */
const AT_ONCE = 20;

async function details(means: Means, side: Side, paths: readonly string[]): Promise<Details[]> {
  const found: Details[] = [];
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const some = paths.slice(at, at + AT_ONCE);
    const { code, stdout, stderr } = await runIn(means, side, sh(DETAILS, ...some));
    const lines = stdout.split("\n").slice(0, -1);
    if (code !== 0 || lines.length !== some.length)
      throw new Unreadable(side, stderr.trim() || "its files cannot be listed");
    for (const [index, line] of lines.entries()) {
      const about = detailsOf(line);
      if (isRefused(about.problem)) throw new Unreadable(side, `${shown(some[index] ?? "")}: ${about.problem}`);
      found.push(about);
    }
  }
  return found;
}

/** That says something about the account, and nothing about the file. */
const isRefused = (problem: string | undefined): boolean =>
  problem !== undefined && /: (?:Permission denied|Operation not permitted)\s*$/.test(problem);

function detailsOf(line: string): Details {
  const [text = "", headers = ""] = line.split("\t");
  const sum = /^([0-9a-f]{64}) /.exec(text)?.[1];
  const problem = text.trim() !== "" && sum === undefined ? `cannot be read: ${reasonOf(text)}` : undefined;
  return { sum: sum ?? "", header: readHeader(Buffer.from(headers, "base64")), ...(problem && { problem }) };
}

/** `sha256sum: -: Input/output error` without what everybody knows. */
const reasonOf = (text: string): string => text.trim().split(": ").at(-1) ?? text;

function compareDetails(
  source: Details,
  copy: Details | undefined,
  { isOwnerKept, lost }: Leniency,
): string | undefined {
  if (copy?.problem !== undefined) return copy.problem;
  const [a, b] = [source.header, copy?.header];
  if (copy === undefined || a === undefined || b === undefined) return "the copy lacks it";
  const found = [
    // the second of several links in one group is only a link there
    a.type === b.type || (isFile(a) && isFile(b)) ? "" : "it is something else",
    a.size === b.size || !isFile(a) ? "" : `${b.size} bytes instead of ${a.size}`,
    source.sum === copy.sum ? "" : "other contents",
    a.mode === b.mode ? "" : `mode ${b.mode.toString(8)} instead of ${a.mode.toString(8)}`,
    !isOwnerKept || (a.uid === b.uid && a.gid === b.gid) ? "" : `owner ${b.uid}:${b.gid} instead of ${a.uid}:${a.gid}`,
    nanoseconds(a.time) === nanoseconds(b.time) ? "" : "another time",
    a.target === b.target || isFile(a) ? "" : "points elsewhere",
    !isOwnerKept || sameAttributes(a, b, lost) ? "" : OTHER_ATTRIBUTES,
  ].filter((words) => words !== "");
  return found.length === 0 ? undefined : found.join(", ");
}

const isFile = ({ type }: Header): boolean => type === "0" || type === "1" || type === "\0";

function sameAttributes(a: Header, b: Header, lost: ReadonlySet<Kind> = new Set()): boolean {
  const [mine, theirs] = [a, b].map(({ attributes }) =>
    JSON.stringify(
      [...attributes].filter(([name]) => {
        const kind = kindOf(name);
        return kind === undefined || !lost.has(kind);
      }),
    ),
  );
  return mine === theirs;
}

/** MiB that one sum is made over. */
export const BLOCK_MIB = 16;
const BLOCKS_AT_ONCE = 64;

/** One for each part of a large file, or of a device, that the two sides do not have alike. Paths are those on each side. */
export async function compareBlocks(
  means: Means,
  source: { readonly side: Side; readonly path: string },
  copy: { readonly side: Side; readonly path: string },
  offsets: readonly number[],
  onProgress: (blocks: number) => void,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (let at = 0; at < offsets.length; at += BLOCKS_AT_ONCE) {
    const some = offsets.slice(at, at + BLOCKS_AT_ONCE);
    const [mine, theirs] = await Promise.all(
      [source, copy].map(({ side, path }) =>
        runIn(means, side, sh(BLOCKS, path, String(BLOCK_MIB), ...some.map(String))),
      ),
    );
    if (mine === undefined || theirs === undefined) break;
    if (mine.stderr.trim() !== "") throw new Unreadable(source.side, mine.stderr.trim());
    if (isRefused(theirs.stderr)) throw new Unreadable(copy.side, theirs.stderr.trim());
    const [a, b] = [mine.stdout.split("\n"), theirs.stdout.split("\n")];
    some.forEach((offset, index) => {
      if (a[index] !== b[index] && differences.length < MOST_DIFFERENCES)
        differences.push({ what: shown(copy.path), how: `other contents from ${offset} MiB on` });
    });
    if (theirs.stderr.trim() !== "" && differences.length < MOST_DIFFERENCES)
      differences.push({ what: shown(copy.path), how: `cannot be read: ${reasonOf(theirs.stderr)}` });
    onProgress(at + some.length);
  }
  return differences;
}
