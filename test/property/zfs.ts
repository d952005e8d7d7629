import {
  clonesOf,
  find,
  type Partial,
  parentOf,
  poolOf,
  type Step,
  unusable,
  type World,
  type WorldBookmark,
  type WorldDataset,
  type WorldPool,
  type WorldSnapshot,
} from "./world.ts";

/** What ZFS says when it refuses. */
export class ZfsError extends Error {}

export interface Stream {
  readonly fromHost: string;
  readonly fromDataset: string;
  readonly type: "filesystem" | "volume";
  readonly raw: boolean;
  readonly embedded: boolean;
  readonly properties: boolean;
  readonly cipher: string;
  readonly steps: readonly Step[];
}

function refuse(message: string): never {
  throw new ZfsError(message);
}

function pool(world: World, host: string, dataset: string): WorldPool {
  const machine = world.hosts.get(host);
  if (!machine?.reachable) refuse(`${host}: unreachable`);
  const found = machine.pools.get(poolOf(dataset));
  if (!found?.imported) refuse(`${host}: no such pool: ${dataset}`);
  return found;
}

function open(world: World, host: string, name: string): WorldDataset {
  return pool(world, host, name).datasets.get(name) ?? refuse(`cannot open '${name}': dataset does not exist`);
}

function snapshotOf(dataset: WorldDataset, name: string): WorldSnapshot {
  return dataset.snapshots.find((s) => s.name === name) ?? refuse(`no snapshot @${name}`);
}

const newest = <T>(list: readonly T[]): T | undefined => list[list.length - 1];
const freshGuid = (world: World): string => String(world.nextGuid++);

export interface CreateOptions {
  readonly type?: "filesystem" | "volume";
  readonly own?: Readonly<Record<string, string>>;
  readonly encryption?: string;
  readonly written?: number;
}

/** `zfs create`: inherits its parent's encryption unless it is given its own. */
export function create(world: World, host: string, name: string, options: CreateOptions = {}): WorldDataset {
  const home = pool(world, host, name);
  if (home.datasets.has(name)) refuse(`cannot create '${name}': dataset already exists`);
  const above = parentOf(name);
  const parent = above === undefined ? undefined : open(world, host, above);
  if (parent?.type === "volume") refuse(`cannot create '${name}': parent is not a filesystem`);
  const inherits = options.encryption === undefined && parent !== undefined && parent.encryption !== "off";
  if (inherits && !parent.keyLoaded) refuse(`cannot create '${name}': key must be loaded`);
  const encryption = options.encryption ?? parent?.encryption ?? "off";
  const root = options.encryption === undefined ? parent?.encryptionroot : name;
  const dataset: WorldDataset = {
    guid: freshGuid(world),
    type: options.type ?? "filesystem",
    createtxg: ++home.txg,
    written: options.written ?? 0,
    encryption,
    ...(encryption === "off" || root === undefined ? {} : { encryptionroot: root }),
    keyLoaded: true,
    rawReplica: false,
    available: parent?.available ?? 1e12,
    own: new Map(Object.entries(options.own ?? {})),
    snapshots: [],
    bookmarks: [],
  };
  home.datasets.set(name, dataset);
  return dataset;
}

export function write(world: World, host: string, name: string, bytes: number): void {
  const dataset = open(world, host, name);
  if (dataset.partial?.madeDataset) refuse(`'${name}' is half received and cannot be mounted`);
  dataset.written += bytes;
}

/** `zfs snapshot A@x B@y …`: one pool, one snapshot a dataset, all or none. */
export function snapshot(
  world: World,
  host: string,
  wanted: readonly { readonly dataset: string; readonly name: string }[],
  creation: number,
): void {
  const first = wanted[0] ?? refuse("missing snapshot argument");
  const home = pool(world, host, first.dataset);
  for (const { dataset, name } of wanted) {
    if (poolOf(dataset) !== poolOf(first.dataset)) refuse("all snapshots must be in the same pool");
    const target = open(world, host, dataset);
    if (target.partial?.madeDataset) refuse(`cannot snapshot '${dataset}': it is half received`);
    if (target.snapshots.some((s) => s.name === name)) refuse(`${dataset}@${name}: dataset already exists`);
  }
  if (new Set(wanted.map((w) => w.dataset)).size < wanted.length) refuse("multiple snapshots of same fs not allowed");
  const txg = ++home.txg;
  for (const { dataset, name } of wanted) {
    const target = open(world, host, dataset);
    const { written } = target;
    target.written = 0;
    add(target, { name, guid: freshGuid(world), txg, creation, written, holds: [], clones: [] });
  }
}

