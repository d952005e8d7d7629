import type { Hit, Wanted } from "../../model/found.ts";
import type { Bytes } from "../../model/units.ts";
import { FILE_TYPES } from "./look.ts";
import { type Json, numberOf, textOf } from "./messages.ts";
import { timeOf } from "./nodes.ts";
import { escapePattern } from "./restore.ts";
import { Results } from "./results.ts";
import type { Session } from "./session.ts";

export interface FindOptions {
  readonly ids: readonly string[];
  /** Folder of these copies that is the source's own; `/` is all of it. */
  readonly within: string;
  readonly wanted: Wanted;
}

/** Copies that could not be searched, or not wholly, and why; and how many hits were left out. */
export interface FindResult {
  readonly failed: ReadonlyMap<string, string>;
  readonly omitted: number;
}

/** restic says only after its hits which copy they are in. */
const MOST_OF_A_COPY = 50_000;
/** Of one command line. */
const MOST_COPIES = 500;

/** Tells of every file and folder of these copies that is wanted, copy by copy. Throws `ResticFailed`. */
export async function find(
  session: Session,
  { ids, within, wanted }: FindOptions,
  take: (id: string, hit: Hit) => void,
): Promise<FindResult> {
  const failed = new Map<string, string>();
  let omitted = 0;
  for (let start = 0; start < ids.length; start += MOST_COPIES) {
    const results = new Results((node) => hitOf(node, within, wanted), take, MOST_OF_A_COPY);
    const said = (line: string): void => {
      const [, gone] = /^Ignoring "([0-9a-f]+)"/.exec(line) ?? [];
      if (gone !== undefined) failed.set(gone, "it is gone by now");
      results.say(line);
    };
    const call = {
      args: [
        ...["find", "--json", "--no-lock", ...(wanted.ignoreCase ? ["--ignore-case"] : [])],
        ...ids.slice(start, start + MOST_COPIES).map((id) => `--snapshot=${id}`),
        ...["--", patternFor(wanted, within)],
      ],
      onBytes: (chunk: Buffer): void => results.add(chunk),
      onErrorLine: said,
    };
    const ended = await session.run(call);
    if (ended.code !== 0) throw await session.failure(ended, call);
    results.end();
    for (const id of results.damaged)
      failed.set(id, "a folder in it cannot be read: restic check tells what is damaged");
    omitted += results.omitted;
  }
  return { failed, omitted };
}

/** A name alone is looked for everywhere; what is below a match matches as well, and is left out by `hitOf`. */
export function patternFor({ under, parts }: Wanted, within: string): string {
  const above = [...within.split("/").filter(Boolean), ...under].map(escapePattern);
  const [first, name, ...more] = parts;
  if (above.length === 0 && first === undefined && name !== undefined && more.length === 0) return name;
  const last = parts.length - 1;
  return `/${[...above, ...parts.map((part, index) => part ?? (index === last ? "*" : "**"))].join("/")}`;
}

function hitOf(node: Json, within: string, { matches, type: wantedType }: Wanted): Hit | undefined {
  const prefix = within === "/" ? "/" : `${within}/`;
  const full = textOf(node.path);
  if (full === undefined || !full.startsWith(prefix)) return undefined;
  const path = full.slice(prefix.length);
  const type = FILE_TYPES[textOf(node.type) ?? ""] ?? "other";
  if ((wantedType !== undefined && type !== wantedType) || !matches(path)) return undefined;
  return {
    path,
    exact: !path.includes("\ufffd"),
    type,
    ...(type === "file" && { size: (numberOf(node.size) ?? 0) as Bytes }),
    modified: timeOf(textOf(node.mtime) ?? ""),
  };
}
