import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hit, Wanted } from "../../../src/model/found.ts";
import { wantedOf } from "../../../src/planner/find/names.ts";
import { findInSnapshots, fitting, type Outcome, type Searchable } from "../../../src/remotes/zfs/find.ts";
import { Complaints, Records } from "../../../src/remotes/zfs/find-output.ts";
import type { Hosts } from "../../../src/transport/types.ts";

const nul = Buffer.from([0]);
const fields = (...texts: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(texts.flatMap((text) => [Buffer.from(text as string), nul]));
const record = (type: string, size: number, time: string, path: Buffer): Buffer =>
  fields(type, `${size}`, time, Buffer.concat([Buffer.from("./"), path]));
const printed = Buffer.concat([
  fields("//0"),
  record("f", 12, "1700000000.7500000000", Buffer.from("a/é\n\tb")),
  record("d", 9, "-2.0000000000", Buffer.from([0x62, 0xff, 0xc3])),
  fields("//0 0", "//1 1", "//2"),
  record("l", 7, "1700000000.0000000010", Buffer.from("c")),
  // killed amid a name
  fields("f", "1", "1.5", "./unfini//2 137", "//3"),
  record("f", 1, "1.5", Buffer.from("d")),
  fields("//3 0"),
]);

test("hits are read by bytes, however they come, each of its own snapshot", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: printed.length })), (cuts) => {
      const found: unknown[] = [];
      const records = new Records({
        hit: (...told) => found.push(told),
        begun: (snapshot) => found.push(`begun ${snapshot}`),
        ended: (snapshot, code) => found.push(`ended ${snapshot} with ${code}`),
      });
      const places = [0, ...cuts.toSorted((a, b) => a - b), printed.length];
      for (const [index, end] of places.slice(1).entries()) {
        const chunk = Buffer.from(printed.subarray(places[index], end));
        records.add(chunk);
        chunk.fill(0xaa); // it is valid only during the call
      }
      expect(found).toEqual([
        "begun 0",
        [0, { path: "a/é\n\tb", exact: true, type: "file", size: 12, modified: "1700000000.750000000" }, "a/é\n\tb"],
        [0, { path: "b\\xff\\xc3", exact: false, type: "folder", modified: "-2.000000000" }, "b\ufffd\ufffd"],
        ...["ended 0 with 0", "ended 1 with 1", "begun 2"],
        [2, { path: "c", exact: true, type: "link", modified: "1700000000.000000001" }, "c"],
        ...["ended 2 with 137", "begun 3"],
        [3, { path: "d", exact: true, type: "file", size: 1, modified: "1.500000000" }, "d"],
        "ended 3 with 0",
      ]);
    }),
  );
});

test("of what is said of a snapshot the beginning is kept, and all is counted", () => {
  const complaints = new Complaints();
  for (const line of ["all", "//0", "//1", "one", "two", "//2"]) complaints.add(line);
  for (let line = 0; line < 50_000; line++) complaints.add(`line ${line}`);
  expect(complaints.summary(0)).toBeUndefined();
  expect(complaints.summary(1)).toBe("one (and 1 more)");
  expect(complaints.about(1)).toBe("all\none\ntwo");
  expect(complaints.summary(2)).toBe("line 0 (and 49999 more)");
  expect(complaints.about(2).length).toBeLessThan(1000);
});

test("a command takes as many snapshots as fit into it, and one at least", () => {
  const of = (mountpoint: string): Searchable => ({
    ...at,
    dataset: `tank/${"a".repeat(240)}` as Searchable["dataset"],
    snapshot: "b".repeat(250),
    mountpoint,
  });
  expect(fitting(Array(64).fill(of("/mnt")))).toBe(64);
  const bytes = fitting(Array(1000).fill(of("/mnt"))) * 500;
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(66_000);
  expect(fitting([of("'".repeat(4000)), of("'".repeat(4000))])).toBe(1);
  expect(fitting([])).toBe(0);
});

const at: Searchable = { host: "nas", dataset: "tank/home", snapshot: "a-1", mountpoint: "/mnt" } as Searchable;
const signal = new AbortController().signal;

