import { describe, expect, test } from "vitest";
import type { Retention } from "../../src/model/manifest.ts";
import { type Case, keptOn, short } from "./notation.ts";

type Row = readonly [what: string, world: string, expected: string, more?: Partial<Case>];
/** Without guards, so that only retention shows. */
const free = { manifest: { guards: { destroyAtMost: { percent: 100, above: 1e6, total: 1e6 } } } };

function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [what, world, expected, more] of rows)
      test(what, () => expect(short({ ...free, world, ...more })).toBe(expected));
  });
}

table("counts, at the source", [
  ["the newest N of each type stay", "L: d1 d2 d3", "-L d1", { keep: "d=2" }],
  ["each type by itself", "L: h1 d1 h2 d2 h3", "-L h1,h2; -L d1", { keep: "h=1 d=1" }],
  ["newest is by createtxg, not by name", "L: d3 d1 d2", "-L d3", { keep: "d=2" }],
  ["`all` keeps all", "L: d1 d2 d3", "", { keep: "d=all" }],
  ["a type that is absent from keep is left alone", "L: h1 h2 d1 d2", "-L d1", { keep: "d=1" }],
  ["0 destroys", "L: c1 x1", "-L c1", { keep: "c=0" }],
  ["`within` keeps what is younger, whatever the count", "L: d37 d38 d39 d40", "-L d37", { keep: "d=1/3d" }],
  ["adopted names are counted with their type", "L: a1 d2 d3", "-L a1", { keep: "d=2" }],
  ["foreign ones are not counted and not touched", "L: x1 d1 x2 d2 x3", "-L d1", { keep: "d=1" }],
  ["two of one second are two", "L: d1 d1'=d2 d3", "-L d1", { keep: "d=2" }],
]);

table("what stays whatever is counted", [
  ["the newest of the source, whatever its type", "L: c1 c2", "-L c1", { keep: "c=0", options: { allowDestroy: 9 } }],
  [
    "the newest of each type that is taken, so that it is not due again",
    "L: d37 d39* h960\nR: d37 d39",
    "-L d37",
    { keep: "d=0", R: "d=all", take: ["daily"], now: "2026-02-09T12:00Z" },
  ],
  ["held ones, and they count", "L: d1! d2 d3", "-L d2", { keep: "d=1" }],
  ["cloned ones", "L: d1 d2^ d3", "-L d1", { keep: "d=1" }],
  [
    "the newest shared of every remote, at the source",
    "L: d1* d2 #S:d2 d3 d4\nR: d1 ~\nS: d2 ~",
    "-L d3; !R modified; !S modified",
    { keep: "d=1", R: "d=0", S: "d=0" },
  ],
  ["and on the remote", "L: d3*\nR: d1 d2 d3 d4", "-R d1,d2", { R: "d=1" }],
  ["`oldest`, the oldest counted", "L: x1 d1 d2 d3", "-L d2", { keep: "d=1", source: { pin: ["oldest"] } }],
  [
    "`oldestShared`",
    "L: d1 d2 d3* d4\nR: d2 d3",
    ">R d3-d4; #R d4; -L d1,d3; -#R d3",
    { keep: "d=1", R: "d=all", source: { pin: ["oldestShared"] } },
  ],
  ["what a blocked remote waits for", "L: d1* d2 d3 d4\nR: d1 ~", "-L d2; !R modified", { keep: "d=1", R: "d=2" }],
  ["over all of them if none is shared", "L: d2 d3 d4\nR: d1", "-L d2; !R no-common-base", { keep: "d=1", R: "d=2" }],
]);

table("counts, on a remote", [
  [
    "on the state after the transfers",
    "L: d2* d3 d4\nR: d1 d2",
    ">R d2-d3,d4; #R d4; -R d1,d2; -#R d2",
    { keep: "d=all", R: "d=2" },
  ],
  ["of what it has or can get", "L: d3*\nR: d1 d2 d3", "-R d1", { keep: "d=all", R: "d=2" }],
  ["types that are absent stay", "L: d2*\nR: h1 h2 d1 d2", "-R d1", { keep: "d=all", R: "d=1" }],
  ["0 destroys there", "L: d1*\nR: c1 d1", "-R c1", { keep: "d=all", R: "d=1 c=0" }],
  ["held there", "L: d2*\nR: d1! d2", "", { keep: "d=all", R: "d=1" }],
  ["foreign there", "L: d2*\nR: x1 d2 x2", "", { keep: "d=all", R: "d=1" }],
  [
    "never on an append-only remote",
    "L: d3*\nR: d1 d2 d3",
    "",
    { keep: "d=all", R: "d=1", remote: { deletions: "never" } },
  ],
  ["nothing on a blocked one", "L: d3*\nR: d1 d2 d3 ~", "!R modified", { keep: "d=all", R: "d=1" }],
]);

