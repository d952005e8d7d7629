import { describe, expect, test } from "vitest";
import type { RepositoryCopy, RepositoryInventory } from "../../src/model/inventory.ts";
import type { Manifest, Mirror, Repository, ResticRemote } from "../../src/model/manifest.ts";
import type { OperationReport } from "../../src/model/report.ts";
import type { CopyStatus, PlaceStatus, Status } from "../../src/model/status.ts";
import {
  type Address,
  address,
  type DirectoryPath,
  type EpochSeconds,
  type HostName,
  type RemoteName,
  type RepositoryKey,
  type Seconds,
  type TypeName,
} from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { type AssessOptions, assess } from "../../src/planner/status.ts";
import { asOf } from "../../src/planner/status-later.ts";
import { byType, entry, hostNamed, makeManifest, repositoryNamed } from "../property/manifests.ts";
import { type Case, parse } from "./notation.ts";

const HOUR = 3600;
const DAY = 86_400;

function statusOf(c: Case, options: Omit<AssessOptions, "now"> = {}): Status {
  const { manifest, inventory, now } = parse(c);
  return assess(manifest, inventory, plan(manifest, inventory, { now, ...c.options }), { now, ...options });
}

/** `own ok 3h/2h w=1 withheld=2`: a place, its health, the age of its newest in hours, after how many it is due, what waits. */
function line(name: string, place: PlaceStatus | CopyStatus): string {
  const hours = (seconds: number | undefined) => (seconds === undefined ? "-" : `${seconds / HOUR}h`);
  const waiting = "waiting" in place && place.waiting.snapshots > 0 ? ` w=${place.waiting.snapshots}` : "";
  const withheld = place.withheld > 0 ? ` withheld=${place.withheld}` : "";
  return `${name} ${place.health} ${hours(place.age)}/${hours(place.dueWithin)}${waiting}${withheld}`;
}

const linesOf = ({ sources }: Status): string[] =>
  sources.flatMap(({ own, copies }) => [
    ...(own ? [line("own", own)] : []),
    ...copies.map((copy) => line(copy.remote, copy)),
  ]);

const usb = { removable: true, maxAge: (30 * DAY) as Seconds };

