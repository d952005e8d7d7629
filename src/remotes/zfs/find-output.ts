import { isUtf8 } from "node:buffer";
import type { Hit } from "../../model/found.ts";
import type { Bytes } from "../../model/units.ts";
import { FILE_TYPES, textOfBytes } from "./look.ts";

interface Listener {
  /** A file or folder of a snapshot, and its path as a pattern sees it. */
  readonly hit: (snapshot: number, hit: Hit, path: string) => void;
  /** A snapshot could be entered. */
  readonly begun: (snapshot: number) => void;
  /** `find` is done with it, with this exit code. */
  readonly ended: (snapshot: number, code: number) => void;
}

const FIELDS = 4;
const MARK = "//";

/** Makes hits of what `SEARCH` prints on stdout. */
export class Records {
  readonly #listener: Listener;
  #fields: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #snapshot = 0;

  constructor(listener: Listener) {
    this.#listener = listener;
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
    const mark = bytes.indexOf(MARK);
    if (mark !== -1) {
      // what stands before it a `find` that was killed left unfinished
      this.#fields = [];
      this.#marked(bytes.toString("latin1", mark + MARK.length));
    } else if (this.#fields.push(bytes) === FIELDS) {
      const [letter, size, time, path] = this.#fields.splice(0) as [Buffer, Buffer, Buffer, Buffer];
      const name = path.subarray("./".length);
      this.#listener.hit(this.#snapshot, hitOf(letter.toString(), size.toString(), time.toString(), name), `${name}`);
    }
  }

  #marked(text: string): void {
    const [snapshot, code] = text.split(" ").map(Number);
    this.#snapshot = snapshot ?? 0;
    if (code === undefined) this.#listener.begun(this.#snapshot);
    else this.#listener.ended(this.#snapshot, code);
  }
}

function hitOf(letter: string, size: string, time: string, name: Buffer): Hit {
  const type = FILE_TYPES[letter] ?? "other";
  const [seconds, fraction = ""] = time.split(".");
  return {
    path: textOfBytes(name),
    exact: isUtf8(name),
    type,
    ...(type === "file" && { size: Number(size) as Bytes }),
    modified: `${seconds}.${fraction.slice(0, 9).padEnd(9, "0")}`,
  };
}

/** Of each snapshot the first of so many lines. */
const MOST_LINES = 20;

/** Sorts what `SEARCH` says on stderr by snapshot. */
export class Complaints {
  readonly #of = new Map<number, { readonly lines: string[]; count: number }>();
  /** What is said before the first snapshot is said of all. */
  #snapshot = -1;

  readonly add = (line: string): void => {
    const mark = /^\/\/(\d+)$/.exec(line);
    if (mark !== null) {
      this.#snapshot = Number(mark[1]);
      return;
    }
    const said = this.#of.get(this.#snapshot) ?? { lines: [], count: 0 };
    this.#of.set(this.#snapshot, said);
    said.count += 1;
    if (said.lines.length < MOST_LINES) said.lines.push(line);
  };

  /** Everything that matters to a snapshot. */
  about(snapshot: number): string {
    return [-1, snapshot].flatMap((each) => this.#of.get(each)?.lines ?? []).join("\n");
  }

  /** In one line. */
  summary(snapshot: number): string | undefined {
    const said = this.#of.get(snapshot);
    if (said === undefined) return undefined;
    return said.count === 1 ? said.lines[0] : `${said.lines[0]} (and ${said.count - 1} more)`;
  }
}
