/** A file as tar tells it, before its contents. */
export interface Header {
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly time: string;
  readonly target: string;
  /** Extended attributes and access control lists, by name. */
  readonly attributes: ReadonlyMap<string, string>;
}

const BLOCK = 512;
const ATTRIBUTE = /^(?:SCHILY|LIBARCHIVE)\.(?:xattr|acl)\./;

/** Of the beginning of an archive with one member; undefined where there is none. */
export function readHeader(archive: Buffer): Header | undefined {
  let records = new Map<string, string>();
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const block = archive.subarray(at, at + BLOCK);
    if (block[0] === 0) return undefined;
    const type = String.fromCharCode(block[156] ?? 0);
    const size = numberAt(block, 124, 12);
    if (type !== "x" && type !== "g") return headerOf(block, type, records);
    if (type === "x") records = readRecords(archive.subarray(at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}

function headerOf(block: Buffer, type: string, records: ReadonlyMap<string, string>): Header {
  const attributes = [...records].filter(([name]) => ATTRIBUTE.test(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    type,
    mode: numberAt(block, 100, 8) & 0o7777,
    uid: Number(records.get("uid") ?? numberAt(block, 108, 8)),
    gid: Number(records.get("gid") ?? numberAt(block, 116, 8)),
    size: Number(records.get("size") ?? numberAt(block, 124, 12)),
    time: records.get("mtime") ?? String(numberAt(block, 136, 12)),
    target: records.get("linkpath") ?? textAt(block, 157, 100),
    attributes: new Map(attributes),
  };
}

/** Octal digits, or bytes where the first bit is set. */
function numberAt(block: Buffer, start: number, length: number): number {
  const field = block.subarray(start, start + length);
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(BigInt(`0x${field.subarray(length - 8).toString("hex")}`));
  return Number.parseInt(field.toString("latin1").replace(/[\0 ]+$/, "") || "0", 8);
}

function textAt(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString("utf8");
}

/** `LENGTH NAME=VALUE\n`, the length being that of all of it; values may be any bytes. */
function readRecords(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length; ) {
    const blank = data.indexOf(0x20, at);
    const length = blank < 0 ? Number.NaN : Number(data.subarray(at, blank).toString("latin1"));
    if (!Number.isInteger(length) || length <= 0) break;
    const record = data.subarray(blank + 1, at + length - 1);
    const equals = record.indexOf(0x3d);
    const name = record.subarray(0, equals).toString("utf8");
    const value = record.subarray(equals + 1);
    records.set(name, ATTRIBUTE.test(name) ? value.toString("hex") : value.toString("utf8"));
    at += length;
  }
  return records;
}
