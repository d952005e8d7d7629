import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import type { SecretReference } from "../model/manifest.ts";
import { startLocal } from "./local.ts";
import { supervise } from "./supervise.ts";
import { TransportError } from "./types.ts";

const HIDDEN = "[secret]";

/** A value that shows itself only when asked by name. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}

/** How the manifest would write a reference, for messages. */
export function describeSecret(reference: SecretReference): string {
  if ("file" in reference) return `file ${reference.file}`;
  if ("env" in reference) return `environment variable ${reference.env}`;
  if ("command" in reference) return `command ${reference.command[0]}`;
  return `credential ${reference.credential}`;
}

/**
 * Reads what a reference points at, without the newline at its end. Errors (`kind` `secret`) name the reference and `what`
 * it is for, and never hold what was read.
 */
export async function readSecret(
  reference: SecretReference,
  options: {
    /** What it is, for messages: `identity of host nas01`. */
    readonly what: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly signal?: AbortSignal;
  },
): Promise<Secret> {
  const fail = (problem: string, hint?: string, cause?: unknown): never => {
    throw new TransportError("secret", `${options.what}: ${describeSecret(reference)} ${problem}`, {
      ...(hint === undefined ? {} : { hint }),
      cause,
    });
  };
  const value = await read();
  if (value.trim() === "") fail("is empty");
  return new Secret(value.replace(/\r?\n$/, ""));

  async function read(): Promise<string> {
    if ("file" in reference) return readText(reference.file);
    if ("env" in reference) return options.env[reference.env] ?? fail("is not set", "set it where Holdfast is started");
    if ("credential" in reference) {
      const directory = options.env.CREDENTIALS_DIRECTORY;
      if (directory === undefined) {
        return fail(
          "cannot be looked up: CREDENTIALS_DIRECTORY is not set",
          `systemd sets it for units with LoadCredential=${reference.credential}:PATH`,
        );
      }
      return readText(join(directory, reference.credential));
    }
    return runCommand(reference.command);
  }

  async function readText(path: string): Promise<string> {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENOENT")
        return fail(
          `does not exist${"file" in reference ? "" : ` (${path})`}`,
          "create it, readable by you alone: umask 077",
        );
      if (code === "EACCES") return fail("may not be read by this user", `check owner and mode of ${path}`);
      return fail("cannot be read", undefined, error);
    }
  }

  async function runCommand(argv: readonly string[]): Promise<string> {
    const running = startLocal(argv, { env: options.env });
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const result = await supervise(running, { argv, timeoutMs: 60_000, ...signal }).catch((error: unknown) => {
      if (!(error instanceof TransportError) || error.kind === "aborted") throw error;
      return fail(`failed: ${error.message}`, error.hint, error);
    });
    if (result.code !== 0) {
      const last = result.stderr.trimEnd().split("\n").at(-1);
      fail(`failed (${result.signal ?? `exit code ${result.code}`})${last ? `: ${last}` : ""}`);
    }
    return result.stdout;
  }
}
