import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { DirectoryPath, EpochSeconds, Seconds } from "../../../src/model/units.ts";
import type { BackupOptions } from "../../../src/remotes/restic/backup.ts";
import { record } from "../../../src/remotes/restic/record.ts";
import type { Restic } from "../../../src/remotes/restic/restic.ts";
import { eventually, processesWith } from "../../transport/leftovers.ts";
import { makeRepository, writeLock } from "./repository.ts";
import { host, PASSWORD, startBench, toolsAvailable, VERSIONS, type Version } from "./tools.ts";

const bench = startBench();
const at = (name: string): string => join(bench.folder, name);
let count = 0;
function fresh(password = PASSWORD): string {
  const location = at(`repository-${count++}`);
  makeRepository(location, { password });
  return location;
}
const folder = at("small") as DirectoryPath;
const endless = at("endless") as DirectoryPath;
beforeAll(() => {
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), randomBytes(1024 * 1024));
  mkdirSync(endless);
  writeFileSync(join(endless, "holes"), "");
  truncateSync(join(endless, "holes"), 2 ** 40);
});
const options: BackupOptions = { from: { folder }, host, tags: [] };
const unknownId = (): string => randomBytes(32).toString("hex");

/**
 * A backup that would take minutes, once it holds its lock. It reads, and uploads next to nothing: a slow upload would keep
 * restic from removing its lock in time.
 */
async function slowBackup(
  version: Version,
  location: string,
  from: BackupOptions["from"] = { folder: endless },
): Promise<{ readonly ended: Promise<unknown>; interrupt(): Promise<unknown> }> {
  const controller = new AbortController();
  const restic = bench.open(version, location, { signal: controller.signal });
  let running = (): void => {};
  const started = new Promise<void>((resolve) => {
    running = resolve;
  });
  const ended = restic.backup({ ...options, from, onProgress: () => running() }).catch((error: unknown) => error);
  await Promise.race([started, ended]);
  const interrupt = (): Promise<unknown> => {
    controller.abort();
    return ended;
  };
  return { ended, interrupt };
}
async function locksOf(restic: Restic) {
  const inventory = await restic.list();
  if (inventory.state !== "observed") throw new Error(JSON.stringify(inventory));
  return inventory.locks;
}

