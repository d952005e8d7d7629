import { describe, expect, test } from "vitest";
import validate from "../../src/model/generated/status.v1.js";
import type { Status } from "../../src/model/status.ts";
import { useHoldfast } from "./harness.ts";
import { inventory, manifest, settledInventory } from "./world.ts";

const holdfast = useHoldfast();
holdfast.write("holdfast.yaml", manifest());
holdfast.write("settled.json", settledInventory());
holdfast.write("late.json", inventory());
const { vault: _, ...onlyNas } = settledInventory().hosts as Record<string, never>;
holdfast.write("blind.json", {
  ...settledInventory(),
  hosts: { ...onlyNas, vault: { state: "unobserved", reason: "no route to host" } },
});
holdfast.write("broken.yaml", "version: 2\n");

const status = (file: string, ...args: string[]) =>
  holdfast.run(["--as", "nas01", "status", "--inventory", file, ...args]);

describe("status", () => {
  test("a row for each place, and how all is in the exit code", async () => {
    const { code, stdout } = await status("settled.json");
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      "nas01: 1 source: 1 ok",
      "  HEALTH  SOURCE     PLACE   NEWEST                  AGE  DUE WITHIN  HAS                TO COME",
      "  ✓ ok    tank/data  itself  daily-20261130T000000Z  1 m  2 h         4 hourly, 3 daily",
      "  ✓ ok               vault   daily-20261130T000000Z  1 m  2 d         3 daily",
    ]);
    expect(stdout).toContain("As it was recorded at 2026-11-30T00:01:00Z.");
    expect(code).toBe(0);
  });

  test.each([
    ["late.json", "! overdue", "there is none yet, due within 2d"],
    ["blind.json", "? unknown", "cannot be seen: no route to host"],
  ])("%s: 3, with what is the matter", async (file, word, message) => {
    const { code, stdout } = await status(file);
    expect(stdout).toContain(word);
    expect(stdout).toContain(message);
    expect(code).toBe(3);
  });

  test("--json is what the schema says", async () => {
    const { code, stdout } = await status("late.json", "--json");
    const answer = JSON.parse(stdout) as Status;
    expect(validate(answer), JSON.stringify(validate.errors)).toBe(true);
    expect(answer).toMatchObject({
      self: "nas01",
      health: "overdue",
      complete: true,
      sources: [{ source: "nas01:tank/data", copies: [{ remote: "vault", kind: "zfs", waiting: { snapshots: 3 } }] }],
    });
    expect(code).toBe(3);
  });

  test("--source means only these, and one that is none is an error", async () => {
    expect((await status("settled.json", "--source", "tank/*")).stdout).toContain("tank/data");
    const { code, stderr } = await status("settled.json", "--source", "tank/dat");
    expect(stderr).toContain("no source matches tank/dat");
    expect(code).toBe(1);
  });
});

describe("--check", () => {
  test.each([
    ["settled.json", 0, /^HOLDFAST OK - 1 source\|sources=1 overdue=0 .*'tank\/data on vault'=60s;;172800;0\n$/],
    ["late.json", 2, /^HOLDFAST CRITICAL - tank\/data on vault overdue: there is none yet, .*\n$/],
    [
      "blind.json",
      3,
      /^HOLDFAST UNKNOWN - tank\/data on vault unknown: cannot be seen: no route to host; 1 source\|.*\n$/,
    ],
  ])("%s: %i", async (file, expected, line) => {
    const { code, stdout } = await status(file, "--check");
    expect(stdout).toMatch(line);
    expect(code).toBe(expected);
  });

  test.each([
    ["a manifest that is not valid", ["-f", "broken.yaml", "status", "--check"], "the manifest is not valid"],
    ["no manifest", ["-f", "none.yaml", "status", "--check"], "is not valid"],
    ["no such source", ["status", "--check", "--inventory", "settled.json", "--source", "x"], "no source matches x"],
  ])("%s is UNKNOWN, in one line: 3", async (_, args, reason) => {
    const { code, stdout } = await holdfast.run(["--as", "nas01", ...args]);
    expect(stdout).toMatch(/^HOLDFAST UNKNOWN - .+\n$/);
    expect(stdout).toContain(reason);
    expect(code).toBe(3);
  });
});
