import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { manPage } from "../../scripts/man.ts";
import { createProgram } from "../../src/cli/program.ts";

const page = readFileSync(fileURLToPath(new URL("../../packaging/man/holdfast.1", import.meta.url)), "utf8");

describe("the manual page", () => {
  test("is what --help says (npm run generate)", () => {
    expect(page).toBe(manPage());
  });

  test("has every command that people type, and an example of it", () => {
    const names = createProgram(() => {})
      .commands.map((command) => command.name())
      .filter((name) => !["complete", "notify"].includes(name));
    for (const name of [...names, "notify test"]) {
      const command = name.replaceAll("-", "\\-");
      const [, section = ""] = page.split(`.SS "holdfast ${command}`);
      expect(section.split(".SS")[0], name).toContain(`\n    holdfast ${command}`);
    }
    expect(page).not.toContain("holdfast complete ");
  });

  test("no text of it is taken for a macro", () => {
    const macros = page.split("\n").filter((line) => /^[.']/.test(line));
    expect(new Set(macros.map((line) => line.split(" ")[0]))).toEqual(
      new Set(['.\\"', ".TH", ".SH", ".SS", ".B", ".BR", ".TP", ".PP", ".nf", ".fi"]),
    );
  });
});
