import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { applied, expectDone, host, kindsOf, planOf, reportOf, testOn, VERSIONS } from "./harness/world.ts";

/** Types whose copies are due once, as soon as they are taken: one type more is one backup more. */
const once = { schedule: "0 0 1 1 *" };
const typesOf = (...names: string[]) => ({
  snapshotTypes: Object.fromEntries(names.map((name) => [name, once])),
  keep: Object.fromEntries(names.map((name) => [name, 3])),
});

describe.each(VERSIONS)("restic %s", (version) => {
  const test = testOn(version);

  test("a command's output, all or nothing", async ({ world }) => {
    const { holdfast } = world;
    const usb = world.repository("usb");
    const manifest = (command: readonly string[]) =>
      world.manifest({
        remotes: { usb: { type: "restic", ...usb.entry } },
        directories: { "/srv/database": { keep: { daily: 2 }, stdin: command, remotes: { usb: {} } } },
      });
    manifest(["sh", "-c", "echo half a dump; exit 3"]);
    const failed = await reportOf(holdfast);
    expect(failed.code).toBe(3);
    expect(failed.operations).toMatchObject([{ kind: "backup", outcome: "failed" }]);
    expect(usb.copies()).toEqual([]);
    manifest(["printf", "%s\n", "a dump", "of it all"]);
    await applied(holdfast);
    const [copy] = usb.copies();
    expect(usb.restic(["dump", copy?.id ?? "", "database"])).toBe("a dump\nof it all\n");
    await expectDone(holdfast);
  });

  test("a source that shrank by too much makes no copy that counts", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: 4000, b: 4000, c: 4000, d: 4000 });
    const usb = world.repository("usb");
    const manifest = (shrinkAtMost: string, ...names: string[]) => {
      const { snapshotTypes, keep } = typesOf(...names);
      const entry = { keep, expect: { shrinkAtMost }, remotes: { usb: {} } };
      world.manifest({
        snapshotTypes,
        remotes: { usb: { type: "restic", ...usb.entry } },
        directories: { [source]: entry },
      });
    };
    manifest("30%", "first");
    await applied(holdfast);
    for (const name of ["b", "c"]) rmSync(join(source, name));
    manifest("30%", "first", "second");
    const report = await reportOf(holdfast);
    expect(report.code).toBe(3);
    expect(report.operations[0]).toMatchObject({ outcome: "partial" });
    expect(report.operations[0]?.error?.message).toMatch(
      /^the source shrank from \d+ to \d+ (files|bytes), by more than 30 %/,
    );
    expect(usb.copies().map(({ tags }) => tags?.includes("partial"))).toEqual([false, true]);
    // it is told once, and tried again with what is due next, or when somebody asks
    await expectDone(holdfast);
    expect(kindsOf(await planOf(holdfast, "--retry-partial"))).toEqual(["backup usb", "forget usb 1"]);
    manifest("60%", "first", "second");
    await applied(holdfast, "--retry-partial");
    expect(usb.copies().map(({ tags }) => tags?.includes("partial"))).toEqual([false, false]);
    await expectDone(holdfast);
  });

  test("an empty directory is kept too", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data");
    const usb = world.repository("usb");
    world.manifest({
      remotes: { usb: { type: "restic", ...usb.entry } },
      directories: { [source]: { keep: { daily: 2 }, remotes: { usb: {} } } },
    });
    await applied(holdfast);
    expect(usb.copies()).toMatchObject([{ paths: [source] }]);
    await expectDone(holdfast);
  });
});

