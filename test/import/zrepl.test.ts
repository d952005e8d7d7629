import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importConfiguration } from "../../src/import/index.ts";
import { keepOf, secondsOf } from "../../src/import/zrepl-keep.ts";
import { parseDuration } from "../../src/manifest/units.ts";
import { plan } from "../../src/planner/index.ts";
import { now } from "../manifest/helpers.ts";
import { emptyWorld, toInventory } from "../property/world.ts";
import * as zfs from "../property/zfs.ts";
import { randomCases } from "../random.ts";
import { zfsPlan } from "../zfs-plan.ts";
import { machine, outcome, plain } from "./helpers.ts";

const zrepl = (text: string) => outcome(importConfiguration("zrepl", { name: "zrepl.yml", text }, machine));

/** In the manner of zrepl's quick start for a disk. */
const DISK = `
jobs:
- name: snapjob
  type: snap
  filesystems: { "system<": true, "system/tmp<": false, "system/tmp/keep": true }
  snapshotting: { type: periodic, interval: 15m, prefix: zrepl_ }
  pruning:
    keep:
    - { type: grid, grid: 1x1h(keep=all) | 24x1h | 14x1d, regex: "^zrepl_.*" }
    - { type: regex, negate: true, regex: "^zrepl_.*" }
- name: push_to_drive
  type: push
  connect: { type: local, listener_name: drive, client_identity: myhostname }
  filesystems: { "system<": true }
  send: { raw: true }
  snapshotting: { type: manual }
  pruning:
    keep_sender: [{ type: regex, regex: ".*" }]
    keep_receiver:
    - { type: grid, grid: 1x1h(keep=all) | 24x1h | 360x1d | 6x30d, regex: "^zrepl_.*" }
- name: drive
  type: sink
  root_fs: backuppool/zrepl/sink
  serve: { type: local, listener_name: drive }
`;

test("a disk: snapshots by one job, sent by another", () => {
  const { text, remarks } = zrepl(DISK);
  expect(text).toMatchInlineSnapshot(`
    "# What tool.conf says, as holdfast import understands it: read it before it is used.

    version: 1
    timezone: Europe/Berlin

    snapshotTypes:
      every-15m: { schedule: "*/15 * * * *", timezone: UTC }
      # zrepl.yml:3: what zrepl took is counted as this type, and all of it stays: how many go is yours to say, once
      #   Holdfast's own reach back as far
      zrepl: { adopt: [ "zrepl_*" ] }

    remotes:
      backuppool: { type: zfs, root: backuppool/zrepl/sink/myhostname }

    datasets:
      system:
        recursive: true
        keep:
          every-15m: { count: 9, within: 2h }
          hourly: { count: 27, within: 26h }
          daily: { count: 17, within: 16d }
          weekly: 1
          zrepl: all
        remotes:
          backuppool:
            keep:
              every-15m: { count: 9, within: 2h }
              hourly: { count: 27, within: 26h }
              daily: { count: 363, within: 362d }
              weekly: { count: 79, within: 542d }
              zrepl: all
      system/tmp: { recursive: true, keep: { zrepl: all }, remotes: { backuppool: {} } }
      system/tmp/keep:
        recursive: false
        keep:
          every-15m: { count: 9, within: 2h }
          hourly: { count: 27, within: 26h }
          daily: { count: 17, within: 16d }
          weekly: 1
          zrepl: all
        remotes:
          backuppool:
            keep:
              every-15m: { count: 9, within: 2h }
              hourly: { count: 27, within: 26h }
              daily: { count: 363, within: 362d }
              weekly: { count: 79, within: 542d }
              zrepl: all
      "system/tmp/keep/*": { recursive: true, keep: { zrepl: all }, remotes: { backuppool: {} } }
    "
  `);
  expect(remarks).toMatchInlineSnapshot(`
    [
      "zrepl.yml:3: what zrepl took is counted as this type, and all of it stays: how many go is yours to say, once Holdfast's own reach back as far",
    ]
  `);
});

const PUSH = `
jobs:
- type: push
  name: away
  connect: { type: tls, address: "backups.example.com:8888", ca: a, cert: b, key: c, server_cn: backups }
  filesystems: { "tank<": true }
  snapshotting: { type: periodic, prefix: zrepl_, interval: 10m }
  pruning: { keep_sender: [{ type: not_replicated }, { type: last_n, count: 10 }], keep_receiver: [{ type: last_n, count: 5 }] }
`;

