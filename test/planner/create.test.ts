import { describe, expect, test } from "vitest";
import type { Manifest } from "../../src/model/manifest.ts";
import { snapshotType } from "../property/manifests.ts";
import { type Case, parse, planOf, short } from "./notation.ts";

type Row = readonly [what: string, world: string, expected: string, more: Partial<Case>];
const keep = { keep: "h=all d=all w=all m=all c=all" };

function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [what, world, expected, more] of rows)
      test(what, () => expect(short({ ...keep, world, ...more })).toBe(expected));
  });
}

table("a type is due", [
  ["when there is none", "L:", "+h; +d", { take: ["hourly", "daily"], now: "2026-01-02T00:10Z" }],
  ["when the newest is older than the latest tick", "L: h1", "+h", { take: ["hourly"], now: "2026-01-01T02:00Z" }],
  ["not when the newest is of that tick", "L: h2", "", { take: ["hourly"], now: "2026-01-01T02:59:59Z" }],
  ["on the tick itself", "L: h2", "+h", { take: ["hourly"], now: "2026-01-01T03:00Z" }],
  ["once for all ticks that were missed", "L: h1", "+h", { take: ["hourly"], now: "2026-01-04T02:00Z" }],
  ["not when the source does not take it", "L: h1", "", { take: ["daily"], keep: "h=all", now: "2026-01-01T09:00Z" }],
  ["not when it has no schedule", "L:", "", { take: ["critical"], now: "2026-01-01T09:00Z" }],
  ["not when nobody keeps any", "L:", "", { take: ["hourly"], keep: "h=0 d=1", now: "2026-01-01T09:00Z" }],
  [
    "when only a remote keeps some",
    "L: h1*\nR: h1",
    "+h; >R h1-h+; #R h+; -L h1; -#R h1",
    { take: ["hourly"], keep: "h=0", R: "h=5", now: "2026-01-01T09:00Z" },
  ],
  ["whatever other types were taken since", "L: h1 d1 x1", "+h", { take: ["hourly"], now: "2026-01-02T09:00Z" }],
  ["adopted ones count as taken", "L: a1", "", { take: ["daily"], now: "2026-01-02T09:00Z" }],
  ["the newest by createtxg counts, not by name", "L: d5 d1", "+d", { take: ["daily"], now: "2026-01-06T09:00Z" }],
  ["not at a suspended source", "L: h1", "", { take: ["hourly"], source: { suspend: true }, now: "2026-01-04T02:00Z" }],
  ["not on a source that is away", "L away: h1", "", { take: ["hourly"], now: "2026-01-04T02:00Z" }],
]);

table("its time", [
  ["is that in a name Holdfast made, when it is later", "L: h1=h5", "", { take: ["hourly"], now: "2026-01-01T05:30Z" }],
  ["is its creation, when that is", "L: h5=h1", "", { take: ["hourly"], now: "2026-01-01T05:30Z" }],
  [
    "counts as absent more than five minutes in the future",
    "L: h3",
    "+h",
    { take: ["hourly"], now: "2026-01-01T02:54Z" },
  ],
  ["then the newest before it counts", "L: h1 h5", "", { take: ["hourly"], now: "2026-01-01T01:54Z" }],
  ["but not up to five", "L: h3", "", { take: ["hourly"], now: "2026-01-01T02:56Z" }],
]);

describe("what is created", () => {
  const c: Case = { ...keep, world: "L:", take: ["hourly"], now: "2026-03-29T01:30:07Z" };
  test("is named by type and time, in UTC", () => {
    expect(planOf(c).operations[0]).toMatchObject({ kind: "create", name: "hourly-20260329T013007Z" });
  });
  test("of one type and pool is one command, of two types two", () => {
    const made = planOf({ ...c, take: ["hourly", "daily"] }).operations;
    expect(new Set(made.flatMap((o) => (o.kind === "create" ? [o.atomic] : []))).size).toBe(2);
  });
  test("does not take a name that is there", () => {
    const there = planOf({ ...c, world: "L: h1", now: "2026-01-01T01:00:00Z" });
    expect(there.operations).toEqual([]);
  });
});

describe("schedules", () => {
  const scheduled = (schedule: string, timezone: string): Partial<Manifest> => ({
    snapshotTypes: new Map([snapshotType("hourly", { schedule, timezone })]),
  });
  /** Is an hourly due at `now` whose newest was taken at `newest`? */
  const due = (schedule: string, timezone: string, newest: string, now: string): boolean => {
    const c: Case = { ...keep, world: "L: h1", take: ["hourly"], now, manifest: scheduled(schedule, timezone) };
    const { world } = parse(c);
    const dataset = world.hosts.get("here")?.pools.get("tank")?.datasets.get("tank/s");
    const at = Date.parse(newest) / 1000;
    if (dataset) dataset.snapshots = dataset.snapshots.map((s) => ({ ...s, name: "hourly-old", creation: at }));
    return planWith(c, world);
  };
  const planWith = (c: Case, world: ReturnType<typeof parse>["world"]): boolean =>
    planOf(c, world).operations.some((o) => o.kind === "create");

  const rows: readonly (readonly [string, string, string, string, string, boolean])[] = [
    [
      "daily at 02:30 in Berlin, before",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-02-01T01:30Z",
      "2026-02-02T01:29Z",
      false,
    ],
    ["and at it", "30 2 * * *", "Europe/Berlin", "2026-02-01T01:30Z", "2026-02-02T01:30Z", true],
    [
      "in summer time it is an hour earlier in UTC",
      "30 4 * * *",
      "Europe/Berlin",
      "2026-06-30T02:30Z",
      "2026-07-01T02:30Z",
      true,
    ],
    ["not before", "30 4 * * *", "Europe/Berlin", "2026-06-30T02:30Z", "2026-07-01T02:29Z", false],
    [
      "an hour that the clock skips is not lost",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T01:30Z",
      "2026-03-29T02:00Z",
      true,
    ],
    [
      "an hour that comes twice is one tick",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-25T00:30Z",
      "2026-10-25T02:30Z",
      false,
    ],
    ["hourly goes on through both", "0 * * * *", "Europe/Berlin", "2026-10-25T00:00Z", "2026-10-25T01:00Z", true],
    ["Mondays", "0 0 * * 1", "UTC", "2026-01-05T00:00Z", "2026-01-11T23:59Z", false],
    ["and the next", "0 0 * * 1", "UTC", "2026-01-05T00:00Z", "2026-01-12T00:00Z", true],
    ["the 31st skips months that have none", "0 0 31 * *", "UTC", "2026-03-31T00:00Z", "2026-05-30T00:00Z", false],
    ["a quarter of an hour", "*/15 * * * *", "UTC", "2026-01-01T00:15Z", "2026-01-01T00:30Z", true],
    [
      "on the other side of the world",
      "0 0 * * *",
      "Pacific/Auckland",
      "2026-01-01T11:00Z",
      "2026-01-02T10:59Z",
      false,
    ],
    ["at midnight there", "0 0 * * *", "Pacific/Auckland", "2026-01-01T11:00Z", "2026-01-02T11:00Z", true],
  ];
  test.each(rows)("%s", (_, schedule, timezone, newest, now, expected) => {
    expect(due(schedule, timezone, newest, now)).toBe(expected);
  });
});
