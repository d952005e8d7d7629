import { chmodSync } from "node:fs";
import { basename, dirname } from "node:path";
import { describe, expect } from "vitest";
import { writeLock } from "../../remotes/restic/repository.ts";
import { eventually } from "../../transport/leftovers.ts";
import type { Repository } from "./harness/repository.ts";
import { host, testOn, VERSIONS, type World } from "./harness/world.ts";

/** A directory in some repositories. */
function using(world: World, repositories: Readonly<Record<string, object>>, more: object = {}): void {
  const source = world.source("data", { a: "text" });
  world.manifest({
    remotes: Object.fromEntries(Object.entries(repositories).map(([name, one]) => [name, { type: "restic", ...one }])),
    directories: {
      [source]: {
        keep: { daily: 3 },
        remotes: Object.fromEntries(Object.keys(repositories).map((name) => [name, {}])),
      },
    },
    ...more,
  });
}

const lockOf = (repository: Repository, lock: Parameters<typeof writeLock>[2]): string =>
  writeLock(repository.folder, repository.password.text, lock);
const longAgo = () => new Date(Date.now() - 31 * 60_000).toISOString();

describe.each(VERSIONS)("restic %s", (version) => {
  const test = testOn(version);

  test("held: told with who it is, and left; its holder killed: removed", async ({ world }) => {
    const usb = world.repository("usb");
    using(world, { usb: usb.entry });
    const holder = usb.hold();
    await holder.locked;
    const held = await world.holdfast("unlock");
    expect(held.stdout).toMatch(
      new RegExp(
        `^usb@${host}\n {2}! held {5}\\S+@${host}, pid \\d+, since \\S+Z \\(.*\\)\n +next: pid \\d+ is running on this`,
      ),
    );
    expect(held).toMatchObject({ code: 11, stderr: "" });
    expect(usb.locks()).toHaveLength(1);
    await holder.kill();
    const left = await world.holdfast("unlock", "usb");
    expect(left.stdout).toMatch(/ {2}- removed {2}\S+, pid \d+, since .*: left behind, its process is gone\n/);
    expect(left.code).toBe(0);
    expect(usb.locks()).toEqual([]);
    const free = await world.holdfast("unlock");
    expect(free.stdout).toMatch(new RegExp(`^usb@${host}: not locked\nHoldfast itself \\(.*\\): not locked$`));
    expect(free.code).toBe(0);
  });

  test("of another host: it stays for half an hour, whoever it was", async ({ world }) => {
    const usb = world.repository("usb");
    using(world, { usb: usb.entry });
    const fresh = lockOf(usb, { exclusive: true });
    lockOf(usb, { exclusive: false, time: longAgo() });
    const { code, stdout } = await world.holdfast("unlock", "--json");
    expect(code).toBe(11);
    const { repositories, own } = JSON.parse(stdout);
    expect(own).toMatchObject([{ held: false }]);
    expect(repositories).toMatchObject([{ repository: `usb@${host}`, host }]);
    expect(repositories[0].locks).toHaveLength(2);
    expect(repositories[0].locks).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          host: "elsewhere",
          pid: 4711,
          exclusive: true,
          stale: false,
          here: false,
          removed: false,
        }),
        expect.objectContaining({ stale: true, why: "old", here: false, removed: true }),
      ]),
    );
    expect(usb.locks()).toEqual([basename(fresh)]);
    lockOf(usb, { exclusive: false, time: longAgo(), hostname: "bad\u001b[2J" });
    const { stdout: text } = await world.holdfast("unlock");
    expect(text).toContain("- removed  somebody@bad\\x1b[2J, pid 4711");
    expect(text).toContain("somebody@elsewhere, pid 4711");
    expect(text).toContain("next: wait, or look on elsewhere whether pid 4711 still runs");
  });
});

describe.each(VERSIONS)("restic %s, where nothing can be removed", (version) => {
  testOn(version)("that is said, with the reason, and what locks it", async ({ world }) => {
    const usb = world.repository("usb");
    using(world, { usb: usb.entry });
    const lock = lockOf(usb, { exclusive: false, time: longAgo() });
    chmodSync(dirname(lock), 0o500);
    const { code, stdout } = await world.holdfast("unlock");
    chmodSync(dirname(lock), 0o700);
    expect(stdout).toMatch(/^usb@\S+\n {2}! stays {4}somebody@elsewhere/);
    expect(stdout).toMatch(/! failed {3}nothing was removed: .*permission denied/);
    expect(code).toBe(3);
    expect(usb.locks()).toEqual([basename(lock)]);
  });
});

