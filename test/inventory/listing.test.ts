import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COLUMNS, type Listed, ListingError, ListingParser } from "../../src/inventory/listing.ts";
import { captured, VERSIONS } from "./captured.ts";

/** In chunks of a size, from a buffer that is used again and again, as a socket's is. */
function parse(text: string, size = 1 << 16): Listed[] {
  const parser = new ListingParser();
  const bytes = Buffer.from(text);
  const chunk = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) parser.push(chunk.subarray(0, bytes.copy(chunk, 0, at)));
  return parser.finish();
}

const FILESYSTEM = "tank/a\tfilesystem\t11\t1\t1700000000\t100\t90\t-\t-\t-\t0\t-\toff\t-\t-\t0\tyes\t/tank/a\t5000\n";
const SNAPSHOT = "tank/a@s1\tsnapshot\t12\t2\t1700000001\t10\t20\t0\t-\t-\t30\t-\toff\t-\t-\t0\t-\t-\t-\n";
const BOOKMARK = "tank/a#b1\tbookmark\t12\t2\t1700000001\t-\t20\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\n";
/** A row with other values in some columns. */
function row(base: string, values: Partial<Record<(typeof COLUMNS)[number], string>>): string {
  const fields = base.trimEnd().split("\t");
  for (const [column, value] of Object.entries(values)) {
    fields[COLUMNS.indexOf(column as (typeof COLUMNS)[number])] = value;
  }
  return `${fields.join("\t")}\n`;
}

