import { Cron } from "croner";
import type { KeepRule, Manifest, Retention, SnapshotType } from "../../src/model/manifest.ts";
import type { Blocked } from "../../src/model/plan.ts";
import type { EpochSeconds, TypeName } from "../../src/model/units.ts";
import { type PlanOptions, plan, sourcesOf } from "../../src/planner/index.ts";
import { scheduledTypes, snapshotName } from "../../src/planner/types.ts";
import { valid } from "../manifest/helpers.ts";
import { execute, startRun, unitsOf } from "../property/execute.ts";
import {
  allDatasets,
  cloneWorld,
  emptyWorld,
  find,
  parentOf,
  toInventory,
  type World,
  type WorldSnapshot,
} from "../property/world.ts";
import * as zfs from "../property/zfs.ts";
import { type ZfsPlan, zfsPlan } from "../zfs-plan.ts";

/** A NAS, its copies on another machine and on a disk, as years of Holdfast left them, and what happens to them then. */
export interface Life {
  readonly world: World;
  /** The manifest, as it is now and as it was for all those years. */
  text: string;
  readonly former: string;
  now: EpochSeconds;
  /** Made since the last event that was no pass, and before it. */
  plans: readonly ZfsPlan[];
  earlier: readonly ZfsPlan[];
}
export type Event = (life: Life) => void;
/** A life up to the pass that is looked at; another copy of it each time. */
export type Scenario = () => Life;

export const HOUR = 3600;
export const DAY = 24 * HOUR;

/** All at rest at a time, and then what happens, one after the other. */
export const begin = (text: string, at: string, datasets: readonly string[], events: readonly Event[]): Scenario =>
  once(() => {
    const now = (Date.parse(at) / 1000) as EpochSeconds;
    const world = atRest(manifestOf(text), now, datasets);
    return after({ world, text, former: text, now, plans: [], earlier: [] }, events);
  });

/** What happens next to one life in several cases. */
export const goOn = (scenario: Scenario, ...events: readonly Event[]): Scenario =>
  once(() => after(scenario(), events));

function after(life: Life, events: readonly Event[]): Life {
  for (const event of events) event(life);
  return life;
}

function once(live: Scenario): Scenario {
  let life: Life | undefined;
  return () => {
    life ??= live();
    return copyOf(life);
  };
}

export const copyOf = (life: Life): Life => ({ ...life, world: cloneWorld(life.world) });

const manifests = new Map<string, Manifest>();
function manifestOf(text: string): Manifest {
  const manifest = manifests.get(text) ?? valid(text, { as: "none" });
  manifests.set(text, manifest);
  return manifest;
}

/** Every side has exactly what its `keep` counts, taken at each tick of its schedules. */
function atRest(manifest: Manifest, until: EpochSeconds, datasets: readonly string[]): World {
  const world = emptyWorld({ nas: ["tank", "usb"], cellar: ["vault"] });
  for (const name of ["usb/backups", ...datasets]) withParents(world, "nas", name);
  withParents(world, "cellar", "vault/backups/nas");
  for (const { host, dataset, keys, copies } of sourcesOf(manifest, toInventory(world, until), {}).sources) {
    const types = scheduledTypes(manifest, keys.take);
    const points = new Map<string, WorldSnapshot>();
    const here = withParents(world, host, dataset, true);
    here.snapshots = kept(world, points, types, keys.keep, until);
    for (const copy of copies) {
      const there = withParents(world, copy.host, copy.target, true);
      there.snapshots = kept(world, points, types, copy.keep, until);
      const base = there.snapshots.at(-1);
      if (base) here.bookmarks = [...here.bookmarks, { ...base, name: `holdfast-${copy.remote.name}-${base.guid}` }];
    }
  }
  for (const { pools } of world.hosts.values()) for (const pool of pools.values()) pool.txg = until * 10 + 9;
  return world;
}

function withParents(world: World, host: string, name: string, adopted = false) {
  const parent = parentOf(name);
  if (parent !== undefined && !find(world, host, parent)) withParents(world, host, parent);
  const dataset = find(world, host, name) ?? zfs.create(world, host, name);
  if (adopted) dataset.own.set("adopted", "on");
  return dataset;
}