test("another machine, where only that one knows the place", () => {
  const { text } = zrepl(PUSH);
  expect(text).toMatchInlineSnapshot(`
    "# What tool.conf says, as holdfast import understands it: read it before it is used.

    version: 1
    timezone: Europe/Berlin

    snapshotTypes:
      every-10m: { schedule: "*/10 * * * *", timezone: UTC }
      # zrepl.yml:3: what zrepl took is counted as this type, and all of it stays: how many go is yours to say, once
      #   Holdfast's own reach back as far
      zrepl: { adopt: [ "zrepl_*" ] }

    hosts:
      nas: {}
      # zrepl.yml:5: zrepl goes by its own transport, Holdfast by SSH: name the user and the key (\`identity: { file: …
      #   }\`)
      backups: { address: backups.example.com, user: root, knownHostsFile: ~/.ssh/known_hosts }

    remotes:
      # zrepl.yml:5: where the copies are is said by the sink's file on that machine: write its \`root_fs\`, a slash,
      #   and the name that this machine has there (its client identity). Until then nothing is sent
      backups: { type: zfs, root: root-fs-of-the-sink/client-identity, raw: never, host: backups }

    datasets:
      "nas:tank":
        recursive: true
        keep: { every-10m: 10, zrepl: all }
        remotes: { backups: { keep: { every-10m: 5, zrepl: all } } }
    "
  `);
});

describe("filters", () => {
  test.each([
    ["everything but", `{ "<": true, "tmp<": false, "tank/a": false }`],
    ["one inside what is left out", `{ "tank<": true, "tank/foo<": false, "tank/foo/bar": true }`],
    ["one dataset", `{ "tank/a": true }`],
  ])("%s", (_, filter) => {
    expect(
      plain(
        zrepl(
          `jobs: [{ type: snap, name: s, filesystems: ${filter}, snapshotting: { type: cron, prefix: z_, cron: "0 3 * * *" }, pruning: { keep: [{ type: last_n, count: 3 }] } }]`,
        ).text,
      ),
    ).toMatchSnapshot();
  });
});

describe("retention is never smaller", () => {
  test.each([
    ["30 days become weeks", "grid: 6x30d"],
    ["two a day", "grid: 10x1d(keep=2)"],
    ["four hours", "grid: 1x1d(keep=all) | 30x4h"],
    ["years", "grid: 3x52w | 2x366d"],
    ["what is no grid", "grid: once a day"],
  ])("%s", (_, grid) => {
    const { manifest } = zrepl(
      `jobs: [{ type: snap, name: s, filesystems: { t: true }, snapshotting: { type: periodic, prefix: z_, interval: 7m }, pruning: { keep: [{ type: grid, ${grid}, regex: "^z_" }] } }]`,
    );
    const [entry] = manifest.datasets;
    expect(entry?.keys.keep?.by === "type" ? [...entry.keys.keep.types] : undefined).toMatchSnapshot();
  });
});

