import type { Bytes } from "../../model/units.ts";

/** What `zfs send -nvP` or the start of `zfs send -vP` says about a stream. */
export interface Estimate {
  /** Absent when it was not printed, or is absurd (2^64 and the like, seen after a resume). */
  readonly size?: Bytes;
  /** Each snapshot that is sent, as `DATASET@SNAPSHOT`, oldest first. */
  readonly steps: readonly { readonly to: string; readonly bytes: Bytes }[];
}

const ABSURD = 2 ** 60;
const sane = (digits: string): Bytes | undefined => {
  const bytes = Number(digits);
  return Number.isFinite(bytes) && bytes >= 0 && bytes < ABSURD ? (bytes as Bytes) : undefined;
};

const STEP = /^(?:full|incremental)\t(?:.*\t)?([^\t]+)\t(\d+)$/;
const SIZE = /^size\t(\d+)$/;
const PROGRESS = /^\d\d:\d\d:\d\d\t(\d+)\t(.+)$/;

/** Reads stdout and stderr together: older systems print the estimate on stderr. */
export function parseEstimate(output: string): Estimate {
  let size: Bytes | undefined;
  const steps: { to: string; bytes: Bytes }[] = [];
  for (const line of output.split("\n")) {
    const step = STEP.exec(line);
    if (step?.[1] !== undefined && step[2] !== undefined)
      steps.push({ to: step[1], bytes: sane(step[2]) ?? (0 as Bytes) });
    const total = SIZE.exec(line);
    if (total?.[1] !== undefined) size = sane(total[1]);
  }
  return { ...(size === undefined ? {} : { size }), steps };
}

/** How much a resume token's stream holds already: the line `bytes = 0x…` of `zfs send -nvP -t`. */
export function parseReceived(output: string): Bytes | undefined {
  const digits = /^\s*bytes = (0x[0-9a-f]+|\d+)$/m.exec(output)?.[1];
  return digits === undefined ? undefined : sane(digits);
}

/** Adds up the lines of `zfs send -vP`, which count from zero again with each snapshot of a range. */
export class StreamProgress {
  readonly #before = new Map<string, number>();
  #announced = 0;
  #bytes = 0;

  /** Bytes of the whole stream so far. */
  get bytes(): Bytes {
    return this.#bytes as Bytes;
  }

  /** True when the line was progress. */
  line(line: string): boolean {
    const progress = PROGRESS.exec(line);
    if (progress?.[1] !== undefined && progress[2] !== undefined) {
      const bytes = sane(progress[1]);
      if (bytes !== undefined) this.#bytes = Math.max(this.#bytes, (this.#before.get(progress[2]) ?? 0) + bytes);
      return true;
    }
    const step = parseEstimate(line).steps[0];
    if (step !== undefined) {
      this.#before.set(step.to, this.#announced);
      this.#announced += step.bytes;
    }
    return false;
  }
}
