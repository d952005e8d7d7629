import { EXIT } from "./exit.ts";

export interface Interruption {
  /** Aborted by the first Ctrl-C, SIGTERM or SIGHUP: what runs ends cleanly. */
  readonly signal: AbortSignal;
  /** Aborted by the second one: everything ends at once. */
  readonly urgent: AbortSignal;
  /** Gives the signals back. */
  release(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** What ends at once has so long to say how far it got. */
const LAST_WORDS_MS = 2000;

export function onInterrupt(): Interruption {
  const clean = new AbortController();
  const urgent = new AbortController();
  const stop = (): void => {
    if (urgent.signal.aborted) process.exit(EXIT.interrupted);
    if (clean.signal.aborted) {
      setTimeout(() => process.exit(EXIT.interrupted), LAST_WORDS_MS).unref();
      urgent.abort();
      return;
    }
    clean.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  return {
    signal: clean.signal,
    urgent: urgent.signal,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, stop);
    },
  };
}
