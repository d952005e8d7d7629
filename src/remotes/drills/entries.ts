import { createHash } from "node:crypto";

/** A file, folder or link as a listing tells it: everything but its contents and attributes. */
export interface Entry {
  /** `./home/a`; the folder itself is `.`. */
  readonly path: string;
  /** As `find` has it: f, d, l, p, b, c, s. */
  readonly type: string;
  /** Octal. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Of a regular file. */
  readonly size: number;
  /** Seconds since 1970 with nine digits behind the point. */
  readonly time: string;
  /** Where a link points to. */
  readonly target: string;
}

/** Names that are not UTF-8 arrive maimed: they can be compared in a listing, but not asked for. */
export const isAskable = ({ path }: Entry): boolean => !path.includes("\ufffd") && !path.includes("\0");

/** Takes what `LIST` prints, line by line. */
export class EntryReader {
  readonly #take: (entry: Entry) => void;
  #first: string | undefined;

  constructor(take: (entry: Entry) => void) {
    this.#take = take;
  }

  readonly add = (line: string): void => {
    if (this.#first === undefined) {
      this.#first = line;
      return;
    }
    const [type = "", mode = "", uid, gid, size, time = "", ...path] = this.#first.split("\t");
    this.#first = undefined;
    this.#take({
      path: path.join("\t").replaceAll("\0", "\n"),
      type,
      mode,
      uid: Number(uid),
      gid: Number(gid),
      size: type === "f" ? Number(size) : 0,
      time: nanoseconds(time),
      target: line.replaceAll("\0", "\n"),
    });
  };
}

/** `find` prints ten digits and more, of which nine mean something; tar none that are not needed. */
export function nanoseconds(time: string): string {
  const [seconds = "", fraction = ""] = time.split(".");
  return `${seconds}.${fraction.slice(0, 9).padEnd(9, "0")}`;
}

const BUCKETS = 256;

/** Sums over a listing, whatever its order, that tell where two of them differ without keeping either. */
export class ListingSums {
  readonly #sums = new BigUint64Array(BUCKETS);
  entries = 0;

  add(entry: Entry): void {
    this.entries += 1;
    const digest = createHash("sha256").update(JSON.stringify(entry)).digest();
    const bucket = bucketOf(entry.path);
    this.#sums[bucket] = ((this.#sums[bucket] ?? 0n) + digest.readBigUInt64BE()) & 0xffff_ffff_ffff_ffffn;
  }

  /** Numbers of the parts that are not the same. */
  differing(other: ListingSums): Set<number> {
    return new Set([...this.#sums.keys()].filter((bucket) => this.#sums[bucket] !== other.#sums[bucket]));
  }
}

export const bucketOf = (path: string): number => createHash("sha256").update(path).digest()[0] ?? 0;

export const ONLY_COPY = "only the copy has it";
export const ONLY_SOURCE = "the copy lacks it";

/** What is not the same about one entry, in words; undefined where nothing is. */
export function differenceOf(
  source: Entry | undefined,
  copy: Entry | undefined,
  isOwnerKept = true,
): string | undefined {
  if (source === undefined) return ONLY_COPY;
  if (copy === undefined) return ONLY_SOURCE;
  const found = [
    source.type === copy.type ? "" : `type ${copy.type} instead of ${source.type}`,
    source.size === copy.size ? "" : `${copy.size} bytes instead of ${source.size}`,
    source.mode === copy.mode ? "" : `mode ${copy.mode} instead of ${source.mode}`,
    !isOwnerKept || (source.uid === copy.uid && source.gid === copy.gid)
      ? ""
      : `owner ${copy.uid}:${copy.gid} instead of ${source.uid}:${source.gid}`,
    source.time === copy.time ? "" : "another time",
    source.target === copy.target ? "" : "points elsewhere",
  ].filter((words) => words !== "");
  return found.length === 0 ? undefined : found.join(", ");
}