function add(dataset: WorldDataset, added: WorldSnapshot): void {
  dataset.snapshots = [...dataset.snapshots, added];
}

function update(dataset: WorldDataset, name: string, change: Changes<WorldSnapshot>): void {
  dataset.snapshots = dataset.snapshots.map((s) => (s.name === name ? { ...s, ...change } : s));
}
type Changes<T> = { readonly [K in keyof T]?: T[K] };

/** `zfs destroy ds@a,b,c`: one held or cloned name and nothing of the list goes; unknown names are skipped silently. */
export function destroySnapshots(world: World, host: string, name: string, names: readonly string[]): void {
  const dataset = open(world, host, name);
  const doomed = dataset.snapshots.filter((s) => names.includes(s.name));
  for (const s of doomed) {
    if (s.holds.length > 0) refuse(`cannot destroy ${name}@${s.name}: it's being held`);
    if (clonesOf(name, dataset, s).length > 0) refuse(`cannot destroy ${name}@${s.name}: it has clones`);
  }
  let carried = 0;
  const left: WorldSnapshot[] = [];
  for (const s of dataset.snapshots) {
    if (doomed.includes(s)) carried += s.written;
    else {
      left.push(carried === 0 ? s : { ...s, written: s.written + carried });
      carried = 0;
    }
  }
  dataset.snapshots = left;
  dataset.written += carried;
}

/** `zfs destroy ds`, without `-r`. */
export function destroyDataset(world: World, host: string, name: string): void {
  const home = pool(world, host, name);
  const dataset = open(world, host, name);
  if (parentOf(name) === undefined) refuse("a pool's root cannot be destroyed");
  if (dataset.snapshots.length > 0) refuse(`cannot destroy '${name}': it has snapshots`);
  if ([...home.datasets.keys()].some((other) => other.startsWith(`${name}/`))) refuse(`'${name}' has children`);
  forgetClone(home, name, dataset);
  home.datasets.delete(name);
}

/** What `zfs destroy -r` by a person leaves: nothing below, unless something is held or cloned. */
export function destroyTree(world: World, host: string, name: string): void {
  const home = pool(world, host, name);
  open(world, host, name);
  if (parentOf(name) === undefined) refuse("a pool's root cannot be destroyed");
  const tree = [...home.datasets].filter(([other]) => other === name || other.startsWith(`${name}/`));
  for (const [, d] of tree) if (d.snapshots.some((s) => s.holds.length + s.clones.length > 0)) refuse("held or cloned");
  for (const [other, d] of tree) {
    forgetClone(home, other, d);
    home.datasets.delete(other);
  }
}

function forgetClone(home: WorldPool, name: string, dataset: WorldDataset): void {
  const [originName, originSnapshot] = dataset.origin?.split("@") ?? [];
  const origin = originName === undefined ? undefined : home.datasets.get(originName);
  const at = origin?.snapshots.find((s) => s.name === originSnapshot);
  if (origin && at) update(origin, at.name, { clones: at.clones.filter((c) => c !== name) });
}

export function hold(world: World, host: string, name: string, snap: string, tag: string): void {
  const dataset = open(world, host, name);
  const held = snapshotOf(dataset, snap);
  if (held.holds.includes(tag)) refuse("tag already exists on this dataset");
  update(dataset, snap, { holds: [...held.holds, tag] });
}

export function release(world: World, host: string, name: string, snap: string, tag: string): void {
  const dataset = open(world, host, name);
  const held = snapshotOf(dataset, snap);
  if (!held.holds.includes(tag)) refuse("no such tag on this dataset");
  update(dataset, snap, { holds: held.holds.filter((h) => h !== tag) });
}

export function cloneOf(world: World, host: string, name: string, snap: string, to: string): void {
  const dataset = open(world, host, name);
  const origin = snapshotOf(dataset, snap);
  const made = create(world, host, to);
  made.origin = `${name}@${snap}`;
  update(dataset, snap, { clones: [...origin.clones, to] });
}

