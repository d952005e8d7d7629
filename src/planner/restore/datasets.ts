import type { Dataset, Snapshot } from "../../model/inventory.ts";
import type {
  At,
  Blocked,
  BlockedReason,
  Operation,
  OperationId,
  Precondition,
  ReplaceOperation,
  SnapshotRef,
  StreamOptions,
} from "../../model/plan.ts";
import {
  type Address,
  type Bytes,
  type DatasetName,
  maxNameLength,
  poolOf,
  type RemoteName,
} from "../../model/units.ts";
import { bookmarksAfter } from "../../remotes/zfs/bookmarks.ts";
import { longestName } from "../../remotes/zfs/names.ts";
import { isEmptyPool, isPlaceholder } from "../../remotes/zfs/placeholder.ts";
import { isBelow, missingParents, type Observations, parentOf } from "../observed.ts";
import { restoringMark } from "./marks.ts";
import type { SnapshotPoint } from "./places.ts";

/** A dataset that is to be brought back, and where to. */
export interface DatasetRestore {
  readonly source: Address;
  readonly point: SnapshotPoint;
  readonly at: At;
  readonly beside: boolean;
  readonly withSnapshots: boolean;
  /** Datasets below it are restored as well: they may move aside with it. */
  readonly recursive: boolean;
  /** What is in the way, with all below it, was moved aside by an operation before. */
  readonly movedBy?: OperationId;
  /** `-replaced-20261122T0310Z`. */
  readonly aside: string;
}

export interface Restored {
  readonly operations: readonly Operation[];
  readonly blocked: readonly Blocked[];
  readonly moves?: Move;
}
/** The original goes aside, with all below it. */
export interface Move {
  readonly by: OperationId;
  readonly at: At;
  readonly to: DatasetName;
}

/** Where it was mounted and shared belongs to the original. */
export const NOT_BESIDE = ["mountpoint", "sharenfs", "sharesmb"] as const;

const RESTORING_PROPERTY = "holdfast:restoring";

/** Streams, what makes way for them, and what ends it. Run again after whatever cut it, it goes on. */
export function restoreDataset(observations: Observations, wanted: DatasetRestore): Restored {
  return new DatasetPlan(observations, wanted).made();
}

class DatasetPlan {
  readonly #observations: Observations;
  readonly #wanted: DatasetRestore;
  /** What is to be there in the end, oldest first. */
  readonly #history: readonly Snapshot[];
  readonly #raw: boolean;

  constructor(observations: Observations, wanted: DatasetRestore) {
    this.#observations = observations;
    this.#wanted = wanted;
    const { dataset, snapshot } = wanted.point;
    const until = dataset.snapshots.slice(0, dataset.snapshots.indexOf(snapshot) + 1);
    this.#history = wanted.withSnapshots ? until.filter(({ redacted }) => !redacted) : [snapshot];
    this.#raw = isRaw(observations, wanted.point);
  }

