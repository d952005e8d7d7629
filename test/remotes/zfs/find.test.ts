import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hit } from "../../../src/model/found.ts";
import type { At } from "../../../src/model/plan.ts";
import { wantedOf } from "../../../src/planner/find/names.ts";
import { findInSnapshot, Records } from "../../../src/remotes/zfs/find.ts";
import type { Hosts } from "../../../src/transport/types.ts";

const nul = Buffer.from([0]);
const record = (type: string, size: number, time: string, path: Buffer): Buffer[] => [
  ...[type, `${size}`, time].flatMap((text) => [Buffer.from(text), nul]),
  ...[Buffer.from("./"), path, nul],
];
const printed = Buffer.concat([
  nul,
  ...record("f", 12, "1700000000.7500000000", Buffer.from("a/é\n\tb")),
  ...record("d", 9, "-2.0000000000", Buffer.from([0x62, 0xff, 0xc3])),
  ...record("l", 7, "1700000000.0000000010", Buffer.from("c")),
]);

test("hits are read by bytes, however they come", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: printed.length })), (cuts) => {
      const found: [Hit, string][] = [];
      const records = new Records((hit, path) => found.push([hit, path]));
      expect(records.isBegun).toBe(false);
      const places = [0, ...cuts.toSorted((a, b) => a - b), printed.length];
      for (const [index, end] of places.slice(1).entries()) {
        const chunk = Buffer.from(printed.subarray(places[index], end));
        records.add(chunk);
        chunk.fill(0xaa); // it is valid only during the call
      }
      expect(records.isBegun).toBe(true);
      expect(found).toEqual([
        [{ path: "a/é\n\tb", exact: true, type: "file", size: 12, modified: "1700000000.750000000" }, "a/é\n\tb"],
        [{ path: "b\\xff\\xc3", exact: false, type: "folder", modified: "-2.000000000" }, "b\ufffd\ufffd"],
        [{ path: "c", exact: true, type: "link", modified: "1700000000.000000001" }, "c"],
      ]);
    }),
  );
});

describe("in a folder that stands for a snapshot", () => {
  const files = [
    "a",
    "A",
    "ab",
    "b/a",
    "b/b/a",
    "b/ab",
    "b/.zfs/a",
    ".zfs/a",
    "[a]/a",
    "é/a",
    "-name",
    "b/new\nline",
    "*",
  ];
  let folder = "";
  let there: string[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-find-"));
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), file);
    }
    symlinkSync("b", join(folder, "link"));
    const all = execFileSync("find", [".", "-mindepth", "1", "-path", "./.zfs", "-prune", "-o", "-printf", "%P\\0"], {
      ...{ cwd: folder, encoding: "utf8" },
    });
    there = all.split("\0").slice(0, -1);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const signal = new AbortController().signal;
  const from = { host: "nas", dataset: "tank/home" } as At;
  /** Runs what would run in the snapshot. */
  const read: Hosts["read"] = async (_, argv, onBytes) => {
    const [program = "", ...args] = argv.slice(argv.indexOf("/mnt") + 1);
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, env: { ...process.env, LC_ALL: "C" } });
    onBytes(stdout);
    return { code: status, stdout: "", stderr: stderr.toString() };
  };
  const paths = async (pattern: string, options = {}): Promise<string[]> => {
    const wanted = wantedOf(pattern, options);
    if (wanted === undefined) throw new Error(`${pattern} is no pattern`);
    const found: string[] = [];
    const hosts = { read } as unknown as Hosts;
    const at = { ...from, snapshot: "a-1", mountpoint: "/mnt" };
    expect(await findInSnapshot(at, wanted, ({ path }) => found.push(path), { hosts, signal })).toBeUndefined();
    return found.sort();
  };

  test("all that matches is found, whatever `find` makes of the pattern", async () => {
    const part = fc.oneof(
      fc.constantFrom("a", "A", "b", "[a]", "é", "-name", "*", "?", "**", "[ab]", "\\[a]", "?b", "n*", "link", "\\*"),
    );
    const pattern = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const options = fc.record({ ignoreCase: fc.boolean(), literal: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(pattern, options, async (text, how) => {
        const wanted = wantedOf(text, how);
        expect(await paths(text, how)).toEqual(there.filter((path) => wanted?.matches(path)).sort());
      }),
      { numRuns: 150 },
    );
  });

  test("by type; nothing behind a link, and nothing where a folder is missing", async () => {
    expect(await paths("*", { type: "link" })).toEqual(["link"]);
    expect(await paths("b/*", { type: "folder" })).toEqual(["b/.zfs", "b/b"]);
    expect(await paths("link/*")).toEqual([]);
    expect(await paths("link/b/a")).toEqual([]);
    expect(await paths("no/such/*")).toEqual([]);
    expect(await paths("a/x")).toEqual([]);
  });

  test("what cannot be read is told, and what can be is found", async () => {
    const wanted = wantedOf("a", {});
    if (wanted === undefined) throw new Error("no pattern");
    const ending = (printed: string, stderr: string) => {
      const hosts = {
        read: async (_: unknown, __: unknown, onBytes: (chunk: Buffer) => void) => {
          onBytes(Buffer.from(printed));
          return { code: 1, stdout: "", stderr };
        },
      } as unknown as Hosts;
      const found: string[] = [];
      const at = { ...from, snapshot: "a-1", mountpoint: "/mnt" };
      return findInSnapshot(at, wanted, ({ path }) => found.push(path), { hosts, signal }).then((unread) => [
        found,
        unread,
      ]);
    };
    const denied = "find: './x': Permission denied\n";
    expect(await ending("\0f\x001\x001.5\0./a\0", denied)).toEqual([["a"], denied.trim()]);
    expect(await ending("\0", `${denied}${denied}`)).toEqual([[], `${denied.trim()} (and 1 more)`]);
    await expect(ending("", "sh: cd: /mnt/.zfs/snapshot/a-1: Permission denied")).rejects.toMatchObject({
      meaning: "permission",
      message: expect.stringContaining("cannot be read by the account"),
    });
  });
});
