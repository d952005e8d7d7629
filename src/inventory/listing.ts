import type { Bookmark, Dataset, Snapshot } from "../model/inventory.ts";
import type { Bytes, DatasetName, EpochSeconds, Guid, Txg } from "../model/units.ts";
import { Interner } from "./interner.ts";

/** What is asked of `zfs list`, in this order. */
export const COLUMNS = [
  "name",
  "type",
  "guid",
  "createtxg",
  "creation",
  "used",
  "referenced",
  "userrefs",
  "clones",
  "origin",
  "written",
  "receive_resume_token",
  "encryption",
  "keystatus",
  "encryptionroot",
  "redacted",
  "mounted",
  "mountpoint",
  "available",
] as const;
const NAME = 0;
const TYPE = 1;
const GUID = 2;
const CREATETXG = 3;
const CREATION = 4;
const USED = 5;
const REFERENCED = 6;
const USERREFS = 7;
const CLONES = 8;
const ORIGIN = 9;
const WRITTEN = 10;
const TOKEN = 11;
const ENCRYPTION = 12;
const KEYSTATUS = 13;
const ENCRYPTIONROOT = 14;
const REDACTED = 15;
const MOUNTED = 16;
const MOUNTPOINT = 17;
const AVAILABLE = 18;
const TABS = COLUMNS.length - 1;

const TAB = 9;
const NEWLINE = 10;
const DASH = 45;
const ZERO = 48;
const AT = 64;
const HASH = 35;

/** A dataset while its rows arrive; holds, resume state and own properties are asked for separately. */
export interface Listed extends Omit<Dataset, "snapshots" | "bookmarks" | "resume" | "own"> {
  readonly token?: string;
  readonly snapshots: Snapshot[];
  readonly bookmarks: Bookmark[];
  /** Those of its snapshots that have holds. */
  readonly held: Snapshot[];
}

/** A listing that is not what `zfs list` prints, or that ends in the middle: nothing can be concluded from it. */
export class ListingError extends Error {
  override readonly name = "ListingError";
}

/**
 * Reads the output of `zfs list -Hp -o COLUMNS` as it arrives. Snapshot rows, of which there may be millions, make one
 * object and one string each; no string keeps a whole chunk in memory.
 */