table("while a remote is away", [
  [
    "freeze: nothing goes at the source, no bookmark either",
    "L: #d1 d2* d3 d4\nR away: d1 d2",
    "",
    { keep: "d=1", R: "d=1" },
  ],
  [
    "on the other remotes as ever",
    "L: d1* d2 #S:d2 d3\nR away: d1\nS: d1 d2",
    ">S d2-d3; #S d3; -S d1,d2",
    { keep: "d=1", R: "d=1", S: "d=1" },
  ],
  [
    "thin: the source's keep, plus the remote's counted over the source; bookmarked first",
    "L: d1* d2 d3 d4 d5\nR away: d1",
    "#R d2; #R d3; -L d1,d2,d3",
    { keep: "d=1", R: "d=2", remote: { whileAway: "thin" } },
  ],
  ["one that freezes is enough", "L: d1* d2 d3\nR away: d1\nS away: d1", "", { keep: "d=1", R: "d=1", S: "d=1" }],
]);

const byTime = (rules: Omit<Extract<Retention, { by: "time" }>, "by">): Retention => ({ by: "time", ...rules });
table("keepByTime", [
  ["last", "L: h1 d1 c5 d9", "-L h1; -L d1", { keep: byTime({ last: 2 }) }],
  [
    "one a day, the newest of each, and the oldest while counts are left",
    "L: h1 h2 h25 h26 h49",
    "-L h25",
    { keep: byTime({ daily: 4 }) },
  ],
  ["one an hour", "L: h1 h2 h3 h4", "-L h1,h2", { keep: byTime({ hourly: 2 }) }],
  ["weeks are ISO weeks", "L: d3 d4 d10 d11", "-L d3,d4", { keep: byTime({ weekly: 2 }) }],
  [
    "within counts from the newest",
    "L: d1 d8 d10",
    "-L d1",
    { keep: byTime({ within: { years: 0, months: 0, days: 3, hours: 0 } }) },
  ],
  [
    "whatever the type, but not foreign ones",
    "L: x1 c1 h30 d2",
    "-L h30",
    { keep: byTime({ last: 1, daily: 1, weekly: 2 }) },
  ],
]);

describe("every kept snapshot has its reasons", () => {
  const rows: readonly (readonly [string, Partial<Case> & { world: string }, string, Record<string, string>])[] = [
    ["count and newest", { world: "L: d1 d2", keep: "d=1" }, "L", { d2: "count, newest" }],
    [
      "within",
      { world: "L: d38 d39 d40", keep: "d=1/30d" },
      "L",
      { d38: "within", d39: "within", d40: "count, newest, within" },
    ],
    ["unlisted", { world: "L: c1 d1", keep: "d=1" }, "L", { c1: "unlisted", d1: "count, newest" }],
    [
      "held and cloned",
      { world: "L: d1! d2^ d3", keep: "d=1" },
      "L",
      { d1: "held", d2: "cloned", d3: "count, newest" },
    ],
    [
      "base, on both sides",
      { world: "L: d1* d2\nR: d1 ~", keep: "d=1", R: "d=0" },
      "L",
      { d1: "base", d2: "count, newest" },
    ],
    ["blocked", { world: "L: d2* d3\nR: d1 d2 ~", keep: "d=1", R: "d=0" }, "R", { d1: "blocked", d2: "base" }],
    [
      "waiting",
      { world: "L: d1* d2 d3\nR: d1 ~", keep: "d=1", R: "d=2" },
      "L",
      { d1: "base", d2: "waiting", d3: "count, newest, waiting" },
    ],
    ["frozen", { world: "L: d1* d2\nR away: d1", keep: "d=1", R: "d=1" }, "L", { d1: "frozen", d2: "count, newest" }],
    [
      "append-only",
      { world: "L: d2*\nR: d1 d2", keep: "d=1", R: "d=1", remote: { deletions: "never" } },
      "R",
      { d1: "append-only", d2: "base, count" },
    ],
    [
      "suspended",
      { world: "L: d1 d2", keep: "d=1", source: { suspend: true } },
      "L",
      { d1: "suspended", d2: "suspended" },
    ],
    [
      "oldest",
      { world: "L: d1 d2 d3", keep: "d=1", source: { pin: ["oldest"] } },
      "L",
      { d1: "oldest", d3: "count, newest" },
    ],
  ];
  for (const [what, c, side, expected] of rows)
    test(what, () => expect(keptOn({ ...free, ...c }, side)).toMatchObject(expected));
});
