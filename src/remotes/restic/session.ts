import { Secret } from "../../transport/secret.ts";
import { quoteAll } from "../../transport/shell.ts";
import { type Hosts, type RunOptions, type RunResult, TransportError } from "../../transport/types.ts";
import { type Access, type RepositoryPlace, readAccess, type Variables, variablesFor } from "./access.ts";
import { classify, describe, holderIn, isHopeless, isRefused, ResticFailed, withoutRetry } from "./errors.ts";
import { versionOn } from "./installed.ts";
import { understood } from "./login.ts";
import { Output } from "./output.ts";
import { withPriority } from "./priority.ts";
import type { ResticVersion } from "./version.ts";

export interface ResticOptions {
  readonly hosts: Hosts;
  /** The caller's environment, for secrets that are kept there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Until a repository must have given a first sign of life, in milliseconds; default 60 s. */
  readonly answerMs?: number;
}

/** One start of restic. */
export interface Call {
  /** Without the program: `["snapshots", "--json"]`. */
  readonly args: readonly string[];
  /** Puts something around restic's own command line, such as another folder. */
  readonly start?: (argv: readonly string[]) => readonly string[];
  readonly variables?: Variables;
  readonly onLine?: (line: string) => void;
  /** Instead: stdout as it comes, however long its lines; chunks are valid only during the call. */
  readonly onBytes?: (chunk: Buffer) => void;
  readonly onErrorLine?: (line: string) => void;
  /** Ends it, besides that of all work. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly maxOutput?: number;
  /** What errors speak of; default: the repository's name. */
  readonly where?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly output: Output;
}

/** Starts restic on one repository. The version and the secrets are read once. */
export class Session {
  readonly place: RepositoryPlace;
  readonly options: ResticOptions;
  #access: Promise<Access> | undefined;

  constructor(place: RepositoryPlace, options: ResticOptions) {
    this.place = place;
    this.options = options;
  }

  get name(): string {
    return this.place.repository.name;
  }

  get answerMs(): number {
    return this.options.answerMs ?? 60_000;
  }

  version(): Promise<ResticVersion> {
    return versionOn(this);
  }

  async access(): Promise<Access> {
    this.#access ??= this.#readAccess();
    try {
      return await this.#access;
    } catch (error) {
      if (!(error instanceof TransportError) || error.kind !== "secret") throw error;
      const hint = error.hint === undefined ? {} : { hint: error.hint };
      throw new ResticFailed("secret", { message: error.message, ...hint }, { cause: error });
    }
  }

  async #readAccess(): Promise<Access> {
    return understood(await readAccess(this.place, this.options), await this.version());
  }

  /** Every exit code is a result. Throws `ResticFailed` for what ended otherwise, `TransportError` for a lost host. */
  async run(call: Call): Promise<Ended> {
    const { repository } = this.place;
    const version = await this.version();
    const access = await this.access();
    await this.#requireMount();
    const env = { ...variablesFor(access, version, repository.cacheFolder), ...call.variables };
    const output = new Output(Object.values(env).filter((value) => value instanceof Secret));
    const hopeless = new AbortController();
    const argv = ["restic", ...limits(repository.limit), ...call.args];
    try {
      const command = withPriority(call.start?.(argv) ?? argv, repository.priority);
      const { code, stdout } = await this.exec(command, {
        env,
        signal: AbortSignal.any([this.options.signal, hopeless.signal, ...(call.signal ? [call.signal] : [])]),
        endsBy: "SIGINT", // the one signal on which every version removes its lock
        onErrorLine: (line) => {
          output.add(line);
          call.onErrorLine?.(line);
          // what has a deadline is a question, and can be asked again later; a backup may well wait for its server
          if (isHopeless(line) || (call.timeoutMs !== undefined && isRefused(line))) hopeless.abort();
        },
        ...(call.onLine && { onLine: call.onLine }),
        ...(call.onBytes && { onBytes: call.onBytes }),
        ...(call.timeoutMs !== undefined && { timeoutMs: call.timeoutMs }),
        ...(call.maxOutput !== undefined && { maxOutput: call.maxOutput }),
      });
      return { code, stdout, output };
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (hopeless.signal.aborted) throw await this.failure({ code: null, output }, call);
      throw this.#ended(error, output, call);
    }
  }

  /** Any command on the repository's host. */
  exec(argv: readonly string[], { onBytes, ...options }: RunOptions & Pick<Call, "onBytes">): Promise<RunResult> {
    const { hosts, signal } = this.options;
    const run = { signal, ...options };
    return onBytes === undefined
      ? hosts.run(this.place.host, argv, run)
      : hosts.read(this.place.host, argv, onBytes, run);
  }

  /** What an exit code and the words with it mean. */
  async failure({ code, output }: Pick<Ended, "code" | "output">, call: Call): Promise<ResticFailed> {
    const ending = { code, text: output.raw, reason: output.reason, version: await this.version() };
    const kind = classify(ending);
    const holder = holderIn(output.raw);
    const problem = { ...describe(kind, ending, call.where ?? this.name), ...shown(call, output) };
    return new ResticFailed(kind, problem, holder && { holder });
  }

  #ended(error: TransportError, output: Output, call: Call): Error {
    if (error.kind === "aborted") {
      const message = `restic ${commandOf(call)} was interrupted`;
      return new ResticFailed("interrupted", { message, ...shown(call, output) }, { cause: error });
    }
    if (error.kind !== "timeout") return error;
    const said = withoutRetry(output.reason);
    const message = `${this.name} did not answer within ${(call.timeoutMs ?? 0) / 1000} s${said && `: ${said}`}`;
    const hint = "is the server up, and the network?";
    return new ResticFailed("unreachable", { message, hint, ...shown(call, output) }, { cause: error });
  }

  async #requireMount(): Promise<void> {
    const path = this.place.repository.requireMount;
    if (path === undefined) return;
    const { code } = await this.exec(["mountpoint", "-q", path], { timeoutMs: this.answerMs });
    if (code === 0) return;
    throw new ResticFailed("mount-missing", {
      message: `${this.name}: nothing is mounted at ${path}`,
      hint: `mount it; \`requireMount\` of ${this.name} asks for that`,
    });
  }
}

const commandOf = ({ args }: Call): string => args.find((word) => !word.startsWith("-")) ?? "";

const SHOWN = 400;

function shown({ args }: Call, { tail }: Output): { readonly command: string; readonly output?: string } {
  const line = quoteAll(["restic", ...args]);
  return {
    command: line.length <= SHOWN ? line : `${line.slice(0, SHOWN / 2)} … ${line.slice(-SHOWN / 2)}`,
    ...(tail !== undefined && { output: tail }),
  };
}

/** restic counts in KiB a second, and takes 0 for no limit. */
const limits = ({ upload, download }: RepositoryPlace["repository"]["limit"]): string[] => [
  ...(upload === undefined ? [] : [`--limit-upload=${kibibytes(upload)}`]),
  ...(download === undefined ? [] : [`--limit-download=${kibibytes(download)}`]),
];
const kibibytes = (bytes: number): number => Math.max(1, Math.round(bytes / 1024));
