import fc from "fast-check";
import type { Approval, Manifest, Remedy } from "../../src/model/manifest.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { EpochSeconds, RemoteName } from "../../src/model/units.ts";
import type { PlanOptions } from "../../src/planner/index.ts";
import { type ZfsPlan, zfsPlan } from "../zfs-plan.ts";
import { Cut, execute, Stale, startRun, unitsOf } from "./execute.ts";
import { anyManifest, day, layout, typeNames } from "./manifests.ts";
import { type ExpectedCopy, type ExpectedSource, resolve } from "./resolve.ts";
import { allDatasets, emptyWorld, find, parentOf, toInventory, type World, type WorldDataset } from "./world.ts";
import * as zfs from "./zfs.ts";

/** A world with a past, the manifest that is to rule it, and what the user asks for. */
export interface Scenario {
  readonly manifest: Manifest;
  readonly world: World;
  readonly now: number;
  readonly options: Omit<PlanOptions, "now">;
}

export const planAt = (scenario: Scenario, world: World, now: number, plan: Planner): ZfsPlan =>
  zfsPlan(plan(scenario.manifest, toInventory(world, now), { ...scenario.options, now: now as EpochSeconds }));
export type Planner = (manifest: Manifest, inventory: ReturnType<typeof toInventory>, options: PlanOptions) => Plan;

/** One thing that happened; the numbers choose among what is there. */
export interface Happening {
  readonly what: keyof typeof happenings;
  /** Seconds since the one before. */
  readonly later: number;
  readonly which: number;
  readonly how: number;
}

export interface Spec {
  readonly manifest: Manifest;
  /** Bits: which of the optional datasets are there, encrypted, adopted. */
  readonly shape: number;
  readonly past: readonly Happening[];
  readonly away: "all here" | "v" | "b" | "usb" | "vault" | "cold" | "a" | "tank";
  readonly wait: number;
  readonly allowDestroy: number | undefined;
  readonly resolve: readonly (readonly [string, Remedy])[];
  readonly approveOrphans: boolean;
  readonly allHosts: boolean;
  readonly target: string | undefined;
  /** For what a judge leaves to chance, so that it shrinks, too. */
  readonly chance: number;
}

const start = Date.UTC(2026, 2, 27, 12, 34, 56) / 1000;

const stamp = (now: number): string => new Date(now * 1000).toISOString().replace(/[-:]/g, "").replace(/\.\d+/, "");

class History {
  readonly world: World = emptyWorld(layout);
  readonly manifest: Manifest;
  readonly planner: Planner;
  now = start;
  private serial = 0;
  private readonly adoptByDefault: boolean;

  constructor(manifest: Manifest, shape: number, planner: Planner) {
    this.manifest = manifest;
    this.planner = planner;
    const bit = (n: number): boolean => ((shape >> n) & 1) === 1;
    this.adoptByDefault = !bit(0) || !bit(1);
    const own = this.adoptByDefault ? { adopted: "on" } : {};
    const { world } = this;
    for (const [host, pools] of Object.entries(layout))
      for (const pool of pools) {
        const root = zfs.create(world, host, pool);
        if (bit(13) && bit(host === "a" ? 14 : 15)) root.available = 0;
      }
    const encryption = bit(2) && bit(3) ? { encryption: "aes-256-gcm" } : {};
    zfs.create(world, "a", "tank/data", { own, written: 7, ...encryption });
    if (bit(4))
      zfs.create(world, "a", "tank/data/db", {
        own,
        written: 7,
        ...(bit(5) && bit(6) ? { encryption: "aes-128-gcm" } : {}),
      });
    if (bit(7)) zfs.create(world, "a", "tank/data/scratch", { own });
    if (bit(8)) {
      zfs.create(world, "a", "tank/vm", {});
      zfs.create(world, "a", "tank/vm/disk", { own, type: "volume", written: 7 });
    }
    if (bit(9)) zfs.create(world, "b", "pool/data", { own, written: 7 });
    if (bit(10)) zfs.create(world, "a", "usb/backups");
    if (bit(11)) zfs.create(world, "v", "vault/backups", bit(12) ? { encryption: "aes-256-gcm" } : {});
  }

