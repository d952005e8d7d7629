import type { At, OperationId, Precondition, SnapshotRef, ZfsOperation } from "../../src/model/plan.ts";
import type { ZfsPlan } from "../zfs-plan.ts";
import { emptyDataset, find, isObserved, type World, type WorldDataset } from "./world.ts";
import * as zfs from "./zfs.ts";

/** A precondition no longer holds: nothing was changed. */
export class Stale extends Error {}
/** The run ended in the middle of an operation. */
export class Cut extends Error {}

/** What one command does: an operation, or all creates that are atomic together. */
export interface Unit {
  readonly operations: readonly ZfsOperation[];
  readonly ids: readonly OperationId[];
  readonly dependsOn: readonly OperationId[];
  /** What has to have ended before, however it did. */
  readonly after: readonly OperationId[];
}

/** A plan being carried out in a model world. */
export interface Run {
  readonly world: World;
  /** Guids of the snapshots that this run's creates made. */
  readonly created: Map<OperationId, string>;
  readonly now: number;
}

export const startRun = (world: World, now: number): Run => ({ world, created: new Map(), now });

/** The commands of a plan, in its order; atomic creates stand where the first of them does. */
export function unitsOf(plan: ZfsPlan): Unit[] {
  const groups = new Map<string, ZfsOperation[]>();
  for (const operation of plan.operations) {
    const key = operation.kind === "create" ? `atomic ${operation.atomic}` : `single ${operation.id}`;
    const group = groups.get(key);
    if (group) group.push(operation);
    else groups.set(key, [operation]);
  }
  return [...groups.values()].map((operations) => {
    const ids = operations.map((o) => o.id);
    const others = (all: readonly OperationId[]) => [...new Set(all)].filter((id) => !ids.includes(id));
    return {
      operations,
      ids,
      dependsOn: others(operations.flatMap((o) => o.dependsOn)),
      after: others(operations.flatMap((o) => o.after ?? [])),
    };
  });
}

/**
 * Carries out one command as `zfs` would, by name, after checking every precondition.
 * With `cut` it ends in the middle: what a kill at that instant leaves.
 */
export function execute(run: Run, unit: Unit, cut?: number): void {
  for (const operation of unit.operations) for (const p of operation.preconditions) check(run, p, operation);
  const [first] = unit.operations;
  if (first === undefined) return;
  if (first.kind !== "create") {
    executeOne(run, first, cut);
    return;
  }
  if (cut !== undefined) throw new Cut("before the snapshot");
  const creates = unit.operations.filter((o) => o.kind === "create");
  zfs.snapshot(
    run.world,
    first.at.host,
    creates.map((o) => ({ dataset: o.at.dataset, name: o.name })),
    run.now,
  );
  for (const o of creates) {
    if (o.at.host !== first.at.host) throw new zfs.ZfsError("one snapshot command on two hosts");
    const made = find(run.world, o.at.host, o.at.dataset)?.snapshots.find((s) => s.name === o.name);
    if (made) run.created.set(o.id, made.guid);
  }
}

const stopHere = (cut: number | undefined): void => {
  if (cut !== undefined) throw new Cut("in the middle");
};

function executeOne(run: Run, o: Exclude<ZfsOperation, { kind: "create" }>, cut: number | undefined): void {
  const { world } = run;
  const { host, dataset } = o.at;
  if (o.kind === "send") executeSend(world, o, cut);
  else if (o.kind === "unbookmark") {
    for (const b of exactly(find(world, host, dataset)?.bookmarks, o.bookmarks.slice(0, cut)))
      zfs.destroyBookmark(world, host, dataset, b.name);
    stopHere(cut);
  } else if (o.kind === "destroy") {
    destroy(world, o.at, o.snapshots.slice(0, cut));
    stopHere(cut);
  } else if (o.kind === "destroy-orphan") {
    const orphan = find(world, host, dataset);
    const known = (s: { readonly guid: string }): boolean => o.snapshots.some((t) => t.guid === s.guid);
    if (!orphan?.snapshots.every(known)) throw new Stale(`${dataset} is another, or has more`);
    if (orphan.partial) zfs.abort(world, host, dataset);
    destroy(world, o.at, o.snapshots.slice(0, cut));
    stopHere(cut);
    if (find(world, host, dataset)) zfs.destroyDataset(world, host, dataset);
  } else if (o.kind === "rollback") {
    rollback(run, o, cut);
  } else {
    stopHere(cut);
    executeWhole(run, o);
  }
}