export function renameSnapshot(world: World, host: string, name: string, from: string, to: string): void {
  const dataset = open(world, host, name);
  snapshotOf(dataset, from);
  if (dataset.snapshots.some((s) => s.name === to)) refuse("dataset already exists");
  update(dataset, from, { name: to });
  for (const other of pool(world, host, name).datasets.values())
    if (other.origin === `${name}@${from}`) other.origin = `${name}@${to}`;
}

/** `zfs rename ds`: children go along. */
export function renameDataset(world: World, host: string, from: string, to: string): void {
  const home = pool(world, host, from);
  open(world, host, from);
  const parent = parentOf(to);
  if (parentOf(from) === undefined || parent === undefined) refuse("a pool's root cannot be renamed");
  if (poolOf(from) !== poolOf(to)) refuse("cannot rename across pools");
  if (to === from || to.startsWith(`${from}/`)) refuse("new name is below the old one");
  open(world, host, parent);
  if (home.datasets.has(to)) refuse(`cannot rename to '${to}': dataset already exists`);
  const moved = (name: string): string =>
    name === from || name.startsWith(`${from}/`) ? `${to}${name.slice(from.length)}` : name;
  for (const [name, dataset] of [...home.datasets]) {
    if (dataset.encryptionroot !== undefined) dataset.encryptionroot = moved(dataset.encryptionroot);
    if (dataset.origin !== undefined) {
      const [ds = "", snap = ""] = dataset.origin.split("@");
      dataset.origin = `${moved(ds)}@${snap}`;
    }
    if (dataset.snapshots.some((s) => s.clones.some((c) => moved(c) !== c)))
      dataset.snapshots = dataset.snapshots.map((s) => ({ ...s, clones: s.clones.map(moved) }));
    if (moved(name) === name) continue;
    home.datasets.delete(name);
    home.datasets.set(moved(name), dataset);
  }
}

/** `zfs rollback ds@snap`: one step, and not past a bookmark. */
export function rollback(world: World, host: string, name: string, snap: string): void {
  const dataset = open(world, host, name);
  const to = snapshotOf(dataset, snap);
  const later = [...dataset.snapshots, ...dataset.bookmarks].some((s) => s.txg > to.txg);
  if (later) refuse(`cannot rollback to '${name}@${snap}': more recent snapshots or bookmarks exist`);
  dataset.written = 0;
}

/** `zfs rollback -r ds@snap`: what is newer goes. */
export function rollbackThrough(world: World, host: string, name: string, snap: string): void {
  const dataset = open(world, host, name);
  const to = snapshotOf(dataset, snap);
  const later = dataset.snapshots.filter((s) => s.txg > to.txg).map((s) => s.name);
  destroySnapshots(world, host, name, later);
  dataset.bookmarks = dataset.bookmarks.filter((b) => b.txg <= to.txg);
  rollback(world, host, name, snap);
}

/** `zfs bookmark ds@snap ds#name`, or from another bookmark. */
export function bookmark(world: World, host: string, name: string, of: BookmarkOf, as: string): void {
  const dataset = open(world, host, name);
  if (dataset.bookmarks.some((b) => b.name === as)) refuse(`cannot create bookmark '${name}#${as}': bookmark exists`);
  const from =
    "bookmark" in of
      ? (dataset.bookmarks.find((b) => b.name === of.bookmark) ?? refuse(`no bookmark #${of.bookmark}`))
      : snapshotOf(dataset, of.snapshot);
  const made: WorldBookmark = { name: as, guid: from.guid, txg: from.txg, creation: from.creation };
  dataset.bookmarks = [...dataset.bookmarks, made].sort((a, b) => a.txg - b.txg);
}
export type BookmarkOf = { readonly snapshot: string } | { readonly bookmark: string };

export function destroyBookmark(world: World, host: string, name: string, gone: string): void {
  const dataset = open(world, host, name);
  if (!dataset.bookmarks.some((b) => b.name === gone)) refuse(`no bookmark #${gone}`);
  dataset.bookmarks = dataset.bookmarks.filter((b) => b.name !== gone);
}

export function setProperty(world: World, host: string, name: string, property: string, value: string): void {
  open(world, host, name).own.set(property, value);
}

