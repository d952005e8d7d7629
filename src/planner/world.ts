import type { Bookmark, Dataset, HostInventory, Inventory, Snapshot } from "../model/inventory.ts";
import { type At, isOnRepository, type Operation, type SnapshotRef } from "../model/plan.ts";
import {
  type Bytes,
  type DatasetName,
  type EpochSeconds,
  type Guid,
  type HostName,
  poolOf,
  type Txg,
} from "../model/units.ts";
import { RepositoryWorld } from "../remotes/restic/plan-world.ts";
import { bookmarksAfter } from "../remotes/zfs/bookmarks.ts";
import { newer, readCopies, readRecord, writeRecord } from "../remotes/zfs/drill-record.ts";
import { isEmptyPool, isPlaceholder } from "../remotes/zfs/placeholder.ts";
import { isWithin, parentOf } from "./observed.ts";
import { restoringMark } from "./restore/marks.ts";

type Step<K extends Operation["kind"]> = Extract<Operation, { kind: K }>;

/** A copy of an inventory that operations can be tried on, with the rules ZFS has; what cannot work throws. */
export class World {
  readonly #inventory: Inventory;
  readonly #now: EpochSeconds;
  readonly #changed = new Map<HostName, Map<DatasetName, Dataset>>();
  readonly #repositories: RepositoryWorld;

  constructor(inventory: Inventory, now: EpochSeconds) {
    this.#inventory = inventory;
    this.#now = now;
    this.#repositories = new RepositoryWorld(inventory, now);
  }

  inventory(): Inventory {
    const hosts: Record<HostName, HostInventory> = { ...this.#inventory.hosts };
    for (const [name, datasets] of this.#changed) {
      const host = hosts[name];
      if (host?.state !== "observed") continue;
      hosts[name] = { ...host, datasets: [...datasets.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) };
    }
    return { ...this.#inventory, hosts, ...(this.#inventory.repositories && { repositories: this.#repositories.all }) };
  }

  run(operation: Operation): void {
    if (isOnRepository(operation)) {
      const isOfSnapshot = operation.kind === "backup" && operation.snapshot && "dataset" in operation.from;
      const of = isOfSnapshot ? this.#find(this.#get(operation.from), operation.snapshot) : undefined;
      this.#repositories.run(operation, of?.creation);
      return;
    }
    switch (operation.kind) {
      case "hook":
        break; // what it does is the user's own
      case "create":
        this.#create(operation);
        break;
      case "adopt":
        this.#update(operation.at, (dataset) => ({ ...dataset, own: { ...dataset.own, adopted: "on" } }));
        break;
      case "discard":
        this.#discard(operation);
        break;
      case "rollback":
        this.#rollback(operation);
        break;
      case "replace":
        this.#rename(operation);
        break;
      case "send":
        this.#send(operation);
        break;
      case "resume":
        this.#resume(operation);
        break;
      case "make":
        this.#make(operation);
        break;
      case "settle":
        this.#settle(operation);
        break;
      case "restore-files":
        break; // files are not part of an inventory
      case "verify":
        this.#verify(operation);
        break;
      case "bookmark":
        this.#bookmark(operation);
        break;
      case "unbookmark":
        this.#unbookmark(operation);
        break;
      case "destroy":
        this.#destroy(operation.at, operation.snapshots);
        break;
      case "destroy-orphan":
        this.#destroy(operation.at, operation.snapshots);
        this.#datasets(operation.at.host).delete(operation.at.dataset);
        break;
      default:
        operation satisfies never;
    }
  }

  #datasets(host: HostName): Map<DatasetName, Dataset> {
    let datasets = this.#changed.get(host);
    if (!datasets) {
      const observed = this.#inventory.hosts[host];
      if (observed?.state !== "observed") throw new Error(`${host} was not observed`);
      datasets = new Map(observed.datasets.map((dataset) => [dataset.name, dataset]));
      this.#changed.set(host, datasets);
    }
    return datasets;
  }

  #get({ host, dataset }: At): Dataset {
    const found = this.#datasets(host).get(dataset);
    if (!found) throw new Error(`there is no ${host}:${dataset}`);
    return found;
  }

