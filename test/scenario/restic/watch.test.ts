import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { eventually } from "../../transport/leftovers.ts";
import { expectDone, testOn, type World } from "./harness/world.ts";

const test = testOn("0.18");
const LONG = 60_000;

/** Directories in one repository; types whose copies are due once, as soon as they are taken. */
function keeping(world: World, remote: object, sources: readonly string[], types: readonly string[] = ["first"]): void {
  world.manifest({
    snapshotTypes: Object.fromEntries(types.map((type) => [type, { schedule: "0 0 1 1 *" }])),
    remotes: { usb: { type: "restic", ...remote } },
    directories: Object.fromEntries(
      sources.map((source) => [
        source,
        { keep: Object.fromEntries(types.map((type) => [type, 3])), remotes: { usb: {} } },
      ]),
    ),
    service: { every: "1h", listen: "off" },
  });
}

describe("holdfast watch, with real restic", () => {
  test("backs up what is due, follows the manifest, keeps the last good one, and ends with 0", async ({ world }) => {
    const { holdfast } = world;
    const [one, two] = [world.source("one", { a: 3_000_000 }), world.source("two", { b: "more" })];
    const usb = world.repository("usb");
    keeping(world, usb.entry, [one]);
    const running = holdfast.spawn("watch");
    await running.printed(/done {2}\S+:\/\S+one/);
    await eventually(() => expect(usb.copies()).toHaveLength(1), LONG);

    // by hand, between two passes
    expect((await holdfast("apply", "--yes", "--lock-timeout", "1m")).code).toBe(0);

    writeFileSync(world.path("holdfast.yaml"), "version: 1\ndatasets: [nonsense");
    await running.printed(/the new manifest does not come into force, the last good one stays/);
    keeping(world, usb.entry, [one, two]);
    await running.printed(/manifest {2}\+.*two/);
    await running.printed(/done {2}\S+:\/\S+two/);
    await eventually(() => expect(usb.copies()).toHaveLength(2), LONG);

    const second = await holdfast("watch");
    expect(second).toMatchObject({ code: 11, stderr: expect.stringContaining("locked by holdfast watch (pid ") });

    await running.kill("SIGTERM");
    expect((await running.result).code).toBe(0);
    expect(usb.locks()).toEqual([]);
    const state = world.path("state");
    expect(existsSync(state)).toBe(true);
    await expectDone(holdfast);
    const back = await holdfast("restore", one, "--to", world.path("back"), "--yes");
    expect(back).toMatchObject({ code: 0, stdout: expect.stringContaining("as fast as it lately went with usb (") });
  });

  test("never makes a repository", async ({ world }) => {
    const source = world.source("one", { a: "text" });
    const usb = world.repository("usb", { absent: true });
    keeping(world, { ...usb.entry, init: true }, [source]);
    const running = world.holdfast.spawn("watch");
    await running.printed(/blocked {2}usb.*there is no repository/);
    await running.kill("SIGTERM");
    expect((await running.result).code).toBe(0);
    expect(existsSync(usb.folder)).toBe(false);
  });

  test("leaves what is suspended alone, at once, and takes it up again", async ({ world }) => {
    const { holdfast } = world;
    const [one, two] = [world.source("one", { a: "text" }), world.source("two", { b: "more" })];
    const usb = world.repository("usb");
    keeping(world, usb.entry, [one, two]);
    expect(await holdfast("suspend", two)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`holdfast resume ${two}`),
    });
    expect((await holdfast("suspend", "/no/such")).code).toBe(1);
    const { stdout } = await holdfast("plan");
    expect(stdout).toContain(`suspended: no copy is made or forgotten, until \`holdfast resume ${two}\``);
    expect((await holdfast("explain", two)).stdout).toMatch(/suspend\s+true\s+holdfast suspend/);
    expect((await holdfast("plan", "--out", "saved.json")).code).toBe(0);

    const running = holdfast.spawn("watch");
    await running.printed(/done {2}\S+:\/\S+one/);
    await eventually(() => expect(usb.copies()).toHaveLength(1), LONG);
    expect((await holdfast("resume", "/etc")).code).toBe(1);
    expect((await holdfast("resume", two)).code).toBe(0);
    await running.printed(/done {2}\S+:\/\S+two/);
    await eventually(() => expect(usb.copies()).toHaveLength(2), LONG);
    await running.kill("SIGINT");
    expect((await running.result).code).toBe(0);
  });

  test("a saved plan does nothing with what is suspended since", async ({ world }) => {
    const { holdfast } = world;
    const one = world.source("one", { a: "text" });
    const usb = world.repository("usb");
    keeping(world, usb.entry, [one]);
    expect((await holdfast("plan", "--out", "saved.json")).code).toBe(0);
    expect((await holdfast("suspend", one)).code).toBe(0);
    expect(await holdfast("apply", "--yes", "saved.json")).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`holdfast resume ${one}`),
    });
    expect(usb.copies()).toEqual([]);
    writeFileSync(world.path("state/suspended.json"), "garbage");
    expect(await holdfast("apply", "--yes")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("cannot tell what is suspended"),
    });
    expect(usb.copies()).toEqual([]);
  });

  test("tells systemd how it is", async ({ world }) => {
    const one = world.source("one", { a: "text" });
    const usb = world.repository("usb");
    keeping(world, usb.entry, [one]);
    const told = world.path("told");
    world.program("systemd-notify", `printf '%s\\n' "$NOTIFY_SOCKET $*" >>'${told}'`);
    const systemd = { NOTIFY_SOCKET: "/run/nobody", WATCHDOG_USEC: "400000" };
    const running = world.with(systemd).spawn("watch");
    const said = (): string => (existsSync(told) ? readFileSync(told, "utf8") : "");
    await eventually(
      () => expect(said()).toMatch(/\/run\/nobody --pid=\d+ READY=1 STATUS=watching .*holdfast\.yaml/),
      LONG,
    );
    await eventually(() => expect(said()).toContain("WATCHDOG=1"), LONG);
    await running.kill("SIGTERM");
    expect((await running.result).code).toBe(0);
    expect(said()).toContain("STOPPING=1");
    // restic and what else it starts know nothing of systemd
    expect(world.started().join()).not.toContain("NOTIFY");
  });

  test("ends a backup that runs cleanly, and goes on with it the next time", async ({ world }) => {
    const one = world.source("one", { a: 40_000_000 });
    const usb = world.repository("usb");
    keeping(world, { ...usb.entry, limit: { upload: "1MiB/s" } }, [one]);
    const running = world.holdfast.spawn("watch");
    await running.printed(/start {2}/);
    await eventually(() => expect(world.started().join("\n")).toContain("backup"), LONG);
    await running.kill("SIGTERM");
    const { code, stderr } = await running.result;
    expect(code).toBe(0);
    expect(stderr).toContain("interrupted");
    await eventually(() => expect(usb.locks()).toEqual([]), LONG);
    expect(usb.copies()).toEqual([]);
    keeping(world, usb.entry, [one]);
    expect((await world.holdfast("apply", "--yes")).code).toBe(0);
    expect(usb.copies()).toHaveLength(1);
  });
});

describe("a manifest of several files", () => {
  test("in a folder: one more file is one more source", async ({ world }) => {
    const [one, two] = [world.source("one", { a: "text" }), world.source("two", { b: "more" })];
    const usb = world.repository("usb");
    keeping(world, usb.entry, [one]);
    const folder = world.path("manifests");
    mkdirSync(folder);
    writeFileSync(join(folder, "main.yaml"), readFileSync(world.path("holdfast.yaml")));
    const running = world.holdfast.spawn("watch", "-f", folder);
    await running.printed(/done {2}\S+:\/\S+one/);
    appendFileSync(
      join(folder, "more.yaml"),
      `version: 1\ndirectories: { "${two}": { keep: { first: 3 }, remotes: { usb: {} } } }\n`,
    );
    await running.printed(/done {2}\S+:\/\S+two/);
    await running.kill("SIGTERM");
    expect((await running.result).code).toBe(0);
  });
});