  sources(): ExpectedSource[] {
    return resolve(this.manifest, this.world);
  }
  copies(): { source: ExpectedSource; copy: ExpectedCopy }[] {
    return this.sources().flatMap((source) => source.copies.map((copy) => ({ source, copy })));
  }
  /** Sources and copies that exist, and what lies beside them. */
  places(): { host: string; name: string; dataset: WorldDataset }[] {
    const named = [
      ...this.sources().map((s) => ({ host: s.host, name: s.dataset })),
      ...this.copies().map(({ copy }) => ({ host: copy.host, name: copy.target })),
    ];
    return named.flatMap(({ host, name }) => {
      const dataset = find(this.world, host, name);
      return dataset === undefined ? [] : [{ host, name, dataset }];
    });
  }
  next(): number {
    return ++this.serial;
  }
  adopt(host: string, name: string): void {
    if (this.adoptByDefault) find(this.world, host, name)?.own.set("adopted", "on");
  }
}

const at = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];

function take(h: History, host: string, dataset: string, type: string): void {
  zfs.snapshot(h.world, host, [{ dataset, name: `${type}-${stamp(h.now)}` }], h.now);
}

/** What a plain replication script does: everything, from the newest common snapshot on. */
function replicate(h: History, source: ExpectedSource, copy: ExpectedCopy, how: number, cut: boolean): void {
  const from = find(h.world, source.host, source.dataset);
  if (!from || from.snapshots.length === 0) return;
  for (const parent of ancestors(copy.target))
    if (!find(h.world, copy.host, parent)) zfs.create(h.world, copy.host, parent, { own: { placeholder: "on" } });
  const target = find(h.world, copy.host, copy.target);
  const shared = from.snapshots.filter((s) => target?.snapshots.some((t) => t.guid === s.guid)).at(-1);
  const later = from.snapshots.filter((s) => s.txg > (shared?.txg ?? 0));
  const to = (how % 3 === 0 ? at(later, how) : later.at(-1)) ?? later.at(-1);
  if (to === undefined) return;
  const raw = copy.remote.raw !== "never";
  const cutAfter = cut ? { cutAfter: how % 2 } : {};
  const sendTo = (base: string | null, name: string, range: boolean, last: boolean): void =>
    zfs.receive(
      h.world,
      copy.host,
      copy.target,
      zfs.send(h.world, source.host, source.dataset, {
        base: base === null ? null : { snapshot: base },
        to: name,
        range,
        raw,
      }),
      { force: target?.own.get("placeholder") === "on", ...(last ? cutAfter : {}) },
    );
  const first = later[0];
  if (shared) sendTo(shared.name, to.name, how % 5 !== 0, true);
  else if (first) {
    sendTo(null, first.name, false, first === to && how % 2 === 0);
    if (first !== to) sendTo(first.name, to.name, true, true);
  }
  h.adopt(copy.host, copy.target);
}

function ancestors(dataset: string): string[] {
  const above = parentOf(dataset);
  return above === undefined ? [] : [...ancestors(above), above];
}