  made(): Restored {
    const { at, movedBy, beside } = this.#wanted;
    const problem = this.#keyProblem();
    if (problem) return problem;
    if (movedBy !== undefined) return this.#bring([], [], this.#history, movedBy);
    const there = this.#observations.look(at.host, at.dataset);
    if (there.state === "unobserved")
      return this.#blocked("unseen", `what is at ${this.#where()} could not be seen: ${there.reason}`, [
        "make it reachable (its pool has to be there: zpool import, zpool create), or give another place: --to",
      ]);
    if (there.state === "absent") return this.#bring([], [], this.#history);
    const { dataset } = there;
    if (dataset.own.restoring === restoringMark(at, beside)) return this.#goOn(dataset);
    if (this.#isThere(dataset)) return { operations: [], blocked: [] };
    if (!beside && (isEmptyPool(dataset) || isPlaceholder(dataset))) return this.#overEmpty(dataset);
    return beside ? this.#occupied(dataset) : this.#inPlace(dataset);
  }

  /** Nothing was changed since: there is nothing to do. */
  #isThere({ snapshots, written, resume }: Dataset): boolean {
    return snapshots.at(-1)?.guid === this.#wanted.point.snapshot.guid && written === 0 && resume === undefined;
  }

  /** What holds nothing gives way, where ZFS lets it. */
  #overEmpty(dataset: Dataset): Restored {
    if (!this.#raw) return this.#bring([], [], this.#history, undefined, dataset);
    return this.#blocked("encryption", `a raw stream cannot be received over ${this.#where()}, which is empty`, [
      "give another place: --to",
    ]);
  }

  #occupied(dataset: Dataset): Restored {
    const count = dataset.snapshots.length;
    return this.#blocked("occupied", `${this.#where()} is there already, with ${count} snapshots and data of its own`, [
      "give another place: --to DATASET",
    ]);
  }

  /** A restore that was cut: what arrived of it is the beginning of what is wanted. */
  #goOn(dataset: Dataset): Restored {
    const guids = this.#history.map(({ guid }) => guid);
    const strange = dataset.snapshots.filter(({ guid }) => !guids.includes(guid));
    const arrived = guids.indexOf(dataset.snapshots.at(-1)?.guid ?? ("" as never));
    if (strange.length > 0 || (dataset.snapshots.length > 0 && arrived < 0))
      return this.#blocked("occupied", `${this.#where()} holds an unfinished restore of something else`, [
        `destroy it when nobody needs it: zfs destroy -r ${dataset.name}`,
        "or give another place: --to DATASET",
      ]);
    const left = this.#history.slice(arrived + 1);
    const base = arrived < 0 ? undefined : this.#history[arrived];
    const content = dataset.resume?.content;
    if (dataset.resume === undefined) {
      if (dataset.snapshots.length > 0) return this.#bring([], base ? [base] : [], left);
      return this.#blocked("occupied", `${this.#where()} was begun, and nothing of it can be gone on with`, [
        `destroy it, and run this again: zfs destroy ${dataset.name}`,
      ]);
    }
    const to = left.find(({ guid }) => guid === content?.toGuid);
    if (content?.usable && to && content.raw === this.#raw && content.fromGuid === base?.guid) {
      const { at } = this.#wanted;
      const id = this.#id("resume", to.name);
      const resume: Operation = {
        ...this.#step(id, "a restore was cut"),
        ...this.#stream(),
        kind: "resume",
        dependsOn: [],
        preconditions: [
          { ...this.#wanted.point.from, kind: "snapshot", snapshot: refOf(to) },
          { ...at, kind: "token", token: dataset.resume.token },
        ],
        token: dataset.resume.token,
        to: refOf(to),
        base: content.fromGuid === undefined ? null : { guid: content.fromGuid },
        received: content.bytes,
        ...(content.remaining !== undefined && { remaining: content.remaining }),
        replacesPlaceholder: base === undefined && isOver(dataset),
        mayDiscard: true,
      };
      return this.#bring([resume], [to], left.slice(left.indexOf(to) + 1), id);
    }
    const id = this.#id("discard", dataset.name);
    const discard: Operation = {
      ...this.#step(id, "the half-received stream cannot be resumed"),
      kind: "discard",
      dependsOn: [],
      preconditions: [{ ...this.#wanted.at, kind: "token", token: dataset.resume.token }],
      bytes: content?.bytes ?? (0 as Bytes),
      ...(dataset.snapshots.length === 0 && { removesDataset: true }),
    };
    return this.#bring([discard], base ? [base] : [], left, id);
  }

  #inPlace(dataset: Dataset): Restored {
    const { point, at, recursive, aside, source } = this.#wanted;
    const index = dataset.snapshots.findIndex(({ guid }) => guid === point.snapshot.guid);
    if (index >= 0) return this.#rollBack(dataset, index);
    if (parentOf(at.dataset) === undefined)
      return this.#blocked("occupied", `${at.dataset} is a whole pool, which cannot be put aside`, [
        `restore it beside: holdfast restore ${source} --to ${at.dataset}/restored`,
      ]);
    const below = [...this.#observations.datasets(at.host).values()].filter(({ name }) => isBelow(name, at.dataset));
    if (below.length > 0 && !recursive)
      return this.#blocked(
        "occupied",
        `${below.length} datasets below ${this.#where()} would be put aside with it`,
        ["restore them as well: --recursive", "or restore it beside: without --in-place"],
        below.slice(0, 5).map(({ name }) => name),
      );
    const longest = longestName([dataset, ...below]) + aside.length;
    if (longest > maxNameLength)
      return this.#blocked(
        "name-too-long",
        `put aside, it would have names longer than the ${maxNameLength} characters ZFS takes`,
        ["restore it beside: without --in-place"],
        [`as ${at.dataset}${aside} the longest name in it has ${longest}`],
      );
    const id = this.#id("replace", at.dataset);
    const inUse = [...below.reverse(), dataset].filter(({ type, mounted }) => type === "filesystem" && mounted);
    const replace: ReplaceOperation = {
      id,
      source,
      at,
      kind: "replace",
      reason: `it does not have @${point.name}: all that it is now is kept beside`,
      dependsOn: [],
      preconditions: [{ ...at, kind: "dataset", guid: dataset.guid }],
      datasetType: dataset.type,
      renameTo: `${at.dataset}${aside}` as DatasetName,
      ...(inUse.length > 0 && { unmounts: inUse.map(({ name }) => name) }),
    };
    return { ...this.#bring([replace], [], this.#history, id), moves: { by: id, at, to: replace.renameTo } };
  }

  /** The pool's own way back in time: what is newer is given up, by name. */
  #rollBack(dataset: Dataset, index: number): Restored {
    const { point, at, source } = this.#wanted;
    // that of a copy has a number of its own pool
    const own = dataset.snapshots[index] as Snapshot;
    const later = dataset.snapshots.slice(index + 1);
    const unbookmarks = bookmarksAfter(dataset, own);
    const tied = later.filter(({ holds, clones }) => holds || clones);
    if (tied.length > 0)
      return this.#blocked(
        "remedy",
        `${tied.length} of the later snapshots are held or cloned, and a rollback would have to destroy them`,
        ["release the holds (zfs release), or destroy the clones", "or restore it beside: without --in-place"],
        tied.map(({ name, holds, clones }) => `@${name}: ${[...(holds ?? []), ...(clones ?? [])].join(", ")}`),
      );
    const rollback: Operation = {
      id: this.#id("rollback", point.name),
      source,
      at,
      kind: "rollback",
      reason: "asked for: what was written since is given up",
      dependsOn: [],
      preconditions: [
        { ...at, kind: "dataset", guid: dataset.guid },
        { ...at, kind: "snapshot", snapshot: refOf(point.snapshot) },
      ],
      to: refOf(point.snapshot),
      destroys: later.map(({ name, guid, used }) => ({ name, guid, used })),
      ...(unbookmarks.length > 0 && { unbookmarks }),
      bytes: later.reduce((sum, { used }) => sum + used, 0) as Bytes,
    };
    return { operations: [rollback], blocked: [] };
  }

  /** Streams for what is left, from what is there; then the end. */
  #bring(
    before: readonly Operation[],
    there: readonly Snapshot[],
    left: readonly Snapshot[],
    after?: OperationId,
    over?: Dataset,
  ): Restored {
    const sends = this.#sends(there.at(-1), left, after, over);
    const last = sends.at(-1)?.id ?? before.at(-1)?.id;
    return { operations: [...before, ...sends, this.#settle(last)], blocked: [] };
  }

  #sends(
    base: Snapshot | undefined,
    left: readonly Snapshot[],
    after: OperationId | undefined,
    over: Dataset | undefined,
  ): Operation[] {
    const [first] = left;
    const to = left.at(-1);
    if (first === undefined || to === undefined) return [];
    // the first stream of all carries one snapshot in full, the next one all others at once
    if (base === undefined) {
      const full = this.#send(undefined, [first], after, over);
      return left.length === 1 ? [full] : [full, this.#send(first, left.slice(1), full.id)];
    }
    return [this.#send(base, left, after)];
  }

  #send(
    base: Snapshot | undefined,
    snapshots: readonly Snapshot[],
    after: OperationId | undefined,
    over?: Dataset,
  ): Operation {
    const { at, point } = this.#wanted;
    const to = snapshots.at(-1) as Snapshot;
    const ready: Precondition[] = base
      ? [
          { ...point.from, kind: "snapshot", snapshot: refOf(base) },
          { ...at, kind: "follows", base: refOf(base), extras: [] },
          { ...at, kind: "token", token: null },
        ]
      : [over ? { ...at, kind: "placeholder", guid: over.guid } : { ...at, kind: "absent" }];
    return {
      ...this.#step(this.#id("restore", to.name), "asked for"),
      ...this.#stream(),
      kind: "send",
      dependsOn: after === undefined ? [] : [after],
      preconditions: [{ ...point.from, kind: "snapshot", snapshot: refOf(to) }, ...ready],
      base: base ? refOf(base) : null,
      to: refOf(to),
      snapshots: snapshots.map(refOf),
      estimate: (base
        ? snapshots.reduce((sum, { written }) => sum + written, 0)
        : (snapshots[0]?.referenced ?? 0)) as Bytes,
      createParents: base ? [] : missingParents(this.#observations, at),
      replacesPlaceholder: over !== undefined,
    };
  }

  #settle(after: OperationId | undefined): Operation {
    const { point, beside } = this.#wanted;
    const isWithout = this.#raw && point.copied;
    return {
      ...this.#step(this.#id("settle", point.name), "all of it is there"),
      kind: "settle",
      dependsOn: after === undefined ? [] : [after],
      preconditions: [{ ...this.#wanted.at, kind: "snapshot", snapshot: refOf(point.snapshot) }],
      datasetType: point.dataset.type,
      beside,
      ...(isWithout && { settingsOf: point.from }),
      excludeProperties: beside ? NOT_BESIDE : [],
    };
  }

  #stream(): StreamOptions & { readonly restores: NonNullable<StreamOptions["restores"]> } {
    const { point, at, beside } = this.#wanted;
    const { dataset, from, remote, copied } = point;
    const inherits = !this.#raw && encryptedAbove(this.#observations, at) !== undefined;
    const restores = copied ? "received" : "own";
    return {
      from,
      datasetType: dataset.type,
      raw: this.#raw,
      ...(inherits && { encryption: "inherit" }),
      // together with `-b`, a raw stream makes the receiving zfs abort: settings are brought afterwards
      withProperties: !(this.#raw && restores === "received"),
      properties: { [RESTORING_PROPERTY]: restoringMark(at, beside) },
      excludeProperties: beside ? NOT_BESIDE : [],
      compress: remote?.compress ?? "off",
      runsOn: at.host,
      restores,
    };
  }

  /** What a stream in plaintext needs: that both ends can be read and written. */
  #keyProblem(): Restored | undefined {
    if (this.#raw) return undefined;
    const { dataset, from } = this.#wanted.point;
    if (dataset.keystatus === "unavailable")
      return this.#blocked("encryption", `the key of ${from.host}:${dataset.name} is not loaded`, [
        `load it there: zfs load-key ${dataset.encryptionroot ?? dataset.name}`,
        "or restore from another place: --from",
      ]);
    const above = encryptedAbove(this.#observations, this.#wanted.at);
    if (above?.keystatus !== "unavailable") return undefined;
    return this.#blocked("encryption", `nothing can be made below ${above.name} while its key is not loaded`, [
      `load it there: zfs load-key ${above.encryptionroot ?? above.name}`,
      "or give another place: --to",
    ]);
  }

  readonly #where = (): string => `${this.#wanted.at.host}:${this.#wanted.at.dataset}`;

  #id(kind: string, name: string): OperationId {
    const { at } = this.#wanted;
    return `${kind} ${at.host}:${at.dataset}@${name}`;
  }

  #step(id: OperationId, reason: string) {
    const { source, at, point } = this.#wanted;
    return { id, source, at, reason, remote: point.place as RemoteName } as const;
  }

  #blocked(
    reason: BlockedReason,
    message: string,
    remedies: readonly string[],
    evidence: readonly string[] = [],
  ): Restored {
    const { source, at } = this.#wanted;
    return { operations: [], blocked: [{ source, at, reason, message, evidence, remedies }] };
  }
}

/** The first stream goes over what was there. */
const isOver = ({ name, own }: Dataset): boolean => poolOf(name) === name || own.placeholder === "on";

const refOf = ({ name, guid }: Snapshot): SnapshotRef => ({ name, guid });

/**
 * A source's own encryption goes as it is, without a key. A copy that was only encrypted by what it lies below, at the
 * remote, comes back in plaintext while that key is loaded there.
 */
export function isRaw(observations: Observations, { dataset, from, copied }: SnapshotPoint): boolean {
  if (dataset.encryption === "off") return false;
  if (!copied || dataset.encryptionroot === undefined) return true;
  const root = observations.datasets(from.host).get(dataset.encryptionroot);
  const isOfCopy = dataset.encryptionroot === dataset.name || root?.own.adopted === "on";
  return isOfCopy || dataset.keystatus === "unavailable";
}

/** The nearest dataset above that exists, where it is encrypted. */
export function encryptedAbove(observations: Observations, { host, dataset }: At): Dataset | undefined {
  const there = observations.datasets(host);
  for (let name = parentOf(dataset); name !== undefined; name = parentOf(name)) {
    const found = there.get(name);
    if (found) return found.encryption === "off" ? undefined : found;
  }
  return undefined;
}
