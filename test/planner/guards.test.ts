import { describe, expect, test } from "vitest";
import type { Approval, Guards } from "../../src/model/manifest.ts";
import { type Case, short } from "./notation.ts";

type Row = readonly [what: string, world: string, expected: string, more?: Partial<Case>];

function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [what, world, expected, more] of rows)
      test(what, () => expect(short({ world, ...more })).toBe(expected));
  });
}

const days = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `d${from + i}`).join(" ");
const guards = (percent: number, above: number, total: number): Partial<Case> => ({
  manifest: { guards: { destroyAtMost: { percent, above, total } } satisfies Guards },
});
const lapse = { until: 4e9 as never, untilText: "2096-10-02", place: { file: "holdfast.yaml", line: 9, column: 3 } };
const approve = (destroy: number, rest: Partial<Approval> = {}): Partial<Case> => ({
  manifest: { approvals: [{ kind: "destroy", source: "here:tank/s", destroy, ...lapse, ...rest } as Approval] },
});
const list = (from: number, to: number): string => days(from, to).replaceAll(" ", ",");

table("destroyAtMost", [
  ["up to `above` is never too many", `L: ${days(1, 7)}`, `-L ${list(1, 5)}`, { keep: "d=2" }],
  ["more, and more than the percentage: withheld", `L: ${days(1, 10)}`, `!L withheld ${list(1, 6)}`, { keep: "d=4" }],
  ["more, but no more than the percentage", `L: ${days(1, 12)}`, `-L ${list(1, 6)}`, { keep: "d=6" }],
  [
    "what is created makes up for it",
    `L: ${days(1, 10)}`,
    `+d; -L ${list(1, 6)}`,
    { keep: "d=5", take: ["daily"], now: "2026-01-12T00:30Z" },
  ],
  [
    "what arrives does, too",
    `L: d10* d11\nR: ${days(1, 10)}`,
    `>R d10-d11; #R d11; -R ${list(1, 6)}; -#R d10`,
    { keep: "d=all", R: "d=5" },
  ],
  [
    "per side",
    `L: ${days(1, 10)}*\nR: ${days(1, 10)}`,
    `-R ${list(1, 4)}; !L withheld ${list(1, 7)}`,
    { keep: "d=3", R: "d=6" },
  ],
  ["per type", "L: h1 h2 h3 d1 d2 d3", "-L d1; !L withheld h1,h2", { keep: "h=1 d=2", ...guards(50, 1, 500) }],
  [
    "what piled up for a remote that stays away is no loss in the next pass either",
    "L: d1 d2 d3* d4 d5 d6 d7 d8 d9\nR away: d1 d2 d3\nS: d6 d7 d8 d9",
    "#S d9; !L withheld d1,d2,d3,d4,d5,d6,d7; !S withheld d6,d7,d8",
    { keep: "d=2", R: "d=1", S: "d=1", remote: { whileAway: "thin" }, ...guards(50, 4, 3) },
  ],
  ["a type with two or more is never emptied", "L: c1 c2 x1", "!L withheld c1,c2", { keep: "c=0" }],
  [
    "nor in two steps, because the newest stays for now",
    "L: d1 d2 d3 d4 h145",
    "!L withheld d1,d2,d3,d4",
    { keep: "h=2 d=0" },
  ],
  ["nor where a pin keeps one", "L: h145 d1 d2 d3 d4 d5 d6", "!L withheld d1,d2,d3,d4,d5", { keep: "h=2 d=0" }],
  ["what is only on its way to a remote may go", "L: d1 d2 d3*\nR: d1 d2 d3", "-L d1,d2", { keep: "d=0", R: "d=9" }],
  ["not what a remote has not got", "L: d1 d2 d3*\nR: d2 d3", "!L withheld d1,d2", { keep: "d=0", R: "d=9" }],
  ["one alone may go", "L: c1 x1", "-L c1", { keep: "c=0" }],
  ["nor on a remote", "L: d1*\nR: c1 c2 d1", "!R withheld c1,c2", { keep: "d=all", R: "c=0" }],
  [
    "all that one plan loses",
    "L: h1 h2 h3 h4 d1 d2 d3 d4",
    "!L withheld h1,h2; !L withheld d1,d2",
    { keep: "h=2 d=2", ...guards(100, 10, 3) },
  ],
  [
    "not more than that",
    "L: h1 h2 h3 h4 d1 d2 d3 d4",
    "-L h1,h2; -L d1,d2",
    { keep: "h=2 d=2", ...guards(100, 10, 4) },
  ],
  [
    "what arrives is no excuse for long: without it another one is held back, and not these",
    `L: h1 h2 h3 h4 d8* d9\nR: ${days(1, 8)}`,
    `>R d8-d9; #R d9; -L h1,h2; -#R d8; !R withheld ${list(1, 5)}`,
    { keep: "h=2 d=all", R: "d=4", ...guards(50, 1, 5) },
  ],
  [
    "those kept of a scheduled type that span too short a time: a button pressed too often",
    "L: d1 d2 d3 h73=d4 h74=d5 h75=d6",
    "!L withheld d1,d2,d3",
    { keep: "d=3" },
  ],
  ["but not when those destroyed would not lengthen it", "L: h2=d1 h1=d2 h3=d3 h4=d4", "-L d1", { keep: "d=3" }],
]);