/** Everything that can have happened before; what ZFS refuses did not. */
const happenings = {
  take(h: History, which: number, how: number) {
    const source = at(h.sources(), which);
    const type = at(typeNames, how);
    if (!source || !type) return;
    if (how % 3 > 0) zfs.write(h.world, source.host, source.dataset, how);
    take(h, source.host, source.dataset, type);
  },
  series(h: History, which: number, how: number) {
    const source = at(h.sources(), which);
    const type = at(typeNames, how);
    if (!source || !type) return;
    for (let i = 0; i < 2 + (how % 7); i++) {
      h.now += type === "hourly" ? 3600 : type === "weekly" ? 7 * day : day;
      if ((how + i) % 4 > 0) zfs.write(h.world, source.host, source.dataset, 1 + i);
      take(h, source.host, source.dataset, type);
    }
  },
  replicate(h: History, which: number, how: number) {
    const pair = at(h.copies(), which);
    if (pair) replicate(h, pair.source, pair.copy, how, false);
  },
  pass(h: History, which: number, how: number) {
    const plan = zfsPlan(h.planner(h.manifest, toInventory(h.world, h.now), { now: h.now as EpochSeconds }));
    const units = unitsOf(plan);
    const run = startRun(h.world, h.now);
    const last = which % 4 === 0 ? how % (units.length + 1) : units.length;
    for (const unit of units.slice(0, last)) execute(run, unit);
    const cut = units[last];
    if (cut) execute(run, cut, how % 3);
  },
  cut(h: History, which: number, how: number) {
    const pair = at(h.copies(), which);
    if (pair) replicate(h, pair.source, pair.copy, how, true);
  },
  staleToken(h: History, which: number, how: number) {
    const halves = h.places().filter((p) => p.dataset.partial);
    const half = at(halves, which)?.dataset;
    if (half?.partial) half.partial = { ...half.partial, garbage: how % 3 > 0, opaque: how % 3 === 0 };
  },
  destroyAtSource(h: History, which: number, how: number) {
    const source = at(h.sources(), which);
    const victim = source && at(find(h.world, source.host, source.dataset)?.snapshots ?? [], how);
    if (source && victim) zfs.destroySnapshots(h.world, source.host, source.dataset, [victim.name]);
  },
  /** The base of the next increment goes; a bookmark may stay. */
  destroyBase(h: History, which: number, how: number) {
    const pair = at(h.copies(), which);
    const from = pair && find(h.world, pair.source.host, pair.source.dataset);
    const there = pair && find(h.world, pair.copy.host, pair.copy.target)?.snapshots;
    const base = from?.snapshots.filter((s) => there?.some((t) => t.guid === s.guid)).at(-1);
    if (!pair || !base) return;
    const { host, dataset } = pair.source;
    if (how % 3 === 0) zfs.bookmark(h.world, host, dataset, { snapshot: base.name }, `theirs-${h.next()}`);
    zfs.destroySnapshots(h.world, host, dataset, [base.name]);
  },
  destroyAtRemote(h: History, which: number, how: number) {
    const copy = at(h.copies(), which)?.copy;
    const victim = copy && at(find(h.world, copy.host, copy.target)?.snapshots ?? [], how);
    if (copy && victim) zfs.destroySnapshots(h.world, copy.host, copy.target, [victim.name]);
  },
  bookmark(h: History, which: number, how: number) {
    const pair = at(h.copies(), which);
    const dataset = pair && find(h.world, pair.source.host, pair.source.dataset);
    const marked = dataset && at(dataset.snapshots, how);
    if (!pair || !marked) return;
    const name = how % 5 === 0 ? `theirs-${h.next()}` : `holdfast-${pair.copy.remote.name}-${marked.guid}`;
    zfs.bookmark(h.world, pair.source.host, pair.source.dataset, { snapshot: marked.name }, name);
  },
  write(h: History, which: number, how: number) {
    const source = at(h.sources(), which);
    if (source) zfs.write(h.world, source.host, source.dataset, 1 + how);
  },
  foreign(h: History, which: number) {
    const place = at(h.places(), which);
    if (place) zfs.snapshot(h.world, place.host, [{ dataset: place.name, name: `by-hand-${h.next()}` }], h.now);
  },
  adoptedName(h: History, which: number) {
    const place = at(h.places(), which);
    const name = `autosnap_${h.next()}_daily`;
    if (place) zfs.snapshot(h.world, place.host, [{ dataset: place.name, name }], h.now);
  },
  hold(h: History, which: number, how: number) {
    const place = at(h.places(), which);
    const held = place && at(place.dataset.snapshots, how);
    if (place && held) zfs.hold(h.world, place.host, place.name, held.name, "keep-this");
  },
  clone(h: History, which: number, how: number) {
    const place = at(h.places(), which);
    const origin = place && at(place.dataset.snapshots, how);
    const pool = place?.name.split("/")[0];
    if (place && origin) zfs.cloneOf(h.world, place.host, place.name, origin.name, `${pool}/clone-${h.next()}`);
  },
  renameSnapshot(h: History, which: number, how: number) {
    const place = at(h.places(), which);
    const old = place && at(place.dataset.snapshots, how);
    if (!place || !old) return;
    const name = how % 2 === 0 ? `renamed-${h.next()}` : `daily-renamed-${h.next()}`;
    zfs.renameSnapshot(h.world, place.host, place.name, old.name, name);
  },
  writeAtRemote(h: History, which: number) {
    const copy = at(h.copies(), which)?.copy;
    if (copy) zfs.write(h.world, copy.host, copy.target, 3e6);
  },
  snapshotAtRemote(h: History, which: number, how: number) {
    const copy = at(h.copies(), which)?.copy;
    const type = at(typeNames, how);
    if (!copy || !type) return;
    if (how % 2 === 0) zfs.write(h.world, copy.host, copy.target, 3);
    take(h, copy.host, copy.target, type);
  },
  sameNameAtRemote(h: History, which: number, how: number) {
    const pair = at(h.copies(), which);
    const there = pair && find(h.world, pair.copy.host, pair.copy.target)?.snapshots;
    const missing = (pair && find(h.world, pair.source.host, pair.source.dataset)?.snapshots)?.filter(
      (s) => !there?.some((t) => t.guid === s.guid),
    );
    const name = at(missing ?? [], how)?.name;
    if (pair && name) zfs.snapshot(h.world, pair.copy.host, [{ dataset: pair.copy.target, name }], h.now);
  },
  /** The cursor of another tool, or of one who sends it further. */
  bookmarkAtRemote(h: History, which: number, how: number) {
    const copy = at(h.copies(), which)?.copy;
    const snapshot = at((copy && find(h.world, copy.host, copy.target)?.snapshots) ?? [], how);
    if (copy && snapshot)
      zfs.bookmark(h.world, copy.host, copy.target, { snapshot: snapshot.name }, `cursor-${snapshot.name}`);
  },
  rollBackSource(h: History, which: number, how: number) {
    const source = at(h.sources(), which);
    const dataset = source && find(h.world, source.host, source.dataset);
    const to = dataset && at(dataset.snapshots, how);
    if (!source || !dataset || !to) return;
    zfs.rollbackThrough(h.world, source.host, source.dataset, to.name);
  },
  recreateSource(h: History, which: number) {
    const source = at(h.sources(), which);
    if (!source) return;
    zfs.destroyTree(h.world, source.host, source.dataset);
    zfs.create(h.world, source.host, source.dataset, { written: 5 });
  },
  renameSource(h: History, which: number, how: number) {
    const source = at(h.sources(), which);
    const to = at(["tank/data/gone", "tank/elsewhere"], how);
    if (source && to) zfs.renameDataset(h.world, source.host, source.dataset, to);
  },
  removeSource(h: History, which: number) {
    const source = at(h.sources(), which);
    if (source) zfs.destroyTree(h.world, source.host, source.dataset);
  },
  occupyTarget(h: History, which: number, how: number) {
    const copy = at(h.copies(), which)?.copy;
    if (!copy) return;
    for (const parent of ancestors(copy.target))
      if (!find(h.world, copy.host, parent)) zfs.create(h.world, copy.host, parent, { own: { placeholder: "on" } });
    zfs.create(h.world, copy.host, copy.target, {
      own: how % 3 === 0 ? {} : { placeholder: "on" },
      written: how % 4 === 0 ? 9e6 : 0,
    });
  },
  changeAdoption(h: History, which: number, how: number) {
    const place = at(h.places(), which);
    if (how % 2 === 0) place?.dataset.own.delete("adopted");
    else place?.dataset.own.set("adopted", "on");
  },
  leaveOrReturn(h: History, which: number, how: number) {
    const name = at(["v", "b", "usb", "vault", "cold"], which);
    if (name) setHere(h.world, name, how % 2 === 0);
  },
  changeKey(h: History, which: number) {
    const encrypted = at(
      h.places().filter((p) => p.dataset.encryption !== "off"),
      which,
    )?.dataset;
    if (encrypted) encrypted.keyLoaded = !encrypted.keyLoaded;
  },
};

