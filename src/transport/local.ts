import { execa } from "execa";
import type { Ended, Running } from "./running.ts";
import { withSystemPath } from "./shell.ts";
import { type EndSignal, TransportError } from "./types.ts";

export interface LocalOptions {
  /** The caller's; a child gets only what `childEnvironment` takes from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `life-line`: the command is a script that ends what it runs when its stdin closes (shell.ts). Default: no stdin. */
  readonly stdin?: "ignore" | "life-line";
  /** On top of what the child gets. */
  readonly variables?: Readonly<Record<string, string>>;
  /** From the first signal, `endsBy` or SIGTERM, to SIGKILL, in milliseconds. */
  readonly graceMs?: number;
  readonly endsBy?: EndSignal;
}

const TAKEN_OVER = ["HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "CREDENTIALS_DIRECTORY"];

export function childEnvironment(env: LocalOptions["env"]): Record<string, string> {
  const built: Record<string, string> = { PATH: withSystemPath(env.PATH), LC_ALL: "C", SHELL: "/bin/sh" };
  for (const name of TAKEN_OVER) {
    const value = env[name];
    if (value !== undefined) built[name] = value;
  }
  return built;
}

/**
 * Starts a command on this machine, in a process group of its own so that Ctrl-C on the terminal reaches only Holdfast.
 */
export function startLocal(argv: readonly string[], options: LocalOptions): Running {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error("an empty command");
  const child = execa(program, args, {
    env: { ...childEnvironment(options.env), ...options.variables },
    extendEnv: false,
    stdin: options.stdin === "life-line" ? "pipe" : "ignore",
    buffer: false,
    reject: false,
    detached: true,
  });
  const { pid } = child;
  const { stdin, stdout, stderr } = child;
  let running = true;

  const kill = (signal: NodeJS.Signals): void => {
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // A command that sudo runs as another user gets no signal from us, but ends when what it writes to is closed.
      if (running && error instanceof Error && "code" in error && error.code === "EPERM") {
        stdout.destroy();
        stderr.destroy();
      }
    }
  };
  // What a command leaves behind could hold its output open for ever.
  child.once("exit", () => {
    running = false;
    if (pid !== undefined) kill("SIGKILL");
  });

  return {
    stdout,
    stderr,
    stop() {
      const { graceMs: grace = 10_000, endsBy = "SIGTERM" } = options;
      const later = (ms: number, action: () => void): void => {
        setTimeout(() => running && action(), ms).unref();
      };
      // What is on its way to a receiver may take a while; a stream that is cut there has to be sent again.
      const patience = stdin === null ? 0 : 3 * grace;
      stdin?.end();
      if (patience === 0) kill(endsBy);
      else later(patience, () => kill(endsBy));
      later(patience + grace, () => kill("SIGKILL"));
    },
    ended: child.then((result): Ended => {
      if (result.exitCode !== undefined) return { code: result.exitCode };
      if (result.signal !== undefined) return { code: null, signal: result.signal };
      const hint = result.code === "ENOENT" ? "install it, or put it on PATH" : undefined;
      throw new TransportError(
        result.code === "ENOENT" ? "not-found" : "internal",
        result.code === "ENOENT"
          ? `${program} is not installed here`
          : `${program} could not be started (${result.code})`,
        { cause: result.cause, ...(hint === undefined ? {} : { hint }) },
      );
    }),
  };
}
