import { describe, expect, test } from "vitest";
import type { Simulation } from "../../src/model/simulation.ts";
import { validator } from "../published-schema.ts";
import { useHoldfast } from "./harness.ts";
import { inventory, manifest, settledInventory } from "./world.ts";

const holdfast = useHoldfast();
holdfast.write("holdfast.yaml", manifest());
holdfast.write("settled.json", settledInventory());
holdfast.write("late.json", inventory());
const { vault: _, ...onlyNas } = settledInventory().hosts as Record<string, never>;
holdfast.write("blind.json", {
  ...settledInventory(),
  hosts: { ...onlyNas, vault: { state: "unobserved", reason: "no route\u001b[2J to host" } },
});
holdfast.write(
  "minutely.yaml",
  `version: 1
snapshotTypes: { hourly: { schedule: "* * * * *" } }
datasets: { tank: { keep: { hourly: 24 } } }
`,
);

const simulate = (...args: string[]) => holdfast.run(["--as", "nas01", "simulate", ...args]);

describe("simulate", () => {
  test("a line for each date, a column for each place", async () => {
    const { code, stdout, stderr } = await simulate("--for", "10d", "--inventory", "settled.json");
    expect(stderr).toBe("");
    expect(stdout).toBe(`From 2026-11-30 00:01 (UTC) for 10 d, with what is there.

tank/data
  source  nas01:tank/data               { hourly: 4, daily: 3 }
  vault   vault:backup/nas01/tank/data  { daily: 3 }

  DATE              IN    SOURCE             OLDEST  VAULT    OLDEST
  2026-11-30 00:01  now   4 hourly, 3 daily  2 d     3 daily  2 d
  2026-12-01 00:01  1 d   4 hourly, 3 daily  2 d     3 daily  2 d
  2026-12-07 00:01  7 d   4 hourly, 3 daily  2 d     3 daily  2 d
  2026-12-10 00:01  10 d  4 hourly, 3 daily  2 d     3 daily  2 d

  First destroyed on the source: hourly on 2026-11-30 01:00 (taken 2026-11-29 21:00), daily on 2026-12-01 00:00 (taken 2026-11-28 00:00).
  First destroyed on vault: daily on 2026-12-01 00:00 (taken 2026-11-28 00:00).
  From 2026-11-30 00:01 on the counts stay the same.
`);
    expect(code).toBe(0);
  });

  test("--json is what the schema says", async () => {
    const { code, stdout } = await simulate("--for", "36h", "--every", "12h", "--inventory", "late.json", "--json");
    const answer = JSON.parse(stdout) as Simulation;
    const validate = validator("simulation.v1");
    validate(answer);
    expect(validate.errors).toBeNull();
    expect(answer).toMatchObject({
      self: "nas01",
      from: "observed",
      start: "2026-11-30T00:01:00Z",
      end: "2026-12-01T12:01:00Z",
      complete: true,
    });
    expect(answer.groups[0]?.places[1]?.dates.map(({ at }) => at)).toEqual([
      "2026-11-30T00:01:00Z",
      "2026-11-30T12:01:00Z",
      "2026-12-01T00:01:00Z",
      "2026-12-01T12:01:00Z",
    ]);
    expect(code).toBe(0);
  });

  test("what would be withheld is named", async () => {
    holdfast.write("one.yaml", manifest({ keep: "{ hourly: 1, daily: 3 }" }));
    const { code, stdout } = await simulate("--for", "1d", "--inventory", "late.json", "-f", "one.yaml");
    expect(stdout).toMatch(/^! withheld, and taken to be agreed to: tank\/data: destroying 8 hourly snapshots /m);
    expect(stdout).toMatch(/ now +1 hourly, 3 daily /);
    expect(code).toBe(0);
  });

  test("what could not be seen is left out, and the answer is incomplete: 3", async () => {
    const { code, stdout } = await simulate("--for", "1d", "--inventory", "blind.json");
    expect(stdout).toMatch(/ now +4 hourly, 3 daily +2 d +\? +\?$/m);
    expect(stdout).toContain("? not seen, and left out: vault at vault: no route\\x1b[2J to host");
    expect(code).toBe(3);
  });

  test("--empty contacts no host", async () => {
    const { code, stdout, stderr } = await simulate("--for", "3d", "--empty", "--target", "tank/data");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/ for 3 d, as if nothing were there yet\.$/m);
    expect(stdout).toMatch(/ now +1 hourly, 1 daily +0 s +1 daily +0 s$/m);
    expect(stdout).toMatch(/ 3 d +4 hourly, 3 daily .* 3 daily /m);
    expect(code).toBe(0);
  });

  test.each([
    ["no --for", [], "--for does not say how far ahead", "holdfast simulate --for 1y"],
    ["no time at all", ["--for", "0d"], "--for 0d is no time at all", "--for 1d"],
    ["too long", ["--for", "11y"], "--for 11y is too long", "up to 10y"],
    ["too many lines", ["--for", "1y", "--every", "1m"], "--every 1m would make 525,600 lines", "at most 1,000"],
    ["no such source", ["--for", "1d", "--empty", "--target", "tank/dat"], "no source matches tank/dat", "list"],
    [
      "too much to do",
      ["--for", "1y", "--empty", "-f", "minutely.yaml", "--as", "nas"],
      "there is something to do more than 200,000 times, for 1 group of sources",
      "--target nas:tank",
    ],
  ])("%s is an error that says what to do: 1", async (_, args, message, next) => {
    const { code, stdout, stderr } = await holdfast.run(["--as", "nas01", "simulate", ...args]);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(message);
    expect(stderr.split("  next: ")[1]).toContain(next);
    expect(code).toBe(1);
  });

  test.each([
    ["a duration without a unit", ["--for", "30"]],
    ["two beginnings", ["--for", "1d", "--empty", "--inventory", "settled.json"]],
  ])("%s is a wrong command line: 1", async (_, args) => {
    const { code, stderr } = await simulate(...args);
    expect(stderr).toMatch(/^error: option /);
    expect(code).toBe(1);
  });
});