const ordinary = ["take", "series", "replicate", "pass"] as const;
const troubled = [
  "cut",
  "staleToken",
  "destroyBase",
  "writeAtRemote",
  "snapshotAtRemote",
  "bookmarkAtRemote",
  "sameNameAtRemote",
  "rollBackSource",
] as const;
const unusual = Object.keys(happenings) as Happening["what"][];

const happening: fc.Arbitrary<Happening> = fc.record({
  what: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<Happening["what"][]>(...ordinary) },
    { weight: 1, arbitrary: fc.constantFrom<Happening["what"][]>(...troubled) },
    { weight: 1, arbitrary: fc.constantFrom(...unusual) },
  ),
  later: fc.constantFrom(0, 0, 5, 600, 3600, 6 * 3600, day, 3 * day, 8 * day, 40 * day, -7200),
  which: fc.nat(97),
  how: fc.nat(97),
});

export interface SpecOptions {
  readonly maxPast?: number;
  readonly manifest?: fc.Arbitrary<Manifest>;
  readonly allHere?: boolean;
}

/** Any scenario, as data: it prints, and it shrinks. */
export function specs(options: SpecOptions = {}): fc.Arbitrary<Spec> {
  return fc.record({
    manifest: options.manifest ?? anyManifest,
    shape: fc.nat(65_535),
    past: fc.array(happening, { maxLength: options.maxPast ?? 16, size: "max" }),
    away: options.allHere
      ? fc.constant("all here" as const)
      : fc.constantFrom<Spec["away"][]>(
          ...Array.from({ length: 28 }, () => "all here" as const),
          "v",
          "b",
          "usb",
          "vault",
          "cold",
          "a",
          "tank",
        ),
    wait: fc.constantFrom(0, 60, 3600, day, 9 * day, 400 * day, -day),
    allowDestroy: fc.constantFrom(undefined, undefined, undefined, undefined, 1, 5, 1000),
    resolve: fc.array(
      fc.tuple(fc.constantFrom("usb", "vault", "cold", "nas"), fc.constantFrom<Remedy[]>("rollback", "replace")),
      {
        maxLength: 1,
      },
    ),
    approveOrphans: fc.boolean(),
    allHosts: fc.boolean(),
    target: fc.constantFrom(...Array.from({ length: 20 }, () => undefined), "a:tank/data", "tank/data/*", "*:pool/**"),
    chance: fc.nat(10_000),
  });
}

