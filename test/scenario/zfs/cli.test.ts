import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect } from "vitest";
import type { Explanation } from "../../../src/model/explanation.ts";
import type { Plan } from "../../../src/model/plan.ts";
import type { Report } from "../../../src/model/report.ts";
import { test, type World } from "../harness/index.ts";
import { applied, expectDone, manifestOf, planOf, targetOf } from "./plans.ts";

const program = join(import.meta.dirname, "../../../dist/holdfast.js");

/** Runs in a terminal of 40 lines and 100 columns, and types `reply` when it is asked. */
async function inTerminal({ folder }: World, args: readonly string[], reply: string) {
  const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(" ");
  const child = execa("script", ["-qec", `stty rows 40 cols 100; ${words}`, "/dev/null"], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, TERM: "xterm" },
    extendEnv: false,
    reject: false,
    all: true,
  });
  let seen = "";
  child.all.on("data", (chunk: Buffer) => {
    const asked = seen.includes("accepted: ");
    seen += chunk.toString();
    if (!asked && seen.includes("accepted: ")) child.stdin.write(reply);
  });
  const { exitCode } = await child;
  return { code: exitCode, shown: seen };
}

describe("at a terminal", () => {
  test("apply asks; whatever is not yes is no", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await world.manifest(manifestOf(world));
    await nas.run("zfs", "snapshot", `${datasets.tank}@a-1`);
    for (const reply of ["no\n", "y\n", "\u0004"]) {
      const { code, shown } = await inTerminal(world, ["apply"], reply);
      expect(shown).toContain('Apply this plan? Only "yes" is accepted:');
      expect(shown).toContain("Nothing was done.");
      expect(code).toBe(1);
    }
    const interrupted = await inTerminal(world, ["apply"], "\u0003");
    expect(interrupted.code).toBe(130);
    expect(await vault.exists(targetOf(world))).toBe(false);
    await applied(holdfast);
    await expectDone(holdfast);
  });

  test("yes does it, with a live line for what runs and one that stays for what is done", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await world.manifest(manifestOf(world));
    await nas.snapshot(datasets.tank, ["a-1"], 6);
    const { code, shown } = await inTerminal(world, ["apply"], "yes\n");
    expect(code).toBe(0);
    expect(shown).toMatch(/total: \d+ of \d+ operations, 1 running/);
    expect(shown).toMatch(/ of \d+(\.\d+)? MiB +\d+ %/);
    expect(shown).toMatch(new RegExp(`done.*nas:${datasets.tank} {2}send @a-1 to vault:`));
    expect(shown).toMatch(/Applied: \d+ done\. \d+(\.\d+)? MiB sent in/);
    expect(await vault.snapshots(targetOf(world))).toEqual(await nas.snapshots(datasets.tank));
    await expectDone(holdfast);
  });
});

test("apply off a terminal: the plan and the report on stdout, a line per start and end on stderr", async ({
  world,
}) => {
  const { nas, datasets, holdfast } = world;
  await world.manifest(manifestOf(world));
  await nas.run("zfs", "snapshot", `${datasets.tank}@a-1`);
  const refused = await holdfast("apply");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("nobody can be asked");
  const { code, stdout, stderr } = await holdfast("apply", "--yes");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {4}> send +@a-1 {2}→ vault:/m);
  expect(stdout).toMatch(/^Applied: \d+ done\./m);
  expect(stderr).toMatch(new RegExp(`info {2}start {2}nas:${datasets.tank} {2}send @a-1`));
  expect(stderr).toMatch(new RegExp(`info {2}done {2}nas:${datasets.tank} {2}send @a-1`));
  const again = await holdfast("apply");
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(again.stdout).toMatch(/^No changes\. \d+ kept\./);
  await expectDone(holdfast);
});

test("--json is a report, and the log can be JSON too", async ({ world }) => {
  const { nas, datasets, holdfast } = world;
  await world.manifest(manifestOf(world));
  await nas.run("zfs", "snapshot", `${datasets.tank}@a-1`);
  const { code, stdout, stderr } = await holdfast("apply", "--yes", "--json", "--log-format", "json");
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as Report;
  expect(report.finished).toBe(true);
  expect(new Set(report.operations.map(({ outcome }) => outcome))).toEqual(new Set(["done"]));
  const lines = stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly level: string; readonly id: string });
  expect(lines.filter(({ id }) => id === report.operations[0]?.id)).toHaveLength(2);
  await expectDone(holdfast);
});