describe("restic", () => {
  const test = testOn("0.18");

  test("prune and check when they are due; in turn all data is read, and what is damaged is told", async ({
    world,
  }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: 20_000 });
    const usb = world.repository("usb");
    const maintenance = { prune: { ...once, maxUnused: "5%" }, check: { ...once, readData: "50%" } };
    const manifest = (more: object) =>
      world.manifest({
        remotes: { usb: { type: "restic", ...usb.entry, ...more } },
        directories: { [source]: { keep: { daily: 2 }, remotes: { usb: {} } } },
      });
    manifest({ maintenance });
    const plan = await planOf(holdfast);
    expect(kindsOf(plan)).toEqual(["backup usb", "prune usb", "check usb"]);
    expect(plan.operations.at(-1)).toMatchObject({ subset: { part: 1, of: 2 } });
    await applied(holdfast);
    await expectDone(holdfast);
    const records = () => usb.copies().filter(({ tags }) => tags?.some((tag) => tag.startsWith("maintenance=")));
    expect(records()).toHaveLength(2);

    // a record that is older than the tick: as if a year had gone by
    const age = () => {
      const last = records().find(({ tags }) => tags?.includes("maintenance=check"));
      usb.restic(["rewrite", "--forget", "--new-time", "2020-01-01 00:00:00", last?.id ?? ""]);
    };
    age();
    const [next] = (await planOf(holdfast)).operations;
    expect(next).toMatchObject({ kind: "check", subset: { part: 2, of: 2 } });
    await applied(holdfast);
    // the new record has taken the old one's place
    expect(records()).toHaveLength(2);
    await expectDone(holdfast);

    age();
    manifest({ maintenance: { ...maintenance, check: { ...once, readData: "100%" } } });
    usb.damage();
    const report = await reportOf(holdfast);
    expect(report.code).toBe(3);
    expect(report.operations).toMatchObject([{ kind: "check", outcome: "failed" }]);
    expect(report.operations[0]?.error?.message).toMatch(/^usb@.* is damaged/);
    // nothing says that all is well: it stays due
    expect(kindsOf(await planOf(holdfast))).toEqual(["check usb"]);
  });

  test("now, by hand: a type that no schedule takes", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text" });
    const usb = world.repository("usb");
    world.manifest({
      snapshotTypes: { critical: {} },
      remotes: { usb: { type: "restic", ...usb.entry } },
      directories: { [source]: { take: [], keep: { critical: 1 }, remotes: { usb: {} } } },
    });
    await expectDone(holdfast);
    for (const text of ["one", "two"]) {
      writeFileSync(join(source, "a"), text);
      const { code, stderr } = await holdfast("snapshot", "critical", source);
      expect(code, stderr).toBe(0);
    }
    const copies = usb.copies();
    expect(copies.map(({ tags }) => tags)).toEqual(
      Array(2).fill(["holdfast", `source=${host}:${source}`, "type=critical"]),
    );
    usb.expectSame(copies[1]?.id ?? "", source);
    expect(kindsOf(await planOf(holdfast))).toEqual(["forget usb 1"]);
    await applied(holdfast);
    expect(usb.copies().map(({ id }) => id)).toEqual([copies[1]?.id]);
  });

  test("list, explain and doctor know directories and repositories", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text" });
    const usb = world.repository("usb");
    const mirror = world.repository("mirror");
    world.manifest({
      remotes: { usb: { type: "restic", ...usb.entry } },
      mirrors: { copy: { of: "usb", ...mirror.entry } },
      directories: { [source]: { keep: { daily: 2, weekly: 1 }, remotes: { usb: {} } } },
    });
    await applied(holdfast);
    const id = usb.copies()[0]?.id ?? "";
    const list = await holdfast("list");
    expect(list.stdout).toMatch(new RegExp(`^  ${id.slice(0, 8)}  .* daily, weekly +yes +yes$`, "m"));
    const keys = await holdfast("explain", source);
    expect(keys.stdout).toMatch(/^ {2}remotes\.usb\.keep +\{ daily: 2, weekly: 1 \} +directories\./m);
    const why = await holdfast("explain", `${source}@${id.slice(0, 8)}`, "--on", "copy");
    expect(why.stdout).toMatch(/keep +among the newest \(daily: 2\)/);
    expect(why.stdout).toMatch(/types +daily, weekly$/m);
    expect(why.stdout).toContain(mirror.copies()[0]?.id);
    const doctor = await holdfast("doctor");
    expect(doctor.stdout).toMatch(/ok +repository +usb: 1 copy, restic 0\.18/);
    expect(doctor.code, doctor.stdout).toBe(0);
    rmSync(usb.folder, { recursive: true });
    const ill = await holdfast("doctor");
    expect(ill.stdout).toMatch(/PROBLEM +repository +there is no repository usb yet/);
    expect(ill.code).toBe(3);
  });
});
