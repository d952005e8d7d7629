import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { acquireLock, inspectLock, LockedError } from "../../src/transport/index.ts";

let directory = "";
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

const acquire = (changes: Partial<Parameters<typeof acquireLock>[0]> = {}): ReturnType<typeof acquireLock> =>
  acquireLock({ name: "test", directory, env: process.env, command: "holdfast apply", ...changes });

/** Another process that takes the lock, says so, and holds it until it is killed. */
async function holder(): Promise<ChildProcess> {
  const module = fileURLToPath(new URL("../../src/transport/index.ts", import.meta.url));
  const script = `import { acquireLock } from ${JSON.stringify(module)};
    await acquireLock({ name: "test", directory: ${JSON.stringify(directory)}, env: process.env, command: "holdfast watch" });
    console.log("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`the holder ended with ${code}`)));
  });
  return child;
}

describe("the lock", () => {
  test("can be looked at without being taken: held, given up, or left by who was killed", async () => {
    const look = () => inspectLock({ name: "test", directory, env: process.env });
    const path = join(directory, "test.lock");
    expect(await look()).toEqual({ path, held: false });
    const child = await holder();
    const held = { path, held: true, holder: { pid: child.pid, command: "holdfast watch", host: hostname() } };
    expect(await look()).toMatchObject(held);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    expect(await look()).toMatchObject({ ...held, held: false });
    (await acquire()).release();
    expect(await look()).toEqual({ path, held: false });
  });

  test("that cannot be looked at is not called free", async () => {
    symlinkSync("/dev/null", join(directory, "test.lock"));
    await expect(inspectLock({ name: "test", directory, env: process.env })).rejects.toThrow(
      "cannot open the lock file",
    );
  });

  test("is in the folder that the environment names", async () => {
    const env = { ...process.env, HOLDFAST_LOCK_DIR: directory };
    const lock = await acquireLock({ name: "named", env, command: "holdfast apply" });
    expect(lock.path).toBe(join(directory, "named.lock"));
    lock.release();
  });

  test("is had by one at a time and can be had again", async () => {
    const first = await acquire();
    await expect(acquire()).rejects.toBeInstanceOf(LockedError);
    first.release();
    first.release();
    const second = await acquire();
    second.release();
  });

  test("names its holder to another process, and goes with it when it is killed", { timeout: 30_000 }, async () => {
    const since = Date.now();
    const child = await holder();
    const error = await acquire().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      kind: "locked",
      holder: { pid: child.pid, command: "holdfast watch", host: hostname() },
      message: expect.stringMatching(new RegExp(`locked by holdfast watch \\(pid ${child.pid} on .*, since 20`)),
    });
    if (!(error instanceof LockedError)) throw error;
    expect(Date.parse(error.holder?.since ?? "")).toBeGreaterThanOrEqual(since);

    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    const lock = await acquire();
    expect(JSON.parse(readFileSync(lock.path, "utf8"))).toMatchObject({ pid: process.pid });
    lock.release();
  });

  test("is waited for as long as one says", { timeout: 30_000 }, async () => {
    const first = await acquire();
    const waiting = acquire({ timeoutMs: 20_000 });
    setTimeout(() => first.release(), 100);
    (await waiting).release();

    const again = await acquire();
    const start = Date.now();
    await expect(acquire({ timeoutMs: 200 })).rejects.toBeInstanceOf(LockedError);
    expect(Date.now() - start).toBeGreaterThanOrEqual(200);
    again.release();
  });

  test("waiting can be interrupted", async () => {
    const first = await acquire();
    const controller = new AbortController();
    const waiting = acquire({ timeoutMs: 60_000, signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ kind: "aborted" });
    first.release();
  });

  test("is not handed on to what is started meanwhile", async () => {
    const first = await acquire();
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    children.push(child);
    first.release();
    (await acquire()).release();
  });

  test("a file without a readable holder still locks", async () => {
    const first = await acquire();
    writeFileSync(first.path, "garbage");
    await expect(acquire()).rejects.toMatchObject({
      kind: "locked",
      holder: undefined,
      message: expect.stringMatching(/another process/),
    });
    first.release();
  });

  test("two names are two locks; no descriptor stays open", async () => {
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = open();
    const locks = [await acquire({ name: "a" }), await acquire({ name: "b" })];
    await acquire({ name: "a" }).catch(() => {});
    for (const lock of locks) lock.release();
    expect(open()).toBe(before);
  });

  test("the directory and the file are this user's alone; a link in their place is refused", async () => {
    const lock = await acquire({ directory: join(directory, "new") });
    expect(statSync(join(directory, "new")).mode & 0o777).toBe(0o700);
    expect(statSync(lock.path).mode & 0o777).toBe(0o600);
    lock.release();
    symlinkSync("/etc/passwd", join(directory, "evil.lock"));
    await expect(acquire({ name: "evil" })).rejects.toMatchObject({
      kind: "internal",
      message: expect.stringMatching(/cannot open the lock file/),
    });
  });
});
