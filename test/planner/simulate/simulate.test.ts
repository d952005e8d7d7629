import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../src/manifest/index.ts";
import type { Dataset, Inventory } from "../../../src/model/inventory.ts";
import type { Manifest } from "../../../src/model/manifest.ts";
import type { SimulatedGroup, Simulation } from "../../../src/model/simulation.ts";
import type { Bytes, DatasetName, EpochSeconds, Guid, HostName, Txg } from "../../../src/model/units.ts";
import { datesOf } from "../../../src/planner/simulate/dates.ts";
import { emptyInventory } from "../../../src/planner/simulate/empty.ts";
import { simulate, TooManyPasses } from "../../../src/planner/simulate/index.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
/** 2026-01-01T00:00:00Z, a Thursday: hourly, daily and monthly are due in that very second. */
const START = Date.UTC(2026, 0, 1) / 1000;
const nas = "nas" as HostName;

function manifestOf(text: string): Manifest {
  const { manifest, diagnostics } = parseManifest([{ name: "holdfast.yaml", text: `version: 1\n${text}` }], {
    hostname: nas,
    user: "root",
    folder: "/",
    now: START as EpochSeconds,
  });
  if (!manifest) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return manifest;
}

/** Lengths in hours from the start. */
function playOn(
  manifest: Manifest,
  inventory: Inventory,
  hours: readonly number[],
  { start = START, mostPasses = 100_000 } = {},
): Simulation {
  const dates = hours.map((hour) => (start + hour * HOUR) as EpochSeconds);
  return simulate(manifest, inventory, { dates, from: "observed", mostPasses });
}

const play = (text: string, hours: readonly number[], start = START): Simulation => {
  const manifest = manifestOf(text);
  return playOn(manifest, emptyInventory(manifest, start as EpochSeconds), hours, { start });
};

/** `24 hourly, 7 daily`, for each date of a place. */
const counts = (group: SimulatedGroup | undefined, place: string): string[] =>
  (group?.places.find(({ name }) => name === place)?.dates ?? []).map(({ types }) =>
    types.map(({ type, count }) => `${count} ${type}`).join(", "),
  );
const oldest = (group: SimulatedGroup | undefined, place: string): (number | undefined)[] =>
  (group?.places.find(({ name }) => name === place)?.dates ?? []).map(({ oldest }) => oldest?.age);