/** `points` has what other sides of the source got already: the same snapshot has one guid. */
function kept(
  world: World,
  points: Map<string, WorldSnapshot>,
  types: readonly SnapshotType[],
  keep: Retention,
  until: EpochSeconds,
): readonly WorldSnapshot[] {
  const rules = keep.by === "type" ? keep.types : new Map<TypeName, KeepRule>();
  const snapshots = types.flatMap((type, order) =>
    series(type, rules.get(type.name) ?? { count: 0 }, until).map((time) => {
      const name = snapshotName(type.name, time);
      const point = points.get(name) ?? snapshot(world, name, time, order);
      points.set(name, point);
      return point;
    }),
  );
  return snapshots.sort((a, b) => a.txg - b.txg);
}

const snapshot = (world: World, name: string, time: number, order: number): WorldSnapshot => ({
  name,
  guid: String(world.nextGuid++),
  txg: time * 10 + order,
  creation: time,
  written: 1,
  holds: [],
  clones: [],
});

const known = new Map<string, readonly EpochSeconds[]>();
/** The ticks of a schedule that a rule keeps. */
function series(type: SnapshotType, { count, within = 0 as never }: KeepRule, until: EpochSeconds) {
  const { schedule = "", timezone } = type;
  const key = [schedule, timezone, count, within, until].join();
  let times = known.get(key);
  if (!times) {
    const cron = new Cron(schedule, { timezone, mode: "5-part" });
    const [last, before] = cron.previousRuns(2, new Date((until + 1) * 1000));
    const period = (Number(last) - Number(before)) / 1000;
    const runs = cron.previousRuns(Math.max(count, Math.ceil(within / period)), new Date((until + 1) * 1000));
    times = runs
      .map((run) => (run.getTime() / 1000) as EpochSeconds)
      .filter((time, index) => index < count || time >= until - within);
    known.set(key, times);
  }
  return times;
}

/** An event that no pass takes part in. */
const event =
  (happens: Event): Event =>
  (life) => {
    happens(life);
    life.earlier = [...life.earlier, ...life.plans];
    life.plans = [];
  };

/** Nothing runs for so long; or, where it is negative, the clock is set back. */
export const later = (seconds: number): Event =>
  event((life) => {
    life.now = (life.now + seconds) as EpochSeconds;
  });

/** So many passes, each so long after the one before. */
export const passes =
  (count: number, every = HOUR): Event =>
  (life) => {
    for (let i = 0; i < count; i++) {
      life.now = (life.now + every) as EpochSeconds;
      pass(life);
    }
  };

export const edit = (...changes: readonly (readonly [from: string | RegExp, to: string])[]): Event =>
  event((life) => {
    for (const [from, to] of changes) {
      const before = life.text;
      life.text = before.replace(from, to);
      if (life.text === before) throw new Error(`${from} is not in the manifest`);
    }
  });
export const undoEdit: Event = event((life) => {
  life.text = life.former;
});

const reach = (remote: "vault" | "usb", is: boolean): Event =>
  event(({ world }) => {
    const host = world.hosts.get(remote === "vault" ? "cellar" : "nas");
    const pool = host?.pools.get(remote);
    if (!host || !pool) throw new Error(`no ${remote}`);
    if (remote === "vault") host.reachable = is;
    else pool.imported = is;
  });
export const away = (remote: "vault" | "usb"): Event => reach(remote, false);
export const back = (remote: "vault" | "usb"): Event => reach(remote, true);

/** Snapshots that came about without a pass, these seconds before now. */
export const taken = (dataset: string, nameAt: (time: EpochSeconds) => string, ages: readonly number[]): Event =>
  event(({ world, now }) => {
    const at = withParents(world, "nas", dataset);
    const added = ages.map((age) => snapshot(world, nameAt((now - age) as EpochSeconds), now - age, 9));
    at.snapshots = [...at.snapshots, ...added].sort((a, b) => a.txg - b.txg);
  });

export const change = (happens: (world: World) => void): Event => event(({ world }) => happens(world));