test("snapshot takes one now, of what is named; a blocked copy does not hinder it", async ({ world }) => {
  const { nas, datasets, holdfast } = world;
  await world.manifest(manifestOf(world));
  const { code, stdout } = await holdfast("snapshot", "a", datasets.tank, "--json");
  expect(code).toBe(0);
  const [operation] = (JSON.parse(stdout) as Report).operations;
  expect(operation).toMatchObject({ kind: "create", outcome: "done", source: `nas:${datasets.tank}` });
  const [taken] = await nas.snapshots(datasets.tank);
  expect(taken?.name).toMatch(/^a-\d{8}T\d{6}Z$/);
  expect((await holdfast("snapshot", "c", datasets.tank)).stderr).toContain("declares no snapshot type c");
  expect((await holdfast("snapshot", "a", `${datasets.tank}/none`)).stderr).toContain("no source matches");
  await applied(holdfast);
  await expectDone(holdfast);
});

test("what list records, plan reads: the same plan as from the machines themselves", async ({ world }) => {
  const { nas, datasets, holdfast, folder } = world;
  await world.manifest(manifestOf(world));
  await nas.snapshot(datasets.tank, ["a-1", "by-hand"]);
  const listed = await holdfast("list", "--json");
  expect(listed.code).toBe(0);
  await writeFile(join(folder, "recorded.json"), listed.stdout);
  const live = await planOf(holdfast);
  const offline = JSON.parse((await holdfast("plan", "--inventory", "recorded.json", "--json")).stdout) as Plan;
  const timeless = ({ observedAt: _, now: __, ...rest }: Plan) => rest;
  expect(timeless(offline)).toEqual(timeless(live));
  await applied(holdfast);
  const matrix = (await holdfast("list", datasets.tank)).stdout;
  expect(matrix).toMatch(/^ {2}@a-1 +\S+ \S+ +yes +yes$/m);
  expect(matrix).toMatch(/^ {2}@by-hand +\S+ \S+ +yes +-$/m);
  const explained = await holdfast("explain", `nas:${datasets.tank}@a-1`, "--on", "vault", "--json");
  expect(JSON.parse(explained.stdout) as Explanation).toMatchObject({
    kind: "snapshot",
    remote: "vault",
    at: { host: "vault", dataset: targetOf(world) },
    places: [{ state: "snapshot" }, { remote: "vault", state: "snapshot" }],
    verdicts: [
      { what: "keep", rule: "count" },
      { what: "keep", rule: "base" },
    ],
  });
  const foreign = await holdfast("explain", `nas:${datasets.tank}@by-hand`);
  expect(foreign.stdout).toContain("never touched, never counted");
  await expectDone(holdfast);
});

test("--base: only what this change does, against a file, a commit, offline and for a pull request", async ({
  world,
}) => {
  const { nas, datasets, holdfast, folder } = world;
  await world.manifest(manifestOf(world, { entry: { keep: { a: 2 } } }));
  await nas.snapshot(datasets.tank, ["a-1", "a-2"]);
  await applied(holdfast);
  await writeFile(join(folder, "recorded.json"), (await holdfast("list", "--json")).stdout);
  const git = (...args: string[]) =>
    execa("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.net", ...args]);
  await git("init", "-q");
  await git("add", "holdfast.yaml");
  await git("commit", "-qm", "before");
  const { stdout: before } = await git("show", "HEAD:holdfast.yaml");
  await writeFile(join(folder, "before.yaml"), before);

  await world.manifest(manifestOf(world, { entry: { keep: { a: 1 }, remotes: {} } }));
  const headline = `This change destroys 1 snapshot on 1 host and ends the off-site copy of nas:${datasets.tank} on vault.`;
  const live = await holdfast("plan", "--base", "before.yaml");
  expect(live.stdout.split("\n")[0]).toBe(headline);
  expect(live.code).toBe(0);
  const offline = await holdfast("plan", "--inventory", "recorded.json", "--base", "git:HEAD");
  expect(offline.stdout.split("\n")[0]).toBe(headline);
  const comment = await holdfast("plan", "--inventory", "recorded.json", "--base", "git:HEAD", "--markdown");
  expect(comment.stdout).toContain("destroys 1 snapshot");
  await applied(holdfast);
  await expectDone(holdfast);
});

test("the commands that -v shows are those that run", async ({ world }) => {
  const { nas, datasets, holdfast } = world;
  await world.manifest(manifestOf(world));
  await nas.snapshot(datasets.tank, ["a-1", "a-2"]);
  const shown = (await holdfast("plan", "-v")).stdout.match(/\w+\$ zfs .*/g) ?? [];
  const pieces = shown.flatMap((line) => line.split(" | ")).map((line) => line.replace(/^\w+\$ /, ""));
  expect(pieces.filter((command) => command.startsWith("zfs send")).length).toBeGreaterThan(0);
  const { stderr } = await holdfast("apply", "--yes", "--log-level", "debug");
  const plain = stderr.replaceAll("'", "");
  for (const command of pieces.map((one) => one.replaceAll("'", "")).filter((one) => !one.includes("{guid}")))
    expect(plain).toContain(command);
  await expectDone(holdfast);
});
