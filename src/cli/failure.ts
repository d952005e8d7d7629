import { CommanderError } from "commander";
import { palette, visible, visibleLines } from "../render/text.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { tell, textOptions } from "./terminal.ts";

interface FailOptions {
  readonly debug: boolean;
  readonly color: boolean;
  /** By `holdfast help`; help is also what a command line without a command gets. */
  readonly askedForHelp: boolean;
}

/** The one place where an exception becomes a message and an exit code. The stack is shown with `--log-level debug`. */
export function fail(error: unknown, options: FailOptions): ExitCode {
  // commander has said what is wrong, or printed what was asked for
  if (error instanceof CommanderError) {
    const wanted = ["commander.helpDisplayed", "commander.version"].includes(error.code);
    return wanted || (error.code === "commander.help" && options.askedForHelp) ? EXIT.ok : EXIT.error;
  }
  const { message, hint, code, expected } = told(error);
  const colors = palette(textOptions(process.stderr, options.color).color);
  const [first = "", ...more] = visibleLines(message);
  const lines = [
    `${colors.bold(colors.red("error"))}: ${first}`,
    ...more.map((line) => `  ${line}`),
    ...(hint === undefined
      ? []
      : visibleLines(hint).map((line, index) => `${index === 0 ? "  next: " : "        "}${line}`)),
  ];
  if (options.debug) lines.push(...stacks(error).map((line) => colors.dim(line)));
  else if (!expected)
    lines.push("  next: this is a bug in Holdfast; run again with --log-level debug and report what it prints");
  tell(`${lines.join("\n")}\n`);
  return code;
}

/** Whatever the command did is done by then. */
export const answerLost = (cause: Error): Failure =>
  new Failure(`not all of the answer could be written to stdout: ${cause.message}`, {
    hint: "make room where it goes to, or send it elsewhere, and ask again; what else the command did is done",
    cause,
  });

interface Told {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly code: ExitCode;
  /** One of our own errors, not a bug. */
  readonly expected: boolean;
}

function told(error: unknown): Told {
  if (error instanceof Failure) return { message: error.message, hint: error.hint, code: error.code, expected: true };
  if (isTransportError(error)) {
    const code = error.kind === "locked" ? EXIT.locked : error.kind === "aborted" ? EXIT.interrupted : EXIT.error;
    return { message: error.message, hint: error.hint, code, expected: error.kind !== "internal" };
  }
  return { message: error instanceof Error ? error.message : String(error), code: EXIT.error, expected: false };
}

/** By name: the transport is not loaded by commands that reach no host. */
const isTransportError = (
  error: unknown,
): error is Error & { readonly kind: string; readonly hint: string | undefined } =>
  error instanceof Error && "kind" in error && "hint" in error && error.name === "TransportError";

function stacks(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const lines = (error.stack ?? "").split("\n").map(visible);
  return error.cause === undefined ? lines : [...lines, "caused by:", ...stacks(error.cause)];
}