export const planned = ({ world, text, now }: Life, options: Omit<PlanOptions, "now"> = {}): ZfsPlan =>
  zfsPlan(plan(manifestOf(text), toInventory(world, now), { ...options, now }));

export function pass(life: Life, made = planned(life)): ZfsPlan {
  const run = startRun(life.world, life.now);
  for (const unit of unitsOf(made)) execute(run, unit);
  life.plans = [...life.plans, made];
  return made;
}

/** Every snapshot there is, `HOST:DATASET@NAME`. */
export const snapshotsIn = (world: World): string[] =>
  [...allDatasets(world)].flatMap(({ host, name, dataset }) =>
    dataset.snapshots.map((snapshot) => `${host}:${name}@${snapshot.name}`),
  );

interface Listed {
  readonly at: { readonly host: string; readonly dataset: string };
  readonly snapshots: readonly { readonly name: string }[];
}
const names = ({ at, snapshots }: Listed): string[] => snapshots.map(({ name }) => `${at.host}:${at.dataset}@${name}`);

export const destroyedBy = ({ operations }: ZfsPlan): string[] =>
  operations.flatMap((o) => (o.kind === "destroy" || o.kind === "destroy-orphan" ? names(o) : [])).sort();
export const withheldBy = ({ blocked }: ZfsPlan): string[] =>
  blocked.flatMap(({ at, withheld }) => ("dataset" in at && withheld ? names({ at, ...withheld }) : [])).sort();

/** The guards by their own words. */
const guards: readonly (readonly [words: RegExp, brief: string])[] = [
  [/ would be left of /, "emptied"],
  [/ would be lost, more than /, "percent"],
  [/ lie closer together than their schedule/, "crowded"],
  [/ this plan would lose /, "total"],
];
const types = ["hourly", "daily", "weekly", "monthly", "yearly"];

/**
 * What plans do, summed up, and what the last of them blocks and reports; bookmarks are left out. A built-in type is its letter.
 *
 *     +1h 1d     created            -here 1h 1d       destroyed at the source, -vault on that remote
 *     >vault 2   sent               !here percent 27d withheld at the source, and by which guard
 *     @here      adopted            orphans 2         copies without a source, left alone
 */
export function short(plans: readonly ZfsPlan[]): string {
  const groups = new Map<string, Map<string, number>>();
  const add = (group: string, type: string, count: number): void => {
    const counts = groups.get(group) ?? new Map<string, number>();
    groups.set(group, counts.set(type, (counts.get(type) ?? 0) + count));
  };
  for (const o of plans.flatMap(({ operations }) => operations)) {
    const side = "remote" in o && o.remote !== undefined ? o.remote : "here";
    if (o.kind === "create") add("+", o.type, 1);
    else if (o.kind === "send") add(`>${side}`, "", o.snapshots.length);
    else if (o.kind === "destroy") add(`-${side}`, o.type, o.snapshots.length);
    else if (o.kind === "adopt") add(`@${side}`, "", 0);
    else if (o.kind !== "bookmark" && o.kind !== "unbookmark") add(`${o.kind} ${side}`, "", 0);
  }
  const last = plans.at(-1);
  for (const blocked of last?.blocked ?? []) {
    const { withheld } = blocked;
    add(`!${blocked.remote ?? "here"} ${guardOf(blocked)}`, withheld?.type ?? "", withheld?.snapshots.length ?? 0);
  }
  for (const { kind } of last?.notes ?? []) if (kind === "orphan") add("orphans", "", 1);
  return [...groups].map(([group, counts]) => writeGroup(group, counts)).join("; ");
}

const guardOf = ({ reason, message }: Blocked): string =>
  reason === "withheld" ? (guards.find(([words]) => words.test(message))?.[1] ?? message) : reason;

function writeGroup(group: string, counts: ReadonlyMap<string, number>): string {
  const list = [...counts]
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => types.indexOf(a) - types.indexOf(b))
    .map(([type, count]) => (types.includes(type) ? `${count}${type.charAt(0)}` : `${count} ${type}`.trim()));
  return `${group}${group === "+" || list.length === 0 ? "" : " "}${list.join(" ")}`;
}
