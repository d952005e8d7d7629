import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** After so much quiet. */
const QUIET_MS = 10_000;

/**
 * Gives the memory back that a look has needed, soon after it: V8 frees it only when it needs more, and a service that
 * sleeps for minutes would hold several times what it uses. The returned function asks for it.
 */
export function memoryReleaser(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const compact = (): void => {
    setFlagsFromString("--compact-on-every-full-gc");
    collect();
    setFlagsFromString("--no-compact-on-every-full-gc");
  };
  let timer: NodeJS.Timeout | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(compact, QUIET_MS).unref();
  };
}