const rollbacks = {
  world: "L: d1* #S:d1 d2\nR: d1 x1+ x2 x3\nS: d1 x4+ x5 x6",
  R: "d=all",
  S: "d=all",
};
const resolve = new Map([
  ["R", "rollback"],
  ["S", "rollback"],
]) as never;

test.each([
  ["all that the rollbacks of one plan destroy", guards(50, 5, 5), {}, /^!R remedy; !S remedy$/],
  ["not more than that", guards(50, 5, 6), {}, /^<R d1-x1,x2,x3; .*<S d1-x4,x5,x6; /],
  ["with --allow-destroy", guards(50, 5, 5), { allowDestroy: 6 }, /^<R d1-x1,x2,x3; .*<S d1-x4,x5,x6; /],
  ["not with too few", guards(50, 5, 5), { allowDestroy: 2 }, /^!R remedy; !S remedy$/],
])("%s", (_, manifest, options, expected) => {
  expect(short({ ...rollbacks, ...manifest, options: { resolve, ...options } })).toMatch(expected);
});

table("letting through", [
  ["with --allow-destroy", `L: ${days(1, 10)}`, `-L ${list(1, 6)}`, { keep: "d=4", options: { allowDestroy: 6 } }],
  ["not with too few", `L: ${days(1, 10)}`, `!L withheld ${list(1, 6)}`, { keep: "d=4", options: { allowDestroy: 5 } }],
  ["by an approval", `L: ${days(1, 10)}`, `-L ${list(1, 6)}`, { keep: "d=4", ...approve(6) }],
  ["not by one for too few", `L: ${days(1, 10)}`, `!L withheld ${list(1, 6)}`, { keep: "d=4", ...approve(5) }],
  [
    "not by one that lapsed",
    `L: ${days(1, 10)}`,
    `!L withheld ${list(1, 6)}`,
    { keep: "d=4", ...approve(6, { until: 1e9 as never }) },
  ],
  [
    "not by one for another source",
    `L: ${days(1, 10)}`,
    `!L withheld ${list(1, 6)}`,
    { keep: "d=4", ...approve(6, { source: "here:tank/t" } as never) },
  ],
  [
    "not by one for a remote",
    `L: ${days(1, 10)}`,
    `!L withheld ${list(1, 6)}`,
    { keep: "d=4", ...approve(6, { remote: "R" } as never) },
  ],
]);

table("first contact", [
  ["withholds every deletion at the source", "L new: d1 d2 d3", "!L first-contact d1", { keep: "d=2" }],
  [
    "and on a remote",
    "L: d2* d3\nR new: d1 d2",
    ">R d2-d3; #R d3; -#R d2; !R first-contact d1",
    { keep: "d=all", R: "d=2" },
  ],
  ["without deletions the dataset is adopted", "L new: d1 d2", "@L", { keep: "d=2" }],
  ["and the copy", "L: d1*\nR new: d1", "@R", { keep: "d=all", R: "d=all" }],
  ["with --allow-destroy both", "L new: d1 d2 d3", "-L d1; @L", { keep: "d=2", options: { allowDestroy: 1 } }],
  ["a copy that this plan makes is adopted by being made", "L: d1", ">R d1; #R d1", { keep: "d=all", R: "d=all" }],
]);

table("a clock that is ahead", [
  [
    "age-based rules destroy nothing when the newest is older than twice the longest schedule",
    "L: d1 d2 d3",
    "+d; !L clock d1,d2",
    { keep: "d=2/3d", take: ["daily"], now: "2030-01-01T12:00Z" },
  ],
  ["counts do", "L: d1 d2 d3", "+d; -L d1,d2", { keep: "d=2", take: ["daily"], now: "2030-01-01T12:00Z" }],
  [
    "what it has just taken does not vouch for it",
    "L: d1 d2 d3 d31",
    "!L clock d1,d2,d3",
    { keep: "d=1/3d", take: ["daily"], now: "2026-02-01T12:00Z" },
  ],
  [
    "until one longest period has passed",
    "L: d1 d2 d3 d30 d31",
    "-L d1,d2,d3",
    { keep: "d=1/3d", take: ["daily"], now: "2026-02-01T12:00Z" },
  ],
  [
    "one that is often switched off is believed",
    "L: d1 d9 d20 d31",
    "-L d1,d9,d20",
    { keep: "d=1/3d", take: ["daily"], now: "2026-02-01T12:00Z" },
  ],
  [
    "what is kept for another reason and has been old for long says nothing",
    "L: d1 d26 d27 d28 d29 d30 d31",
    "-L d26,d27",
    { keep: "d=1/4d", take: ["daily"], now: "2026-02-01T12:00Z", source: { pin: ["oldest"] } },
  ],
  ["and age does where none are taken", "L: d1 d2 d3 d4", "-L d1,d2", { keep: "d=2/3d", now: "2026-03-01T12:00Z" }],
]);
