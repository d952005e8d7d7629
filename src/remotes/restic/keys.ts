import { isJson, parseJson, textOf } from "./messages.ts";
import type { Session } from "./session.ts";

const ANSWER_MS = 60_000;

/** The beginning of the id of the key that the password opens, as `restic key list` has it. Throws `ResticFailed`. */
export async function currentKey(session: Session): Promise<string | undefined> {
  const call = { args: ["key", "list", "--json", "--no-lock"], timeoutMs: ANSWER_MS };
  const ended = await session.run(call);
  if (ended.code !== 0) throw await session.failure(ended, call);
  const keys = parseJson(ended.stdout);
  if (!Array.isArray(keys)) return undefined;
  const current = keys.find((key) => isJson(key) && key.current === true);
  return isJson(current) ? textOf(current.id) : undefined;
}
