import { execa } from "execa";
import { childEnvironment } from "./local.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** How a service tells systemd how it is; does nothing where systemd does not ask. */
export interface Systemd {
  /** Lines such as `READY=1` and `STATUS=…`, in the order in which they are told. Never rejects. */
  notify(...states: readonly string[]): Promise<void>;
  /** Milliseconds in which a sign of life is expected; undefined where none is. */
  readonly watchdogMs?: number;
}

const TIMEOUT_MS = 5_000;

/**
 * By `systemd-notify`: Node has no datagrams on unix sockets. Its messages come from another process than the service's
 * own, so that the unit needs `NotifyAccess=all`.
 */
export function connectSystemd(env: Environment, onError: (error: Error) => void): Systemd {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env;
  if (!NOTIFY_SOCKET) return { notify: () => Promise.resolve() };
  let last = Promise.resolve();
  const send = async (states: readonly string[]): Promise<void> => {
    const { failed, shortMessage } = await execa("systemd-notify", [`--pid=${process.pid}`, ...states], {
      env: { ...childEnvironment(env), NOTIFY_SOCKET },
      extendEnv: false,
      stdin: "ignore",
      timeout: TIMEOUT_MS,
      reject: false,
    });
    if (failed) onError(new Error(shortMessage));
  };
  const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  const watchdogMs = isForUs ? Number(WATCHDOG_USEC ?? 0) / 1000 : 0;
  return {
    notify: (...states) => {
      last = last.then(() => send(states));
      return last;
    },
    ...(watchdogMs > 0 && { watchdogMs }),
  };
}
