import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Found, FoundPath, FoundVersion } from "../../src/model/found.ts";
import type { Address, Bytes, DatasetName, HostName, RemoteName } from "../../src/model/units.ts";
import { renderFound } from "../../src/render/found.ts";
import { shellLine } from "../../src/render/shell-line.ts";
import { visible } from "../../src/render/text.ts";

const home = "nas:tank/home" as Address;
const at = { host: "nas" as HostName, dataset: "tank/home" as DatasetName };
const day = (date: number) => ({ snapshot: `daily-${date}`, taken: `2026-11-${date}T00:00:00Z` });

const version = (more: Partial<FoundVersion> = {}): FoundVersion => ({
  ...{ type: "file", size: 300_000 as Bytes, modified: "2026-11-19T10:00:00Z", snapshots: 3 },
  ...{ newest: day(22), oldest: day(20), restore: "holdfast restore …" },
  places: [
    { ...day(22), place: "source" as RemoteName, at, snapshots: 1 },
    { ...day(21), place: "vault" as RemoteName, at, snapshots: 2 },
  ],
  ...more,
});
const path = (name: string, versions: readonly FoundVersion[], more = 0): FoundPath => ({
  ...{ source: home, path: name, versions, more },
});
const found = (more: Partial<Found>): Found => ({
  ...{ formatVersion: 1, pattern: "x", complete: true, searched: { sources: 1, snapshots: 4 } },
  ...{ paths: [], omitted: 0, unsearched: [], volumes: [] },
  ...more,
});
const shown = (answer: Found, verbose = false): string => [...renderFound(answer, { color: false, verbose })].join("");

test("path by path, the command for the newest version", () => {
  const older = version({
    ...{ size: 5 as Bytes, modified: "2026-11-01T10:00:00Z", snapshots: 1, newest: day(18), oldest: day(18) },
    places: [{ ...day(18), place: "usb" as RemoteName, at, copy: "0123456789abcdef", snapshots: 1 }],
  });
  const folder = version({ type: "folder", restore: undefined as never });
  const { size: _, restore: __, ...rest } = folder;
  const answer = found({ paths: [path("a\n\u001b[1m", [version(), older], 4), path("raw\\xff", [rest])] });
  expect(shown(answer)).toBe(`nas:tank/home  a\\n\\x1b[1m
  changed 2026-11-19 10:00:00Z  293 KiB  in 3 snapshots, 2026-11-20 00:00:00Z to 2026-11-22 00:00:00Z  on the source itself, vault
  changed 2026-11-01 10:00:00Z  5 B      in 1 snapshot, 2026-11-18 00:00:00Z  on usb
  … and 4 older versions: --limit 6
  holdfast restore …

nas:tank/home  raw\\xff/
  changed 2026-11-19 10:00:00Z  folder  in 3 snapshots, 2026-11-20 00:00:00Z to 2026-11-22 00:00:00Z  on the source itself, vault
  its name cannot be typed: restore the folder that it is in

2 paths found; 4 snapshots of 1 source searched.
`);
  expect(shown(found({ paths: [path("a", [version(), older])] }), true)).toBe(`nas:tank/home  a
  changed 2026-11-19 10:00:00Z  293 KiB  in 3 snapshots, 2026-11-20 00:00:00Z to 2026-11-22 00:00:00Z
    the source itself: @daily-22 of 2026-11-22 00:00:00Z
    on vault: @daily-21 of 2026-11-21 00:00:00Z and 1 before it
    holdfast restore …
  changed 2026-11-01 10:00:00Z  5 B      in 1 snapshot, 2026-11-18 00:00:00Z
    on usb: copy 01234567 of 2026-11-18 00:00:00Z
    holdfast restore …

1 path found; 4 snapshots of 1 source searched.
`);
});

test("what was left out, and what could not be searched, the same of many said once", () => {
  const reason = "vault does not answer";
  const unsearched = [
    { source: home, place: "vault", reason, hint: "is it on?" },
    { source: "nas:tank/vm" as Address, place: "vault", reason },
    { source: home, place: "usb", snapshots: 3, reason: "damaged" },
    { place: "nas2", reason: "no route" },
  ];
  expect(shown(found({ complete: false, omitted: 1234, unsearched, volumes: ["nas:tank/disk" as Address] }))).toBe(
    `nothing found; 4 snapshots of 1 source searched.
! 1,234 further hits left out: ask for less, such as a longer name or one source
  volumes cannot be looked into: nas:tank/disk
! not searched: vault of 2 sources: vault does not answer
  next: is it on?
! not searched: usb of nas:tank/home (3 snapshots): damaged
! not searched: nas2: no route
`,
  );
});

describe("where nothing was found, how a name is read", () => {
  const last = (pattern: string, options: { readonly isLiteral?: boolean } = {}, more: Partial<Found> = {}): string =>
    [...renderFound(found({ pattern, ...more }), { color: false, ...options })].join("").trimEnd().split("\n").at(-1) ??
    "";
  const none = "nothing found; 4 snapshots of 1 source searched.";

  test.each([
    ["thesis", {}, "  names are compared as a whole; for a part of one: '*thesis*'"],
    ["it's", {}, "  names are compared as a whole; for a part of one: '*it'\\''s*'"],
    ["scan[1].pdf", {}, "  [1] stands for one character; as it is written: --literal"],
    ["[a]/x[1]", {}, "  [a] stands for one character; as it is written: --literal"],
    ["scan[1].pdf", { isLiteral: true }, none],
    ["*thesis*", {}, none],
    ["alice/thesis", {}, none],
    ["a[b", {}, "  names are compared as a whole; for a part of one: '*a[b*'"],
  ])("%s %o", (pattern, options, expected) => expect(last(pattern, options)).toBe(expected));

  test("but not where something was found, or nothing searched", () => {
    const searched = { sources: 1, snapshots: 0 };
    expect(last("a", {}, { searched })).toBe("nothing found; 0 snapshots of 1 source searched.");
    expect(last("a", {}, { paths: [path("a", [version()])] })).toBe("1 path found; 4 snapshots of 1 source searched.");
  });
});

describe("a line to paste", () => {
  const reads = (line: string): string[] =>
    execFileSync("bash", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" })
      .split("\0")
      .slice(0, -1);

  test("only what needs it is quoted", () => {
    expect(shellLine(["holdfast", "nas:tank/home", "a b", "it's", "[x]", "a\nb", ""])).toBe(
      "holdfast nas:tank/home 'a b' 'it'\\''s' '[x]' $'a\\012b' ''",
    );
  });

  test("a shell reads the very words, and nothing in it reaches the terminal", () => {
    const word = fc.string({
      unit: fc.constantFrom("a", "'", "\\", "$", "`", '"', " ", "\n", "\u001b", "é", "\u202e", "0"),
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        const line = shellLine(words);
        expect(visible(line)).toBe(line);
        expect(reads(line)).toEqual(words);
      }),
      { numRuns: 50 },
    );
  });
});