export interface SendOptions {
  readonly base: BookmarkOf | null;
  readonly to: string;
  /** `-I`: everything between the base and `to`. */
  readonly range: boolean;
  readonly raw: boolean;
  /** `-e`, which only a dataset that is not encrypted can receive. */
  readonly embedded?: boolean;
  /** `-p`: that it is not encrypted is one of them. */
  readonly properties?: boolean;
}

export function send(world: World, host: string, name: string, options: SendOptions): Stream {
  const dataset = open(world, host, name);
  const to = snapshotOf(dataset, options.to);
  const raw = options.raw && dataset.encryption !== "off";
  if (!raw && dataset.encryption !== "off" && !dataset.keyLoaded) refuse("dataset key must be loaded");
  const steps: Step[] = [];
  let from: { readonly guid: string; readonly txg: number } | null = null;
  if (options.base !== null) {
    if ("bookmark" in options.base && options.range) refuse("a range cannot start at a bookmark");
    const { base } = options;
    from =
      "bookmark" in base
        ? (dataset.bookmarks.find((b) => b.name === base.bookmark) ?? refuse(`no bookmark #${base.bookmark}`))
        : snapshotOf(dataset, base.snapshot);
    if (from.txg >= to.txg) refuse("incremental source is not earlier than it");
  } else if (options.range) refuse("a range needs a base");
  const after = from?.txg ?? -1;
  let delta = 0;
  for (const s of dataset.snapshots) {
    if (s.txg <= after || s.txg > to.txg) continue;
    delta += s.written;
    if (!options.range && s !== to) continue;
    steps.push({ name: s.name, guid: s.guid, creation: s.creation, written: delta, fromGuid: from?.guid ?? null });
    from = s;
    delta = 0;
  }
  const { embedded = false, properties = false } = options;
  if (properties && dataset.encryption !== "off" && !raw)
    refuse("may not be sent with properties without the raw flag");
  return {
    fromHost: host,
    fromDataset: name,
    type: dataset.type,
    raw,
    embedded: embedded && !raw,
    properties,
    cipher: dataset.encryption,
    steps,
  };
}

export interface ReceiveOptions {
  /** `-F`: over an existing dataset without snapshots. */
  readonly force?: boolean;
  /** `-o encryption=off`, `-x encryption`. */
  readonly encryption?: "off" | "inherit";
  /** Local `holdfast:` properties, of a `receive -o`. */
  readonly own?: Readonly<Record<string, string>>;
  /** The stream breaks off after this many whole steps, with part of the next one saved. */
  readonly cutAfter?: number;
}

export function receive(world: World, host: string, name: string, stream: Stream, options: ReceiveOptions = {}): void {
  for (const [index, step] of stream.steps.entries()) {
    const cut = options.cutAfter === index;
    receiveStep(world, host, name, stream, step, options, cut);
    if (cut) return;
  }
}

function receiveStep(
  world: World,
  host: string,
  name: string,
  stream: Stream,
  step: Step,
  options: ReceiveOptions,
  cut: boolean,
): void {
  const home = pool(world, host, name);
  const existing = home.datasets.get(name);
  if (existing?.partial) refuse(`destination ${name} contains partially-complete state from "zfs receive -s"`);
  let target: WorldDataset;
  if (step.fromGuid === null) target = receiveFull(world, host, name, stream, options);
  else {
    target = existing ?? refuse(`destination '${name}' does not exist`);
    checkIncrement(name, target, stream, step);
  }
  for (const [key, value] of Object.entries(options.own ?? {})) target.own.set(key, value);
  if (!cut) {
    arrive(home, target, step);
    return;
  }
  target.partial = {
    token: `1-${freshGuid(world)}`,
    garbage: false,
    opaque: false,
    fromHost: stream.fromHost,
    fromDataset: stream.fromDataset,
    step,
    originGuid: step.fromGuid === null ? null : (newest(target.snapshots)?.guid ?? null),
    madeDataset: existing === undefined,
    raw: stream.raw,
    bytes: 50,
  };
  // what came so far shows as written there
  if (existing === undefined) target.written = target.partial.bytes;
}

