import type { HostName } from "../model/units.ts";
import type { LockHolder } from "../model/unlocked.ts";
import type { Secret } from "./secret.ts";

/**
 * Commands on every host of the manifest. One SSH connection a host, opened at the first command and shared; `close` ends
 * what still runs and leaves nothing behind.
 *
 * `argv` starts with the program (`zfs`). Quoting, `sudo`, PATH and `LC_ALL=C` are added here, never by callers; stdin is
 * empty. A promise is rejected with a `TransportError` when nobody can say how the command ended; every known exit code,
 * zero or not, is a result.
 */
export interface Hosts {
  /** Runs a command to its end and captures what it prints. */
  run(host: HostName, argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Hands out stdout while it arrives, in chunks that are valid only during the call. `stdout` of the result is empty. */
  read(
    host: HostName,
    argv: readonly string[],
    onBytes: (chunk: Buffer) => void,
    options?: Omit<RunOptions, "onLine">,
  ): Promise<RunResult>;
  /**
   * Lets one command's stdout flow into another's stdin, each on its own host, without passing this process. Resolves
   * however the two ended; rejected only when it could not be started.
   */
  pipe(spec: PipeSpec, options?: PipeOptions): Promise<PipeResult>;
  close(): Promise<void>;
}

export interface RunOptions {
  /** Variables of this command alone, on top of its environment; they are in no argument list, here or there. */
  readonly env?: Readonly<Record<string, string | Secret>>;
  /** Takes stdout line by line while it arrives; `stdout` of the result is then empty. Of a line over 1 MiB the beginning. */
  readonly onLine?: (line: string) => void;
  /** The same of stderr, whose end is in the result all the same. */
  readonly onErrorLine?: (line: string) => void;
  /** Ends the command; the promise is rejected with kind `aborted`. */
  readonly signal?: AbortSignal;
  /** What it is first told to end with, and all it started; default SIGTERM. */
  readonly endsBy?: EndSignal;
  /** Longest run in milliseconds; default: none. */
  readonly timeoutMs?: number;
  /** Longest silence on stdout and stderr in milliseconds; default: none. */
  readonly idleTimeoutMs?: number;
  /** Most bytes of stdout that `run` captures (default 16 MiB); more is an error. Of stderr the end is kept. */
  readonly maxOutput?: number;
}

export type EndSignal = "SIGTERM" | "SIGINT";

export interface RunResult {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal?: string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface PipeEnd {
  readonly host: HostName;
  readonly argv: readonly string[];
}

export interface PipeSpec {
  readonly from: PipeEnd;
  readonly to: PipeEnd;
  /** Bytes per second on the wire, by `pv`. */
  readonly limit?: number;
  /** Between two hosts: `zstd` on the sending one, `zstd -d` on the receiving one. Nothing on one and the same host. */
  readonly compress?: "off" | "zstd";
}

export interface PipeOptions {
  /** Ends the sender; the receiver then sees the end of its input and can save what it has. */
  readonly signal?: AbortSignal;
  /** Every line the sender writes to stderr: for `zfs send -vP` that is its progress. */
  readonly onSenderLine?: (line: string) => void;
  /** Ends the transfer when the bytes in `zfs send -vP`'s progress stand still for so many milliseconds; default: never. */
  readonly stallTimeoutMs?: number;
}

/** How one process of a pipe ended. */
export interface StageResult {
  readonly host: HostName;
  /** `sender`, `receiver`, or the name of a filter between them (`pv`, `zstd`). */
  readonly stage: string;
  /** `null` when a signal ended it, or when nobody knows because the connection was lost. */
  readonly code: number | null;
  readonly signal?: string;
  /** The end of what it wrote to stderr, without progress lines. */
  readonly stderr: string;
}

export interface PipeResult {
  /** Both ends and everything between them ended with 0. */
  readonly ok: boolean;
  readonly sender: StageResult;
  readonly receiver: StageResult;
  readonly filters: readonly StageResult[];
  /** What went wrong first, where not `ok`: the sender's own error rather than the receiver's "failed to read from stream". */
  readonly cause?: PipeCause;
}

export interface PipeCause {
  readonly kind: "sender" | "receiver" | "filter" | "connection-lost" | "stalled" | "aborted";
  readonly host: HostName;
  readonly message: string;
  readonly hint?: string;
}

export type TransportErrorKind =
  /** No connection: refused, no route, unknown name, timeout, jump host. */
  | "unreachable"
  | "host-key"
  | "authentication"
  /** The link was lost while the command ran: what it did is unknown. */
  | "connection-lost"
  /** The program is not there, or sudo refuses it. */
  | "not-found"
  | "sudo"
  /** The account's login shell did not run the command. */
  | "shell"
  | "timeout"
  | "aborted"
  | "output-limit"
  /** A secret (key, passphrase) could not be read. */
  | "secret"
  | "locked"
  | "internal";

/** Says what, on which host, and in `hint` what to do next. Holds no secret. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly kind: TransportErrorKind;
  readonly host: HostName | undefined;
  readonly hint: string | undefined;

  constructor(
    kind: TransportErrorKind,
    message: string,
    details: { readonly host?: HostName; readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.host = details.host;
    this.hint = details.hint;
  }
}

export interface HostsOptions {
  /** The caller's environment: PATH, HOME, XDG_CACHE_HOME, SSH_AUTH_SOCK and CREDENTIALS_DIRECTORY are taken from it, nothing else. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Until a host must have answered and let us in; default 20 s. */
  readonly connectTimeoutMs?: number;
  /** Between keep-alive messages (default 10 s); the third one without an answer ends the connection. */
  readonly keepAliveMs?: number;
  /** From SIGTERM to SIGKILL; three times that from the end of a pipe's input to SIGTERM. Default 10 s. */
  readonly graceMs?: number;
}

/** Given back by `acquireLock`. The kernel frees the lock too when this process dies. */
export interface Lock {
  readonly path: string;
  release(): void;
}

export interface LockOptions {
  /** Names the file `NAME.lock` in the machine's lock directory: /run/holdfast for root, otherwise the user's own; HOLDFAST_LOCK_DIR names another. */
  readonly name: string;
  /** Instead of that directory. */
  readonly directory?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the loser is told. */
  readonly command: string;
  /** How long to wait for the holder, in milliseconds; default 0. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** `acquireLock` lost: who holds it, when that can be told. */
export class LockedError extends TransportError {
  readonly path: string;
  readonly holder: LockHolder | undefined;

  constructor(path: string, message: string, holder: LockHolder | undefined) {
    super("locked", message, {
      hint: "wait until it is done, or give --lock-timeout; the lock goes with the process that holds it",
    });
    this.path = path;
    this.holder = holder;
  }
}
