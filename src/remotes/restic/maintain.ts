import { removeStaleLocks } from "./locks.ts";
import { readMessage } from "./messages.ts";
import { must } from "./must.ts";
import type { Session } from "./session.ts";
import { storageFlags } from "./version.ts";

/** Frees the space of what was forgotten. `maxUnused` as restic takes it: `10%`, a number of bytes, `unlimited`. */
export async function prune(session: Session, options: { readonly maxUnused?: string } = {}): Promise<void> {
  const { maxUnused } = options;
  const flags = storageFlags(await session.version(), session.place.repository);
  await must(session, { args: ["prune", ...flags, ...(maxUnused === undefined ? [] : [`--max-unused=${maxUnused}`])] });
}

export interface CheckOptions {
  /** Reads this part of the data too; of at most 256. */
  readonly subset?: { readonly part: number; readonly of: number };
}

export interface CheckResult {
  /** Nothing is wrong with the repository, as far as was looked. */
  readonly ok: boolean;
  /** What is wrong, a line each; of many the first hundred. */
  readonly errors: readonly string[];
}

const MOST_ERRORS = 100;
const FOUND_ERRORS = /repository contains errors/;
/** What `check` says besides errors: what it tries again, and how to repair. */
const NO_ERROR =
  /^(?:Fatal: |The repository |restic repair |Damaged pack files |repo already locked|unable to create lock|lock was created|storage ID|the `unlock`|$)|returned error, retrying after/;

/** Throws `ResticFailed` only where nothing can be said about the repository. */
export async function check(session: Session, { subset }: CheckOptions = {}): Promise<CheckResult> {
  const errors: string[] = [];
  const call = {
    args: ["check", ...(subset === undefined ? [] : [`--read-data-subset=${subset.part}/${subset.of}`])],
    onErrorLine: (line: string): void => {
      const message = readMessage(line);
      if (message.kind === "text" && !NO_ERROR.test(message.text) && errors.length < MOST_ERRORS) {
        errors.push(message.text.trim());
      }
    },
  };
  const ended = await must(session, call, ({ code, output }) => code === 1 && FOUND_ERRORS.test(output.raw));
  if (ended.code === 0) return { ok: true, errors: [] };
  return { ok: false, errors: errors.map((line) => ended.output.hidden(line)) };
}

/** Removes locks that were left behind, never others; says how many. */
export async function unlock(session: Session): Promise<{ readonly removed: number }> {
  return { removed: await removeStaleLocks(session) };
}
