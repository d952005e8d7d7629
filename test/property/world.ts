import type { Dataset, HostInventory, Inventory, ResumeState, Snapshot } from "../../src/model/inventory.ts";
import type { Bytes, DatasetName, EpochSeconds, Guid, HostName, Txg } from "../../src/model/units.ts";

/** A model of machines with ZFS on them: what exists, not what was seen. `zfs.ts` holds the rules by which it changes. */
export interface World {
  readonly hosts: Map<string, WorldHost>;
  nextGuid: number;
}

export interface WorldHost {
  reachable: boolean;
  readonly pools: Map<string, WorldPool>;
}

export interface WorldPool {
  imported: boolean;
  txg: number;
  readonly datasets: Map<string, WorldDataset>;
}

export interface WorldDataset {
  readonly guid: string;
  readonly type: "filesystem" | "volume";
  readonly createtxg: number;
  /** Bytes in the head that no snapshot has. */
  written: number;
  encryption: string;
  encryptionroot?: string;
  keyLoaded: boolean;
  /** Filled by raw streams: a plain increment would break it for good. */
  rawReplica: boolean;
  available: number;
  /** Local `holdfast:` properties. */
  readonly own: Map<string, string>;
  /** By createtxg. The entries are never changed in place. */
  snapshots: readonly WorldSnapshot[];
  bookmarks: readonly WorldBookmark[];
  partial?: Partial;
  origin?: string;
}

export interface WorldSnapshot {
  readonly name: string;
  readonly guid: string;
  readonly txg: number;
  readonly creation: number;
  readonly written: number;
  readonly holds: readonly string[];
  readonly clones: readonly string[];
  readonly redacted?: true;
}

export interface WorldBookmark {
  readonly name: string;
  readonly guid: string;
  readonly txg: number;
  readonly creation: number;
}

/** A receive that was cut. */
export interface Partial {
  readonly token: string;
  /** Nothing can make this stream any more. */
  readonly garbage: boolean;
  /** The token has not been decoded, although its sender can be reached. */
  readonly opaque: boolean;
  readonly fromHost: string;
  readonly fromDataset: string;
  readonly step: Step;
  /** The increment is bound to what was the newest snapshot of the target then. */
  readonly originGuid: string | null;
  /** The receive made the dataset: throwing it away removes the dataset. */
  readonly madeDataset: boolean;
  readonly raw: boolean;
  readonly bytes: number;
}

/** One snapshot inside a stream. */
export interface Step {
  readonly name: string;
  readonly guid: string;
  readonly creation: number;
  readonly written: number;
  readonly fromGuid: string | null;
}

/** Most bytes that ZFS's own structures take in an empty dataset (98,304 and more were seen); people write more here. */
export const emptyDataset = 512 * 1024;

export const poolOf = (dataset: string): string => dataset.split("/", 1)[0] ?? dataset;
export const parentOf = (dataset: string): string | undefined => {
  const slash = dataset.lastIndexOf("/");
  return slash < 0 ? undefined : dataset.slice(0, slash);
};

export function emptyWorld(layout: Readonly<Record<string, readonly string[]>>): World {
  const world: World = { hosts: new Map(), nextGuid: 1000 };
  // Far apart and in no order: a txg says nothing about another pool.
  const txgs = [5000, 100, 40_000, 900, 20_000];
  for (const [host, pools] of Object.entries(layout)) {
    world.hosts.set(host, {
      reachable: true,
      pools: new Map(pools.map((pool) => [pool, { imported: true, txg: txgs.shift() ?? 10, datasets: new Map() }])),
    });
  }
  return world;
}

export function cloneWorld(world: World): World {
  const hosts = new Map<string, WorldHost>();
  for (const [name, host] of world.hosts) {
    const pools = new Map<string, WorldPool>();
    for (const [poolName, pool] of host.pools) {
      const datasets = new Map<string, WorldDataset>();
      for (const [dataset, state] of pool.datasets) datasets.set(dataset, { ...state, own: new Map(state.own) });
      pools.set(poolName, { imported: pool.imported, txg: pool.txg, datasets });
    }
    hosts.set(name, { reachable: host.reachable, pools });
  }
  return { hosts, nextGuid: world.nextGuid };
}

/** What is there, whether or not it can be reached now. */
export function find(world: World, host: string, dataset: string): WorldDataset | undefined {
  return world.hosts.get(host)?.pools.get(poolOf(dataset))?.datasets.get(dataset);
}

/** Can anything be asked or done there now? */
export function isObserved(world: World, host: string, dataset: string): boolean {
  const machine = world.hosts.get(host);
  return machine?.reachable === true && machine.pools.get(poolOf(dataset))?.imported === true;
}

