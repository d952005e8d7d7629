import { describe, expect, test } from "vitest";
import { audit, type KnownRepository } from "../../src/audit/index.ts";
import { suggestManifest } from "../../src/audit/suggest.ts";
import { parseManifest } from "../../src/manifest/index.ts";
import type { Audit } from "../../src/model/audit.ts";
import type { RepositoryCopy } from "../../src/model/inventory.ts";
import type { EpochSeconds, HostName } from "../../src/model/units.ts";
import { renderAudit } from "../../src/render/audit.ts";
import { emptyWorld, toInventory, type World } from "../property/world.ts";
import * as zfs from "../property/zfs.ts";

const nas = "nas" as HostName;
const now = (Date.UTC(2026, 10, 24, 12) / 1000) as EpochSeconds;
const HOUR = 3600;
const DAY = 24 * HOUR;
const MIB = 1024 ** 2;

function worldWith(...datasets: readonly string[]): World {
  const world = emptyWorld({ nas: ["tank", "usb"] });
  for (const name of ["tank", "usb", ...datasets]) zfs.create(world, nas, name);
  return world;
}
const snap = (world: World, dataset: string, name: string, hoursAgo: number): void =>
  zfs.snapshot(world, nas, [{ dataset, name }], now - hoursAgo * HOUR);
const copy = (world: World, from: string, base: string | null, to: string, target: string): void =>
  zfs.receive(
    world,
    nas,
    target,
    zfs.send(world, nas, from, { base: base === null ? null : { snapshot: base }, to, range: false, raw: false }),
  );
const audited = (world: World, ...repositories: readonly KnownRepository[]): Audit =>
  audit(nas, toInventory(world, now), repositories, now);

const resticCopy = (more: Partial<RepositoryCopy>): RepositoryCopy => ({
  id: "1".padStart(64, "0"),
  time: new Date((now - 2 * HOUR) * 1000).toISOString(),
  creation: (now - 2 * HOUR) as EpochSeconds,
  tree: "",
  host: "nas",
  paths: [],
  tags: [],
  ...more,
});
const repository = (...copies: readonly RepositoryCopy[]): KnownRepository => ({
  name: "/mnt/repository",
  inventory: { state: "observed", resticVersion: "0.18.0", id: "", chunkerPolynomial: "", copies, locks: [] },
});

describe("what protects a dataset", () => {
  test.each([
    ["nothing", () => {}, { protection: "none", unsnapshottedSince: "ever", uncopiedSince: "ever" }],
    [
      "snapshots beside it, and something was written since",
      (world: World) => {
        snap(world, "tank/data", "a", 5);
        zfs.write(world, nas, "tank/data", MIB);
      },
      { protection: "snapshots", newest: now - 5 * HOUR, unsnapshottedSince: now - 5 * HOUR, uncopiedSince: "ever" },
    ],
    [
      "a copy on another pool that has all",
      (world: World) => {
        snap(world, "tank/data", "a", 5);
        copy(world, "tank/data", null, "a", "usb/data");
      },
      { protection: "copied", copies: [{ place: "usb/data", newest: now - 5 * HOUR }] },
    ],
    [
      "a copy that lacks what was written since",
      (world: World) => {
        snap(world, "tank/data", "a", 50);
        copy(world, "tank/data", null, "a", "usb/data");
        zfs.write(world, nas, "tank/data", MIB);
        snap(world, "tank/data", "b", 5);
      },
      { protection: "behind", newest: now - 5 * HOUR, uncopiedSince: now - 50 * HOUR },
    ],
    [
      "a copy on its own pool, which goes with it",
      (world: World) => {
        snap(world, "tank/data", "a", 5);
        copy(world, "tank/data", null, "a", "tank/other");
      },
      { protection: "snapshots", copies: [], uncopiedSince: "ever" },
    ],
  ] as const)("%s", (_, events, expected) => {
    const world = worldWith("tank/data");
    zfs.write(world, nas, "tank/data", 2 * MIB);
    events(world);
    const { datasets } = audited(world);
    expect(datasets.find(({ dataset }) => dataset === "tank/data")).toMatchObject(expected);
    if (expected.protection === "copied") expect(datasets[0]).not.toMatchObject({ uncopiedSince: expect.anything() });
    expect(datasets.map(({ dataset }) => dataset)).not.toContain("usb/data");
  });

  test.each([
    ["of its mount point", { paths: ["/tank/data"] }, "behind"],
    ["of what its mount point lies in", { paths: ["/tank"] }, "behind"],
    ["that Holdfast made of it", { tags: ["holdfast", "source=nas:tank/data"] }, "behind"],
    ["of another folder", { paths: ["/tank/data2"] }, "none"],
    ["of another host", { host: "laptop", paths: ["/tank/data"] }, "none"],
  ] as const)("a copy in a repository %s", (_, more, protection) => {
    const world = worldWith("tank/data");
    zfs.write(world, nas, "tank/data", 2 * MIB);
    const inventory = toInventory(world, now);
    const there = inventory.hosts[nas];
    if (there?.state !== "observed") throw new Error("unobserved");
    const mounted = there.datasets.map((each) => ({ ...each, mountpoint: `/${each.name}` }));
    const found = audit(
      nas,
      { ...inventory, hosts: { [nas]: { ...there, datasets: mounted } } },
      [repository(resticCopy(more))],
      now,
    );
    expect(found.datasets.find(({ dataset }) => dataset === "tank/data")).toMatchObject({ protection });
  });

  test("the least protected first; what is empty is nothing to protect", () => {
    const world = worldWith("tank/data", "tank/vm", "tank/empty");
    for (const name of ["tank/data", "tank/vm"]) zfs.write(world, nas, name, 2 * MIB);
    snap(world, "tank/data", "a", 1);
    expect(audited(world).datasets.map(({ dataset }) => dataset)).toEqual(["tank/vm", "tank/data"]);
  });
});