describe("whatever becomes of one repository", () => {
  const test = testOn("0.18");

  test("one that is away, or is not there yet, keeps nothing from the others", async ({ world }) => {
    const away = world.repository("away");
    const usb = world.repository("usb");
    const none = world.repository("none", { absent: true });
    using(world, {
      away: { ...away.entry, requireMount: away.folder },
      usb: usb.entry,
      none: { ...none.entry, init: true },
    });
    lockOf(usb, { exclusive: false, time: longAgo() });
    lockOf(away, { exclusive: false, time: longAgo() });
    const { code, stdout } = await world.holdfast("unlock");
    expect(stdout).toMatch(
      /^away@.*\n {2}! failed {3}could not be looked at: away: nothing is mounted at .*\n +next: mount it/,
    );
    expect(stdout).toContain("not renewed for half an hour");
    expect(stdout).toContain(`none@${host}: not locked\n`);
    expect(code).toBe(3);
    expect(usb.locks()).toEqual([]);
    expect(away.locks()).toHaveLength(1);
    // only the one that is asked for counts
    expect((await world.holdfast("unlock", "usb")).code).toBe(0);
  });

  test("a wrong password is said, and what to do", async ({ world }) => {
    const usb = world.repository("usb");
    using(world, { usb: { ...usb.entry, password: { file: world.secret().file } } });
    const { code, stdout } = await world.holdfast("unlock");
    expect(stdout).toMatch(/could not be looked at: .*password.*\n +next: /);
    expect(code).toBe(3);
  });

  test("while somebody works there from the same host, restic is not asked to remove anything", async ({ world }) => {
    const usb = world.repository("usb");
    using(world, { usb: usb.entry });
    const holder = usb.hold();
    await holder.locked;
    lockOf(usb, { exclusive: false, time: longAgo() });
    const { code, stdout } = await world.holdfast("unlock");
    expect(stdout).toMatch(/! stays {4}somebody@elsewhere.*\n +next: nothing is removed while pid \d+ works there/);
    expect(code).toBe(11);
    expect(usb.locks()).toHaveLength(2);
    expect(world.started().filter((line) => line.includes("unlock"))).toEqual([]);
    await holder.kill();
    expect((await world.holdfast("unlock")).code).toBe(0);
    expect(usb.locks()).toEqual([]);
    // by plain unlock alone: whoever works elsewhere is not robbed of a lock
    expect(world.started().filter((line) => line.includes("unlock"))).toEqual([
      expect.not.stringContaining("--remove-all"),
    ]);
  });

  test("an apply that runs holds its own lock; one that was killed does not", async ({ world }) => {
    const usb = world.repository("usb");
    using(world, { usb: { ...usb.entry, retryLock: "10m" } });
    lockOf(usb, { exclusive: true });
    const running = world.holdfast.spawn("apply", "--yes");
    await eventually(() => expect(world.started().some((line) => line.includes("--retry-lock"))).toBe(true));
    const held = await world.holdfast("unlock");
    expect(held.stdout).toMatch(
      /^Holdfast itself \(.*apply-local\.lock\): held by holdfast apply, pid \d+ on .*\n +next: wait/m,
    );
    expect(held.code).toBe(11);
    await world.crash();
    await running.result;
    const after = await world.holdfast("unlock", "--json");
    const { own } = JSON.parse(after.stdout);
    expect(own).toMatchObject([{ held: false, holder: { command: "holdfast apply" } }]);
    expect((await world.holdfast("unlock")).stdout).toContain("ended without giving it up, and locks nothing");
  });

  test("what is no repository is a mistake", async ({ world }) => {
    const usb = world.repository("usb");
    using(world, { usb: usb.entry });
    const unknown = await world.holdfast("unlock", "usv");
    expect(unknown.stderr).toMatch(/^error: no restic repository .* is called usv\n {2}next: repositories here: usb$/);
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
  });
});