/** The clock is the 10th of February 2026, noon: d41 and h972 are the newest ticks, d41 at midnight. */
describe("datasets", () => {
  test.each<[string, Case, string[]]>([
    [
      "all is well",
      { world: "L: d39 d40*\nR: d39 d40", keep: "d=2", R: "d=2", take: [] },
      ["own ok 12h/-", "R ok 12h/-"],
    ],
    [
      "late by its schedule: twice a day",
      { world: "L: d37 d38*\nR: d37 d38", keep: "d=2", R: "d=2", take: ["daily"] },
      ["own overdue 60h/48h", "R overdue 60h/48h w=1"],
    ],
    [
      "due, and not late",
      { world: "L: d38 d39*\nR: d38 d39", keep: "d=2", R: "d=2", take: ["daily"] },
      ["own waiting 36h/48h", "R waiting 36h/48h w=1"],
    ],
    [
      "a copy is judged by what it keeps itself",
      { world: "L: d40* h971 h972\nR: d40", keep: "h=2 d=2", R: "d=2", take: ["hourly", "daily"] },
      ["own ok 0h/2h", "R ok 12h/48h"],
    ],
    [
      "a snapshot waits",
      { world: "L: d39* d40\nR: d39", keep: "d=2", R: "d=2" },
      ["own ok 12h/-", "R waiting 36h/- w=1"],
    ],
    [
      "maxAge of the source and of the remote",
      {
        world: "L: d39 d40*\nR: d39 d40",
        keep: "d=2",
        R: "d=2",
        source: { maxAge: (11 * HOUR) as Seconds },
        remote: { maxAge: (12 * HOUR) as Seconds },
      },
      ["own overdue 12h/11h", "R ok 12h/12h"],
    ],
    [
      "never copied",
      { world: "L: d40", keep: "d=2", R: "d=2", remote: { maxAge: DAY as Seconds } },
      ["own ok 12h/-", "R overdue -/24h w=1"],
    ],
    [
      "snapshots of no declared type do not count",
      { world: "L: d38 x40", keep: "d=2", source: { maxAge: DAY as Seconds } },
      ["own overdue 60h/24h"],
    ],
    [
      "a removable remote is away",
      { world: "L: d38* d39 d40\nR away: d38", keep: "d=all", R: "d=2", remote: usb },
      ["own ok 12h/-", "R away 60h/720h w=2"],
    ],
    [
      "a removable remote is not late by a schedule",
      { world: "L: d30* d40\nR away: d30", keep: "d=all", R: "d=2", take: ["daily"], remote: { removable: true } },
      ["own ok 12h/48h", "R away 252h/- w=1"],
    ],
    [
      "a removable remote is away for too long",
      { world: "L: d5* d40\nR away: d5", keep: "d=all", R: "d=2", remote: usb },
      ["own ok 12h/-", "R overdue 852h/720h w=1"],
    ],
    [
      "a remote that should be there cannot be seen",
      { world: "L: d39* d40\nR away: d39", keep: "d=all", R: "d=2" },
      ["own ok 12h/-", "R unknown 36h/- w=1"],
    ],
    [
      "what cannot be seen is late when what it is known to have is",
      { world: "L: d38* d40\nR away: d38", keep: "d=all", R: "d=2", take: ["daily"] },
      ["own ok 12h/48h", "R overdue 60h/48h w=1"],
    ],
    [
      "the source itself cannot be seen",
      { world: "L away: d40\nR: d40", keep: "d=2", R: "d=2", take: ["daily"], options: { allHosts: true } },
      ["own unknown -/48h", "R ok 12h/48h"],
    ],
    ["diverged", { world: "L: d38* d40\nR: d38 x39+", keep: "d=2", R: "d=2" }, ["own ok 12h/-", "R blocked 60h/- w=1"]],
    [
      "first contact withholds deletions",
      { world: "L new: d38 d39 d40", keep: "d=1" },
      ["own blocked 12h/- withheld=2"],
    ],
    [
      "suspended, however old",
      { world: "L: d3*\nR: d3", keep: "d=2", R: "d=2", take: ["daily"], source: { suspend: true } },
      ["own suspended 900h/48h", "R suspended 900h/48h"],
    ],
    [
      "half received",
      { world: "L: d38* d40\nR: d38 %d40<d38", keep: "d=2", R: "d=2" },
      ["own ok 12h/-", "R waiting 60h/- w=1"],
    ],
  ])("%s", (_, c, expected) => {
    expect(linesOf(statusOf(c, c.options?.allHosts ? { allHosts: true } : {}))).toEqual(expected);
  });

  test("counts by type, with types that are kept and not there", () => {
    const { sources } = statusOf({ world: "L: d39 d40 c1\nR: d39", keep: "d=2 w=4", R: "d=2" });
    expect(sources[0]?.own?.types.map(({ type, count }) => [type, count])).toEqual([
      ["daily", 2],
      ["weekly", 0],
      ["critical", 1],
    ]);
    expect(sources[0]?.copies[0]?.types).toMatchObject([{ type: "daily", count: 1 }]);
  });

  test("a source that is missing is blocked, and so is the whole", () => {
    const status = statusOf(
      { world: "R: d40", keep: "d=2", R: "d=2", options: { allHosts: true } },
      { allHosts: true },
    );
    expect(status.sources).toMatchObject([
      { source: "here:tank/s", health: "blocked", own: { blocked: [{ reason: "source-missing" }] }, copies: [] },
    ]);
    expect(status.health).toBe("blocked");
  });

  test("nobody knows the whole where something that matters cannot be seen", () => {
    const { health, complete } = statusOf({ world: "L: d40\nR away: d40", keep: "d=2", R: "d=2" });
    expect([health, complete]).toEqual(["unknown", false]);
  });

  test("suspended at once, without a commit", () => {
    const c: Case = { world: "L: d39 d40*\nR: d39 d40", keep: "d=2", R: "d=2" };
    const { sources, health } = statusOf(c, { suspended: ["here:tank/s" as Address] });
    expect(sources).toMatchObject([{ suspended: true, health: "suspended" }]);
    expect(health).toBe("suspended");
  });

  test("a copy that the other side pulls waits, too", () => {
    const pull: Case = { world: "L: d39* d40\nR: d39", keep: "d=2", R: "d=2", remote: { mode: "pull" } };
    const { manifest, inventory, now } = parse(pull);
    const here = { ...manifest, self: "here" as HostName, controller: false };
    const status = assess(here, inventory, plan(here, inventory, { now }), { now });
    expect(linesOf(status)).toEqual(["own ok 12h/-", "R waiting 36h/- w=1"]);
    const there = { ...manifest, self: "there" as HostName, controller: false };
    expect(linesOf(assess(there, inventory, plan(there, inventory, { now }), { now }))).toEqual([
      "R waiting 36h/- w=1",
    ]);
  });
});