describe.each(VERSIONS)("what OpenZFS %s lists", (version) => {
  const capture = captured(version, "list-every-kind");
  const datasets = parse(capture.stdout);
  const lines = capture.stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
  const root = lines[0]?.[0] ?? "";
  const find = (name: string): Listed => {
    const found = datasets.find((dataset) => dataset.name === `${root}/${name}`);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };

  test("was asked for the same columns", () => {
    expect(capture.command).toContain(` ${COLUMNS.join(",")} `);
  });

  test("every row is there, with its guid, under its dataset", () => {
    const seen = datasets.flatMap(({ name, guid, snapshots, bookmarks }) => [
      `${name} ${guid}`,
      ...snapshots.map((each) => `${name}@${each.name} ${each.guid}`),
      ...bookmarks.map((each) => `${name}#${each.name} ${each.guid}`),
    ]);
    expect(seen.sort()).toEqual(lines.map(([name, , guid]) => `${name} ${guid}`).sort());
    expect(seen.length).toBeGreaterThan(15);
  });

  test("a filesystem with its snapshots in order, a bookmark, a hold, a clone", () => {
    const data = find("data");
    expect(data).toMatchObject({ type: "filesystem", encryption: "off", mounted: true, mountpoint: `/${root}/data` });
    expect(data.snapshots.map(({ name }) => name)).toEqual(["s1", "s2", "with space"]);
    expect(data.snapshots[0]).toMatchObject({ clones: [`${root}/clone`] });
    expect(data.snapshots[1]).not.toHaveProperty("clones");
    expect(data.held).toEqual([data.snapshots[0]]);
    const { guid, createtxg, creation } = data.snapshots[0] ?? {};
    expect(data.bookmarks).toEqual(["redaction", "s1"].map((name) => ({ name, guid, createtxg, creation })));
    expect(find("redacted").snapshots).toMatchObject([{ name: "s1", guid, redacted: true }]);
    expect(data.snapshots[0]).not.toHaveProperty("redacted");
    expect(find("clone").origin).toBe(`${root}/data@s1`);
  });

  test("numbers are those of the row", () => {
    const index = lines.findIndex(([name]) => name === `${root}/data@s2`);
    const value = (column: (typeof COLUMNS)[number]): number => Number(lines[index]?.[COLUMNS.indexOf(column)]);
    expect(find("data").snapshots[1]).toEqual({
      name: "s2",
      guid: lines[index]?.[2],
      createtxg: value("createtxg"),
      creation: value("creation"),
      used: value("used"),
      referenced: value("referenced"),
      written: value("written"),
    });
  });

  test("a volume, encryption with and without its key", () => {
    expect(find("volume")).toMatchObject({ type: "volume", mounted: false });
    expect(find("volume")).not.toHaveProperty("mountpoint");
    expect(find("encrypted/child")).toMatchObject({
      encryption: "aes-256-gcm",
      encryptionroot: `${root}/encrypted`,
      keystatus: "available",
    });
    const [raw] = parse(captured(version, "list-cut-raw").stdout);
    expect(raw).toMatchObject({ keystatus: "unavailable", token: expect.stringMatching(/^1-[0-9a-f]+-/) });
  });

  test("half-received streams: the first of a dataset, and an increment that pins its base", () => {
    expect(find("cut-initial")).toMatchObject({ token: expect.stringMatching(/^1-/), snapshots: [] });
    const increment = find("cut-increment");
    expect(increment.token).toMatch(/^1-/);
    expect(increment.snapshots).toMatchObject([{ name: "s1", clones: [`${root}/cut-increment/%recv`] }]);
  });

  test("the same whatever the chunks", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (size) => {
        expect(parse(capture.stdout, size)).toEqual(datasets);
      }),
      { numRuns: 40 },
    );
  });

  test("cut after any byte but a newline: an error", () => {
    const { stdout } = capture;
    for (let end = 1; end < stdout.length; end++) {
      if (stdout[end - 1] === "\n") continue;
      expect(() => parse(stdout.slice(0, end)), `cut at ${end}`).toThrow(ListingError);
    }
  });

  test("a byte that is gone, doubled or changed never makes another row out of one", () => {
    const names = new Set(lines.map(([name]) => name));
    const change = fc.tuple(fc.nat(capture.stdout.length - 1), fc.constantFrom("gone", "twice", "\t", "\n", "\0", "é"));
    fc.assert(
      fc.property(change, ([at, how]) => {
        const { stdout } = capture;
        const middle = how === "gone" ? "" : how === "twice" ? (stdout[at] ?? "").repeat(2) : how;
        const changed = stdout.slice(0, at) + middle + stdout.slice(at + 1);
        try {
          // What is still accepted is what the rows say, row by row.
          const rows = changed
            .trimEnd()
            .split("\n")
            .filter((line) => line.split("\t")[1] !== undefined);
          const found = parse(changed).reduce(
            (sum, each) => sum + 1 + each.snapshots.length + each.bookmarks.length,
            0,
          );
          expect(found).toBe(rows.length);
          expect(found).toBeLessThanOrEqual(names.size);
        } catch (error) {
          if (!(error instanceof ListingError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("a listing", () => {
  test("nothing is nothing", () => {
    expect(parse("")).toEqual([]);
  });

  test.each<[string, string]>([
    ["too few columns", `${FILESYSTEM}tank/a@s1\tsnapshot\t12\n`],
    ["an empty line", `${FILESYSTEM}\n`],
    ["garbage before it", `Welcome to nas!\n${FILESYSTEM}`],
    ["another type", row(FILESYSTEM, { type: "share" })],
    ["a snapshot without its dataset", SNAPSHOT],
    ["a snapshot of another dataset", FILESYSTEM + SNAPSHOT.replace("tank/a@", "tank/b@")],
    ["a snapshot whose dataset only begins the same", FILESYSTEM + SNAPSHOT.replace("tank/a@", "tank/aa@")],
    ["a snapshot without a name", FILESYSTEM + SNAPSHOT.replace("@s1", "@")],
    ["a bookmark called a snapshot", FILESYSTEM + row(BOOKMARK, { type: "snapshot" })],
    ["a dataset twice", FILESYSTEM + FILESYSTEM],
    ["a dataset with the name of a snapshot", row(FILESYSTEM, { name: "tank/a@s" })],
    ["a guid that is no number", row(FILESYSTEM, { guid: "1x" })],
    ["a guid that is not there", row(FILESYSTEM, { guid: "" })],
    ["a guid that is too long", row(FILESYSTEM, { guid: "123456789012345678901" })],
    ["a size for people", FILESYSTEM + row(SNAPSHOT, { used: "1.2G" })],
    ["a size that does not apply", FILESYSTEM + row(SNAPSHOT, { written: "-" })],
    ["a negative size", row(FILESYSTEM, { written: "-1" })],
    ["no size", row(FILESYSTEM, { written: "" })],
    ["neither mounted nor not", row(FILESYSTEM, { mounted: "maybe" })],
    ["an unknown key status", row(FILESYSTEM, { keystatus: "lost" })],
  ])("with %s is refused, with the row", (_, text) => {
    expect(() => parse(text)).toThrow(ListingError);
    expect(() => parse(text)).toThrow(/row \d|middle/);
  });

  test("names with spaces and colons, a tab in a mountpoint", () => {
    const name = "tank/a b:c/d";
    const text = row(FILESYSTEM, { name, mountpoint: "/mnt/a\tb" }) + SNAPSHOT.replace("tank/a@s1", `${name}@x y:z`);
    expect(parse(text)).toMatchObject([
      { name, mountpoint: "/mnt/a\tb", available: 5000, snapshots: [{ name: "x y:z" }] },
    ]);
  });

  test("guids beyond 2^53 keep every digit; sizes beyond 2^31 are right", () => {
    const guid = "18446744073709551615";
    const [dataset] = parse(FILESYSTEM + row(SNAPSHOT, { guid, used: "1099511627776" }));
    expect(dataset?.snapshots[0]).toMatchObject({ guid, used: 2 ** 40 });
  });

  test("out of order: datasets by name, snapshots by createtxg", () => {
    const b = FILESYSTEM.replaceAll("tank/a", "tank/b");
    const later = row(SNAPSHOT, { name: "tank/a@s0", createtxg: "3" });
    const text = b + FILESYSTEM + later + SNAPSHOT + SNAPSHOT.replace("tank/a@", "tank/b@");
    const found = parse(text);
    expect(found.map(({ name }) => name)).toEqual(["tank/a", "tank/b"]);
    expect(found[0]?.snapshots.map(({ name }) => name)).toEqual(["s1", "s0"]);
    expect(found[1]?.snapshots.map(({ name }) => name)).toEqual(["s1"]);
  });

  test("a million snapshots in little memory: equal names are one string, no chunk is kept", {
    timeout: 60_000,
  }, () => {
    const parser = new ListingParser();
    const before = process.memoryUsage().heapUsed;
    const count = 200_000;
    for (let each = 0; each < 200; each++) {
      let text = FILESYSTEM.replaceAll("tank/a", `tank/d${each}`);
      for (let index = 0; index < 1000; index++) {
        text += `tank/d${each}@hourly-20261122T${index}00Z\tsnapshot\t${10n ** 18n + BigInt(each * 1000 + index)}\t${index}\t1700000001\t1000000000000\t2000000000000\t0\t-\t-\t30\t-\toff\t-\t-\t0\t-\t-\t-\n`;
      }
      parser.push(Buffer.from(text));
    }
    const found = parser.finish();
    expect(found.reduce((sum, { snapshots }) => sum + snapshots.length, 0)).toBe(count);
    // Garbage included, which is not collected here on demand.
    expect((process.memoryUsage().heapUsed - before) / count).toBeLessThan(700);
  });
});
