import type { PassResult } from "../model/service.ts";

/** When a source is worked on again. Times are milliseconds of the monotonic clock. */
export interface Pace {
  /** Attempts that failed since the last one that did not. */
  readonly failures: number;
  /** Nothing is done with it before, unless something new calls for it. */
  readonly notBefore: number;
  /** Passes in which something was done, since there was last nothing left to do. */
  readonly passes: number;
}

export const FRESH: Pace = { failures: 0, notBefore: 0, passes: 0 };

const FIRST_MS = 5_000;
const LONGEST_MS = 15 * 60_000;
/** How much of a delay is left to chance, so that what failed together is not tried again together. */
const SPREAD = 0.2;
/** What waits for something else is looked at again after that long. */
export const WAIT_MS = 30_000;
/** One pass does all there is to do, a second one what became due meanwhile; more of them, and something is wrong. */
const PASSES = 3;

/** After so many failures in a row: 5 s, 10 s … 15 min; `chance` is from 0 to 1. */
export const retryDelay = (failures: number, chance: number): number =>
  Math.max(FIRST_MS, Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 30)) * (1 - SPREAD + SPREAD * chance));

/** After a pass over a source in which something was done or tried. */
export function paceAfterRun(
  { failures, passes }: Pace,
  result: PassResult,
  at: { readonly now: number; readonly chance: number },
): Pace {
  const next = { passes: passes + 1 };
  switch (result) {
    case "failed":
      return { ...next, failures: failures + 1, notBefore: at.now + retryDelay(failures + 1, at.chance) };
    case "waiting":
      return { ...next, failures, notBefore: at.now + WAIT_MS };
    case "clean":
    case "blocked":
      return { ...next, failures: 0, notBefore: next.passes > PASSES ? at.now + WAIT_MS : 0 };
  }
}

/** After a look at a source with which nothing was done. */
export function paceAfterLook(
  pace: Pace,
  result: PassResult,
  at: { readonly now: number; readonly chance: number },
): Pace {
  if (result === "clean" || result === "blocked") return FRESH;
  // looks that others called for do not count as attempts
  if (at.now < pace.notBefore) return pace;
  if (result === "waiting") return { ...pace, notBefore: at.now + WAIT_MS };
  const failures = pace.failures + 1;
  return { ...pace, failures, notBefore: at.now + retryDelay(failures, at.chance) };
}

/** From one look at everything to the next, in milliseconds: `every` seconds, more or less `jitter` percent. */
export const interval = (
  { every, jitter }: { readonly every: number; readonly jitter: number },
  chance: number,
): number => every * 1000 * (1 + (jitter / 100) * (2 * chance - 1));