/** Plays a spec's past and stops where the plan is to be made. */
export function build(spec: Spec, planner: Planner): Scenario {
  const h = new History(spec.manifest, spec.shape, planner);
  for (const { what, later, which, how } of spec.past) {
    h.now += later;
    try {
      happenings[what](h, which, how);
    } catch (error) {
      if (!ended(error)) throw error;
    }
  }
  for (const name of ["v", "b", "usb", "vault", "cold"]) setHere(h.world, name, true);
  if (spec.away !== "all here") setHere(h.world, spec.away, false);
  const orphans = spec.approveOrphans ? orphansIn(h) : [];
  return {
    manifest: { ...spec.manifest, approvals: [...spec.manifest.approvals, ...orphans] },
    world: h.world,
    now: h.now + spec.wait,
    options: {
      allHosts: spec.allHosts,
      ...(spec.target === undefined ? {} : { target: [spec.target] }),
      ...(spec.allowDestroy === undefined ? {} : { allowDestroy: spec.allowDestroy }),
      ...(spec.resolve.length === 0
        ? {}
        : { resolve: new Map(spec.resolve.map(([remote, remedy]) => [remote as RemoteName, remedy])) }),
    },
  };
}

/** Consent to destroy each copy whose source is gone. */
function orphansIn(h: History): Approval[] {
  const claimed = new Set([
    ...h.sources().map((s) => `${s.host}:${s.dataset}`),
    ...h.copies().map(({ copy }) => `${copy.host}:${copy.target}`),
  ]);
  const place = { file: "holdfast.yaml", line: 40, column: 5 };
  const orphan = (at: string): Approval => ({
    kind: "orphan",
    orphan: at,
    until: 4e9 as EpochSeconds,
    untilText: "2096-10-02",
    place,
  });
  return [...allDatasets(h.world)]
    .filter(({ host, name, dataset }) => dataset.snapshots.length > 0 && !claimed.has(`${host}:${name}`))
    .map(({ host, name }) => orphan(`${host}:${name}`));
}

/** In the past, a pass that met something unexpected just ended; whether it may is for the properties to say. */
const ended = (error: unknown): boolean => [zfs.ZfsError, Stale, Cut].some((kind) => error instanceof kind);

/** A host or a pool goes, or comes back. */
function setHere(world: World, name: string, here: boolean): void {
  const machine = world.hosts.get(name);
  if (machine) machine.reachable = here;
  for (const { pools } of world.hosts.values()) {
    const pool = pools.get(name);
    if (pool) pool.imported = here;
  }
}
