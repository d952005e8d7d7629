import type { Bookmark, Dataset, Inventory, Snapshot } from "../../src/model/inventory.ts";
import type { Bytes, DatasetName, EpochSeconds, Guid, HostName, Txg } from "../../src/model/units.ts";

/** A recorded inventory of a NAS and an off-site box, and the manifests that fit it. */

const HOUR = 3600;
const DAY = 24 * HOUR;
/** 2026-11-30T00:00:00Z, one minute before the clock of the inventory. */
const midnight = Date.UTC(2026, 10, 30) / 1000;

const stamp = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;

interface SnapshotSpec {
  readonly name: string;
  readonly guid: string;
  readonly creation: number;
}

/** The newest `count` of a type, the newest one at midnight. */
const series = (type: string, count: number, every: number, guid: number): SnapshotSpec[] =>
  Array.from({ length: count }, (_, index) => {
    const creation = midnight - every * (count - 1 - index);
    return { name: `${type}-${stamp(creation)}`, guid: String(guid + index), creation };
  });

const snapshot = ({ name, guid, creation }: SnapshotSpec): Snapshot => ({
  name,
  guid: guid as Guid,
  createtxg: creation as Txg,
  creation: creation as EpochSeconds,
  used: 1_000_000 as Bytes,
  referenced: 5_000_000 as Bytes,
  written: 100_000 as Bytes,
});

const dataset = (
  name: string,
  snapshots: readonly SnapshotSpec[],
  more: Partial<Dataset> & { readonly bookmarks?: readonly Bookmark[] } = {},
): Dataset => ({
  name: name as DatasetName,
  type: "filesystem",
  guid: "77" as Guid,
  createtxg: 1 as Txg,
  used: 1e9 as Bytes,
  referenced: 1e9 as Bytes,
  available: 1e12 as Bytes,
  written: 0 as Bytes,
  encryption: "off",
  mounted: true,
  own: { adopted: "on" },
  snapshots: [...snapshots].sort((a, b) => a.creation - b.creation).map(snapshot),
  bookmarks: [],
  ...more,
});

const hourlies = series("hourly", 9, HOUR, 100);
const dailies = series("daily", 5, DAY, 200);
const byHand: SnapshotSpec = { name: "by hand", guid: "999", creation: midnight - 90 * DAY };

export const inventory = (
  nas: readonly Dataset[] = [dataset("tank/data", [...hourlies, ...dailies, byHand])],
  vault: readonly Dataset[] = [dataset("backup", [], { own: {} })],
): Inventory => ({
  formatVersion: 1,
  observedAt: (midnight + 60) as EpochSeconds,
  hosts: {
    ["nas01" as HostName]: {
      state: "observed",
      zfsVersion: "2.3.2",
      pools: ["tank"],
      roots: ["tank" as DatasetName],
      datasets: nas,
    },
    ["vault" as HostName]: {
      state: "observed",
      zfsVersion: "2.3.2",
      pools: ["backup"],
      roots: ["backup" as DatasetName],
      datasets: vault,
    },
  },
});

/** What is there already: nothing to do. */
export const settledInventory = (): Inventory => {
  const kept = [...hourlies.slice(-4), ...dailies.slice(-3)];
  const newest = [...kept].sort((a, b) => a.creation - b.creation).at(-1);
  const copied = dailies.slice(-3);
  const base = copied.at(-1);
  if (newest === undefined || base === undefined) throw new Error("nothing is kept");
  const mark: Bookmark = {
    name: `holdfast-vault-${base.guid}`,
    guid: base.guid as Guid,
    createtxg: base.creation as Txg,
    creation: base.creation as EpochSeconds,
  };
  return inventory(
    [dataset("tank/data", kept, { bookmarks: [mark] })],
    [
      dataset("backup", [], { own: {} }),
      dataset("backup/nas01", [], { own: { placeholder: "on" } }),
      dataset("backup/nas01/tank", [], { own: { placeholder: "on" } }),
      dataset("backup/nas01/tank/data", copied),
    ],
  );
};

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJsx8H0pRPyqcXlWOPoB0qkzGOlsHfA1xLe5kUDKD0cH";

/** Nobody listens on port 1. */
export const manifest = ({ keep = "{ hourly: 4, daily: 3 }", remotes = "{ vault: {} }", port = 1 } = {}): string =>
  `version: 1
hosts:
  nas01: { address: 127.0.0.1, port: ${port}, user: nobody, hostKeys: ["${KEY}"] }
  vault: { address: 127.0.0.1, port: ${port}, user: nobody, hostKeys: ["${KEY}"] }
remotes:
  vault: { type: zfs, host: vault, root: "backup/{host}", keep: { daily: 3 } }
datasets:
  "nas01:tank/data":
    keep: ${keep}
    remotes: ${remotes}
`;
