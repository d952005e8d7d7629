import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  commandScript,
  type End,
  loginCommand,
  pipeScript,
  quote,
  quoteAll,
  writeVariables,
} from "../../src/transport/shell.ts";

const word = fc.string({ unit: "binary", minLength: 0, maxLength: 30 }).filter((text) => !text.includes("\0"));
const nasty = fc.constantFrom(
  "$(reboot)",
  "-rf",
  "a b",
  "'",
  "\\'",
  "\n",
  "`id`",
  "*",
  "",
  "~",
  "a'b'c",
  "!!",
  "é",
  "--",
  "$HOME",
);

const command = (argv: readonly string[]): string =>
  commandScript(argv, { readsVariables: false, endsBy: "SIGTERM", graceSeconds: 1 });

/** What a program gets as its arguments when a shell runs this line. */
function argumentsSeenBy(shell: string, line: string): string[] {
  const directory = mkdtempSync(join(tmpdir(), "shell-"));
  const path = join(directory, "stdin");
  execFileSync("mkfifo", [path]);
  // Open for both, so that it neither ends nor blocks.
  const lifeLine = openSync(path, "r+");
  try {
    const output = execFileSync(shell, ["-c", line], { encoding: "utf8", stdio: [lifeLine, "pipe", "inherit"] });
    return output.split("\0").slice(0, -1);
  } finally {
    closeSync(lifeLine);
    rmSync(directory, { recursive: true });
  }
}

describe.each(["/bin/dash", "/bin/bash", "/bin/busybox"].filter((path) => existsSync(path)))(
  "variables in %s",
  (shell) => {
    const script = commandScript(["env", "-0"], { readsVariables: true, endsBy: "SIGTERM", graceSeconds: 1 });
    const words = shell === "/bin/busybox" ? ["sh", "-c", script] : ["-c", script];
    /** The environment of a command. Stdin stays open, as a life line does, but where what is to come is cut. */
    function seen(input: string): Promise<string> {
      const child = spawn(shell, words, { env: { PATH: process.env.PATH } });
      const chunks: Buffer[] = [];
      child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      child.stdin.write(input);
      if (!input.endsWith("\n.\n")) child.stdin.end();
      return new Promise((resolve) => {
        child.once("exit", () => child.stdin.destroy());
        child.once("close", () => resolve(Buffer.concat(chunks).toString("utf8")));
      });
    }

    test("arrive as they are, whatever is in them", async () => {
      const lines = fc.constant("a\n+b\n\n=c\n.\n");
      await fc.assert(
        fc.asyncProperty(fc.array(fc.oneof(word, nasty, lines), { minLength: 1, maxLength: 4 }), async (values) => {
          const entries = values.map((value, index) => [`V${index}`, value.replace(/\p{Cs}/gu, "?")] as const);
          const found = (await seen(writeVariables(Object.fromEntries(entries)))).split("\0");
          expect(found).toEqual(expect.arrayContaining(entries.map((entry) => entry.join("="))));
        }),
        { numRuns: 10 },
      );
      const everyByte = String.fromCharCode(...Array.from({ length: 255 }, (_, index) => index + 1));
      expect((await seen(writeVariables({ EVERY: everyByte }))).split("\0")).toContain(`EVERY=${everyByte}`);
    });

    test("without the end mark nothing is started", async () => {
      expect(await seen(writeVariables({ A: "b" }).slice(0, -2))).toBe("");
    });
  },
);

test.each([
  [{ "a-b": "" }, '"a-b" is no name of an environment variable'],
  [{ A: "b\0c" }, "the environment variable A holds a NUL character"],
])("%j is no variable", (variables, message) => {
  expect(() => writeVariables(variables)).toThrow(message);
});

describe("quoting", () => {
  test("a word reaches a program unchanged, whatever is in it", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(word, nasty), { maxLength: 6 }), (words) => {
        expect(argumentsSeenBy("/bin/sh", `printf '%s\\0' start ${quoteAll(words)}`)).toEqual(["start", ...words]);
      }),
      { numRuns: 40 },
    );
  });

  test.each(["/bin/sh", "/bin/bash"])("through the login shell %s and the script for a command", (shell) => {
    const words = ["$(reboot)", "a'b", "two words", "new\nline", "`id`", "*", "-rf", "", "\\"];
    const line = loginCommand(command(["printf", "%s\\0", ...words]));
    expect(argumentsSeenBy(shell, line)).toEqual(words);
  });

  test("a NUL cannot be passed on", () => {
    expect(() => quote("a\0b")).toThrow("NUL");
  });
});

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a script and closes its stdin, the life line, when it has printed `up`; never where it does not. */
function run(shell: string, script: string): Promise<Outcome> {
  const child = spawn(shell, ["-c", script]);
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
    if (out.includes("up\n")) child.stdin.end();
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
}

/** Whatever an account's /bin/sh is, on this machine or another. */
const shells = ["/bin/dash", "/bin/bash", "/bin/sh"].filter((path) => existsSync(path));

describe.each(shells)("the life line in %s", (shell) => {
  const endless = "echo up >&2; trap 'exit 9' INT; exec yes";
  const saves: End = { argv: ["sh", "-c", "cat >/dev/null; echo saved >&2; exit 3"], sudo: false };

  test("a command that ends by itself: its output, its code, no word of the shell's", async () => {
    const script = command(["sh", "-c", "echo out; echo err >&2; exit 5"]);
    expect(await run(shell, script)).toEqual({ code: 5, out: "out\n", err: "err\n" });
  });

  test("closed: the command is ended, and the shell says nothing of it", async () => {
    const script = command(["sh", "-c", "echo up; exec sleep 60"]);
    expect(await run(shell, script)).toEqual({ code: 143, out: "up\n", err: "" });
  });

  test("closed: the sender is ended, the receiver sees the end of its input", async () => {
    const from: End = { argv: ["sh", "-c", endless], sudo: false };
    expect(await run(shell, pipeScript("MARK", from, [], saves))).toMatchObject({
      out: "MARK start\nup\nMARK sender 143\n",
      err: "saved\nMARK receiver 3\n",
    });
  });

  test("closed: a sender that sudo runs gets no signal, but nobody reads it any more", async () => {
    const from: End = { argv: ["sh", "-c", `trap '' TERM; ${endless}`], sudo: true };
    expect(await run(shell, pipeScript("MARK", from, [], { ...saves, sudo: true }))).toMatchObject({
      out: "MARK start\nup\nMARK sender 141\n",
      err: "saved\nMARK receiver 3\n",
    });
  });
});