interface Named {
  readonly name: string;
  readonly guid: string;
}
/** `zfs destroy` knows names only, so the guids are looked at once more: gone is done already, another one is not ours. */
function exactly(there: readonly Named[] | undefined, wanted: readonly Named[]): readonly Named[] {
  const others = wanted.filter((w) => there?.some((t) => t.name === w.name && t.guid !== w.guid));
  if (others.length > 0) throw new Stale(`${others.map((o) => o.name).join(", ")} is another now`);
  return wanted.filter((w) => there?.some((t) => t.name === w.name));
}

function destroy(world: World, { host, dataset }: At, snapshots: readonly Named[]): void {
  const doomed = exactly(find(world, host, dataset)?.snapshots, snapshots);
  zfs.destroySnapshots(
    world,
    host,
    dataset,
    doomed.map((s) => s.name),
  );
}

function rollback({ world }: Run, o: Extract<ZfsOperation, { kind: "rollback" }>, cut: number | undefined): void {
  const { host, dataset } = o.at;
  const there = find(world, host, dataset);
  const to = there?.snapshots.find((s) => s.name === o.to.name);
  const { destroys, unbookmarks = [] } = o;
  const isKnown = ({ name, guid }: Named): boolean =>
    [...destroys, ...unbookmarks].some((known) => known.name === name && known.guid === guid);
  const later = [...(there?.snapshots ?? []), ...(there?.bookmarks ?? [])].filter((one) => to && one.txg > to.txg);
  if (!later.every(isKnown)) throw new Stale(`${dataset} has more after @${o.to.name} than was planned`);
  destroy(world, o.at, destroys.slice(0, cut));
  stopHere(cut);
  for (const { name } of exactly(there?.bookmarks, unbookmarks)) zfs.destroyBookmark(world, host, dataset, name);
  zfs.rollback(world, host, dataset, o.to.name);
}

/** What happens at once or not at all. */
function executeWhole(
  run: Run,
  o: Extract<ZfsOperation, { kind: "adopt" | "discard" | "replace" | "resume" | "bookmark" | "make" | "settle" }>,
): void {
  const { world } = run;
  const { host, dataset } = o.at;
  switch (o.kind) {
    case "adopt":
      zfs.setProperty(world, host, dataset, "adopted", "on");
      break;
    case "discard":
      zfs.abort(world, host, dataset);
      break;
    case "replace":
      if (find(world, host, dataset)?.type !== o.datasetType)
        throw new zfs.ZfsError(`${dataset} is no ${o.datasetType}`);
      zfs.renameDataset(world, host, dataset, o.renameTo);
      break;
    case "resume":
      zfs.resume(world, host, dataset, o.token);
      if (o.base === null) zfs.setProperty(world, host, dataset, "adopted", "on");
      break;
    case "bookmark": {
      const from = o.fromBookmark === undefined ? { snapshot: o.of.name } : { bookmark: o.fromBookmark };
      zfs.bookmark(world, host, dataset, from, o.bookmark.replace("{guid}", guidOf(run, o.of) ?? "?"));
      break;
    }
    case "make":
    case "settle":
      throw new Error(`${o.kind} belongs to a restore, not to a plan`);
  }
}

function executeSend(world: World, o: Extract<ZfsOperation, { kind: "send" }>, cut: number | undefined): void {
  const { host, dataset } = o.at;
  const base =
    o.base === null ? null : o.base.bookmark === undefined ? { snapshot: o.base.name } : { bookmark: o.base.bookmark };
  const stream = zfs.send(world, o.from.host, o.from.dataset, {
    base,
    to: o.to.name,
    range: o.snapshots.length > 1,
    raw: o.raw,
    embedded: o.encryption !== "inherit",
    properties: o.withProperties,
  });
  if (stream.type !== o.datasetType) throw new zfs.ZfsError(`${o.from.dataset} is a ${stream.type}`);
  for (const parent of o.createParents)
    if (!find(world, host, parent)) zfs.create(world, host, parent, { own: { placeholder: "on" } });
  const own = Object.entries(o.properties).flatMap(([key, value]) =>
    key.startsWith("holdfast:") ? [[key.slice("holdfast:".length), value] as const] : [],
  );
  zfs.receive(world, host, dataset, stream, {
    force: o.replacesPlaceholder,
    ...(o.encryption && { encryption: o.encryption }),
    own: { ...Object.fromEntries(own), ...(o.base === null ? { adopted: "on" } : {}) },
    ...(cut === undefined ? {} : { cutAfter: cut % stream.steps.length }),
  });
  stopHere(cut);
}

