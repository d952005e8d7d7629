import { describe, expect, test } from "vitest";
import type { Dataset, Inventory, RepositoryCopy, Snapshot } from "../../../src/model/inventory.ts";
import type { KeepByTime, Manifest, ResticRemote } from "../../../src/model/manifest.ts";
import type {
  Address,
  Bytes,
  DatasetName,
  EpochSeconds,
  Guid,
  RemoteName,
  RepositoryKey,
  Txg,
  TypeName,
} from "../../../src/model/units.ts";
import { plan } from "../../../src/planner/index.ts";
import { snapshotName } from "../../../src/planner/types.ts";
import { arrivingCopy, type CopyView, copiesOf, inOrder } from "../../../src/remotes/restic/plan-views.ts";
import { tagsOf } from "../../../src/remotes/restic/tags.ts";
import { entry, hostNamed, makeManifest } from "../../property/manifests.ts";
import { host, repository } from "./tools.ts";

const DAY = 86_400;
const NOW = (Date.UTC(2026, 10, 22, 12) / 1000) as EpochSeconds;
const bytes = 0 as Bytes;

const snapshot = (daysAgo: number, index: number): Snapshot => ({
  name: `daily-${daysAgo}`,
  guid: `${100 + index}` as Guid,
  createtxg: `${10 + index}` as unknown as Txg,
  creation: Math.round(NOW - daysAgo * DAY) as EpochSeconds,
  used: bytes,
  referenced: bytes,
  written: bytes,
});

/** What is backed up of a dataset with daily snapshots of these ages to a repository with nothing in it. */
function backedUp(ages: readonly number[], keep: KeepByTime, timezone = "UTC"): string[] {
  const dataset: Dataset = {
    name: "tank/data" as DatasetName,
    type: "filesystem",
    guid: "1" as Guid,
    createtxg: 1 as unknown as Txg,
    used: bytes,
    referenced: bytes,
    available: bytes,
    written: bytes,
    encryption: "off",
    mounted: true,
    mountpoint: "/tank/data",
    own: { adopted: "on" },
    snapshots: ages.map(snapshot),
    bookmarks: [],
  };
  const remote: ResticRemote = { type: "restic", ...repository, location: "/usb" };
  const manifest: Manifest = makeManifest({
    self: host,
    controller: false,
    timezone,
    hosts: new Map([[host, hostNamed("nas", "nas")]]),
    remotes: new Map([[remote.name, remote]]),
    datasets: [
      entry(
        "tank/data",
        {
          take: [],
          keep: { by: "time", last: 99 },
          remotes: new Map([[remote.name as RemoteName, { keep }]]),
        },
        "nas",
      ),
    ],
  });
  const inventory: Inventory = {
    formatVersion: 1,
    observedAt: NOW,
    hosts: {
      [host]: {
        state: "observed",
        zfsVersion: "2.3",
        pools: ["tank"],
        roots: ["tank" as DatasetName],
        datasets: [dataset],
      },
    },
    repositories: {
      ["usb@nas" as RepositoryKey]: {
        state: "observed",
        resticVersion: "0.18.0",
        id: "usb",
        chunkerPolynomial: "",
        copies: [],
        locks: [],
      },
    },
  };
  const { operations, blocked } = plan(manifest, inventory, { now: NOW });
  expect(blocked).toEqual([]);
  return operations.flatMap((one) => (one.kind === "backup" ? [one.name] : []));
}

test("snapshots are backed up as a repository thins them, and the plan after that is empty", () => {
  expect(backedUp([3.1, 3, 2, 1], { by: "time", daily: 3 })).toEqual(["daily-3", "daily-2", "daily-1"]);
  expect(backedUp([3.1, 3, 2.9, 2.8], { by: "time", daily: 3 })).toEqual(["daily-3.1", "daily-2.8"]);
});

test("days are those that a copy records, in UTC", () => {
  // both of one day in Auckland, of two in UTC
  expect(backedUp([0.6, 0.4], { by: "time", daily: 2 }, "Pacific/Auckland")).toEqual(["daily-0.6", "daily-0.4"]);
  expect(backedUp([1.4, 0.6], { by: "time", daily: 1 }, "Pacific/Auckland")).toEqual(["daily-0.6"]);
});

describe("of what is taken in one second, that which is yet to be made stands where it will stand", () => {
  const nothing: RepositoryCopy = { id: "", time: "", creation: NOW, tree: "", host, paths: [], tags: [] };
  const address = "nas:tank/data" as Address;
  const source = { address, host, nameOf: () => undefined };
  const existing = (copies: readonly RepositoryCopy[]): CopyView[] =>
    copiesOf(
      makeManifest({ datasets: [] }),
      { repository, keep: { by: "time", last: 9 } },
      { state: "observed", resticVersion: "0.18.0", id: "usb", chunkerPolynomial: "", copies, locks: [] },
      source,
    );
  const time = new Date(NOW * 1000).toISOString();

  test("snapshots, which have no guid before", () => {
    const types = ["weekly", "hourly", "daily"] as TypeName[];
    const planned = types.map((type): CopyView => {
      const name = snapshotName(type, NOW);
      const is = { key: `create ${name}`, name, type, types: [type], isOfSnapshot: true, creation: NOW };
      return { ...is, isPartial: false, ref: { name, id: "" } };
    });
    const made = types.map((type, index) => {
      const tags = tagsOf({ source: address, guid: `${9 - index}` as Guid, types: [type] });
      return { ...nothing, id: `${index}`, time, tags };
    });
    const names = (views: readonly CopyView[]) => [...views].sort(inOrder).map(({ name }) => name);
    expect(names(planned)).toEqual(types.map((type) => snapshotName(type, NOW)).sort());
    expect(names(existing(made))).toEqual(names(planned));
  });

  test("directories, by what they are known by in a mirror too", () => {
    const tags = tagsOf({ source: address, types: ["daily" as TypeName] });
    const copies = ["b", "a", "c"].map((id, index) => ({
      ...nothing,
      id: id.repeat(64),
      original: `${9 - index}`,
      time,
      tags,
    }));
    const there = existing(copies);
    const mixed = [...there.slice(0, 2), ...there.slice(2).map(arrivingCopy)];
    const keys = (views: readonly CopyView[]) => [...views].sort(inOrder).map(({ key }) => key);
    expect(keys(mixed)).toEqual(["7", "8", "9"]);
  });
});