describe("sources that cannot be seen", () => {
  const away = "L away: d40\nR: d40";
  const keys = { keep: byType({ daily: 2 }), take: ["daily" as TypeName] };
  const all = { allHosts: true };
  const known = (name: string, hours: number) => ({
    source: `here:${name}` as Address,
    own: { newest: { name: "daily", creation: (Date.UTC(2026, 1, 10, 12) / 1000 - hours * HOUR) as EpochSeconds } },
    copies: [],
  });
  const seen = (pattern: string, ...lastSeen: ReturnType<typeof known>[]) =>
    statusOf(
      { world: away, options: all, manifest: { datasets: [entry(pattern, keys, pattern.split(":")[0])] } },
      { ...all, lastSeen },
    ).sources.map(({ source, own }) => `${source} ${own === undefined ? "" : line("own", own)}`);

  test("are there still, whatever pattern means their hosts", () => {
    expect(seen("he*:tank/s")).toEqual(["here:tank/s own unknown -/48h"]);
  });

  test("are those that were seen before, where only a pattern or a parent means them", () => {
    const children = [known("tank/s/a", 12), known("tank/s/b", 60), known("other/s", 12)];
    expect(seen("here:tank/s/*", ...children)).toEqual([
      "here:tank/s/a own unknown 12h/48h",
      "here:tank/s/b own overdue 60h/48h",
    ]);
    const below = { ...keys, recursive: true };
    const status = statusOf(
      { world: away, options: all, manifest: { datasets: [entry("here:tank/s", below, "here")] } },
      { ...all, lastSeen: children },
    );
    expect(status.sources.map(({ source }) => source)).toEqual(["here:tank/s", "here:tank/s/a", "here:tank/s/b"]);
  });

  test("are forgotten once it is seen that they are gone", () => {
    const lastSeen = [known("tank/s/a", 12)];
    const c = {
      world: "L: d40*",
      manifest: { datasets: [entry("here:tank/s", { ...keys, recursive: true }, "here")] },
    };
    expect(statusOf(c, { lastSeen }).sources.map(({ source }) => source)).toEqual(["here:tank/s"]);
  });
});

describe("what was tried last", () => {
  const waiting: Case = { world: "L: d39* d40\nR: d39", keep: "d=2", R: "d=2" };
  const done: Case = { world: "L: d39 d40*\nR: d39 d40", keep: "d=2", R: "d=2" };
  const report = (outcome: OperationReport["outcome"], more: Partial<OperationReport> = {}) => ({
    operations: [
      {
        id: "send",
        kind: "send",
        source: "here:tank/s" as Address,
        remote: "R" as RemoteName,
        description: "send",
        outcome,
        seconds: 1,
        ...(outcome === "failed" && { error: { message: "no space left" } }),
        ...more,
      } satisfies OperationReport,
    ],
  });
  const copyOf = (c: Case, ...lastReports: ReturnType<typeof report>[]) =>
    statusOf(c, { lastReports }).sources[0]?.copies[0];

  test("a failure counts while something is to be done", () => {
    expect(copyOf(waiting, report("failed"))).toMatchObject({
      health: "failed",
      message: "the last attempt failed: no space left; 1 to come",
    });
    expect(copyOf(done, report("failed"))?.health).toBe("ok");
  });

  test.each<[string, ReturnType<typeof report>[], string]>([
    ["it went well since", [report("done"), report("failed")], "waiting"],
    [
      "something else was tried since",
      [report("done", { source: "here:tank/t" as Address }), report("failed")],
      "failed",
    ],
    ["an interruption is no attempt", [report("interrupted"), report("failed")], "failed"],
    ["stale is no failure", [report("stale")], "waiting"],
    [
      "skipped because of another failure",
      [
        {
          operations: [...report("skipped").operations, ...report("failed", { remote: "S" as RemoteName }).operations],
        },
      ],
      "failed",
    ],
    ["skipped because of a change", [report("skipped")], "waiting"],
  ])("%s", (_, reports, health) => {
    expect(copyOf(waiting, ...reports)?.health).toBe(health);
  });
});

