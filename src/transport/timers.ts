/** Milliseconds, 24.8 days: a timer of Node that is to wait for longer goes off at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
