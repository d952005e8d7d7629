import { createHash } from "node:crypto";

/** Something that a drill can compare. */
export interface Candidate {
  /** As it is given to programs: `./home/a`. */
  readonly path: string;
  readonly bytes: number;
}

export interface Sample {
  readonly chosen: readonly Candidate[];
  /** All of what there was. */
  readonly isWhole: boolean;
  /** Where every file is larger than the sample: one of them, for a part of it. */
  readonly large?: Candidate;
}

/** Many tiny files are as much work as large ones: a sample has no more than this. */
export const MOST_SAMPLED = 20_000;
const PRUNE_AT = 4 * MOST_SAMPLED;

/** Random files of a stream of them, by a seed: whoever has the same files and the same seed chooses the same. */
export class Sampler {
  readonly #seed: string;
  readonly #limit: number;
  #drawn: { readonly rank: string; readonly candidate: Candidate }[] = [];
  #isPruned = false;

  /** `limit` in bytes; absent: everything. */
  constructor(seed: string, limit?: number) {
    this.#seed = seed;
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
  }

  add(candidate: Candidate): void {
    const rank = createHash("sha256").update(`${this.#seed}\0${candidate.path}`).digest("base64");
    this.#drawn.push({ rank, candidate });
    if (this.#isLimited && this.#drawn.length >= PRUNE_AT) this.#prune();
  }

  get #isLimited(): boolean {
    return this.#limit !== Number.POSITIVE_INFINITY;
  }

  #sort(): void {
    this.#drawn.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  }

  /** Files that are too large stay for as long as nothing else fits. */
  #prune(): void {
    this.#sort();
    const fitting = this.#drawn.filter(({ candidate }) => candidate.bytes <= this.#limit);
    this.#drawn = fitting.length === 0 ? this.#drawn.slice(0, 1) : fitting.slice(0, MOST_SAMPLED);
    this.#isPruned = true;
  }

  sample(): Sample {
    this.#sort();
    const all = this.#drawn.map(({ candidate }) => candidate);
    if (!this.#isLimited) return { chosen: inPathOrder(all), isWhole: true };
    const chosen: Candidate[] = [];
    let bytes = 0;
    for (const candidate of all) {
      if (chosen.length >= MOST_SAMPLED || bytes + candidate.bytes > this.#limit) continue;
      chosen.push(candidate);
      bytes += candidate.bytes;
    }
    const isWhole = !this.#isPruned && chosen.length === all.length;
    const [large] = all.filter((candidate) => candidate.bytes > this.#limit);
    return { chosen: inPathOrder(chosen), isWhole, ...(bytes === 0 && large && { large }) };
  }
}

/** As they lie beside each other: reading goes faster. */
const inPathOrder = (candidates: readonly Candidate[]): Candidate[] =>
  [...candidates].sort((a, b) => (a.path < b.path ? -1 : 1));

export interface GroupLimits {
  readonly files: number;
  /** Of one command line. */
  readonly nameBytes: number;
  readonly bytes: number;
}

/** Parts that one command each compares. */
export function inGroups(candidates: readonly Candidate[], limits: GroupLimits): Candidate[][] {
  const groups: Candidate[][] = [];
  let names = 0;
  let bytes = 0;
  for (const candidate of candidates) {
    const length = Buffer.byteLength(candidate.path) + 8; // quotes, and a blank
    const last = groups.at(-1);
    const fits =
      last !== undefined &&
      last.length < limits.files &&
      names + length <= limits.nameBytes &&
      bytes + candidate.bytes <= limits.bytes;
    if (fits) last.push(candidate);
    else {
      groups.push([candidate]);
      names = 0;
      bytes = 0;
    }
    names += length;
    bytes += candidate.bytes;
  }
  return groups;
}

/** Places in a file or device, in units of `size` MiB, that a sample of `limit` bytes looks at: random, by the seed, in order. */
export function sampledBlocks(seed: string, total: number, size: number, limit?: number): number[] {
  const blocks = Math.ceil(total / (size * 2 ** 20));
  const wanted = limit === undefined ? blocks : Math.max(1, Math.ceil(limit / (size * 2 ** 20)));
  if (wanted >= blocks) return Array.from({ length: blocks }, (_, block) => block * size);
  const chosen = new Set<number>();
  for (let draw = 0; chosen.size < wanted; draw++) {
    const digest = createHash("sha256").update(`${seed}\0${draw}`).digest();
    chosen.add(Number(digest.readBigUInt64BE() % BigInt(blocks)));
  }
  return [...chosen].sort((a, b) => a - b).map((block) => block * size);
}