  #update(at: At, change: (dataset: Dataset) => Dataset): void {
    this.#datasets(at.host).set(at.dataset, change(this.#get(at)));
  }

  #create({ at, name, id }: Step<"create">): void {
    this.#update(at, (dataset) => {
      if (dataset.snapshots.some((snapshot) => snapshot.name === name)) throw new Error(`@${name} exists`);
      const taken: Snapshot = {
        name,
        guid: id as Guid,
        createtxg: nextTxg(dataset),
        creation: this.#now,
        used: 0 as Bytes,
        referenced: dataset.referenced,
        written: dataset.written,
      };
      return { ...dataset, written: 0 as Bytes, snapshots: [...dataset.snapshots, taken] };
    });
  }

  #discard({ at }: Step<"discard">): void {
    const { resume: _, ...rest } = this.#get(at);
    if (rest.snapshots.length > 0 || rest.own.placeholder === "on")
      this.#datasets(at.host).set(at.dataset, withoutReceive(rest));
    else this.#datasets(at.host).delete(at.dataset);
  }

  #rollback({ at, to, destroys, unbookmarks }: Step<"rollback">): void {
    this.#destroy(at, destroys);
    const gone = new Set(unbookmarks?.map(({ name }) => name));
    this.#update(at, (dataset) => {
      const newest = dataset.snapshots.at(-1);
      if (!newest || newest.guid !== guidOf(to)) throw new Error(`@${to.name} is not the newest`);
      const left = bookmarksAfter(dataset, newest).find(({ name }) => !gone.has(name));
      if (left) throw new Error(`#${left.name} is newer than @${to.name}`);
      return {
        ...dataset,
        written: 0 as Bytes,
        ...(gone.size > 0 && { bookmarks: dataset.bookmarks.filter(({ name }) => !gone.has(name)) }),
      };
    });
  }

  #rename({ at, renameTo, remote }: Step<"replace">): void {
    const datasets = this.#datasets(at.host);
    this.#get(at);
    if (datasets.has(renameTo)) throw new Error(`${renameTo} exists`);
    for (const [name, moved] of [...datasets]) {
      if (!isWithin(name, at.dataset)) continue;
      const to = `${renameTo}${name.slice(at.dataset.length)}` as DatasetName;
      datasets.delete(name);
      const isMarked = name === at.dataset && remote === undefined;
      datasets.set(to, { ...moved, name: to, ...(isMarked && { own: { ...moved.own, replaced: renameTo } }) });
    }
  }

  #send(operation: Step<"send">): void {
    const { at, from, base, to, snapshots, raw } = operation;
    const source = this.#get(from);
    const sent = snapshots.map((ref) => this.#find(source, ref));
    if (guidOf(to) !== sent.at(-1)?.guid) throw new Error("a range does not end at its target");
    if (base === null) {
      this.#initial(operation, source, sent);
      return;
    }
    const start = this.#baseTxg(source, base);
    if (snapshots.length > 1) {
      const between = source.snapshots.filter(
        ({ createtxg }) => createtxg > start && createtxg <= (sent.at(-1) as Snapshot).createtxg,
      );
      if (between.length !== sent.length) throw new Error("a range would carry more than it says");
    }
    this.#receive(at, guidOf(base), sent, raw);
  }

  #settle({ at, beside }: Step<"settle">): void {
    this.#update(at, ({ own: { restoring, ...own }, ...dataset }) => {
      if (restoring === undefined) throw new Error(`${at.dataset} is not being restored`);
      return { ...dataset, own: { ...own, ...(beside && { restored: at.dataset }) } };
    });
  }

  /** What a drill will find nobody knows: here it is what the one before found. */
  #verify({ at, id, of, source, remote }: Step<"verify">): void {
    if ("copy" in of) {
      this.#repositories.verify(of, id, source);
      return;
    }
    const { name } = this.#find(this.#get(of), of.snapshot);
    const [host, dataset] = [source.slice(0, source.indexOf(":")), source.slice(source.indexOf(":") + 1)];
    const known = this.#datasets(host as HostName).get(dataset as DatasetName);
    this.#update(at as At, (dataset) => {
      const before = newer(readRecord(dataset.own.verified), readCopies(known?.own["verified-copies"]).get(remote));
      const result = before?.last.result ?? "passed";
      const last = { time: this.#now, result, of: name, files: 0, bytes: 0 as Bytes, differs: [] };
      return { ...dataset, own: { ...dataset.own, verified: writeRecord({ ...before, last }) } };
    });
  }

  #make({ at, createParents, beside }: Step<"make">): void {
    const datasets = this.#datasets(at.host);
    if (datasets.has(at.dataset)) throw new Error(`${at.dataset} exists`);
    this.#createParents(at, createParents);
    datasets.set(at.dataset, {
      ...emptyDataset(at.dataset, { restoring: restoringMark(at, beside) }),
      ...inherited(datasets, at.dataset),
    });
  }

  #createParents({ host, dataset }: At, parents: readonly DatasetName[]): void {
    const datasets = this.#datasets(host);
    for (const parent of parents) {
      if (datasets.has(parent)) continue;
      datasets.set(parent, { ...emptyDataset(parent, { placeholder: "on" }), ...inherited(datasets, parent) });
    }
    const parent = parentOf(dataset);
    if (parent !== undefined && parent !== poolOf(parent) && !datasets.has(parent))
      throw new Error(`there is no parent ${parent}`);
  }

  #initial(
    { at, createParents, replacesPlaceholder, raw, encryption, restores, properties }: Step<"send">,
    source: Dataset,
    sent: readonly Snapshot[],
  ): void {
    if (sent.length !== 1) throw new Error("a full stream carries one snapshot");
    const datasets = this.#datasets(at.host);
    const there = datasets.get(at.dataset);
    const isEmpty = there && (isPlaceholder(there) || isEmptyPool(there)) && !there.resume;
    if (there && !(replacesPlaceholder && isEmpty)) throw new Error(`${at.dataset} exists`);
    if (there && raw) throw new Error("a raw stream cannot replace a placeholder");
    this.#createParents(at, createParents);
    datasets.set(at.dataset, {
      ...emptyDataset(at.dataset, restores ? ownIn(properties) : { adopted: "on" }),
      type: source.type,
      ...(raw && { encryption: source.encryption, encryptionroot: at.dataset }),
      ...(encryption === "inherit" && inherited(datasets, at.dataset)),
      snapshots: sent.map((snapshot, index) => received(snapshot, (index + 1) as Txg)),
    });
  }

  #resume({ at, from, token, to, base, raw, restores, properties }: Step<"resume">): void {
    const target = this.#get(at);
    if (target.resume?.token !== token) throw new Error("the token is another");
    const sent = this.#find(this.#get(from), to);
    const { resume: _, ...rest } = target;
    this.#datasets(at.host).set(at.dataset, withoutReceive(rest));
    if (base) this.#receive(at, base.guid, [sent], raw);
    else {
      if (rest.snapshots.length > 0) throw new Error("there are snapshots");
      this.#update(at, (dataset) => ({
        ...dataset,
        written: 0 as Bytes,
        own: { ...dataset.own, ...(restores ? ownIn(properties) : { adopted: "on" }) },
        snapshots: [received(sent, nextTxg(dataset))],
      }));
    }
  }

  #receive(at: At, base: Guid, sent: readonly Snapshot[], raw: boolean): void {
    this.#update(at, (target) => {
      if (target.resume) throw new Error("something is half received");
      if (target.written > 0) throw new Error("it was modified");
      const index = target.snapshots.findLastIndex(({ guid }) => guid === base);
      const extras = target.snapshots.slice(index + 1);
      if (index < 0) throw new Error("the base is not there");
      if (extras.some(({ written }) => written > 0) || (raw && extras.length > 0)) throw new Error("it diverged");
      const names = new Set(sent.map(({ name }) => name));
      if (target.snapshots.some(({ name }) => names.has(name))) throw new Error("a name is taken");
      const first = nextTxg(target);
      return {
        ...target,
        snapshots: [...target.snapshots, ...sent.map((snapshot, n) => received(snapshot, (first + n) as Txg))],
      };
    });
  }

  #bookmark({ at, of, bookmark, fromBookmark }: Step<"bookmark">): void {
    this.#update(at, (dataset) => {
      const guid = guidOf(of);
      const origin: Bookmark | Snapshot | undefined =
        fromBookmark === undefined
          ? dataset.snapshots.find((snapshot) => snapshot.guid === guid)
          : dataset.bookmarks.find(({ name }) => name === fromBookmark);
      if (origin?.guid !== guid) throw new Error(`there is nothing to bookmark for @${of.name}`);
      const { createtxg, creation } = origin;
      const name = bookmark.replace("{guid}", guid);
      if (dataset.bookmarks.some((other) => other.name === name)) throw new Error(`#${name} exists`);
      const bookmarks = [...dataset.bookmarks, { name, guid, createtxg, creation }].sort(
        (a, b) => a.createtxg - b.createtxg,
      );
      return { ...dataset, bookmarks };
    });
  }

  #unbookmark({ at, bookmarks }: Step<"unbookmark">): void {
    const gone = new Set(bookmarks.map(({ name }) => name));
    this.#update(at, (dataset) => ({ ...dataset, bookmarks: dataset.bookmarks.filter(({ name }) => !gone.has(name)) }));
  }

  #destroy(at: At, snapshots: readonly { readonly name: string; readonly guid: Guid }[]): void {
    // by name first: the same names are in every dataset, while each guid would be hashed for this alone
    const gone = new Map(snapshots.map(({ name, guid }) => [name, guid]));
    this.#update(at, (dataset) => {
      const left = dataset.snapshots.filter(({ name, guid }) => gone.get(name) !== guid);
      if (dataset.snapshots.length - left.length !== gone.size) throw new Error("a snapshot to destroy is not there");
      const tied = dataset.snapshots.find(
        ({ name, guid, holds, clones }) => (holds || clones) && gone.get(name) === guid,
      );
      if (tied) throw new Error(`@${tied.name} is held or cloned`);
      return { ...dataset, snapshots: left };
    });
  }

  #find(dataset: Dataset, ref: SnapshotRef): Snapshot {
    const guid = guidOf(ref);
    const found = dataset.snapshots.find((snapshot) => snapshot.guid === guid);
    if (!found) throw new Error(`${dataset.name}@${ref.name} is not there`);
    return found;
  }

  #baseTxg(source: Dataset, base: NonNullable<Step<"send">["base"]>): Txg {
    const guid = guidOf(base);
    const found =
      base.bookmark === undefined
        ? source.snapshots.find((snapshot) => snapshot.guid === guid)
        : source.bookmarks.find(({ name }) => name === base.bookmark);
    if (found?.guid !== guid) throw new Error(`the base @${base.name} is not at the source`);
    return found.createtxg;
  }
}