export class ListingParser {
  readonly #datasets = new Map<string, Listed>();
  readonly #names = new Interner();
  /** Where each tab of the current row is. */
  readonly #tabs = new Int32Array(TABS);
  #bytes: Buffer = Buffer.alloc(0);
  #rest: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #rows = 0;
  /** The dataset whose rows come, and its name's bytes. */
  #current: Listed | undefined;
  #currentName: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const tabs = this.#tabs;
    const { length } = bytes;
    let start = 0;
    let count = 0;
    this.#bytes = bytes;
    for (let at = 0; at < length; at++) {
      const byte = bytes[at];
      if (byte === TAB) {
        // Beyond the last one there can be tabs only in a mountpoint, which is the column before it.
        tabs[count < TABS ? count : TABS - 1] = at;
        count++;
      } else if (byte === NEWLINE) {
        this.#start = start;
        this.#end = at;
        this.#row(count);
        start = at + 1;
        count = 0;
      }
    }
    // The chunk is not ours to keep.
    this.#rest = Buffer.from(bytes.subarray(start));
  }

  /** Every dataset, sorted by name. Throws where the last row was cut. */
  finish(): Listed[] {
    if (this.#rest.length > 0) {
      throw new ListingError(
        `ends in the middle of a row: ${JSON.stringify(this.#rest.toString("utf8").slice(0, 120))}`,
      );
    }
    const datasets = [...this.#datasets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { snapshots, bookmarks } of datasets) {
      sortByTxg(snapshots);
      sortByTxg(bookmarks);
    }
    return datasets;
  }

  #row(tabs: number): void {
    this.#rows++;
    if (tabs < TABS) this.#fail(`has ${tabs + 1} columns instead of ${COLUMNS.length}`);
    const [kind, length] = [this.#bytes[this.#from(TYPE)], this.#to(TYPE) - this.#from(TYPE)];
    if (kind === 115 && length === 8) this.#snapshot();
    else if (kind === 98 && length === 8) this.#bookmark();
    else this.#dataset();
  }

  #dataset(): void {
    const name = this.#text(NAME);
    const type = this.#text(TYPE);
    if (type !== "filesystem" && type !== "volume") this.#fail(`has the type ${JSON.stringify(type)}`);
    if (name === "" || /[@#%]/.test(name)) this.#fail(`is a ${type} with the name ${JSON.stringify(name)}`);
    if (this.#datasets.has(name)) this.#fail("came before");
    const origin = this.#optional(ORIGIN);
    const encryptionroot = this.#optional(ENCRYPTIONROOT);
    const keystatus = this.#optional(KEYSTATUS);
    const mountpoint = this.#optional(MOUNTPOINT);
    const token = this.#optional(TOKEN);
    if (keystatus !== undefined && keystatus !== "available" && keystatus !== "unavailable") {
      this.#fail(`has the key status ${JSON.stringify(keystatus)}`);
    }
    const dataset: Listed = {
      name: name as DatasetName,
      type,
      guid: this.#guid(),
      createtxg: this.#number(CREATETXG) as Txg,
      used: this.#number(USED) as Bytes,
      referenced: this.#number(REFERENCED) as Bytes,
      available: this.#number(AVAILABLE) as Bytes,
      written: this.#number(WRITTEN) as Bytes,
      ...(origin !== undefined && { origin }),
      encryption: this.#optional(ENCRYPTION) ?? "off",
      ...(encryptionroot !== undefined && { encryptionroot: encryptionroot as DatasetName }),
      ...(keystatus !== undefined && { keystatus }),
      mounted: this.#yes(MOUNTED),
      ...(mountpoint !== undefined && { mountpoint }),
      ...(token !== undefined && { token }),
      snapshots: [],
      bookmarks: [],
      held: [],
    };
    this.#datasets.set(name, dataset);
    this.#current = dataset;
    this.#currentName = Buffer.from(name, "latin1");
  }

  #snapshot(): void {
    const dataset = this.#owner(AT);
    const snapshot: Snapshot = {
      name: this.#names.get(this.#bytes, this.#start + this.#currentName.length + 1, this.#to(NAME)),
      guid: this.#guid(),
      createtxg: this.#number(CREATETXG) as Txg,
      creation: this.#number(CREATION) as EpochSeconds,
      used: this.#number(USED) as Bytes,
      referenced: this.#number(REFERENCED) as Bytes,
      written: this.#number(WRITTEN) as Bytes,
    };
    const clones = this.#optional(CLONES);
    const isRedacted = this.#number(REDACTED) !== 0;
    const all: Snapshot =
      clones === undefined && !isRedacted
        ? snapshot
        : {
            ...snapshot,
            ...(clones !== undefined && { clones: clones.split(",") }),
            ...(isRedacted && { redacted: true as const }),
          };
    if (this.#number(USERREFS) > 0) dataset.held.push(all);
    dataset.snapshots.push(all);
  }

  #bookmark(): void {
    this.#owner(HASH).bookmarks.push({
      name: this.#names.get(this.#bytes, this.#start + this.#currentName.length + 1, this.#to(NAME)),
      guid: this.#guid(),
      createtxg: this.#number(CREATETXG) as Txg,
      creation: this.#number(CREATION) as EpochSeconds,
    });
  }

  /** The dataset of a snapshot's or bookmark's row: nearly always the one of the row before. */
  #owner(separator: number): Listed {
    const end = this.#start + this.#currentName.length;
    if (
      this.#current !== undefined &&
      this.#bytes[end] === separator &&
      end + 1 < this.#to(NAME) &&
      this.#currentName.compare(this.#bytes, this.#start, end) === 0
    ) {
      return this.#current;
    }
    const name = this.#text(NAME);
    const at = name.indexOf(String.fromCharCode(separator));
    const dataset = at < 0 || at === name.length - 1 ? undefined : this.#datasets.get(name.slice(0, at));
    if (dataset === undefined) return this.#fail("belongs to no dataset that was listed");
    this.#current = dataset;
    this.#currentName = Buffer.from(dataset.name, "latin1");
    return dataset;
  }

  #from(column: number): number {
    return column === 0 ? this.#start : (this.#tabs[column - 1] ?? 0) + 1;
  }

  #to(column: number): number {
    return column === TABS ? this.#end : (this.#tabs[column] ?? 0);
  }

  #text(column: number): string {
    return this.#bytes.toString("utf8", this.#from(column), this.#to(column));
  }

  /** `-` is ZFS's word for "does not apply". */
  #optional(column: number): string | undefined {
    const from = this.#from(column);
    const length = this.#to(column) - from;
    return length === 0 || (length === 1 && this.#bytes[from] === DASH) ? undefined : this.#text(column);
  }

  #guid(): Guid {
    const from = this.#from(GUID);
    const to = this.#to(GUID);
    for (let at = from; at < to; at++) {
      if (!isDigit(this.#bytes[at])) this.#fail(`has the guid ${JSON.stringify(this.#text(GUID))}`);
    }
    if (to === from || to - from > 20) this.#fail(`has the guid ${JSON.stringify(this.#text(GUID))}`);
    return this.#bytes.toString("latin1", from, to) as Guid;
  }

  #number(column: number): number {
    const to = this.#to(column);
    let at = this.#from(column);
    if (at === to) this.#fail(`has no ${COLUMNS[column]}`);
    let value = 0;
    for (; at < to; at++) {
      const byte = this.#bytes[at];
      if (byte === undefined || !isDigit(byte)) {
        return this.#fail(`has the ${COLUMNS[column]} ${JSON.stringify(this.#text(column))}`);
      }
      value = value * 10 + byte - ZERO;
    }
    return value;
  }

  #yes(column: number): boolean {
    const value = this.#text(column);
    if (value !== "yes" && value !== "no" && value !== "-")
      this.#fail(`has the ${COLUMNS[column]} ${JSON.stringify(value)}`);
    return value === "yes";
  }

  #fail(what: string): never {
    const row = this.#bytes.toString("utf8", this.#start, Math.min(this.#end, this.#start + 120));
    throw new ListingError(`row ${this.#rows} ${what}: ${JSON.stringify(row)}`);
  }
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= ZERO + 9;

/** As they come, nearly always. */
function sortByTxg(list: { readonly createtxg: Txg }[]): void {
  for (let index = 1; index < list.length; index++) {
    if ((list[index - 1]?.createtxg ?? 0) > (list[index]?.createtxg ?? 0)) {
      list.sort((a, b) => a.createtxg - b.createtxg);
      return;
    }
  }
}