test("a grid keeps as much as in zrepl: so many of each interval that has any", () => {
  const DAY = 86_400;
  const tier = fc.record({
    times: fc.integer({ min: 1, max: 4 }),
    length: fc.constantFrom("30m", "1h", "4h", "1d", "3d", "1w", "30d", "90d", "366d"),
    keep: fc.constantFrom("1", "1", "2", "all"),
  });
  const period: Readonly<Record<string, number>> = {
    hourly: 3600,
    daily: DAY,
    weekly: 7 * DAY,
    monthly: 31 * DAY,
    yearly: 366 * DAY,
  };
  fc.assert(
    fc.property(
      fc.array(tier, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(1800, 3600, 7200, DAY),
      fc.nat(DAY),
      (tiers, interval, offset) => {
        const grid = tiers.map(({ times, length, keep }) => `${times}x${length}(keep=${keep})`).join(" | ");
        const base = { type: interval === 3600 ? "hourly" : interval === DAY ? "daily" : "base", interval };
        const keep = keepOf([{ type: "grid", grid, regex: "^z" }], [base], ["z1"]) ?? {};
        const lengths = tiers.flatMap(({ times, length, keep: most }) =>
          Array.from({ length: times }, () => ({
            seconds: secondsOf(length) ?? 0,
            most: most === "all" ? Number.POSITIVE_INFINITY : Number(most),
          })),
        );
        const end = lengths.reduce((sum, { seconds }) => sum + seconds, 0);
        const every = (seconds: number): number[] =>
          Array.from({ length: Math.ceil((end + 400 * DAY) / seconds) }, (_, n) => (offset % seconds) + n * seconds);
        const newest = offset % interval;
        const kept = Object.entries(keep).flatMap(([type, rule]) => {
          const { count, within } = typeof rule === "object" ? rule : { count: Number(rule), within: "1s" };
          return every(period[type] ?? interval).filter(
            (age, index) => index < count || age < (parseDuration(within) ?? 0),
          );
        });
        let start = newest;
        for (const { seconds, most } of lengths) {
          const inside = (age: number): boolean => age >= start && age < start + seconds;
          const wanted = Math.min(most, every(interval).filter(inside).length);
          expect(
            new Set(kept.filter(inside)).size,
            `${grid}: ${start} s, ${JSON.stringify(keep)}`,
          ).toBeGreaterThanOrEqual(wanted);
          start += seconds;
        }
      },
    ),
    randomCases(0.01, "import zrepl grid"),
  );
});

test("of what zrepl took nothing goes, whatever is allowed", () => {
  const { manifest } = zrepl(DISK);
  const world = emptyWorld({ nas: ["system", "backuppool"] });
  for (const [name, ages] of [
    ["system", [1, 2, 3, 9, 30]],
    ["system/tmp", []],
    ["system/tmp/keep", []],
    ["backuppool", []],
    ["backuppool/zrepl", []],
    ["backuppool/zrepl/sink", []],
    ["backuppool/zrepl/sink/myhostname", []],
    ["backuppool/zrepl/sink/myhostname/system", [3, 9, 30, 90, 400]],
  ] as const) {
    const dataset = zfs.create(world, "nas", name);
    dataset.own.set("adopted", "on");
    dataset.snapshots = [...ages].reverse().map((age, index) => ({
      name: `zrepl_2026_${age}`,
      guid: String(5000 + age),
      txg: 100 + index,
      creation: now - age * 86_400,
      written: 1,
      holds: [],
      clones: [],
    }));
  }
  for (const { pools } of world.hosts.values()) for (const pool of pools.values()) pool.txg = 1000;
  const made = zfsPlan(plan(manifest, toInventory(world, now), { now, allowDestroy: 1e6 }));
  expect(made.blocked).toEqual([]);
  expect(made.operations.filter(({ kind }) => kind === "destroy")).toEqual([]);
  // the copy goes on from what both sides have, and gets zrepl's own, too
  const sent = made.operations.flatMap((operation) => (operation.kind === "send" ? operation : []));
  expect(sent[0]?.base?.name).toBe("zrepl_2026_3");
  expect(sent.flatMap(({ snapshots }) => snapshots.map(({ name }) => name))).toContain("zrepl_2026_1");
});

test("to a place that is yet to be written nothing is sent, and nothing goes", () => {
  const { manifest } = zrepl(PUSH);
  const world = emptyWorld({ nas: ["tank"], backups: ["pool"] });
  zfs.create(world, "nas", "tank").own.set("adopted", "on");
  const made = zfsPlan(plan(manifest, toInventory(world, now), { now, allowDestroy: 1e6 }));
  expect([...new Set(made.operations.map(({ kind }) => kind))]).toEqual(["create"]);
});

test("rules of a job that takes nothing, where nobody else does, are named", () => {
  const { remarks } = zrepl(PUSH.replace(/\{ type: periodic.*/, "{ type: manual }"));
  expect(remarks).toContain(
    "zrepl.yml:8: nothing says when the snapshots of job away are taken, so what it keeps is not taken over: all of it stays",
  );
});

test("what is not understood is named with its line", () => {
  const { remarks } = zrepl(`include: [x.yml]
jobs:
- type: source
  name: s
  serve: { type: tcp }
  filesystems: { "tank<": true, "bad@name": true }
  snapshotting:
    type: periodic
    interval: 7m
    prefix: "odd prefix"
    hooks: [{ type: command, path: /x }]
  colour: blue
- type: pull
  name: p
  root_fs: tank/in
- type: snap
  name: q
  filesystems: { data: true }
  snapshotting: { type: cron, cron: "61 * * * *", prefix: zrepl_ }
  pruning: { keep: [{ type: grid, grid: nonsense, regex: "^zrepl_" }] }
- { type: other, name: o }
`);
  expect(remarks).toMatchInlineSnapshot(`
    [
      "zrepl.yml:1: files that are included are not read: put their jobs into this one",
      "zrepl.yml:12: colour of job s is not known, and was left out",
      "zrepl.yml:6: bad@name of job s is not understood, and was left out",
      "zrepl.yml:3: how much stays of what job s takes is said by who pulls it, so all of it does; its copies are not taken over",
      "zrepl.yml:11: hooks of job s are not taken over: \`hooks\` of the entry do the same",
      "zrepl.yml:8: the prefix of job s can be no pattern: the snapshots that it took are left alone",
      "zrepl.yml:9: the interval of job s is no part of an hour or a day: every-6m is a little more often",
      "zrepl.yml:13: job p is left out: which datasets it pulls is said by the other machine; import that one's file, and give the remote \`mode: pull\`",
      "zrepl.yml:19: when job q takes snapshots is not understood: every hour is taken instead",
      "zrepl.yml:21: job o is left out: its type is not known",
      "zrepl.yml:20: keep of job q is not understood: all of it stays",
      "zrepl.yml:3: what zrepl took is counted as this type, and all of it stays: how many go is yours to say, once Holdfast's own reach back as far",
    ]
  `);
});

test.each([
  ["no YAML", "jobs: [", /^zrepl\.yml:1: /],
  ["no jobs", "global: {}", /no job takes or sends/],
  ["a sink alone", "jobs: [{ type: sink, name: s, root_fs: t }]", /no job takes or sends/],
])("%s is refused", (_, text, message) => {
  expect(() => zrepl(text)).toThrow(message);
});