describe("counts, by hand", () => {
  test("hourly 24, daily 7, monthly 12", () => {
    const [group] = play(
      "datasets: { tank: { keep: { hourly: 24, daily: 7, monthly: 12 } } }",
      [0, 1, 23, 24, 144, 168, 744],
    ).groups;
    expect(counts(group, "source")).toEqual([
      "1 hourly, 1 daily, 1 monthly",
      "2 hourly, 1 daily, 1 monthly",
      "24 hourly, 1 daily, 1 monthly",
      "24 hourly, 2 daily, 1 monthly",
      "24 hourly, 7 daily, 1 monthly",
      "24 hourly, 7 daily, 1 monthly",
      "24 hourly, 7 daily, 2 monthly", // the first of February
    ]);
    expect(oldest(group, "source")).toEqual([0, 1, 23, 24, 144, 168, 744].map((hour) => hour * HOUR));
    expect(group?.places[0]?.firstDestroyed).toEqual([
      { type: "hourly", creation: START, at: "2026-01-02T00:00:00Z" },
      { type: "daily", creation: START, at: "2026-01-08T00:00:00Z" },
    ]);
    expect(group).not.toHaveProperty("steadySince");
  });

  test("twelve monthlies are there after eleven months, and stay twelve", () => {
    const days = [0, 333, 334, 365, 400];
    const [group] = play(
      "datasets: { tank: { keep: { monthly: 12 } } }",
      days.map((day) => day * 24),
    ).groups;
    expect(counts(group, "source")).toEqual(["1 monthly", "11 monthly", "12 monthly", "12 monthly", "12 monthly"]);
    // 2027-01-01, day 365, brings the thirteenth, day 396 another: the oldest is of day 31, then of day 59
    expect(oldest(group, "source")).toEqual([0, 333, 334, 365 - 31, 400 - 59].map((day) => day * DAY));
    expect(group?.places[0]?.firstDestroyed).toEqual([
      { type: "monthly", creation: START, at: "2027-01-01T00:00:00Z" },
    ]);
    expect(group?.steadySince).toBe("2026-12-01T00:00:00Z");
  });

  test("by time: the newest of each of two days, and the last three hours", () => {
    const text = "datasets: { tank: { take: [hourly], keepByTime: { hourly: 3, daily: 2 } } }";
    const [group] = play(text, [0, 23, 24, 30, 54]).groups;
    // until a second day has begun, the first of all stays in its place
    expect(counts(group, "source")).toEqual(["1 hourly", "4 hourly", "3 hourly", "4 hourly", "4 hourly"]);
    // at 30 h: 4, 5 and 6 o'clock, and 23:00 of the day before
    expect(oldest(group, "source")[3]).toBe(7 * HOUR);
  });

  test("a remote, a repository and its mirror keep what each of them says", () => {
    const simulation = play(
      `remotes:
  usb: { type: zfs, root: usb/b, whileAway: freeze, keep: { daily: 5 } }
  disk: { type: zfs, root: disk/b, removable: true, keep: { hourly: 2, daily: 3 } }
  b2: { type: restic, repository: /b2, password: { env: B2 }, keep: { daily: 4 } }
mirrors:
  cold: { of: b2, repository: /cold, password: { env: COLD }, keep: { daily: 2 } }
datasets:
  tank: { keep: { hourly: 6, daily: 2 }, remotes: { usb: {}, disk: {}, b2: {} } }
directories:
  /etc: { take: [daily], remotes: { b2: { keep: { daily: 3 } } } }
`,
      [0, 24, 24 * 10],
    );
    expect(simulation.complete).toBe(true);
    expect(simulation.blocked).toEqual([]);
    const [tank, etc] = simulation.groups;
    expect(tank?.places.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      "source source",
      "usb zfs",
      "disk zfs",
      "b2 restic",
      "cold mirror",
    ]);
    expect(counts(tank, "source")).toEqual(["1 hourly, 1 daily", "6 hourly, 2 daily", "6 hourly, 2 daily"]);
    expect(counts(tank, "usb")).toEqual(["1 daily", "2 daily", "5 daily"]);
    expect(counts(tank, "disk")).toEqual(["1 hourly, 1 daily", "2 hourly, 2 daily", "2 hourly, 3 daily"]);
    expect(counts(tank, "b2")).toEqual(["1 daily", "2 daily", "4 daily"]);
    expect(counts(tank, "cold")).toEqual(["1 daily", "2 daily", "2 daily"]);
    expect(oldest(tank, "b2").at(-1)).toBe(3 * DAY);
    expect(tank?.places[4]?.firstDestroyed).toEqual([{ type: "daily", creation: START, at: "2026-01-03T00:00:00Z" }]);
    expect(etc?.sources).toEqual(["nas:/etc"]);
    expect(counts(etc, "b2")).toEqual(["1 daily", "2 daily", "3 daily"]);
    expect(counts(etc, "cold")).toEqual(["1 daily", "2 daily", "2 daily"]);
    expect(etc?.places[0]?.firstDestroyed).toEqual([{ type: "daily", creation: START, at: "2026-01-04T00:00:00Z" }]);
  });

  test("a day has 23 hours when the clocks go forward, and 25 when they go back", () => {
    const text = "timezone: Europe/Berlin\ndatasets: { tank: { keep: { daily: 9 } } }";
    const [spring] = play(text, [0, 22, 23], Date.UTC(2026, 2, 28, 23) / 1000).groups;
    expect(counts(spring, "source")).toEqual(["1 daily", "1 daily", "2 daily"]);
    const [autumn] = play(text, [0, 24, 25], Date.UTC(2026, 9, 24, 22) / 1000).groups;
    expect(counts(autumn, "source")).toEqual(["1 daily", "1 daily", "2 daily"]);
  });

  test("what is kept for a while goes at the first pass after it", () => {
    const [group] = play("datasets: { tank: { keep: { daily: { count: 1, within: 60h } } } }", [48, 60, 61]).groups;
    // taken at 48 h, the start; then at 72 h, 96 h and 108 h: the clock began at 48 h
    expect(counts(group, "source")).toEqual(["1 daily", "1 daily", "1 daily"]);
    const [longer] = play("datasets: { tank: { keep: { daily: { count: 1, within: 60h } } } }", [0, 60, 61]).groups;
    expect(counts(longer, "source")).toEqual(["1 daily", "3 daily", "2 daily"]);
  });

  test("nothing is taken where nothing is to be taken", () => {
    const [group] = play("datasets: { tank: { keep: { daily: 3 }, suspend: true } }", [0, 240]).groups;
    expect(group?.suspended).toBe(true);
    expect(counts(group, "source")).toEqual(["", ""]);
    expect(group?.places[0]?.dates[0]).toEqual({ at: "2026-01-01T00:00:00Z", count: 0, types: [] });
  });

  test("sources of a group are snapshotted together, and played forward so", () => {
    const text = `datasets: { "tank/{a,b}": { keep: { daily: 2 } } }\ngroups: [{ sources: [tank/a, tank/b] }]`;
    const { groups, blocked } = play(text, [0, 240]);
    expect(blocked).toEqual([]);
    expect(groups.map(({ sources }) => sources)).toEqual([["nas:tank/a", "nas:tank/b"]]);
    expect(counts(groups[0], "source")).toEqual(["1 daily", "2 daily"]);
  });
});