function guidOf(run: Run, ref: SnapshotRef): string | undefined {
  return "guid" in ref ? ref.guid : run.created.get(ref.createdBy);
}

function check(run: Run, p: Precondition, operation: ZfsOperation): void {
  const why = isObserved(run.world, p.host, p.dataset)
    ? broken(run, p, find(run.world, p.host, p.dataset))
    : "cannot be observed";
  if (why !== undefined) throw new Stale(`${operation.id}: ${p.kind} of ${p.host}:${p.dataset}: ${why}`);
}

/** Each kind of precondition, as plan.ts words it; why it does not hold, if it does not. */
function broken(run: Run, p: Precondition, dataset: WorldDataset | undefined): string | undefined {
  if (p.kind === "absent") return dataset === undefined ? undefined : "it exists";
  if (dataset === undefined) return "it does not exist";
  switch (p.kind) {
    case "dataset":
      return dataset.guid === p.guid ? undefined : `it is ${dataset.guid} now, not ${p.guid}`;
    case "placeholder": {
      const placeholder = dataset.own.get("placeholder") === "on";
      const empty = dataset.snapshots.length === 0 && dataset.written <= emptyDataset;
      return dataset.guid === p.guid && placeholder && empty ? undefined : "it is no empty placeholder";
    }
    case "snapshot": {
      const guid = guidOf(run, p.snapshot);
      const there = dataset.snapshots.find((s) => s.name === p.snapshot.name);
      return guid !== undefined && there?.guid === guid ? undefined : `@${p.snapshot.name} is not ${guid}`;
    }
    case "present": {
      const guid = guidOf(run, p.snapshot);
      const there = dataset.snapshots.some((s) => s.guid === guid);
      const marked = p.bookmark && dataset.bookmarks.some((b) => b.guid === guid);
      return there || marked ? undefined : `${guid} (@${p.snapshot.name}) is not there`;
    }
    case "bookmarked": {
      const bare = p.guids.filter((guid) => !dataset.bookmarks.some((b) => b.guid === guid));
      return bare.length === 0 ? undefined : `${bare} have no bookmark`;
    }
    case "quota": {
      const guids = p.snapshots.map((id) => run.created.get(id) ?? id);
      const missing = p.names.filter(
        (name, n) => !dataset.snapshots.some((s) => s.name === name && s.guid === guids[n]),
      );
      return missing.length === 0 ? undefined : `${missing} of the quota are missing`;
    }
    case "follows": {
      const guid = p.base === null ? undefined : guidOf(run, p.base);
      const base = dataset.snapshots.findIndex((s) => s.guid === guid);
      if (p.base !== null && base < 0) return `the base ${guid} is not there`;
      const expected: readonly string[] = p.extras;
      const others = dataset.snapshots.slice(base + 1).filter((s) => !expected.includes(s.guid));
      if (others.length > 0) return `@${others.map((s) => s.name).join(" @")} follow, too`;
      const changed = dataset.snapshots.length > 0 && dataset.written > 0;
      return changed ? `${dataset.written} bytes were written` : undefined;
    }
    case "token":
      return (dataset.partial?.token ?? null) === p.token ? undefined : "another half-received stream";
  }
}

/** An order in which the commands can run, chosen by `pick` (an index among those that are ready). */
export function linearize(units: readonly Unit[], pick: (ready: number) => number): Unit[] {
  const waiting = [...units];
  const done = new Set<OperationId>();
  const order: Unit[] = [];
  while (waiting.length > 0) {
    const ready = waiting.filter((u) => [...u.dependsOn, ...u.after].every((id) => done.has(id)));
    const next = ready[pick(ready.length)];
    if (next === undefined) throw new Error("the operations depend on each other in a circle, or on nothing there");
    waiting.splice(waiting.indexOf(next), 1);
    order.push(next);
    for (const id of next.ids) done.add(id);
  }
  return order;
}