/** `holdfast:` properties, without the prefix. */
const ownIn = (properties: Readonly<Record<string, string>>): Dataset["own"] =>
  Object.fromEntries(
    Object.entries(properties).flatMap(([name, value]) =>
      name.startsWith(OWN) ? [[name.slice(OWN.length), value]] : [],
    ),
  );
const OWN = "holdfast:";

/** In the simulated world a snapshot that an operation creates has that operation's id for a guid. */
const guidOf = (ref: SnapshotRef): Guid => ("guid" in ref ? ref.guid : (ref.createdBy as string as Guid));

const nextTxg = ({ snapshots, bookmarks }: Dataset): Txg =>
  (Math.max(snapshots.at(-1)?.createtxg ?? 0, bookmarks.at(-1)?.createtxg ?? 0) + 1) as Txg;

const received = ({ holds: _, clones: __, ...snapshot }: Snapshot, createtxg: Txg): Snapshot => ({
  ...snapshot,
  createtxg,
});

/** Without the half-received clone, the base it was made from has none. */
function withoutReceive(dataset: Dataset): Dataset {
  const receiving = `${dataset.name}/%recv`;
  return {
    ...dataset,
    snapshots: dataset.snapshots.map((snapshot) => {
      if (!snapshot.clones?.includes(receiving)) return snapshot;
      const { clones, ...rest } = snapshot;
      const others = clones.filter((clone) => clone !== receiving);
      return others.length === 0 ? rest : { ...rest, clones: others };
    }),
  };
}

/** The encryption of the dataset above. */
function inherited(datasets: ReadonlyMap<DatasetName, Dataset>, name: DatasetName): Partial<Dataset> {
  const parent = parentOf(name);
  const above = parent === undefined ? undefined : datasets.get(parent);
  if (!above || above.encryption === "off") return {};
  const { encryption, encryptionroot, keystatus } = above;
  return { encryption, ...(encryptionroot && { encryptionroot }), ...(keystatus && { keystatus }) };
}

/** As `zfs create` leaves one. */
export const emptyDataset = (name: DatasetName, own: Dataset["own"]): Dataset => ({
  name,
  type: "filesystem",
  guid: `new ${name}` as Guid,
  createtxg: 1 as Txg,
  used: 0 as Bytes,
  referenced: 0 as Bytes,
  available: Number.MAX_SAFE_INTEGER as Bytes,
  written: 0 as Bytes,
  encryption: "off",
  mounted: false,
  own,
  snapshots: [],
  bookmarks: [],
});