function receiveFull(world: World, host: string, name: string, stream: Stream, options: ReceiveOptions): WorldDataset {
  const existing = find(world, host, name);
  if (existing !== undefined) {
    if (!options.force) refuse(`destination '${name}' exists: must specify -F to overwrite it`);
    if (existing.snapshots.length > 0) refuse(`destination '${name}' has snapshots: must destroy them to overwrite it`);
    if (stream.raw || existing.encryption !== "off")
      refuse("zfs receive -F cannot be used to destroy an encrypted filesystem or overwrite an unencrypted one");
    existing.written = 0;
    return existing;
  }
  const above = parentOf(name);
  const parent = above === undefined ? refuse("a pool's root cannot be received") : open(world, host, above);
  if (parent.type === "volume") refuse("parent is a volume");
  if (!stream.raw) {
    const plain = options.encryption === "off" || (stream.properties && options.encryption !== "inherit");
    const made = create(world, host, name, { type: stream.type, ...(plain && { encryption: "off" }) });
    if (made.encryption !== "off" && stream.embedded) {
      pool(world, host, name).datasets.delete(name);
      refuse("incompatible embedded data stream feature with encrypted receive");
    }
    return made;
  }
  const made = create(world, host, name, { type: stream.type, encryption: stream.cipher });
  made.keyLoaded = false;
  made.rawReplica = true;
  return made;
}

function checkIncrement(name: string, target: WorldDataset, stream: Stream, step: Step): void {
  const base = target.snapshots.find((s) => s.guid === step.fromGuid);
  if (base === undefined) refuse(`most recent snapshot of ${name} does not match incremental source`);
  if (target.snapshots.some((s) => s.name === step.name)) refuse(`cannot restore to ${name}@${step.name}: it exists`);
  const extras = target.snapshots.filter((s) => s.txg > base.txg);
  if (target.written > 0 || extras.some((s) => s.written > 0))
    refuse(`destination ${name} has been modified since most recent snapshot`);
  if (stream.raw && target.encryption === "off") refuse("cannot perform raw receive on top of existing unencrypted");
  if (stream.raw && extras.length > 0) refuse(`destination ${name} has been modified: a raw stream wants no extras`);
  if (stream.raw && !target.rawReplica) refuse("IV set guid mismatch");
  // ZFS takes a plain increment when the key is loaded, and every later raw one fails: never wanted.
  if (!stream.raw && target.rawReplica) refuse("a plain increment would break a raw replica");
  if (!stream.raw && target.encryption !== "off" && !target.keyLoaded) refuse("inherited key must be loaded");
  if (stream.embedded && target.encryption !== "off") refuse("incompatible embedded data stream feature");
}

function arrive(home: WorldPool, target: WorldDataset, step: Step): void {
  const { name, guid, creation, written } = step;
  add(target, { name, guid, txg: ++home.txg, creation, written, holds: [], clones: [] });
  target.written = 0;
}

/** `zfs send -t TOKEN | zfs receive -s`. */
export function resume(world: World, host: string, name: string, token: string): void {
  const target = open(world, host, name);
  const { partial } = target;
  if (target.encryption !== "off" && !target.rawReplica && !target.keyLoaded) refuse("inherited key must be loaded");
  if (partial === undefined || partial.token !== token) refuse("the token is no longer that of the target");
  if (partial.garbage) refuse("cannot resume send: token is corrupt");
  pool(world, partial.fromHost, partial.fromDataset);
  const problem = unusable(world, partial);
  if (problem !== undefined) refuse(`cannot resume send: ${problem}`);
  const sender = open(world, partial.fromHost, partial.fromDataset);
  if (!partial.raw && sender.encryption !== "off" && !sender.keyLoaded) refuse("dataset key must be loaded");
  if (partial.originGuid !== null) {
    if (newest(target.snapshots)?.guid !== partial.originGuid) refuse("kernel modules must be upgraded");
    if (target.written > 0) refuse(`destination ${name} has been modified since most recent snapshot`);
  }
  const { name: as } = sender.snapshots.find((s) => s.guid === partial.step.guid) ?? partial.step;
  if (target.snapshots.some((s) => s.name === as)) refuse(`cannot restore to ${name}@${as}: it exists`);
  delete target.partial;
  arrive(pool(world, host, name), target, { ...partial.step, name: as });
}

/** `zfs receive -A`. */
export function abort(world: World, host: string, name: string): void {
  const target = open(world, host, name);
  const { partial }: { partial?: Partial } = target;
  if (partial === undefined) refuse(`'${name}' does not have any resumable receive state to abort`);
  delete target.partial;
  if (partial.madeDataset) pool(world, host, name).datasets.delete(name);
}
