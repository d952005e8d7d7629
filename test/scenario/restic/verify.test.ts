import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import type { Plan } from "../../../src/model/plan.ts";
import type { Report } from "../../../src/model/report.ts";
import { eventually } from "../../transport/leftovers.ts";
import type { Repository } from "./harness/repository.ts";
import { host, testOn, VERSIONS, type World } from "./harness/world.ts";

const newest = testOn("0.18");

function manifest(world: World, source: string, usb: Repository, verify: object, more: object = {}): void {
  world.manifest({
    snapshotTypes: { a: {} },
    remotes: { usb: { type: "restic", ...usb.entry } },
    directories: { [source]: { keep: { a: 1 }, verify, remotes: { usb: {} } } },
    ...more,
  });
}

/** Scratch folders that this world's drills left. */
const leftBehind = (): string[] => readdirSync("/var/tmp").filter((name) => name.startsWith("holdfast-drill-"));

/** Turns one bit over in the largest file of a repository's data: a disk that rots. */
function rot({ folder }: Repository): void {
  const packs = readdirSync(join(folder, "data"), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, "data", name))
    .filter((name) => statSync(name).isFile())
    .sort((a, b) => statSync(b).size - statSync(a).size);
  const pack = packs[0] ?? "";
  const bytes = readFileSync(pack);
  bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
  writeFileSync(pack, bytes, { flag: "r+" });
}

const planOf = async (world: World): Promise<Plan> => {
  const { stdout, stderr } = await world.holdfast("plan", "--json");
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Plan;
};

describe.each(VERSIONS)("restic %s", (version) => {
  testOn(version)("a drill restores, compares, remembers, and finds a byte that rotted", async ({ world }) => {
    const { holdfast } = world;
    const before = leftBehind();
    const source = world.source("data", { "big/file": 3_000_000, "[x]": "x", "a b": "y", "new\nline": "z", empty: "" });
    const usb = world.repository("usb");
    usb.seed(source, { daysAgo: 2, types: ["a"] });
    manifest(world, source, usb, { schedule: "0 0 * * *", within: "30d" });

    const first = await planOf(world);
    expect(first.operations).toMatchObject([{ kind: "verify", reason: "it was never verified" }]);
    const { code, stdout, stderr } = await holdfast("apply", "--yes");
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("passed");
    expect(stdout).toMatch(/5 files, 2\.9 MiB/);
    expect(leftBehind()).toEqual(before);

    // done: nothing is due, and the repository says so to whoever looks
    const second = await planOf(world);
    expect(second.operations).toEqual([]);
    expect(second.verified).toMatchObject([{ remote: "usb", result: "passed", overdue: false, last: { files: 5 } }]);

    rot(usb);
    const bad = await holdfast("verify", source, "--json");
    expect(bad.code, bad.stderr).toBe(3);
    const report = JSON.parse(bad.stdout) as Report;
    expect(report.operations).toMatchObject([
      { kind: "verify", outcome: "failed", verify: { result: "failed", files: 5 } },
    ]);
    expect(report.operations[0]?.verify?.differences.join("\n")).toContain("big/file: ");
    expect(leftBehind()).toEqual(before);
    const after = await planOf(world);
    expect(after.blocked).toMatchObject([{ reason: "verify", remote: "usb", source: `${host}:${source}` }]);
    expect(after.blocked[0]?.evidence).toContain("differs: big/file");
    expect(after.verified).toMatchObject([{ result: "failed", lastGood: second.verified?.[0]?.lastGood }]);
  });
});

newest("nothing is thinned while a drill is a failed one, and again when one passes", async ({ world }) => {
  const source = world.source("data", { file: 200_000 });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 3, types: ["a"] });
  usb.seed(source, { daysAgo: 2, types: ["a"] });
  manifest(world, source, usb, { schedule: "0 0 * * *" });
  rot(usb);
  expect((await world.holdfast("verify")).code).toBe(3);
  const held = await planOf(world);
  expect(held.operations.filter(({ kind }) => kind === "forget")).toEqual([]);
  expect(held.blocked.map(({ reason, withheld }) => [reason, withheld?.snapshots.length])).toEqual([
    ["verify", undefined],
    ["verify", 1],
  ]);
  // what would go goes with consent
  const agreed = await world.holdfast("plan", "--json", "--allow-destroy", "1");
  expect((JSON.parse(agreed.stdout) as Plan).operations).toMatchObject([{ kind: "forget" }]);
  // a copy that is whole passes, and the others may go
  usb.seed(world.source("data", { file: "new" }), { daysAgo: 1, types: ["a"] });
  const again = await world.holdfast("verify", source);
  expect(again.code, again.stdout + again.stderr).toBe(0);
  expect((await planOf(world)).operations).toMatchObject([{ kind: "forget" }]);
});

newest("a mirror is verified like any other copy", async ({ world }) => {
  const source = world.source("data", { file: 10_000 });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  const second = world.repository("second", { absent: true });
  const verify = { schedule: "0 0 * * *", sample: "5kB" };
  manifest(world, source, usb, verify, { mirrors: { second: { of: "usb", init: true, ...second.entry } } });
  const { code, stdout, stderr } = await world.holdfast("apply", "--yes");
  expect(code, stdout + stderr).toBe(0);
  const { verified, operations } = await planOf(world);
  expect(operations).toEqual([]);
  expect(verified).toMatchObject([
    { remote: "usb", result: "passed", last: { files: 1, bytes: 10_000 } },
    { remote: "second", result: "passed" },
  ]);
  // one at a time, and only there
  const { stdout: shown } = await world.holdfast("verify", "--on", "second", "--full", "--json");
  expect((JSON.parse(shown) as Report).operations.map(({ remote }) => remote)).toEqual(["second"]);
  // what was good before is forgotten: records do not pile up
  expect(second.copies().filter(({ tags = [] }) => tags.some((tag) => tag.startsWith("drill=")))).toHaveLength(1);
});

newest("what is left of a drill that was killed goes with the next", async ({ world }) => {
  const source = world.source("data", { file: 1_000 });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  manifest(world, source, usb, { schedule: "0 0 * * *" });
  const before = leftBehind();
  world.program("hold", "");
  const real = readFileSync(world.path("bin/restic"), "utf8").replace(/^#!.*\n/, "");
  world.program("restic", `case " $* " in *" restore "*) : >'${world.path("held")}'; exec sleep 600 ;; esac\n${real}`);
  world.holdfast.spawn("verify");
  await eventually(() => expect(existsSync(world.path("held"))).toBe(true), 60_000);
  await world.crash();
  expect(leftBehind()).toHaveLength(before.length + 1);
  world.program("restic", real);
  const { code, stdout, stderr } = await world.holdfast("verify");
  expect(code, stdout + stderr).toBe(0);
  expect(leftBehind()).toEqual(before);
});

newest("a sample that has no room is said, and nothing is claimed of the copy", async ({ world }) => {
  const source = world.source("data", { file: 1_000 });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  manifest(world, source, usb, { schedule: "0 0 * * *" });
  world.program("df", "printf 'x\\nx 1 1 5 1 x\\n'");
  const { code, stdout } = await world.holdfast("verify");
  expect(code).toBe(3);
  expect(stdout).toMatch(/a drill needs 1000 B .* and 5 KiB are available/);
  expect((await planOf(world)).verified).toMatchObject([{ result: "never" }]);
});