const nas = "nas" as HostName;
const clock = (Date.UTC(2026, 10, 24, 12) / 1000) as EpochSeconds;
const directory = "/a" as DirectoryPath;

let ids = 0;
function copyAt(
  hoursAgo: number,
  tags: readonly string[] = ["holdfast", "source=nas:/a", "type=daily"],
): RepositoryCopy {
  const id = (++ids).toString(16).padStart(64, "0");
  const creation = (clock - hoursAgo * HOUR) as EpochSeconds;
  return { id, time: new Date(creation * 1000).toISOString(), creation, tree: id, host: "nas", paths: ["/a"], tags };
}
const observed = (...copies: RepositoryCopy[]): RepositoryInventory => ({
  state: "observed",
  resticVersion: "0.18.0",
  id: "id",
  chunkerPolynomial: "1",
  copies: [...copies].sort((a, b) => a.creation - b.creation),
  locks: [],
});
const unseen: RepositoryInventory = { state: "unobserved", reason: "no route to host" };

interface Given {
  readonly there: RepositoryInventory;
  readonly mirrored?: RepositoryInventory;
  readonly remote?: Partial<Repository>;
  readonly maxAge?: number;
  /** Hours since the newest copy that was seen last. */
  readonly lastSeen?: number;
}

function world({ there, mirrored, remote = {}, maxAge, lastSeen }: Given) {
  const repository = (name: string, more: Partial<Repository>): Repository =>
    repositoryNamed(name, { keep: byType({ daily: 7 }), ...more });
  const manifest: Manifest = makeManifest({
    self: nas,
    controller: false,
    hosts: new Map([[nas, hostNamed("nas", "nas")]]),
    remotes: new Map([["usb" as RemoteName, { type: "restic", ...repository("usb", remote) } as ResticRemote]]),
    mirrors: mirrored
      ? new Map([["cloud" as RemoteName, { of: "usb" as RemoteName, ...repository("cloud", {}) } as Mirror]])
      : new Map(),
    datasets: [],
    directories: [
      {
        key: "/a",
        host: nas,
        path: directory,
        keys: {
          take: ["daily" as TypeName],
          remotes: new Map([["usb" as RemoteName, {}]]),
          ...(maxAge !== undefined && { maxAge: maxAge as Seconds }),
        },
        place: { file: "holdfast.yaml", line: 1, column: 1 },
      },
    ],
  });
  const inventory = {
    formatVersion: 1 as const,
    observedAt: clock,
    hosts: {},
    repositories: {
      ["usb@nas" as RepositoryKey]: there,
      ...(mirrored && { ["cloud@nas" as RepositoryKey]: mirrored }),
    },
    directories: { [address(nas, directory)]: { state: "present" as const } },
  };
  const newest = { name: "daily", creation: (clock - (lastSeen ?? 0) * HOUR) as EpochSeconds };
  return assess(manifest, inventory, plan(manifest, inventory, { now: clock }), {
    now: clock,
    ...(lastSeen !== undefined && {
      lastSeen: [{ source: address(nas, directory), copies: [{ remote: "usb" as RemoteName, newest }] }],
    }),
  });
}

