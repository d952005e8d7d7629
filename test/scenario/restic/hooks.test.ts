import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { eventually } from "../../transport/leftovers.ts";
import { applied, expectDone, kindsOf, planOf, reportOf, testOn, type World } from "./harness/world.ts";

const test = testOn("0.18");

/** A disk that is there only between its hooks, and all that is told to them. */
function disk(world: World) {
  const usb = world.repository("usb");
  const log = world.path("hooks.log");
  world.program("note", `echo "$1 $HOLDFAST_AROUND $HOLDFAST_REMOTE $HOLDFAST_OUTCOME" >>'${log}'`);
  world.program("attach", `note attach; mv '${usb.folder}.away' '${usb.folder}'`);
  world.program("detach", `note detach; [ ! -e '${usb.folder}' ] || mv '${usb.folder}' '${usb.folder}.away'`);
  world.program("refuse", "note refuse; echo no such device >&2; exit 5");
  return {
    usb,
    hooks: (before: string) => [{ around: "remote", before: [before], after: ["detach"] }],
    told(): string[] {
      if (!existsSync(log)) return [];
      const lines = readFileSync(log, "utf8").trimEnd().split("\n");
      rmSync(log);
      return lines.map((line) => line.replaceAll(/ +/g, " ").trim());
    },
  };
}

test("a disk is attached before it is listed, and detached whatever happens", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const { usb, hooks, told } = disk(world);
  const manifest = (before: string) =>
    world.manifest({
      remotes: { usb: { type: "restic", ...usb.entry, hooks: hooks(before) } },
      directories: { [source]: { keep: { daily: 2 }, remotes: { usb: {} } } },
    });
  manifest("true");
  expect(kindsOf(await planOf(holdfast))).toEqual(["backup usb"]);
  expect(told()).toEqual(["detach remote usb complete"]);
  expect(existsSync(usb.folder)).toBe(false);

  manifest("attach");
  await applied(holdfast);
  expect(told()).toEqual(["attach remote usb", "detach remote usb complete"]);
  await expectDone(holdfast);
  expect(told()).toEqual(["attach remote usb", "detach remote usb complete"]);

  manifest("refuse");
  const plan = await planOf(holdfast);
  expect(plan.complete).toBe(false);
  expect(plan.unobserved).toMatchObject([
    { remote: "usb", reason: "usb: the hook ended with exit code 5 (refuse): no such device" },
  ]);
  expect((await reportOf(holdfast)).code).toBe(3);
  const both = ["refuse remote usb", "detach remote usb skipped"];
  expect(told()).toEqual([...both, ...both]);
});

test("a backup is made between its hooks, and not where the first one fails", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const { usb, told } = disk(world);
  const manifest = (before: readonly string[]) =>
    world.manifest({
      remotes: { usb: { type: "restic", ...usb.entry } },
      directories: {
        [source]: {
          keep: { daily: 2 },
          remotes: { usb: {} },
          hooks: [
            { around: "run", before: ["note", "first"], after: ["note", "last"] },
            { around: "backup", before, after: ["note", "start"] },
          ],
        },
      },
    });
  manifest(["refuse"]);
  const failed = await reportOf(holdfast);
  expect(failed.code).toBe(3);
  expect(usb.copies()).toEqual([]);
  expect(told()).toEqual(["first run", "refuse backup usb", "start backup usb skipped", "last run failed"]);

  manifest(["note", "stop"]);
  const text = await holdfast("plan", "-v");
  expect(text.stdout).toMatch(/~ hook +before the backup {2}→ usb +note stop/);
  const report = await applied(holdfast);
  expect(usb.copies()).toHaveLength(1);
  expect(told()).toEqual(["first run", "stop backup usb", "start backup usb complete", "last run complete"]);
  expect(report.operations.filter(({ windowSeconds }) => windowSeconds !== undefined)).toHaveLength(2);
  await expectDone(holdfast);
  expect(told()).toEqual([]);
});

test("a saved plan touches no disk that could not be attached", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const { usb, hooks, told } = disk(world);
  world.program("try", `[ ! -e '${world.path("broken")}' ] || exec refuse; exec attach`);
  world.manifest({
    remotes: { usb: { type: "restic", ...usb.entry, hooks: hooks("try") } },
    directories: { [source]: { keep: { daily: 2 }, remotes: { usb: {} } } },
  });
  await holdfast("plan"); // leaves the disk away
  expect(existsSync(usb.folder)).toBe(false);
  await holdfast("plan", "--out", "saved.json");
  told();

  writeFileSync(world.path("broken"), "");
  const refused = await holdfast("apply", "--yes", "--json", "saved.json");
  expect(JSON.parse(refused.stdout)).toMatchObject({
    operations: [{ kind: "backup", outcome: "failed", error: { message: expect.stringMatching(/^not tried: usb: /) } }],
  });
  expect(told()).toEqual(["refuse remote usb", "detach remote usb skipped"]);
  expect(existsSync(usb.folder)).toBe(false);

  rmSync(world.path("broken"));
  expect(await holdfast("apply", "--yes", "saved.json")).toMatchObject({ code: 0 });
  expect(told()).toEqual(["attach remote usb", "detach remote usb complete"]);
  await expectDone(holdfast);
});

