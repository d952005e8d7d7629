import type { RepositoryLock } from "../../model/inventory.ts";
import type { Problem } from "../../model/report.ts";
import type { EpochSeconds } from "../../model/units.ts";
import type { ClearedLock, LeftBehind } from "../../model/unlocked.ts";
import { ResticFailed } from "./errors.ts";
import { isJson, numberOf, parseJson, textOf } from "./messages.ts";
import type { Session } from "./session.ts";

/** restic renews a lock every five minutes, and takes one of this age for left behind. */
const STALE_AFTER = 30 * 60;
/** Each has to be asked for on its own: who only looks around asks for no more. */
const MOST = 32;

/** Of many locks the first 32; one that is gone before it was looked at is left out. */
export async function listLocks(session: Session): Promise<RepositoryLock[]> {
  return (await inspectLocks(session, MOST)).map(({ lock }) => lock);
}

/** Removes locks whose holders are gone; says how many. */
export async function removeStaleLocks(session: Session): Promise<number> {
  return removeStale(session, await inspectLocks(session, MOST));
}

export interface ClearedLocks {
  /** All that there were. */
  readonly locks: readonly ClearedLock[];
  /** What kept those that were left behind from being removed. */
  readonly problem?: Problem;
}

/** The same; says of each lock that there was whose it is, and whether it is gone now. */
export async function clearLocks(session: Session): Promise<ClearedLocks> {
  const inspected = await inspectLocks(session, Number.POSITIVE_INFINITY);
  const cleared = (left: readonly string[] | undefined) =>
    inspected.map(
      ({ lock, isHere, why }): ClearedLock => ({
        ...lock,
        here: isHere,
        ...(why && { why }),
        removed: lock.stale && left !== undefined && !left.includes(lock.id),
      }),
    );
  try {
    return { locks: cleared((await removeStale(session, inspected)) > 0 ? await listIds(session) : undefined) };
  } catch (error) {
    if (!(error instanceof ResticFailed)) throw error;
    return { locks: cleared(undefined), problem: error.problem };
  }
}

async function removeStale(session: Session, locks: readonly Inspected[]): Promise<number> {
  const stale = locks.filter(({ lock }) => lock.stale).length;
  // restic sends SIGHUP to every holder on its own host, and takes one that it may not signal, another user's, for gone
  if (stale === 0 || locks.some(({ lock, isHere }) => isHere && !lock.stale)) return 0;
  const call = { args: ["unlock"] };
  const ended = await session.run(call);
  if (ended.code !== 0) throw await session.failure(ended, call);
  return stale;
}

interface Inspected {
  readonly lock: RepositoryLock;
  /** Of a process on the session's own host. */
  readonly isHere: boolean;
  readonly why: LeftBehind | undefined;
}

async function listIds(session: Session): Promise<string[]> {
  const list = { args: ["list", "locks", "--no-lock"], timeoutMs: session.answerMs };
  const listed = await session.run(list);
  if (listed.code !== 0) throw await session.failure(listed, list);
  return listed.stdout.split("\n").filter((line) => /^[0-9a-f]{64}$/.test(line));
}

async function inspectLocks(session: Session, most: number): Promise<Inspected[]> {
  const found: Omit<RepositoryLock, "stale">[] = [];
  for (const id of (await listIds(session)).slice(0, most)) {
    const lock = await readLock(session, id);
    if (lock !== undefined) found.push(lock);
  }
  if (found.length === 0) return [];
  const { host, alive } = await holdersOn(session, found);
  const now = Date.now() / 1000;
  return found.map((lock) => {
    const isHere = lock.host === host;
    const isGone = isHere && !alive.has(lock.pid);
    const why = isGone ? "gone" : now - lock.since > STALE_AFTER ? "old" : undefined;
    return { isHere, why, lock: { ...lock, stale: why !== undefined } };
  });
}

async function readLock(session: Session, id: string): Promise<Omit<RepositoryLock, "stale"> | undefined> {
  const { code, stdout } = await session.run({ args: ["cat", "lock", "--no-lock", id], timeoutMs: session.answerMs });
  const json = code === 0 ? parseJson(stdout) : undefined;
  if (!isJson(json)) return undefined;
  const since = Date.parse(textOf(json.time) ?? "");
  if (Number.isNaN(since)) return undefined;
  return {
    id,
    since: Math.floor(since / 1000) as EpochSeconds,
    exclusive: json.exclusive === true,
    host: textOf(json.hostname) ?? "",
    user: textOf(json.username) ?? "",
    pid: numberOf(json.pid) ?? 0,
  };
}

/** A process that may not be signalled is alive too. */
const ALIVE = `uname -n
for pid do
said=$(kill -0 "$pid" 2>&1) || case $said in *ermitted*) ;; *) continue ;; esac
echo "$pid"
done`;

async function holdersOn(
  session: Session,
  locks: readonly Pick<RepositoryLock, "pid">[],
): Promise<{ readonly host: string; readonly alive: ReadonlySet<number> }> {
  const pids = locks.map(({ pid }) => pid).filter((pid) => pid > 0);
  const { stdout } = await session.exec(["sh", "-c", ALIVE, "sh", ...pids.map(String)], {
    timeoutMs: session.answerMs,
  });
  const [host = "", ...alive] = stdout.trim().split("\n");
  return { host, alive: new Set(alive.map(Number)) };
}
