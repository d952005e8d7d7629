import { randomBytes } from "node:crypto";
import type { HostName } from "../model/units.ts";
import { eachLine } from "./lines.ts";
import { blame, type Endings } from "./pipe-cause.ts";
import type { Running } from "./running.ts";
import { type End, type Filter, farReceiverScript, farSenderScript, pipeScript } from "./shell.ts";
import { Tail } from "./supervise.ts";
import {
  type PipeEnd,
  type PipeOptions,
  type PipeResult,
  type PipeSpec,
  type StageResult,
  TransportError,
} from "./types.ts";

/** How the machine that the pipe runs on reaches one of its ends. */
export interface Reach {
  /** The end's host is the machine that the pipe runs on. */
  readonly here: boolean;
  readonly sudo: boolean;
  /** The OpenSSH client's command that runs a script there; only where not `here`. */
  readonly ssh: (script: string) => Promise<readonly string[]>;
}

export interface PreparedPipe {
  readonly script: string;
  readonly mark: string;
  readonly spec: PipeSpec;
}

const ZSTD: Filter = { stage: "zstd", argv: ["zstd", "-qc"] };
const UNZSTD: Filter = { stage: "unzstd", argv: ["zstd", "-dqc"] };

/**
 * The one script that is the whole pipe: the bytes go through the kernel's pipes between the commands and the SSH clients,
 * never through this process.
 */
export async function preparePipe(spec: PipeSpec, from: Reach, to: Reach): Promise<PreparedPipe> {
  const mark = `holdfast-${randomBytes(8).toString("hex")}`;
  const wire = spec.compress === "zstd" && !(from.here && to.here);
  const filters: Filter[] = [];
  if (wire && from.here) filters.push(ZSTD);
  if (spec.limit !== undefined) filters.push({ stage: "pv", argv: ["pv", "-q", "-L", String(Math.ceil(spec.limit))] });
  if (wire && to.here) filters.push(UNZSTD);
  const near = (end: PipeEnd, { sudo }: Reach): End => ({ argv: sudo ? ["sudo", "-n", ...end.argv] : end.argv, sudo });
  const sender: End = from.here
    ? near(spec.from, from)
    : { ssh: await from.ssh(farSenderScript(mark, near(spec.from, from), wire ? [ZSTD] : [])) };
  const receiver: End = to.here
    ? near(spec.to, to)
    : { ssh: await to.ssh(farReceiverScript(mark, near(spec.to, to), wire ? [UNZSTD] : [])) };
  return { script: pipeScript(mark, sender, filters, receiver), mark, spec };
}

const PROGRESS = /^\d\d:\d\d:\d\d\t(\d+)\t/;
/** What `zfs send -vP` says about the stream itself, that of a token included. */
const ABOUT = /^(full|incremental|size)\t|^resume token contents:$|^nvlist version: \d+$|^\t\w+ = /;

/** Follows a started pipe to its end, and ends it when asked to, when it stalls, or when one of its ends is gone. */
export async function followPipe(
  running: Running,
  { mark, spec }: PreparedPipe,
  options: PipeOptions,
  graceMs: number,
): Promise<PipeResult> {
  const codes = new Map<string, number>();
  const stderr = { sender: new Tail(), receiver: new Tail() };
  let sending = false;
  let missing: string | undefined;
  let ended: Endings["ended"];
  let bytes = "";
  const timers: NodeJS.Timeout[] = [];
  const later = (ms: number, action: () => void): void => {
    timers.push(setTimeout(action, ms));
  };

  let giveUp = (): void => {};
  const givenUp = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const end = (why: "aborted" | "stalled"): void => {
    if (ended !== undefined) return;
    ended = why;
    running.stop();
    // A command that the kernel holds must not hold us too.
    later(6 * graceMs, giveUp);
  };
  const aborted = (): void => end("aborted");
  const { stallTimeoutMs } = options;
  const stall = stallTimeoutMs === undefined ? undefined : setTimeout(() => end("stalled"), stallTimeoutMs);
  if (stall !== undefined) timers.push(stall);

  const onReport = (side: "sender" | "receiver", words: readonly string[]): void => {
    const [stage = "", code = ""] = words;
    if (stage === "start") {
      // What start-up files had to say is not the command's.
      stderr[side].clear();
      if (side === "sender") sending = true;
      return;
    }
    if (stage === "missing") {
      missing = `${code} ${words[2]}`;
      return;
    }
    codes.set(stage, Number(code));
    if (stage.startsWith("sender")) clearTimeout(stall);
    // Nobody reads any more: a sender that writes nothing at present would not notice.
    if (stage.startsWith("receiver")) later(2000, () => running.stop());
    // Nothing comes any more: a receiver that does not end by itself hangs.
    else if (code !== "0") later(6 * graceMs, () => running.stop());
  };
  const onLine = (side: "sender" | "receiver", line: string): void => {
    const at = line.indexOf(`${mark} `);
    if (at >= 0) {
      // A command's last line may have had no end.
      if (at > 0) onLine(side, line.slice(0, at));
      onReport(side, line.slice(at).split(" ").slice(1));
      return;
    }
    const progress = PROGRESS.exec(line);
    if (progress?.[1] !== undefined && progress[1] !== bytes) {
      bytes = progress[1];
      stall?.refresh();
    }
    if (progress === null && !ABOUT.test(line)) stderr[side].add(`${line}\n`);
    if (side === "sender" && sending) options.onSenderLine?.(line);
  };
  eachLine(running.stdout, (line) => onLine("sender", line));
  eachLine(running.stderr, (line) => onLine("receiver", line));
  if (options.signal?.aborted) aborted();
  else options.signal?.addEventListener("abort", aborted, { once: true });

  let failure: unknown;
  try {
    await Promise.race([running.ended, givenUp]);
  } catch (error) {
    failure = error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    options.signal?.removeEventListener("abort", aborted);
  }
  if (missing !== undefined) throw missingProgram(missing, spec);

  const stage = (name: string, host: HostName, text: string): StageResult => ({
    host,
    stage: name,
    ...exitOf(codes.get(name)),
    stderr: text.trimEnd(),
  });
  const sender = stage("sender", spec.from.host, stderr.sender.text);
  const receiver = stage("receiver", spec.to.host, stderr.receiver.text);
  const filters = ["zstd", "pv", "unzstd"]
    .filter((name) => codes.has(name))
    .map((name) => stage(name, name === "unzstd" ? spec.to.host : spec.from.host, ""));
  const ok = ended === undefined && [sender, receiver, ...filters].every(({ code }) => code === 0);
  if (ok) return { ok, sender, receiver, filters };
  return { ok, sender, receiver, filters, cause: blame({ sender, receiver, filters, ended, failure, stallTimeoutMs }) };
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
};

/** A shell reports a signal as 128 and its number; no `zfs` exits with such a code. */
function exitOf(code: number | undefined): Pick<StageResult, "code" | "signal"> {
  if (code === undefined) return { code: null };
  const signal = SIGNALS[code - 128];
  return signal === undefined ? { code } : { code: null, signal };
}

function missingProgram(missing: string, spec: PipeSpec): TransportError {
  const [program, where] = missing.split(" ");
  const host = where === "receiver" ? spec.to.host : spec.from.host;
  const place =
    where === "here" && spec.from.host !== spec.to.host ? "on the machine that runs the transfer" : `on ${host}`;
  return new TransportError("not-found", `${program} is not installed ${place}`, {
    host,
    hint: `apt install ${program} there, or take ${program === "pv" ? "`limit`" : "`compress`"} off the remote`,
  });
}
