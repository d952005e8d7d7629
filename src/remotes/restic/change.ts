import { ResticFailed } from "./errors.ts";
import { listCopies } from "./list.ts";
import { readMessage } from "./messages.ts";
import { must } from "./must.ts";
import type { Session } from "./session.ts";
import { isAtLeast } from "./version.ts";

/** Adds a tag to a copy, which gets a new id by it. */
export async function addTag(session: Session, id: string, tag: string): Promise<string> {
  const tellsId = isAtLeast(await session.version(), "0.18");
  const before = tellsId ? [] : await listCopies(session);
  let newId: string | undefined;
  const call = {
    args: ["tag", `--add=${tag}`, "--json", "--", id],
    onLine: (line: string): void => {
      const message = readMessage(line);
      if (message.kind === "changed") newId = message.newId;
    },
  };
  const { output } = await must(session, call);
  if (/^unable to modify the tags|^Ignoring "/m.test(output.raw))
    throw await session.failure({ code: 0, output }, call);
  if (newId !== undefined) return newId;
  if (tellsId) return id; // it had the tag
  const known = new Set(before.map((copy) => copy.id));
  const origin = before.find((copy) => copy.id === id)?.original ?? id;
  return (await listCopies(session)).find((copy) => !known.has(copy.id) && copy.original === origin)?.id ?? id;
}

/** So many fit into a command line, also into that of a shell on another host. */
const IDS_AT_ONCE = 400;

/** Removes exactly these copies. What is gone already is no error: only the next listing tells what is there. */
export async function forget(session: Session, ids: readonly string[]): Promise<void> {
  for (const some of batches(ids)) {
    const call = { args: ["forget", "--", ...some] };
    const { output } = await must(session, call);
    // up to 0.18 with exit code 0
    if (/^unable to remove /m.test(output.raw)) throw await session.failure({ code: 0, output }, call);
  }
}

export function* batches(ids: readonly string[]): Generator<readonly string[]> {
  for (const id of ids) if (!/^[0-9a-f]{8,64}$/.test(id)) throw new Error(`${JSON.stringify(id)} is no id of a copy`);
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) yield ids.slice(at, at + IDS_AT_ONCE);
}

/** What was named and is not there any more. */
export function throwIfGone(text: string, where: string): void {
  const gone = /^Ignoring "([^"]*)/m.exec(text)?.[1];
  if (gone !== undefined) {
    throw new ResticFailed("other", { message: `${where} has no copy ${gone} any more`, hint: "plan again" });
  }
}
