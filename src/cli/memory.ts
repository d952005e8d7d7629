import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** After so much quiet. */
const QUIET_MS = 10_000;

let collect: (() => void) | undefined;
let timer: NodeJS.Timeout | undefined;

/**
 * Gives back the memory that a look has needed, once it is quiet: V8 frees it only when it needs more, and a service that
 * sleeps for minutes would hold several times what it uses.
 */
export function releaseMemorySoon(): void {
  after(QUIET_MS, () => {
    compact();
    // V8 gives up the space for what is new only when little of it was needed lately
    after(QUIET_MS, compact);
  });
}

function after(ms: number, task: () => void): void {
  clearTimeout(timer);
  timer = setTimeout(task, ms).unref();
}

function compact(): void {
  setFlagsFromString("--expose-gc");
  collect ??= runInNewContext("gc") as () => void;
  setFlagsFromString("--compact-on-every-full-gc");
  collect();
  setFlagsFromString("--no-compact-on-every-full-gc");
}
