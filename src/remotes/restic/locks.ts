import type { RepositoryLock } from "../../model/inventory.ts";
import type { EpochSeconds } from "../../model/units.ts";
import { isJson, numberOf, parseJson, textOf } from "./messages.ts";
import type { Session } from "./session.ts";

/** restic renews a lock every five minutes, and takes one of this age for left behind. */
const STALE_AFTER = 30 * 60;
/** Each has to be asked for on its own. */
const MOST = 32;

/** Of many locks the first 32; one that is gone before it was looked at is left out. */
export async function listLocks(session: Session): Promise<RepositoryLock[]> {
  return (await inspectLocks(session)).map(({ lock }) => lock);
}

/** Removes locks whose holders are gone; says how many. */
export async function removeStaleLocks(session: Session): Promise<number> {
  const locks = await inspectLocks(session);
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
}

async function inspectLocks(session: Session): Promise<Inspected[]> {
  const list = { args: ["list", "locks", "--no-lock"], timeoutMs: session.answerMs };
  const listed = await session.run(list);
  if (listed.code !== 0) throw await session.failure(listed, list);
  const ids = listed.stdout.split("\n").filter((line) => /^[0-9a-f]{64}$/.test(line));
  const found: Omit<RepositoryLock, "stale">[] = [];
  for (const id of ids.slice(0, MOST)) {
    const lock = await readLock(session, id);
    if (lock !== undefined) found.push(lock);
  }
  if (found.length === 0) return [];
  const { host, alive } = await holdersOn(session, found);
  const now = Date.now() / 1000;
  return found.map((lock) => {
    const isHere = lock.host === host;
    return { isHere, lock: { ...lock, stale: now - lock.since > STALE_AFTER || (isHere && !alive.has(lock.pid)) } };
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
