import { setTimeout as wait } from "node:timers/promises";
import { ResticFailed } from "./errors.ts";
import { removeStaleLocks } from "./locks.ts";
import type { Call, Ended, Session } from "./session.ts";
import { isAtLeast } from "./version.ts";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Runs restic to exit code 0, or to another end that `isAnswer`; anything else is thrown. What locks the repository is
 * removed where it was left behind, also by who dies meanwhile, and otherwise waited for as long as `retryLock` says.
 * An exit code alone is no answer: before 0.17 most reasons share one, a lock among them.
 */
export async function must(
  session: Session,
  call: Call,
  isAnswer: (ended: Ended) => boolean = () => false,
): Promise<Ended> {
  const attempt = async (args: readonly string[] = []): Promise<Ended | ResticFailed> => {
    const ended = await session.run({ ...call, args: [...args, ...call.args] });
    if (ended.code === 0 || isAnswer(ended)) return ended;
    return session.failure(ended, call);
  };
  const { retryLock = 0 } = session.place.repository;
  const until = Date.now() + retryLock * 1000;
  let result = await attempt();
  let isLast = false;
  for (let pause = 0; isLocked(result) && !isLast; pause = longer(pause)) {
    const removed = await removeStaleLocks(session).catch(() => 0);
    const left = until - Date.now();
    isLast = left <= 0;
    if (isLast && removed === 0) break;
    if (removed === 0 && isAtLeast(await session.version(), "0.16")) {
      result = await attempt([`--retry-lock=${Math.ceil(left / 1000)}s`]);
      continue;
    }
    if (!isLast && (removed === 0 || pause > 0)) await sleep(session, Math.min(Math.max(pause, FIRST_PAUSE_MS), left));
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