describe.skipIf(!toolsAvailable).concurrent.each(VERSIONS)("locks, by restic %s", (version) => {
  test.each([
    ["a folder", { folder: endless }],
    ["a command's output", { command: ["sh", "-c", "head -c 3000000 /dev/urandom; exec sleep 60"], filename: "x" }],
  ])("an interrupted backup of %s leaves no lock and no copy", async (_, from) => {
    const location = fresh();
    const backup = await slowBackup(version, location, from);
    expect(await backup.interrupt()).toMatchObject({ kind: "interrupted", message: "restic backup was interrupted" });
    expect(await bench.open(version, location).list()).toMatchObject({ copies: [], locks: [] });
  });

  test("held by somebody who works: seen, never removed, told with who it is", async () => {
    const location = fresh();
    const restic = bench.open(version, location);
    const backup = await slowBackup(version, location);
    const [lock] = await locksOf(restic);
    expect(lock).toMatchObject({ exclusive: false, stale: false });
    expect(await restic.unlock()).toEqual({ removed: 0 });
    await expect(restic.forget([unknownId()])).rejects.toMatchObject({
      kind: "locked",
      holder: { pid: lock?.pid, exclusive: false, since: expect.stringMatching(/^20.*Z$/) },
      message: expect.stringMatching(new RegExp(`^usb is locked by .* \\(pid ${lock?.pid}, since 20`)),
    });
    await backup.interrupt();
  });

  test("waited for as long as `retryLock` says", async () => {
    const location = fresh();
    const backup = await slowBackup(version, location);
    const id = unknownId();
    const forget = bench.open(version, location, { retryLock: 60 as Seconds }).forget([id]);
    await eventually(() => expect(bench.started(version, id).length).toBeGreaterThanOrEqual(2));
    await backup.interrupt();
    await forget;
  });

  test("of another host, in the way of a check and of a restore: waited for too", async () => {
    const location = fresh();
    const { id = "" } = await bench.open(version, location).backup(options);
    const into = at(`restored-${version}`) as DirectoryPath;
    const restic = bench.open(version, location, { retryLock: 60 as Seconds });
    const waitsFor = async <T>(word: string, work: () => Promise<T>): Promise<T> => {
      const lock = writeLock(location, PASSWORD, { exclusive: true });
      const working = work();
      const isWaiting = eventually(() => expect(bench.started(version, word).length).toBeGreaterThanOrEqual(2));
      await Promise.race([working, isWaiting]);
      rmSync(lock);
      return working;
    };
    expect(await waitsFor(into, () => restic.restore({ id, within: "/", paths: [], into, over: false }))).toMatchObject(
      { failed: [] },
    );
    const check = () => restic.check({ subset: { part: 7, of: 201 } });
    expect(await waitsFor("=7/201", check)).toEqual({ ok: true, errors: [] });
    rmSync(join(location, "snapshots", id));
    writeFileSync(join(location, "snapshots", id), "damaged");
    const damaged = await waitsFor("=8/201", () => restic.check({ subset: { part: 8, of: 201 } }));
    expect(damaged.ok).toBe(false);
    expect(damaged.errors.join("\n")).not.toMatch(/lock/);
  });

  test("shared by another host: what is to be remembered is, and what that outdates goes the next time", async () => {
    const location = fresh();
    const restic = bench.open(version, location);
    const recorded = async () => {
      const there = await restic.list();
      return there.state === "observed" ? there.copies : [];
    };
    const remember = async (filename: string) => {
      const outdated = (await recorded()).map(({ id }) => id);
      await record(restic, { host, filename, tags: ["holdfast", "maintenance=check"] }, outdated);
    };
    await remember("first");
    const lock = writeLock(location, PASSWORD, { exclusive: false });
    await remember("second");
    expect(await recorded()).toMatchObject([{ paths: ["/first"] }, { paths: ["/second"] }]);
    rmSync(lock);
    await remember("third");
    expect(await recorded()).toMatchObject([{ paths: ["/third"] }]);
  });

  test("not to be had where nothing may be written: restored without one", async () => {
    const location = fresh();
    const { id = "" } = await bench.open(version, location).backup(options);
    chmodSync(join(location, "locks"), 0o500);
    const restic = bench.open(version, location, { obeysModes: true });
    const into = at(`restored-unlocked-${version}`) as DirectoryPath;
    expect(await restic.restore({ id, within: "/", paths: [], into, over: false })).toMatchObject({ failed: [] });
    expect(existsSync(join(into, "file"))).toBe(true);
  });

  test("waited for no longer than `retryLock` says, and freed of what died meanwhile", async () => {
    const location = fresh();
    const another = await slowBackup(version, location);
    const brief = bench.open(version, location, { retryLock: 1 as Seconds });
    await expect(brief.forget([unknownId()])).rejects.toMatchObject({ kind: "locked" });
    const id = unknownId();
    const forget = bench.open(version, location, { retryLock: 5 as Seconds }).forget([id]);
    await eventually(() => expect(bench.started(version, id).length).toBeGreaterThanOrEqual(2));
    const [lock] = await locksOf(brief);
    process.kill(lock?.pid ?? Number.NaN, "SIGKILL");
    await forget;
    await another.ended;
  });

  test("left behind by one that was killed: removed by unlock, and by whoever it is in the way of", async () => {
    const location = fresh();
    const restic = bench.open(version, location);
    const leaveBehind = async (): Promise<void> => {
      const backup = await slowBackup(version, location);
      const [lock] = await locksOf(restic);
      process.kill(lock?.pid ?? Number.NaN, "SIGKILL");
      expect(await backup.ended).toMatchObject({ name: "ResticFailed" });
      expect(await locksOf(restic)).toMatchObject([{ pid: lock?.pid, stale: true }]);
    };
    await leaveBehind();
    expect(await restic.unlock()).toEqual({ removed: 1 });
    expect(await locksOf(restic)).toEqual([]);
    await leaveBehind();
    await restic.forget([unknownId()]);
    expect(await locksOf(restic)).toEqual([]);
  });

  test("no password in any argument list, and nothing of the caller's environment", async () => {
    const password = randomBytes(20).toString("hex");
    const restic = bench.open(version, fresh(password), {
      environment: new Map([["AWS_SECRET_ACCESS_KEY", { env: "KEY" }]]),
      env: {
        PASSWORD: password,
        KEY: `${password}-key`,
        RESTIC_HOST: "elsewhere",
        RESTIC_FROM_REPOSITORY: "/nowhere",
        RESTIC_REPOSITORY: "/nowhere",
        TZ: "Asia/Tokyo",
      },
    });
    const seen = new Set<string>();
    let looks = 0;
    const look = (): void => {
      looks += 1;
      for (const line of processesWith(password)) seen.add(line);
    };
    const sampling = setInterval(look, 5);
    const result = await restic.backup({ ...options, onProgress: look, time: 1_700_000_000 as EpochSeconds });
    const inventory = await restic.list();
    clearInterval(sampling);
    expect(looks).toBeGreaterThan(2);
    expect([...seen]).toEqual([]);
    expect(inventory).toMatchObject({ copies: [{ id: result.id, host, time: "2023-11-14T22:13:20Z" }] });
  });
});