export function* allDatasets(world: World): Generator<{ host: string; name: string; dataset: WorldDataset }> {
  for (const [host, machine] of world.hosts)
    for (const pool of machine.pools.values())
      for (const [name, dataset] of pool.datasets) yield { host, name, dataset };
}

/** Clones as `zfs list` shows them: a half-received increment is one, of the newest snapshot. */
export function clonesOf(name: string, dataset: WorldDataset, snapshot: WorldSnapshot): readonly string[] {
  return dataset.partial?.originGuid === snapshot.guid ? [...snapshot.clones, `${name}/%recv`] : snapshot.clones;
}

/** What an observer would write down now. */
export function toInventory(world: World, now: number): Inventory {
  const hosts: Record<HostName, HostInventory> = {};
  for (const [name, host] of world.hosts) hosts[name as HostName] = hostInventory(world, host);
  return { formatVersion: 1, observedAt: now as EpochSeconds, hosts };
}

function hostInventory(world: World, host: WorldHost): HostInventory {
  if (!host.reachable) return { state: "unobserved", reason: "connection refused" };
  const imported = [...host.pools].filter(([, pool]) => pool.imported).sort(([a], [b]) => (a < b ? -1 : 1));
  const datasets = imported.flatMap(([, pool]) =>
    [...pool.datasets].map(([name, dataset]) => datasetInventory(world, name, dataset)),
  );
  const pools = imported.map(([name]) => name);
  return {
    state: "observed",
    zfsVersion: "2.3.2",
    pools,
    roots: pools as DatasetName[],
    datasets: datasets.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function datasetInventory(world: World, name: string, dataset: WorldDataset): Dataset {
  const bytes = dataset.snapshots.reduce((sum, s) => sum + s.written, 0) + dataset.written;
  return {
    name: name as DatasetName,
    type: dataset.type,
    guid: dataset.guid as Guid,
    createtxg: dataset.createtxg as Txg,
    used: bytes as Bytes,
    referenced: bytes as Bytes,
    available: dataset.available as Bytes,
    written: dataset.written as Bytes,
    ...(dataset.origin === undefined ? {} : { origin: dataset.origin }),
    encryption: dataset.encryption,
    ...(dataset.encryptionroot === undefined
      ? {}
      : {
          encryptionroot: dataset.encryptionroot as DatasetName,
          keystatus: dataset.keyLoaded ? ("available" as const) : ("unavailable" as const),
        }),
    mounted: false,
    ...(dataset.partial === undefined ? {} : { resume: decode(world, dataset.partial) }),
    own: Object.fromEntries(dataset.own),
    snapshots: dataset.snapshots.map((s): Snapshot => {
      const clones = clonesOf(name, dataset, s);
      return {
        name: s.name,
        guid: s.guid as Guid,
        createtxg: s.txg as Txg,
        creation: s.creation as EpochSeconds,
        used: s.written as Bytes,
        referenced: (1000 + s.written) as Bytes,
        written: s.written as Bytes,
        ...(s.holds.length === 0 ? {} : { holds: s.holds }),
        ...(clones.length === 0 ? {} : { clones }),
        ...(s.redacted && { redacted: true as const }),
      };
    }),
    bookmarks: dataset.bookmarks.map((b) => ({
      name: b.name,
      guid: b.guid as Guid,
      createtxg: b.txg as Txg,
      creation: b.creation as EpochSeconds,
    })),
  };
}

/** `zfs send -nvP -t TOKEN` on the sender: it finds both ends by guid in the dataset the token names. */
function decode(world: World, partial: Partial): ResumeState {
  if (partial.opaque || !isObserved(world, partial.fromHost, partial.fromDataset)) return { token: partial.token };
  const problem = partial.garbage ? "resume token is corrupt" : unusable(world, partial);
  return {
    token: partial.token,
    content: {
      toName: `${partial.fromDataset}@${partial.step.name}`,
      toGuid: partial.step.guid as Guid,
      ...(partial.step.fromGuid === null ? {} : { fromGuid: partial.step.fromGuid as Guid }),
      raw: partial.raw,
      bytes: partial.bytes as Bytes,
      usable: problem === undefined,
      ...(problem === undefined ? { remaining: 100 as Bytes } : { problem }),
    },
  };
}

/** Why the sender can no longer make the stream of a token, if it cannot. */
export function unusable(world: World, partial: Partial): string | undefined {
  const { fromGuid, guid } = partial.step;
  const sender = find(world, partial.fromHost, partial.fromDataset);
  if (!sender?.snapshots.some((s) => s.guid === guid)) return "the snapshot is no longer there";
  if (fromGuid === null) return undefined;
  const base = [...sender.snapshots, ...sender.bookmarks].some((s) => s.guid === fromGuid);
  return base ? undefined : "the incremental source is no longer there";
}
