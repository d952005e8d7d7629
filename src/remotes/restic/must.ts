import { setTimeout as wait } from "node:timers/promises";
import { ResticFailed } from "./errors.ts";
import { removeStaleLocks } from "./locks.ts";
import type { Call, Ended, Session } from "./session.ts";
import { isAtLeast } from "./version.ts";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Runs restic to exit code 0, or one that is `accepted`; anything else is thrown. What locks the repository is removed
 * where it was left behind, and otherwise waited for as long as `retryLock` says.
 */
export async function must(session: Session, call: Call, accepted: readonly number[] = []): Promise<Ended> {
  const attempt = async (args: readonly string[] = []): Promise<Ended | ResticFailed> => {
    const ended = await session.run({ ...call, args: [...args, ...call.args] });
    if (ended.code === 0 || (ended.code !== null && accepted.includes(ended.code))) return ended;
    return session.failure(ended, call);
  };
  let result = await attempt();
  if (!isLocked(result)) return orThrow(result);
  const { retryLock = 0 } = session.place.repository;
  const removed = await removeStaleLocks(session).catch(() => 0);
  if (retryLock === 0) return orThrow(removed > 0 ? await attempt() : result);
  if (isAtLeast(await session.version(), "0.16")) return orThrow(await attempt([`--retry-lock=${retryLock}s`]));
  const until = Date.now() + retryLock * 1000;
  for (let pause = removed > 0 ? 0 : FIRST_PAUSE_MS; isLocked(result); pause = longer(pause)) {
    const left = until - Date.now();
    if (left <= 0) break;
    await sleep(session, Math.min(pause, left));
    result = await attempt();
  }
  return orThrow(result);
}

const isLocked = (result: Ended | ResticFailed): boolean => result instanceof ResticFailed && result.kind === "locked";

function orThrow(result: Ended | ResticFailed): Ended {
  if (result instanceof ResticFailed) throw result;
  return result;
}

const longer = (pause: number): number => Math.min(Math.max(2 * pause, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);

async function sleep({ name, options: { signal } }: Session, milliseconds: number): Promise<void> {
  await wait(milliseconds, undefined, { signal }).catch((error: unknown) => {
    throw new ResticFailed("interrupted", { message: `interrupted while ${name} was locked` }, { cause: error });
  });
}
