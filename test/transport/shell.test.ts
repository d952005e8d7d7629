import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandScript, loginCommand, quote, quoteAll } from "../../src/transport/shell.ts";

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
    const line = loginCommand(commandScript(["printf", "%s\\0", ...words]));
    expect(argumentsSeenBy(shell, line)).toEqual(words);
  });

  test("a NUL cannot be passed on", () => {
    expect(() => quote("a\0b")).toThrow("NUL");
  });
});
