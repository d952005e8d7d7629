import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import validate from "../../src/model/generated/inventory.v1.js";
import type {
  Bookmark,
  Dataset,
  HostInventory,
  Inventory,
  RepositoryCopy,
  RepositoryInventory,
  ResumeState,
  Snapshot,
} from "../../src/model/inventory.ts";
import type {
  Address,
  Bytes,
  DatasetName,
  EpochSeconds,
  Guid,
  HostName,
  RepositoryKey,
  Txg,
} from "../../src/model/units.ts";

const schema = JSON.parse(readFileSync(new URL("../../schemas/inventory.v1.schema.json", import.meta.url), "utf8"));

/** Every property that the types know, so that the compiler and the schema can be held against each other. */
const content: Required<NonNullable<ResumeState["content"]>> = {
  toName: "tank/a@s",
  toGuid: "1" as Guid,
  fromGuid: "2" as Guid,
  raw: true,
  bytes: 1 as Bytes,
  remaining: 2 as Bytes,
  usable: false,
  problem: "gone",
};
const bookmark: Required<Bookmark> = { name: "b", guid: "3" as Guid, createtxg: 4 as Txg, creation: 5 as EpochSeconds };
const snapshot: Required<Snapshot> = {
  ...bookmark,
  used: 1 as Bytes,
  referenced: 1 as Bytes,
  written: 1 as Bytes,
  holds: ["tag"],
  clones: ["tank/clone"],
  redacted: true,
};
const resume: Required<ResumeState> = { token: "1-a", content };
const dataset: Required<Dataset> = {
  name: "tank/a" as DatasetName,
  type: "filesystem",
  guid: "18446744073709551615" as Guid,
  createtxg: 1 as Txg,
  used: 1 as Bytes,
  referenced: 1 as Bytes,
  available: 1 as Bytes,
  written: 0 as Bytes,
  origin: "tank/b@s",
  encryption: "aes-256-gcm",
  encryptionroot: "tank/a" as DatasetName,
  keystatus: "unavailable",
  mounted: true,
  mountpoint: "/tank/a",
  resume,
  needs: [{ feature: "large_blocks", setting: "recordsize=1048576" }],
  own: { adopted: "on" },
  snapshots: [snapshot],
  bookmarks: [bookmark],
};
const observed: Extract<HostInventory, { state: "observed" }> = {
  state: "observed",
  zfsVersion: "2.3.2",
  pools: ["tank"],
  features: { tank: { large_blocks: "active", longname: "disabled" } },
  roots: ["tank" as DatasetName],
  datasets: [dataset],
};
const copy: Required<RepositoryCopy> = {
  id: "c0ffee",
  original: "c0ffee00",
  parent: "beef",
  time: "2026-11-22T10:00:00.5+01:00",
  creation: 1_800_000_000 as EpochSeconds,
  tree: "7ree",
  host: "nas",
  paths: ["/etc"],
  tags: ["holdfast"],
  files: 10,
  bytes: 1000 as Bytes,
  added: 100 as Bytes,
};
const repository: Required<Extract<RepositoryInventory, { state: "observed" }>> = {
  state: "observed",
  resticVersion: "0.18.0",
  id: "1d",
  chunkerPolynomial: "3d",
  copies: [copy],
  locks: [
    {
      id: "10c4",
      since: 1_800_000_000 as EpochSeconds,
      exclusive: true,
      host: "nas",
      user: "root",
      pid: 7,
      stale: false,
    },
  ],
};
const inventory: Required<Inventory> = {
  formatVersion: 1,
  observedAt: 1_800_000_000 as EpochSeconds,
  hosts: { ["nas" as HostName]: observed, ["vault" as HostName]: { state: "unobserved", reason: "no route" } },
  repositories: {
    ["b2" as RepositoryKey]: repository,
    ["usb@nas" as RepositoryKey]: { state: "absent" },
    ["far" as RepositoryKey]: { state: "unobserved", reason: "no answer", hint: "is the server up?" },
  },
  directories: {
    ["nas:/etc" as Address]: { state: "present" },
    ["nas:/gone" as Address]: { state: "absent" },
    ["far:/srv" as Address]: { state: "unobserved", reason: "no route" },
  },
};

/** A copy without one property. */
const without = (value: object, name: string): object =>
  Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
const withDataset = (changed: object): object => ({
  ...inventory,
  hosts: { nas: { ...observed, datasets: [changed] } },
});

describe("the inventory's schema", () => {
  test("takes what the types allow, with every optional property and with none", () => {
    expect(validate(inventory), JSON.stringify(validate.errors)).toBe(true);
    const optional = ["origin", "encryptionroot", "keystatus", "mountpoint", "resume"];
    const bare = { ...optional.reduce(without, dataset), snapshots: [without(without(snapshot, "holds"), "clones")] };
    expect(validate(withDataset(bare)), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each<[string, object]>([
    ["Dataset", dataset],
    ["Snapshot", snapshot],
    ["Bookmark", bookmark],
    ["ResumeState", resume],
  ])("knows the properties of %s and no other", (name, value) => {
    expect(Object.keys(schema.$defs[name].properties).sort()).toEqual(Object.keys(value).sort());
  });

  test.each<[string, object]>([
    ["another version", { ...inventory, formatVersion: 2 }],
    ["no hosts", without(inventory, "hosts")],
    ["a guid that lost its digits", withDataset({ ...dataset, guid: 2 ** 63 })],
    ["a dataset without snapshots", withDataset(without(dataset, "snapshots"))],
    ["an unknown property", withDataset({ ...dataset, colour: "red" })],
    ["a negative size", withDataset({ ...dataset, used: -1 })],
    ["a host in no state", { ...inventory, hosts: { nas: { datasets: [] } } }],
    ["an unobserved host without a reason", { ...inventory, hosts: { nas: { state: "unobserved" } } }],
  ])("refuses %s", (_, value) => {
    expect(validate(value)).toBe(false);
  });
});