describe("in folders that stand for snapshots", () => {
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
  let mountpoint = "";
  let there: string[] = [];
  const folderOf = (snapshot: string): string => join(mountpoint, ".zfs/snapshot", snapshot);
  beforeAll(() => {
    mountpoint = mkdtempSync(join(tmpdir(), "holdfast-find-"));
    const folder = folderOf("a-1");
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), file);
    }
    symlinkSync("b", join(folder, "link"));
    const all = execFileSync("find", [".", "-mindepth", "1", "-path", "./.zfs", "-prune", "-o", "-printf", "%P\\0"], {
      ...{ cwd: folder, encoding: "utf8" },
    });
    there = all.split("\0").slice(0, -1);
    mkdirSync(folderOf("b $(x)"), { recursive: true });
    writeFileSync(join(folderOf("b $(x)"), "a"), "");
    // what may not mount goes there
    mkdirSync(join(mountpoint, "bin"));
    writeFileSync(join(mountpoint, "bin/unshare"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  });
  afterAll(() => rmSync(mountpoint, { recursive: true }));

  const run: Hosts["read"] = async (_, [program = "", ...args], onBytes, { onErrorLine } = {}) => {
    const env = { ...process.env, LC_ALL: "C", PATH: `${mountpoint}/bin:${process.env.PATH}` };
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: "/", env });
    onBytes(stdout);
    for (const line of stderr.toString().split("\n").slice(0, -1)) onErrorLine?.(line);
    return { code: status, stdout: "", stderr: "" };
  };
  const searchedIn = async (snapshots: readonly string[], wanted: Wanted | undefined): Promise<unknown[]> => {
    if (wanted === undefined) throw new Error("no pattern");
    const found: unknown[] = [];
    const all = snapshots.map((snapshot) => ({ ...at, snapshot, mountpoint }));
    const listener = {
      take: (index: number, { path }: Hit) => void found.push([snapshots[index], path]),
      ended: (index: number, outcome: Outcome) => void found.push([snapshots[index], outcome]),
    };
    await findInSnapshots(at.host, all, wanted, listener, { hosts: { read: run } as unknown as Hosts, signal });
    return found;
  };
  const paths = async (pattern: string, options = {}): Promise<string[]> => {
    const found = (await searchedIn(["a-1"], wantedOf(pattern, options))) as [string, string][];
    expect(found.pop()).toEqual(["a-1", {}]);
    return found.map(([, path]) => path).sort();
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

  test("one after the other, and what cannot be entered does not keep the next from being searched", async () => {
    const snapshots = ["b $(x)", "gone", "a-1", "b $(x)"];
    const found = await searchedIn(snapshots, wantedOf("/a", {}));
    expect(found).toEqual([
      ...[
        ["b $(x)", "a"],
        ["b $(x)", {}],
        ["a-1", "a"],
        ["a-1", {}],
        ["b $(x)", "a"],
        ["b $(x)", {}],
      ],
      [
        "gone",
        { error: expect.objectContaining({ message: expect.stringContaining("tank/home@gone cannot be read") }) },
      ],
    ]);
  });
});

describe("what cannot be read is told, and what can be is found", () => {
  const ending = async (stdout: string, stderr: string, end: { code: number | null } | Error = { code: 0 }) => {
    const hosts = {
      read: (async (_, __, onBytes, { onErrorLine } = {}) => {
        onBytes(Buffer.from(stdout));
        for (const line of stderr.split("\n").filter(Boolean)) onErrorLine?.(line);
        if (end instanceof Error) throw end;
        return { ...end, stdout: "", stderr };
      }) as Hosts["read"],
    } as unknown as Hosts;
    const found: unknown[] = [];
    const listener = {
      take: (index: number, { path }: Hit) => void found.push([index, path]),
      ended: (index: number, outcome: Outcome) =>
        void found.push([index, "error" in outcome ? outcome.error.message : outcome.unread]),
    };
    const wanted = wantedOf("a", {}) as Wanted;
    const error = await findInSnapshots(at.host, [at, at, at], wanted, listener, { hosts, signal }).catch((e) => e);
    return [found, error];
  };
  const a = "f\x001\x001.5\0./a\0";
  const denied = "find: './x': Permission denied";

  test("of each snapshot by itself", async () => {
    const out = `//0\0${a}//0 1\0//1 1\0//2\0//2 1\0`;
    expect(await ending(out, `//0\n${denied}\n//1\ncd: no such file\n//2\n${denied}\n${denied}\n`)).toEqual([
      [
        ...[
          [0, "a"],
          [0, denied],
          [1, "nas:tank/home@a-1 cannot be read: cd: no such file"],
        ],
        [2, `${denied} (and 1 more)`],
      ],
      undefined,
    ]);
  });

  test("of the one that a command was at when it ended, and of none behind it", async () => {
    expect(await ending(`//0\0//0 0\0//1\0${a}`, "//0\n//1\n", { code: null })).toEqual([
      [
        [0, undefined],
        [1, "a"],
        [1, "find ended with a signal"],
      ],
      undefined,
    ]);
    expect(await ending("", "mount: only root can do that: Permission denied", { code: 1 })).toEqual([
      [[0, "nas:tank/home@a-1 cannot be read by the account that is used there"]],
      undefined,
    ]);
    const lost = new Error("lost");
    expect(await ending("//0 1\0//1\0", `//0\n${denied}\n`, lost)).toEqual([
      [[0, "nas:tank/home@a-1 cannot be read by the account that is used there"]],
      lost,
    ]);
  });
});
