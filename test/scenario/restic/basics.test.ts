import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { applied, expectDone, host, kindsOf, planOf, reportOf, testOn, VERSIONS, type World } from "./harness/world.ts";

/** Types whose copies are due once, as soon as they are taken: what is due does not hang on the clock. */
const once = { schedule: "0 0 1 1 *" };

/** One directory in one repository; a type more of these is a backup more. */
function taking(world: World, source: string, remote: object, types: readonly string[]): void {
  world.manifest({
    snapshotTypes: Object.fromEntries(types.map((type) => [type, once])),
    ...daily(source, remote, { keep: Object.fromEntries(types.map((type) => [type, 3])) }),
  });
}

const daily = (source: string, remote: object, entry: object) => ({
  remotes: { usb: { type: "restic", ...remote } },
  directories: { [source]: { keep: { daily: 3 }, remotes: { usb: {} }, ...entry } },
});

describe.each(VERSIONS)("restic %s", (version) => {
  const test = testOn(version);

  test("first run: the repository is made, the directory is in it, and nothing is left to do", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text", "folder/b": 300_000, empty: "" });
    const usb = world.repository("usb", { absent: true });
    world.manifest({
      remotes: { usb: { type: "restic", ...usb.entry, init: true } },
      directories: { [source]: { keep: { daily: 7 }, remotes: { usb: {} } } },
    });
    expect(kindsOf(await planOf(holdfast))).toEqual(["init usb", "backup usb"]);
    await applied(holdfast);
    usb.makeCheap();
    const copies = usb.copies();
    expect(copies).toMatchObject([{ hostname: host, paths: [source] }]);
    expect(copies[0]?.tags).toEqual(expect.arrayContaining(["holdfast", `source=${host}:${source}`, "type=daily"]));
    usb.expectSame(copies[0]?.id ?? "", source);
    usb.expectSound();
    expect(usb.locks()).toEqual([]);
    await expectDone(holdfast);
  });

  test("unchanged: nothing is read again and nothing added; what changed is", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text", "folder/b": 300_000 });
    const usb = world.repository("usb");
    taking(world, source, usb.entry, ["first"]);
    await applied(holdfast);
    taking(world, source, usb.entry, ["first", "second"]);
    const { operations } = await applied(holdfast);
    expect(operations).toMatchObject([{ outcome: "done", bytes: expect.any(Number), backup: { unchanged: true } }]);
    const [first, second] = usb.copies();
    expect(second?.tree).toBe(first?.tree);
    // before 0.17 a copy does not record it, and what is told of folders counts them as added
    if (version !== "0.14") {
      expect(second?.summary).toMatchObject({ files_new: 0, files_changed: 0, files_unmodified: 2, data_added: 0 });
    }
    writeFileSync(join(source, "a"), "another text");
    taking(world, source, usb.entry, ["first", "second", "third"]);
    const changed = await applied(holdfast);
    expect(changed.operations[0]?.backup).not.toHaveProperty("unchanged");
    const copies = usb.copies();
    expect(copies).toHaveLength(3);
    usb.expectSame(copies[2]?.id ?? "", source);
    await expectDone(holdfast);
  });

  test("partial, then complete: the one that lacks a file does not count, and goes", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text", closed: "nobody reads this" });
    const usb = world.repository("usb");
    const mirror = world.repository("mirror");
    world.manifest({ ...daily(source, usb.entry, {}), mirrors: { copy: { of: "usb", ...mirror.entry } } });
    chmodSync(join(source, "closed"), 0);
    const report = await reportOf(holdfast);
    expect(report.code).toBe(3);
    expect(report.operations[0]).toMatchObject({
      outcome: "partial",
      backup: { unreadable: [expect.stringContaining("closed")] },
    });
    expect(usb.copies()).toMatchObject([{ tags: expect.arrayContaining(["partial"]) }]);
    expect(mirror.copies()).toEqual([]);
    // not at every pass
    await expectDone(holdfast);
    expect((await reportOf(holdfast, "--retry-partial")).code).toBe(3);
    chmodSync(join(source, "closed"), 0o600);
    await applied(holdfast, "--retry-partial");
    const copies = usb.copies();
    const complete = copies.filter(({ tags }) => !tags?.includes("partial"));
    expect(complete).toHaveLength(1);
    usb.expectSame(complete[0]?.id ?? "", source);
    expect(mirror.copies()).toMatchObject([{ original: complete[0]?.id }]);
    if (copies.length > 1) await applied(holdfast);
    expect(usb.copies()).toHaveLength(1);
    await expectDone(holdfast);
  });

  test("a mirror gets what it keeps itself, and each is thinned on its own", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text" });
    const usb = world.repository("usb");
    const vault = world.repository("vault", { absent: true });
    for (const daysAgo of [5, 4, 3, 2]) usb.seed(source, { daysAgo });
    world.manifest({
      remotes: { usb: { type: "restic", ...usb.entry } },
      mirrors: { vault: { of: "usb", ...vault.entry, init: true, keep: { daily: 2 } } },
      directories: { [source]: { keep: { daily: 3 }, remotes: { usb: {} } } },
    });
    expect(kindsOf(await planOf(holdfast))).toEqual(["init vault", "backup usb", "copy vault 2", "forget usb 2"]);
    await applied(holdfast);
    vault.makeCheap();
    const [there, copied] = [usb.copies(), vault.copies()];
    expect(there).toHaveLength(3);
    expect(copied.map(({ original }) => original)).toEqual(there.slice(1).map(({ original, id }) => original ?? id));
    vault.expectSame(copied[1]?.id ?? "", source);
    vault.expectSound();
    expect(JSON.parse(vault.restic(["cat", "config", "--no-lock"])).chunker_polynomial).toBe(
      JSON.parse(usb.restic(["cat", "config", "--no-lock"])).chunker_polynomial,
    );
    await expectDone(holdfast);
  });

  test("a wrong password is no absent repository, and an absent one is made only where that is asked for", async ({
    world,
  }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text" });
    const usb = world.repository("usb");
    const wrong = { ...usb.entry, password: { file: world.secret().file }, init: true };
    world.manifest(daily(source, wrong, {}));
    const refused = await planOf(holdfast);
    expect(kindsOf(refused)).toEqual([]);
    expect(refused.unobserved).toMatchObject([{ reason: expect.stringContaining("usb: the password is wrong") }]);
    expect((await holdfast("apply", "--yes")).code).toBe(3);
    const absent = world.repository("absent", { absent: true, password: usb.password });
    world.manifest(daily(source, absent.entry, {}));
    const blocked = await planOf(holdfast);
    expect(kindsOf(blocked)).toEqual([]);
    expect(blocked.blocked).toMatchObject([{ reason: "no-repository" }]);
    expect((await holdfast("apply", "--yes")).code).toBe(3);
    expect(existsSync(absent.folder)).toBe(false);
    world.manifest(daily(source, usb.entry, {}));
    await applied(holdfast);
    usb.expectSame(usb.copies()[0]?.id ?? "", source);
    await expectDone(holdfast);
  });

  test("a lock that was left behind is removed, and one that is held is not", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text" });
    const usb = world.repository("usb");
    for (const daysAgo of [5, 4, 3]) usb.seed(source, { daysAgo });
    world.manifest(daily(source, usb.entry, { keep: { daily: 2 } }));
    const holder = usb.hold();
    await holder.locked;
    expect(kindsOf(await planOf(holdfast))).toEqual(["backup usb", "forget usb 2"]);
    const report = await reportOf(holdfast);
    expect(report.code).toBe(3);
    expect(report.operations).toMatchObject([
      { outcome: "done" },
      { outcome: "failed", error: { message: expect.stringMatching(/^usb is locked by .*pid/) } },
    ]);
    expect(usb.locks()).toHaveLength(1);
    await holder.kill();
    expect(usb.locks()).toHaveLength(1);
    expect(kindsOf(await planOf(holdfast))).toEqual(["unlock usb", "forget usb 2"]);
    await applied(holdfast);
    expect(usb.locks()).toEqual([]);
    expect(usb.copies()).toHaveLength(2);
    await expectDone(holdfast);
  });
});