test("copies that diverged, and which of two is the copy", () => {
  const world = worldWith("tank/data");
  snap(world, "tank/data", "a", 50);
  copy(world, "tank/data", null, "a", "usb/data");
  snap(world, "usb/data", "own", 20);
  snap(world, "tank/data", "b", 10);
  const found = audited(world);
  expect(found.replicas).toMatchObject([
    { source: "tank/data", replica: "usb/data", shared: 1, ahead: 1, behind: 1, diverged: true },
  ]);
  expect(renderAudit(found, "", { color: false })).toContain("usb/data of tank/data: diverged since 2026-11-22T10:00Z");
});

describe("snapshots by who makes them", () => {
  const taken = (world: World, name: (at: Date) => string, everyHours: number, from: number, to: number): void => {
    for (let ago = from; ago >= to; ago -= everyHours)
      snap(world, "tank/data", name(new Date((now - ago * HOUR) * 1000)), ago);
  };
  const sanoid = (at: Date): string =>
    `autosnap_${at.toISOString().slice(0, 10)}_${at.toISOString().slice(11, 19)}_hourly`;

  test("a tool that goes on, one that stopped long ago, and names nobody knows", () => {
    const world = worldWith("tank/data");
    const zrepl = (at: Date): string => `zrepl_${at.toISOString().replaceAll(/[-:]|\.\d+Z/g, "")}_000`;
    taken(world, zrepl, 1, 24 * 20 + 10, 24 * 20);
    taken(world, sanoid, 1, 10, 1);
    snap(world, "tank/data", "before-upgrade", 0);
    expect(audited(world).owners).toMatchObject([
      { tool: "sanoid", snapshots: 10, silent: false },
      { tool: "unknown", snapshots: 1, silent: false },
      { tool: "zrepl", snapshots: 11, silent: true },
    ]);
  });

  test("holds of a transfer that is long over, and of a tool that stopped", () => {
    const world = worldWith("tank/data");
    snap(world, "tank/data", "zrepl_20261001_000000_000", 24 * 50);
    snap(world, "tank/data", "b", 48);
    snap(world, "tank/data", "c", 2);
    zfs.hold(world, nas, "tank/data", "zrepl_20261001_000000_000", "zrepl_last_received_J_push");
    zfs.hold(world, nas, "tank/data", "b", ".send-4711-1");
    zfs.hold(world, nas, "tank/data", "c", "keep-me");
    expect(audited(world).holds.map(({ snapshot, leaked }) => [snapshot, leaked])).toEqual([
      ["tank/data@zrepl_20261001_000000_000", true],
      ["tank/data@b", true],
      ["tank/data@c", false],
    ]);
  });

  test.each([
    ["a machine with nothing but data", () => {}, { datasets: ["tank/data"], remotes: ["copies"] }],
    [
      "one with copies on a second pool, and another tool's snapshots",
      (world: World) => {
        taken(world, sanoid, 1, 3, 1);
        zfs.create(world, nas, "usb/backup");
        zfs.create(world, nas, "usb/backup/tank");
        const last = toInventory(world, now).hosts[nas];
        if (last?.state !== "observed") throw new Error("unobserved");
        const name = last.datasets.find((each) => each.name === "tank/data")?.snapshots.at(-1)?.name ?? "";
        copy(world, "tank/data", null, name, "usb/backup/tank/data");
      },
      { datasets: ["tank/data"], remotes: ["usb"] },
    ],
  ] as const)("the manifest suggested for %s is valid", (_, events, expected) => {
    const world = worldWith("tank/data");
    zfs.write(world, nas, "tank/data", 2 * MIB);
    events(world);
    const { manifest, diagnostics } = parsed(suggestManifest(audited(world)));
    expect(diagnostics).toEqual([]);
    expect(manifest?.datasets.map(({ key }) => key)).toEqual(expected.datasets);
    expect([...(manifest?.remotes.keys() ?? [])]).toEqual(expected.remotes);
  });
});

