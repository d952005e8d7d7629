import { isUtf8 } from "node:buffer";
import type { FoundType, Hit, Wanted } from "../../model/found.ts";
import type { At } from "../../model/plan.ts";
import type { Bytes } from "../../model/units.ts";
import { IN_SNAPSHOT, MOUNT_SNAPSHOT } from "../snapshot-scripts.ts";
import { FILE_TYPES, type LookOptions, textOfBytes, unreadable } from "./look.ts";

/**
 * `START ARGUMENTS…`: `find` from that folder on, after a NUL that says that the snapshot could be entered. A link on the
 * way there leads out of the snapshot, and what is missing has nothing in it.
 */
const FIND = `start=$1
shift
at=$start
while [ "$at" != . ]; do
  if [ -L "$at" ]; then printf '\\0'; exit 0; fi
  if [ -d "$at" ] && [ ! -x "$at" ]; then echo "$at: Permission denied" >&2; exit 1; fi
  at=\${at%/*}
done
printf '\\0'
[ -d "$start" ] || exit 0
exec find "$start" "$@"`;

/** What `find` calls them. */
const LETTERS: Readonly<Record<FoundType, string>> = { file: "f", folder: "d", link: "l" };

/** After the folder to start in. */
function argumentsFor({ parts, ignoreCase, type }: Wanted): string[] {
  const name = parts.at(-1) ?? "*";
  return [
    ...["-xdev", "-mindepth", "1"],
    ...(parts.includes(undefined) ? [] : ["-maxdepth", `${parts.length}`]),
    ...["-path", "./.zfs", "-prune", "-o"],
    ...(name === "*" ? [] : [ignoreCase ? "-iname" : "-name", name]),
    ...(type === undefined ? [] : ["-type", LETTERS[type]]),
    ...["-printf", "%y\\0%s\\0%T@\\0%p\\0"],
  ];
}

/**
 * Tells of every file and folder of a snapshot that is wanted, while it is found; `mountpoint` is where the dataset is
 * usually mounted. Resolves with what could not be read of it, if anything. Throws `OperationFailed` where nothing of it
 * can be read, or a `TransportError` for a lost host.
 */
export async function findInSnapshot(
  from: At & { readonly snapshot: string; readonly mountpoint: string },
  wanted: Wanted,
  take: (hit: Hit) => void,
  { hosts, signal }: LookOptions,
): Promise<string | undefined> {
  const inSnapshot = ["sh", "-c", IN_SNAPSHOT, "sh", MOUNT_SNAPSHOT, from.dataset, from.snapshot, from.mountpoint];
  const start = [".", ...wanted.under].join("/");
  const argv = [...inSnapshot, "sh", "-c", FIND, "sh", start, ...argumentsFor(wanted)];
  const records = new Records((hit, name) => {
    if (wanted.matches(name)) take(hit);
  });
  const { code, stderr } = await hosts.read(from.host, argv, (chunk) => records.add(chunk), { signal });
  if (code === 0) return undefined;
  if (!records.isBegun) throw unreadable(`${from.host}:${from.dataset}@${from.snapshot}`, start, stderr);
  const [first = `find ended with ${code}`, ...more] = stderr.trim().split("\n");
  return more.length === 0 ? first : `${first} (and ${more.length} more)`;
}

const FIELDS = 4;

/** Makes hits of what `FIND` printed, each with its path as a pattern sees it. */
export class Records {
  readonly #take: (hit: Hit, path: string) => void;
  readonly #fields: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  /** The snapshot could be entered. */
  isBegun = false;

  constructor(take: (hit: Hit, path: string) => void) {
    this.#take = take;
  }

  /** The chunk is valid only during the call. */
  add(chunk: Buffer): void {
    const all = Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = all.indexOf(0); end !== -1; end = all.indexOf(0, start)) {
      this.#field(all.subarray(start, end));
      start = end + 1;
    }
    this.#rest = all.subarray(start);
  }

  #field(bytes: Buffer): void {
    if (!this.isBegun) {
      this.isBegun = true;
      return;
    }
    if (this.#fields.push(bytes) < FIELDS) return;
    const [letter, size, time, path] = this.#fields.splice(0) as [Buffer, Buffer, Buffer, Buffer];
    const name = path.subarray("./".length);
    const type = FILE_TYPES[letter.toString()] ?? "other";
    const [seconds, fraction = ""] = time.toString().split(".");
    this.#take(
      {
        path: textOfBytes(name),
        exact: isUtf8(name),
        type,
        ...(type === "file" && { size: Number(size.toString()) as Bytes }),
        modified: `${seconds}.${fraction.slice(0, 9).padEnd(9, "0")}`,
      },
      name.toString(),
    );
  }
}
