import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { hostname, tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import type { LockHolder, OwnLock } from "../model/unlocked.ts";
import { childEnvironment } from "./local.ts";
import { type Lock, LockedError, type LockOptions, TransportError } from "./types.ts";

/**
 * One holder at a time on this machine, by the kernel's lock on a file. `flock(1)` takes it for a descriptor that stays
 * open here: the lock belongs to that open file and goes with this process, however it dies. Throws `LockedError` with
 * who holds it.
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const path = pathOf(options);
  const fd = openLockFile(path);
  try {
    const seconds = (options.timeoutMs ?? 0) / 1000;
    const wait = seconds > 0 ? ["--wait", String(seconds)] : ["--nonblock"];
    const { exitCode, failed, shortMessage, isCanceled } = await flock(wait, fd, options);
    if (isCanceled) throw new TransportError("aborted", "interrupted while waiting for the lock");
    if (exitCode === 1) throw lockedError(path);
    if (failed) throw notLocked(path, shortMessage);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const holder: LockHolder = {
    pid: process.pid,
    command: options.command,
    since: new Date().toISOString(),
    host: hostname(),
  };
  ftruncateSync(fd);
  writeSync(fd, `${JSON.stringify(holder)}\n`, 0);
  let held = true;
  return {
    path,
    release() {
      if (!held) return;
      held = false;
      ftruncateSync(fd);
      closeSync(fd);
    },
  };
}

const flock = (args: readonly string[], fd: number, { env, signal }: Pick<LockOptions, "env" | "signal">) =>
  execa("flock", [...args, "3"], {
    env: childEnvironment(env),
    extendEnv: false,
    // The child's 3, whatever its number here: execa hands on any, its types know those up to 9 only.
    stdio: ["ignore", "ignore", "ignore", fd as 3],
    reject: false,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });

const notLocked = (path: string, reason = "flock failed"): TransportError =>
  new TransportError("internal", `cannot lock ${path}: ${reason}`, {
    hint: "flock belongs to util-linux: apt install util-linux",
  });

const pathOf = ({ directory, env, name }: Pick<LockOptions, "directory" | "env" | "name">): string =>
  join(directory ?? lockDirectory(env), `${name}.lock`);

function lockDirectory(env: LockOptions["env"]): string {
  const { uid } = userInfo();
  if (env.HOLDFAST_LOCK_DIR) return env.HOLDFAST_LOCK_DIR;
  if (uid === 0) return "/run/holdfast";
  if (env.XDG_RUNTIME_DIR) return join(env.XDG_RUNTIME_DIR, "holdfast");
  return join(env.TMPDIR ?? tmpdir(), `holdfast-${uid}`);
}

/** In a directory that is this user's alone: nobody else can put a link, or a lock of their own, in its place. */
function openLockFile(path: string): number {
  const directory = dirname(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { uid } = statSync(directory);
    if (uid !== userInfo().uid) throw new Error(`${directory} belongs to somebody else (uid ${uid})`);
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw notOpened(path, error);
  }
}

function notOpened(path: string, error: unknown): TransportError {
  const reason = error instanceof Error ? error.message : String(error);
  return new TransportError("internal", `cannot open the lock file ${path}: ${reason}`, { cause: error });
}

function lockedError(path: string): LockedError {
  const holder = readHolder(path);
  const who =
    holder === undefined
      ? "another process"
      : `${holder.command} (pid ${holder.pid} on ${holder.host}, since ${holder.since})`;
  return new LockedError(path, `locked by ${who}: ${path}`, holder);
}

/**
 * Who holds a lock now. It is not taken where anybody does: who wants it at this moment is not kept from it. A holder that
 * died left its name, and no lock.
 */
export async function inspectLock(options: Pick<LockOptions, "name" | "directory" | "env">): Promise<OwnLock> {
  const path = pathOf(options);
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { path, held: false };
    throw notOpened(path, error);
  }
  try {
    const holder = readHolder(path);
    return holder === undefined ? { path, held: false } : { path, held: await isHeld(fd, path, options.env), holder };
  } finally {
    closeSync(fd);
  }
}

async function isHeld(fd: number, path: string, env: LockOptions["env"]): Promise<boolean> {
  const { exitCode, failed, shortMessage } = await flock(["--nonblock", "--shared"], fd, { env });
  if (failed && exitCode !== 1) throw notLocked(path, shortMessage);
  return exitCode === 1;
}

/** Undefined in the moment between taking the lock and writing the name. */
function readHolder(path: string): LockHolder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isHolder(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

const isHolder = (value: unknown): value is LockHolder =>
  typeof value === "object" &&
  value !== null &&
  "pid" in value &&
  typeof value.pid === "number" &&
  "command" in value &&
  typeof value.command === "string" &&
  "since" in value &&
  typeof value.since === "string" &&
  "host" in value &&
  typeof value.host === "string";
