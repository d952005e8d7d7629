import type { HostName } from "../model/units.ts";
import { Lines } from "./lines.ts";
import type { Running } from "./running.ts";
import { type RunOptions, type RunResult, TransportError } from "./types.ts";

const STDERR_KEPT = 64 * 1024;

/** The end of what was written, of bounded size. */
export class Tail {
  #text = "";
  readonly #limit: number;

  constructor(limit = STDERR_KEPT) {
    this.#limit = limit;
  }

  add(text: string): void {
    this.#text += text;
    if (this.#text.length > 2 * this.#limit) this.#text = this.#text.slice(-this.#limit);
  }

  clear(): void {
    this.#text = "";
  }

  get text(): string {
    return this.#text.length > this.#limit ? `…${this.#text.slice(-this.#limit)}` : this.#text;
  }
}

interface Supervision extends RunOptions {
  readonly argv: readonly string[];
  readonly host?: HostName;
  /** Takes stdout instead of capturing it. */
  readonly onBytes?: (chunk: Buffer) => void;
  /** How long a command that was told to end is waited for, in milliseconds. */
  readonly patienceMs?: number;
}

/**
 * Watches a running command to its end: captures output within bounds, ends it on timeout, silence or abort. A command
 * that cannot be ended (the kernel holds it) is given up after a while, so that nothing here hangs with it.
 */
export async function supervise(running: Running, options: Supervision): Promise<RunResult> {
  const { signal, timeoutMs, idleTimeoutMs, maxOutput = 16 * 1024 * 1024 } = options;
  const command = options.argv.slice(0, 2).join(" ");
  const stderr = new Tail();
  const captured: Buffer[] = [];
  let size = 0;
  let reason: TransportError | undefined;
  let giveUp: (error: TransportError) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  const timers: NodeJS.Timeout[] = [];
  const details = options.host === undefined ? {} : { host: options.host };

  const end = (kind: TransportError["kind"], message: string, hint?: string, cause?: unknown): void => {
    if (reason !== undefined) return;
    const error = new TransportError(kind, message, { ...details, ...(hint === undefined ? {} : { hint }), cause });
    reason = error;
    running.stop();
    timers.push(setTimeout(() => giveUp(error), options.patienceMs ?? 15_000));
  };
  let idle: NodeJS.Timeout | undefined;
  if (idleTimeoutMs !== undefined) {
    idle = setTimeout(
      () => end("timeout", `${command} printed nothing for ${seconds(idleTimeoutMs)}`, "it may hang: try it by hand"),
      idleTimeoutMs,
    );
    timers.push(idle);
  }
  if (timeoutMs !== undefined) {
    timers.push(
      setTimeout(
        () => end("timeout", `${command} did not end within ${seconds(timeoutMs)}`, "it may hang: try it by hand"),
        timeoutMs,
      ),
    );
  }
  const aborted = (): void => end("aborted", `${command} was interrupted`);
  if (signal?.aborted) aborted();
  else signal?.addEventListener("abort", aborted, { once: true });

  /** Nobody listens any more to a command that was told to end. */
  const tell = (listener: () => void): void => {
    if (reason !== undefined) return;
    try {
      listener();
    } catch (error) {
      end("internal", error instanceof Error ? error.message : String(error), undefined, error);
    }
  };
  const toLines = (onLine: (line: string) => void): Lines => new Lines((line) => tell(() => onLine(line)));
  const { onBytes, onLine, onErrorLine } = options;
  const lines = onLine && toLines(onLine);
  const errorLines = onErrorLine && toLines(onErrorLine);
  running.stdout.on("data", (chunk: Buffer) => {
    idle?.refresh();
    if (onBytes !== undefined) tell(() => onBytes(chunk));
    else if (lines !== undefined) lines.add(chunk);
    else if (reason === undefined) {
      size += chunk.length;
      if (size > maxOutput) end("output-limit", `${command} printed more than ${maxOutput} bytes`);
      else captured.push(chunk);
    }
  });
  running.stdout.on("end", () => lines?.end());
  running.stderr.on("data", (chunk: Buffer) => {
    idle?.refresh();
    stderr.add(chunk.toString("utf8"));
    errorLines?.add(chunk);
  });
  running.stderr.on("end", () => errorLines?.end());

  try {
    const ended = await Promise.race([running.ended, givenUp]);
    if (reason !== undefined) throw reason;
    return { ...ended, stdout: Buffer.concat(captured).toString("utf8"), stderr: stderr.text };
  } catch (error) {
    throw reason ?? error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  }
}

const seconds = (ms: number): string => `${ms / 1000} s`;