test("no disk is detached while another Holdfast works on it", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const { usb, hooks, told } = disk(world);
  world.manifest({
    remotes: { usb: { type: "restic", ...usb.entry, hooks: hooks("attach") } },
    directories: { [source]: { keep: { daily: 2 }, remotes: { usb: {} } } },
  });
  await holdfast("plan"); // leaves the disk away
  told();
  const all = await Promise.all([holdfast("apply", "--yes"), ...Array.from({ length: 3 }, () => holdfast("plan"))]);
  for (const { code, stdout } of all) expect(code, stdout).toBe(0);
  const once = ["attach remote usb", "detach remote usb complete"];
  expect(told()).toEqual([...once, ...once, ...once, ...once]);
});

test("a service tries a disk again that could not be attached, whatever else goes on meanwhile", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const { usb, hooks, told } = disk(world);
  const cloud = world.repository("cloud");
  const [broken, go] = [world.path("broken"), world.path("go")];
  world.program("try", `[ ! -e '${broken}' ] || exec refuse; exec attach`);
  world.program("dump", `until [ -e '${go}' ]; do sleep 0.05; done; echo dumped`);
  const first = { schedule: "0 0 1 1 *" };
  world.manifest({
    snapshotTypes: { first },
    remotes: {
      usb: { type: "restic", ...usb.entry, hooks: hooks("try") },
      cloud: { type: "restic", ...cloud.entry },
    },
    directories: {
      [source]: { keep: { first: 1 }, remotes: { usb: {} } },
      "/dump": { keep: { first: 1 }, stdin: ["dump"], remotes: { cloud: {} } },
    },
    service: { every: "1h", listen: "off" },
  });
  renameSync(usb.folder, `${usb.folder}.away`);
  writeFileSync(broken, "");
  const running = holdfast.spawn("watch");
  await eventually(() => expect(world.started().join("\n")).toContain("--stdin"), 60_000);
  rmSync(broken);
  // while the dump goes on
  await running.printed(/done {2}\S+data/);
  await eventually(() => expect(existsSync(usb.folder)).toBe(false));
  writeFileSync(go, "");
  await running.printed(/done {2}\S+dump/);
  await running.kill("SIGTERM");
  expect((await running.result).code).toBe(0);
  const said = told();
  expect(said.slice(0, 2)).toEqual(["refuse remote usb", "detach remote usb skipped"]);
  expect(said.slice(-2)).toEqual(["attach remote usb", "detach remote usb complete"]);
  await expectDone(holdfast);
});

test("what was stopped is started again after Ctrl-C", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const { usb, told } = disk(world);
  world.program("stop", "note stop; echo stopping >&2; exec sleep 1000");
  world.manifest({
    remotes: {
      usb: { type: "restic", ...usb.entry, hooks: [{ around: "remote", after: ["note", "detach"] }] },
    },
    directories: {
      [source]: {
        keep: { daily: 2 },
        remotes: { usb: {} },
        hooks: [
          { around: "run", after: ["note", "last"] },
          { around: "backup", before: ["stop"], after: ["note", "start"], timeout: "1h" },
        ],
      },
    },
  });
  const running = holdfast.spawn("apply", "--yes");
  await eventually(() => expect(existsSync(world.path("hooks.log"))).toBe(true), 60_000);
  await running.kill("SIGINT");
  expect((await running.result).code).toBe(130);
  expect(usb.copies()).toEqual([]);
  expect(told()).toEqual([
    "stop backup usb",
    "start backup usb skipped",
    "last run interrupted",
    "detach remote usb interrupted",
  ]);
});

test("only what is next in line is stopped for its backup, and started as soon as that has ended", async ({
  world,
}) => {
  const { holdfast } = world;
  const { usb, told } = disk(world);
  const other = world.repository("cloud");
  const sources = ["one", "two"].map((name) => world.source(name, { a: name }));
  world.manifest({
    remotes: { usb: { type: "restic", ...usb.entry }, cloud: { type: "restic", ...other.entry } },
    directories: Object.fromEntries(
      sources.map((source, index) => [
        source,
        {
          keep: { daily: 2 },
          remotes: index === 0 ? { usb: {}, cloud: {} } : { usb: {} },
          hooks: [{ around: "backup", before: ["note", `stop${index}`], after: ["note", `start${index}`] }],
        },
      ]),
    ),
  });
  await applied(holdfast);
  const said = told().map((line) => line.replace(" backup", "").replace(" complete", ""));
  const of = (word: RegExp): string[] => said.filter((line) => word.test(line));
  // an application that has two backups runs between them
  expect(of(/0 /).map((line) => line.split(" ")[0])).toEqual(["stop0", "start0", "stop0", "start0"]);
  // two backups in one repository are made one after the other
  const inUsb = of(/ usb/).map((line) => line.split(" ")[0]);
  expect(inUsb.indexOf("start0") < inUsb.indexOf("stop1") || inUsb.indexOf("start1") < inUsb.indexOf("stop0")).toBe(
    true,
  );
  await expectDone(holdfast);
});