describe("directories", () => {
  const partial = ["holdfast", "source=nas:/a", "type=daily", "partial"];
  const today = copyAt(10);
  test.each<[string, Given, string[]]>([
    ["all is well", { there: observed(copyAt(10)) }, ["usb ok 10h/48h"]],
    ["due, and not late", { there: observed(copyAt(30)) }, ["usb waiting 30h/48h w=1"]],
    ["late", { there: observed(copyAt(60)) }, ["usb overdue 60h/48h w=1"]],
    ["maxAge of the directory", { there: observed(copyAt(10)), maxAge: 9 * HOUR }, ["usb overdue 10h/9h"]],
    [
      "the remote's own is closer",
      { there: observed(copyAt(10)), maxAge: 9 * HOUR, remote: { maxAge: DAY as Seconds } },
      ["usb ok 10h/24h"],
    ],
    ["never made", { there: observed() }, ["usb overdue -/48h w=1"]],
    ["there is no repository", { there: { state: "absent" } }, ["usb blocked -/48h w=1"]],
    ["one that will be made", { there: { state: "absent" }, remote: { init: true } }, ["usb overdue -/48h w=1"]],
    ["cannot be seen", { there: unseen }, ["usb unknown -/48h"]],
    ["cannot be seen, and was when it was young enough", { there: unseen, lastSeen: 40 }, ["usb unknown 40h/48h"]],
    ["cannot be seen, and is late by what was seen", { there: unseen, lastSeen: 60 }, ["usb overdue 60h/48h"]],
    ["a disk that is away", { there: unseen, remote: usb, lastSeen: 400 }, ["usb away 400h/720h"]],
    ["a disk that is away for too long", { there: unseen, remote: usb, lastSeen: 800 }, ["usb overdue 800h/720h"]],
    ["a disk that nobody has ever seen", { there: unseen, remote: usb }, ["usb unknown -/720h"]],
    ["a disk that may be away for ever", { there: unseen, remote: { removable: true } }, ["usb away -/-"]],
    ["the newest lacks files", { there: observed(copyAt(34), copyAt(10, partial)) }, ["usb failed 34h/48h"]],
    [
      "a mirror waits for what its remote has",
      { there: observed(copyAt(34), today), mirrored: observed(copyAt(34)) },
      ["usb ok 10h/48h", "cloud waiting 34h/48h w=2"],
    ],
    [
      "a mirror has everything",
      { there: observed(today), mirrored: observed({ ...today, id: "f".repeat(64), original: today.id }) },
      ["usb ok 10h/48h", "cloud ok 10h/48h"],
    ],
    [
      "a mirror cannot be seen",
      { there: observed(today), mirrored: unseen },
      ["usb ok 10h/48h", "cloud unknown -/48h"],
    ],
  ])("%s", (_, given, expected) => {
    expect(linesOf(world(given))).toEqual(expected);
  });

  test("the whole is complete while all that is away may be", () => {
    const complete = (given: Partial<Given>) => {
      const { complete, unobserved, health } = world({ there: unseen, remote: usb, ...given });
      return [complete, unobserved.map(({ expected }) => expected), health];
    };
    expect(complete({ lastSeen: 400 })).toEqual([true, [true], "away"]);
    expect(complete({ lastSeen: 800 })).toEqual([false, [false], "overdue"]);
    expect(complete({})).toEqual([false, [false], "unknown"]);
  });

  test("of what cannot be seen nothing is counted", () => {
    expect(world({ there: observed() }).sources[0]?.copies[0]?.types).toEqual([{ type: "daily", count: 0 }]);
    expect(world({ there: unseen, lastSeen: 1 }).sources[0]?.copies[0]).toMatchObject({ unseen: true, types: [] });
  });

  test("when its repository was checked", () => {
    const { sources } = world({ there: observed(today, copyAt(100, ["holdfast", "maintenance=check"])) });
    expect(sources[0]?.copies[0]?.verified).toBe(clock - 100 * HOUR);
  });
});

describe("the same status later", () => {
  const status = world({ there: observed(copyAt(40)) });
  const later = (hours: number) => asOf(status, (clock + hours * HOUR) as EpochSeconds);

  test("ages go on, and what was young enough becomes late", () => {
    expect(linesOf(later(0))).toEqual(linesOf(status));
    expect(linesOf(later(8))).toEqual(["usb waiting 48h/48h w=1"]);
    const late = later(9);
    expect(linesOf(late)).toEqual(["usb overdue 49h/48h w=1"]);
    expect([late.health, late.now]).toEqual(["overdue", "2026-11-24T21:00:00Z"]);
  });
});
