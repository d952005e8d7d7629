import { LONGEST_TIMER_MS } from "../transport/timers.ts";

/** Time as the service sees it; another one in tests. */
export interface Clock {
  /** Milliseconds since 1970 by the machine's clock, which may jump either way. */
  now(): number;
  /** Milliseconds that pass evenly, whatever is done to the clock. */
  monotonic(): number;
  /** Resolves after so many milliseconds, or at once when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    let left = ms;
    do {
      await nap(Math.min(left, LONGEST_TIMER_MS), signal);
      left -= LONGEST_TIMER_MS;
    } while (left > 0 && !signal.aborted);
  },
};

const nap = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });

/** ISO 8601, UTC. */
export const isoOf = (ms: number): string => new Date(ms).toISOString();