describe("without ZFS the suggestion is of directories", () => {
  test.each([
    ["no repository", [], ["/etc", "/home"], 0],
    [
      "a repository with nothing of this machine",
      [repository(resticCopy({ host: "laptop", paths: ["/a"] }))],
      ["/etc", "/home"],
      0,
    ],
    [
      "a repository that has some",
      [repository(resticCopy({ paths: ["/srv"] }), resticCopy({ paths: ["/srv"] }))],
      ["/srv"],
      1,
    ],
  ] as const)("%s", (_, repositories, expected, adopted) => {
    const found = audit(nas, { formatVersion: 1, observedAt: now, hosts: {} }, repositories, now);
    const { manifest, diagnostics } = parsed(suggestManifest(found, "/root/usb password"));
    expect(diagnostics).toEqual([]);
    expect(manifest?.directories.map(({ path }) => path)).toEqual(expected);
    const remote = manifest?.remotes.values().next().value;
    expect(remote).toMatchObject({
      type: "restic",
      adopt: Array(adopted).fill(expect.anything()),
      password: { file: "/root/usb password" },
    });
  });
});

test("what could not be seen is told, and no control character reaches the terminal", () => {
  const found = audit(
    nas,
    { formatVersion: 1, observedAt: now, hosts: { [nas]: { state: "unobserved", reason: "no\u001b[31m\nload it" } } },
    [{ name: "r", inventory: { state: "absent" } }],
    now,
  );
  expect(found.unobserved).toEqual([
    { what: "zfs", reason: "no\u001b[31m", hint: "load it" },
    { what: "r", reason: "there is no repository" },
  ]);
  expect(renderAudit(found, "", { color: false })).toContain("zfs: no\\x1b[31m\n    load it\n");
});

test("in a repository: the newest copy of each host and path, and when Holdfast last verified it", () => {
  const old = resticCopy({ paths: ["/etc"], creation: (now - 10 * DAY) as EpochSeconds });
  const found = audited(worldWith(), {
    ...repository(old, resticCopy({ paths: ["/etc"] }), resticCopy({ host: "laptop", paths: ["/home"] })),
    checked: (now - DAY) as EpochSeconds,
  });
  expect(found.repositories).toMatchObject([
    {
      copies: 3,
      checked: now - DAY,
      sources: [
        { host: "nas", paths: ["/etc"], newest: now - 2 * HOUR },
        { host: "laptop", paths: ["/home"], newest: now - 2 * HOUR },
      ],
    },
  ]);
});

const parsed = (text: string) =>
  parseManifest([{ name: "holdfast.yaml", text }], { hostname: "nas", user: "root", folder: "/", now });