describe("a source", () => {
  const test = testOn("0.18");

  test("that nobody says how much to keep of is refused, and nothing is forgotten", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text" });
    const usb = world.repository("usb");
    for (const daysAgo of [3, 2, 1]) usb.seed(source, { daysAgo });
    for (const entry of [{ keep: undefined }, { keep: {} }, { keep: undefined, keepByTime: {} }]) {
      world.manifest(daily(source, usb.entry, entry));
      expect((await holdfast("apply", "--yes")).code, JSON.stringify(entry)).toBe(5);
    }
    // what is there of the only type would all go
    world.manifest(daily(source, usb.entry, { take: [], keep: { daily: 0 } }));
    const { code, stdout } = await holdfast("apply", "--yes");
    expect(code).toBe(3);
    expect(stdout).toContain("blocked");
    expect(usb.copies()).toHaveLength(3);
  });

  test("that is missing, not mounted or emptied makes no copy and forgets none", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text", b: "text" });
    const usb = world.repository("usb");
    for (const daysAgo of [3, 2, 1.5]) usb.seed(source, { daysAgo });
    const before = usb.copies();
    const expectNothing = async (entry: object, message: RegExp) => {
      world.manifest(daily(source, usb.entry, entry));
      const { code, stdout } = await holdfast("apply", "--yes");
      expect(code).toBe(3);
      expect(stdout).toMatch(message);
      expect(usb.copies()).toEqual(before);
    };
    await expectNothing({ requireMount: source }, /nothing is mounted at/);
    await expectNothing({ expect: { minFiles: 3 } }, /has 2 files, and at least 3 are expected/);
    rmSync(source, { recursive: true });
    await expectNothing({}, /there is no directory/);
    mkdirSync(source);
    await expectNothing({ expect: { minFiles: 1 } }, /has no files/);
  });
});