const datasetOf = (name: string, days: readonly number[], more: Partial<Dataset> = {}): Dataset => ({
  name: name as Dataset["name"],
  type: "filesystem",
  guid: "1" as Guid,
  createtxg: 1 as Txg,
  used: 0 as Bytes,
  referenced: 0 as Bytes,
  available: 1e9 as Bytes,
  written: 0 as Bytes,
  encryption: "off",
  mounted: true,
  own: { adopted: "on" },
  snapshots: days.map((day, index) => {
    const creation = START - day * DAY;
    const stamp = new Date(creation * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
    return {
      name: `daily-${stamp}`,
      guid: String(name.length * 1000 + day) as Guid,
      createtxg: (index + 2) as Txg,
      creation: creation as EpochSeconds,
      used: 0 as Bytes,
      referenced: 0 as Bytes,
      written: 0 as Bytes,
    };
  }),
  bookmarks: [],
  ...more,
});

const onNas = (datasets: readonly Dataset[], pools = ["tank", "usb"]): Inventory => ({
  formatVersion: 1,
  observedAt: START as EpochSeconds,
  hosts: { [nas]: { state: "observed", zfsVersion: "2.3.2", pools, roots: pools as DatasetName[], datasets } },
});

describe("from what is there", () => {
  test("old ones go as new ones come, and what has the same is one group", () => {
    const manifest = manifestOf("datasets: { tank: { recursive: true, keep: { daily: 3 } } }");
    const inventory = onNas([
      datasetOf("tank", [2, 1]),
      datasetOf("tank/a", [4, 3, 2, 1]),
      datasetOf("tank/b", [4, 3, 2, 1]),
    ]);
    const { groups } = playOn(manifest, inventory, [0, 24]);
    expect(groups.map(({ sources }) => sources)).toEqual([["nas:tank"], ["nas:tank/a", "nas:tank/b"]]);
    expect(counts(groups[1], "source")).toEqual(["3 daily", "3 daily"]);
    expect(oldest(groups[1], "source")).toEqual([2 * DAY, 2 * DAY]);
    expect(groups[1]?.places[0]?.firstDestroyed).toEqual([
      { type: "daily", creation: START - 4 * DAY, at: "2026-01-01T00:00:00Z" },
    ]);
  });

  test("sources whose snapshots have the same names, but not the same ones as their copies, are told apart", () => {
    const manifest = manifestOf(`remotes: { usb: { type: zfs, root: usb/b, keep: { daily: 3 } } }
datasets: { "tank/*": { keep: { daily: 3 }, remotes: { usb: {} } } }`);
    const source = (name: string) => datasetOf(`tank/${name}`, [2, 1]);
    const copyOf = ({ name, snapshots }: Dataset) => datasetOf(`usb/b/${name}`, [], { snapshots });
    const parents = ["usb", "usb/b", "usb/b/tank"].map((name) => datasetOf(name, []));
    const stranger = datasetOf("usb/b/tank/c", [2, 1]);
    const inventory = onNas([
      ...["a", "b", "c"].map(source),
      ...parents,
      copyOf(source("a")),
      copyOf(source("b")),
      stranger,
    ]);
    const { groups, blocked } = playOn(manifest, inventory, [0, 24]);
    expect(blocked).toMatchObject([{ source: "nas:tank/c", remote: "usb" }]);
    expect(groups.map(({ sources }) => sources)).toEqual([["nas:tank/a", "nas:tank/b"], ["nas:tank/c"]]);
    expect(groups.map((group) => counts(group, "usb"))).toEqual([
      ["3 daily", "3 daily"],
      ["2 daily", "2 daily"],
    ]);
  });

  test("deletions that are withheld are named, and taken to be agreed to", () => {
    const manifest = manifestOf("datasets: { tank: { keep: { daily: 2 } } }");
    const old = Array.from({ length: 12 }, (_, index) => 12 - index);
    const simulation = playOn(manifest, onNas([datasetOf("tank", old)]), [0]);
    expect(simulation.withheld).toMatchObject([{ source: "nas:tank", reason: "withheld" }]);
    expect(simulation.blocked).toEqual([]);
    expect(counts(simulation.groups[0], "source")).toEqual(["2 daily"]);
  });

  test("a copy that is blocked is named, and stays as it is", () => {
    const manifest = manifestOf(`remotes: { usb: { type: zfs, root: usb/b, keep: { daily: 9 } } }
datasets: { tank: { keep: { daily: 2 }, remotes: { usb: {} } } }`);
    const modified = datasetOf("usb/b/tank", [3], { written: 5e6 as Bytes });
    const parents = [datasetOf("usb", []), datasetOf("usb/b", [], { own: { placeholder: "on" } })];
    const source = datasetOf("tank", [2, 1]);
    const simulation = playOn(manifest, onNas([source, ...parents, modified]), [0, 240]);
    expect(simulation.blocked).toMatchObject([{ source: "nas:tank", remote: "usb" }]);
    expect(counts(simulation.groups[0], "usb")).toEqual(["1 daily", "1 daily"]);
    // what the copy would have stays at the source for it
    expect(counts(simulation.groups[0], "source")).toEqual(["3 daily", "9 daily"]);
  });

  test("a remedy that was agreed to, and is in vain because of another source, brings nothing", () => {
    const manifest = manifestOf(`remotes: { usb: { type: zfs, root: usb/b, keep: { daily: 9 } } }
datasets: { tank: { keep: { daily: 2 }, recursive: true, remotes: { usb: {} } } }
approvals: [{ resolve: replace, source: tank, remote: usb, until: 2027-01-01 }]`);
    const modified = datasetOf("usb/b/tank", [3], { written: 5e6 as Bytes });
    const parents = [datasetOf("usb", []), datasetOf("usb/b", [], { own: { placeholder: "on" } })];
    const below = datasetOf("tank/below", [2, 1]);
    const copy = datasetOf("usb/b/tank/below", [], { snapshots: below.snapshots });
    const there = onNas([datasetOf("tank", [2, 1]), below, ...parents, modified, copy]);
    const { blocked, groups } = playOn(manifest, there, [0, 240]);
    expect(blocked).toMatchObject([{ source: "nas:tank", message: expect.stringContaining("below it") }]);
    expect(groups.map((group) => counts(group, "usb"))).toEqual([
      ["1 daily", "1 daily"],
      ["3 daily", "9 daily"],
    ]);
  });

  test("a place that nobody could look at is unknown, and holds nothing up", () => {
    const manifest = manifestOf(`remotes: { usb: { type: zfs, root: usb/b, whileAway: freeze, keep: { daily: 9 } } }
datasets: { tank: { keep: { daily: 2 }, remotes: { usb: {} } } }`);
    const simulation = playOn(manifest, onNas([datasetOf("tank", [2, 1])], ["tank"]), [0, 240]);
    expect(simulation.complete).toBe(false);
    expect(simulation.unobserved).toMatchObject([{ host: "nas", pool: "usb", remote: "usb" }]);
    expect(simulation.groups[0]?.places[1]).toMatchObject({ unobserved: "pool usb is not imported", dates: [] });
    expect(counts(simulation.groups[0], "source")).toEqual(["2 daily", "2 daily"]);
  });

  test("where nothing of a source can be seen, nothing is said of it", () => {
    const manifest = manifestOf(`remotes: { b2: { type: restic, repository: /b2, password: { env: B2 } } }
directories: { /etc: { keep: { daily: 3 }, remotes: { b2: {} } } }`);
    const { complete, groups } = playOn(manifest, onNas([]), [0, 240]);
    expect(complete).toBe(false);
    expect(groups).toMatchObject([{ places: [{ name: "b2", unobserved: "was not listed", dates: [] }] }]);
    expect(groups[0]).not.toHaveProperty("steadySince");
  });

  test("foreign snapshots do not count", () => {
    const manifest = manifestOf("datasets: { tank: { keep: { weekly: 2 } } }");
    const [byHand] = datasetOf("tank", [90]).snapshots;
    const tank = datasetOf("tank", [], { snapshots: byHand ? [{ ...byHand, name: "by-hand" }] : [] });
    expect(oldest(playOn(manifest, onNas([tank]), [0]).groups[0], "source")).toEqual([0]);
  });
});

describe("from nothing", () => {
  test("a pattern stands for what it matches, and a dataset that is asked for is there", () => {
    const manifest = manifestOf(`datasets:
  "tank/vm/*": { keep: { daily: 2 } }
  "tank/{a,b}": { recursive: true, keep: { weekly: 2 } }
  "tank/[bc]x": { keep: { yearly: 2 } }`);
    const start = START as EpochSeconds;
    const names = ({ hosts }: Inventory) =>
      Object.values(hosts).flatMap((host) => (host.state === "observed" ? host.datasets.map(({ name }) => name) : []));
    expect(names(emptyInventory(manifest, start, ["tank/a/deep", "nas:tank/vm/web", "other/x", "tank/*"]))).toEqual([
      "tank", // the pool itself is no source
      "tank/a",
      "tank/a/deep",
      "tank/b",
      "tank/bx",
      "tank/vm/*",
      "tank/vm/web",
    ]);
    const { groups } = playOn(manifest, emptyInventory(manifest, start), [0]);
    expect(groups.map(({ sources }) => sources.join(" "))).toEqual([
      "nas:tank/a nas:tank/b",
      "nas:tank/bx",
      "nas:tank/vm/*",
    ]);
  });

  test("every host of a controller", () => {
    const { groups } = play(
      `hosts: { one: { address: one.example.net }, two: { address: two.example.net }, vault: { address: vault.example.net } }
remotes: { vault: { type: zfs, host: vault, mode: pull, root: "backup/{host}", keep: { daily: 4 } } }
datasets: { "{one,two}:tank": { keep: { daily: 2 }, remotes: { vault: {} } } }`,
      [0, 240],
    );
    expect(groups.map(({ sources }) => sources)).toEqual([["one:tank", "two:tank"]]);
    expect(counts(groups[0], "vault")).toEqual(["1 daily", "4 daily"]);
  });
});

test("more passes than sensible are refused before the first one", () => {
  const manifest = manifestOf("datasets: { tank: { keep: { hourly: 24 } } }");
  const inventory = emptyInventory(manifest, START as EpochSeconds);
  // the start, 23 ticks, and the end
  expect(() => playOn(manifest, inventory, [0, 24], { mostPasses: 24 })).toThrow(TooManyPasses);
  expect(playOn(manifest, inventory, [0, 24], { mostPasses: 25 }).groups).toHaveLength(1);
});

test.each([
  [36 * HOUR, undefined, [0, 24, 36]],
  [DAY, undefined, [0, 24]],
  [70 * DAY, undefined, [0, 24, 168, 720, 1440, 1680]],
  [60 * DAY, undefined, [0, 24, 168, 720, 1440]],
  [DAY, 10 * HOUR, [0, 10, 20, 24]],
  [HOUR, DAY, [0, 1]],
])("dates of %i seconds, every %s", (length, every, hours) => {
  expect(datesOf(START as EpochSeconds, length as never, every as never)).toEqual(
    hours.map((hour) => START + hour * HOUR),
  );
});
