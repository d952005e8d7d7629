import fc from "fast-check";
import { expect, test } from "vitest";
import { unmetInRepository } from "../../src/apply/repository-preconditions.ts";
import type { Inventory, RepositoryCopy, RepositoryInventory } from "../../src/model/inventory.ts";
import type {
  AdoptRule,
  KeepByTime,
  KeepCounts,
  Manifest,
  Mirror,
  Repository,
  ResticRemote,
  Retention,
} from "../../src/model/manifest.ts";
import { isOnRepository, type Operation, type RepositoryOperation } from "../../src/model/plan.ts";
import {
  type Address,
  address,
  type DirectoryPath,
  type EpochSeconds,
  type HostName,
  type RemoteName,
  type RepositoryKey,
  type TypeName,
} from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { randomCases, seedText } from "../random.ts";
import { hostNamed, makeManifest, repositoryNamed } from "./manifests.ts";

const HOUR = 3600;
const START = Date.UTC(2026, 10, 22, 10, 30) / 1000;
const nas = "nas" as HostName;
const types = ["hourly", "daily", "weekly"] as const;
const paths = ["/a", "/b"] as const;
const remotes = ["near", "far"] as const;
const mirror = "copy";
const all = [...remotes, mirror] as const;
type Place = (typeof all)[number];

/** What a random case is made of. */
interface Spec {
  readonly keeps: Readonly<Record<Place, Retention>>;
  readonly never: readonly Place[];
  /** Copies that are there at first: age in hours, whose they are, what is the matter with them, by which clock. */
  readonly there: readonly { place: Place; age: number; path: number; type: number; kind: number; offset: number }[];
  /**
   * Between two passes: hours that go by, places that are away, operations that fail, copies whose types somebody takes
   * off between plan and apply, and copies that somebody removes.
   */
  readonly passes: readonly {
    hours: number;
    away: readonly Place[];
    failing: readonly number[];
    untyped: readonly number[];
    lost: readonly number[];
  }[];
}

const place = fc.constantFrom(...all);
const few = fc.integer({ min: 0, max: 4 });
const byCount: fc.Arbitrary<Retention> = fc
  .record({ hourly: few, daily: few, weekly: fc.integer({ min: 0, max: 2 }) }, { requiredKeys: ["daily"] })
  .map((counts) => ({
    by: "type",
    types: new Map(Object.entries(counts).map(([type, count]) => [type as TypeName, { count }])),
  }));
const rules = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;
const byTime: fc.Arbitrary<Retention> = fc
  .record(
    {
      last: few,
      hourly: few,
      daily: few,
      weekly: few,
      monthly: few,
      yearly: few,
      within: fc
        .record({ days: fc.nat({ max: 5 }), hours: fc.integer({ min: 1, max: 30 }) })
        .map((length) => ({ years: 0, months: 0, ...length })),
    },
    { requiredKeys: [] },
  )
  .filter(({ within, ...counts }) => within !== undefined || Object.values(counts).some((count) => count > 0))
  .map((all) => ({ by: "time", ...all }));
const keep = fc.oneof(byCount, byTime);
const spec: fc.Arbitrary<Spec> = fc.record({
  keeps: fc.record({ near: keep, far: keep, copy: keep }),
  never: fc.subarray([...all]),
  there: fc.array(
    fc.record({
      place,
      age: fc.integer({ min: 0, max: 400 }),
      path: fc.nat({ max: 1 }),
      type: fc.nat({ max: 2 }),
      kind: fc.nat({ max: 9 }),
      offset: fc.constantFrom(0, 0, 60, -210, 345, 840),
    }),
    { maxLength: 30 },
  ),
  passes: fc.array(
    fc.record({
      hours: fc.integer({ min: 0, max: 80 }),
      away: fc.subarray([...all]).map((some) => (some.length > 1 ? [] : some)),
      failing: fc.array(fc.nat({ max: 20 }), { maxLength: 3 }),
      untyped: fc.array(fc.nat({ max: 40 }), { maxLength: 2 }),
      lost: fc.array(fc.nat({ max: 40 }), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
});

const adopt: AdoptRule = { tag: "theirs", path: "/a", type: "daily" as TypeName };

function repository(name: Place, { keeps, never }: Spec): Repository {
  return repositoryNamed(name, {
    init: true,
    deletions: never.includes(name) ? "never" : "allow",
    keep: keeps[name],
    maintenance: { prune: { schedule: "0 4 * * 0", timezone: "UTC" } },
    adopt: [adopt],
  });
}

const manifestOf = (spec: Spec): Manifest =>
  makeManifest({
    self: nas,
    controller: false,
    hosts: new Map([[nas, hostNamed("nas", "nas")]]),
    remotes: new Map(
      remotes.map((name) => [
        name as string as RemoteName,
        { type: "restic", ...repository(name, spec) } as ResticRemote,
      ]),
    ),
    mirrors: new Map([[mirror as RemoteName, { of: "near" as RemoteName, ...repository(mirror, spec) } as Mirror]]),
    datasets: [],
    directories: paths.map((path) => ({
      key: path,
      host: nas,
      path: path as DirectoryPath,
      keys: {
        // which types are due follows from counts, where there are any
        ...(Object.values(spec.keeps).some(({ by }) => by === "time") && {
          take: [...types] as string[] as TypeName[],
        }),
        remotes: new Map(remotes.map((name) => [name as string as RemoteName, {}])),
      },
      place: { file: "holdfast.yaml", line: 1, column: 1 },
    })),
  });

const keyOf = (name: Place): RepositoryKey => `${name}@nas` as RepositoryKey;
const sourceOf = (path: number): Address => address(nas, (paths[path] ?? "/a") as DirectoryPath);

/** restic as far as it matters here: repositories as lists of copies, with failures, absences and other people. */
class World {
  readonly copies = new Map<Place, RepositoryCopy[]>(all.map((name) => [name, []]));
  readonly made = new Set<Place>();
  now = START;
  #ids = 0;

  constructor({ there }: Spec) {
    for (const { place, age, path, type, kind, offset } of there) {
      this.made.add(place);
      const own = ["holdfast", `source=${sourceOf(path)}`, `type=${types[type]}`, ...(kind === 0 ? ["partial"] : [])];
      const tags = kind === 1 ? ["foreign"] : kind === 2 ? ["theirs"] : own;
      const creation = (START - age * HOUR) as EpochSeconds;
      this.add(place, { tags, creation, paths: [paths[path] ?? "/a"], time: written(creation, offset) });
    }
  }

  add(name: Place, copy: Pick<RepositoryCopy, "tags" | "creation" | "paths"> & Partial<RepositoryCopy>): string {
    const id = (++this.#ids).toString(16).padStart(64, "0");
    const time = written(copy.creation, 0);
    this.copies.get(name)?.push({ tree: `of ${copy.original ?? id}`, host: "nas", time, ...copy, id });
    return id;
  }

  /** As restic does it: another copy takes the first one's place. */
  takeTypesOff(name: Place, nth: number): void {
    const copies = this.copies.get(name) ?? [];
    const [copy] = copies.splice(nth % Math.max(1, copies.length), 1);
    if (!copy) return;
    this.add(name, { ...copy, tags: copy.tags.filter((tag) => !tag.startsWith("type=")), original: identity(copy) });
  }

  observed(name: Place): RepositoryInventory {
    if (!this.made.has(name)) return { state: "absent" };
    const copies = [...(this.copies.get(name) ?? [])].sort((a, b) => a.creation - b.creation || (a.id < b.id ? -1 : 1));
    return { state: "observed", resticVersion: "0.18.0", id: name, chunkerPolynomial: "", copies, locks: [] };
  }

  inventory(away: readonly Place[]): Inventory {
    const observed = (name: Place): RepositoryInventory =>
      away.includes(name) ? { state: "unobserved", reason: "away" } : this.observed(name);
    return {
      formatVersion: 1,
      observedAt: this.now as EpochSeconds,
      hosts: {},
      repositories: Object.fromEntries(all.map((name) => [keyOf(name), observed(name)])),
      directories: Object.fromEntries(paths.map((_, path) => [sourceOf(path), { state: "present" as const }])),
    };
  }
}

/** `2026-11-22T10:00:00+05:45` */
function written(at: number, offset: number): string {
  const face = new Date((at + offset * 60) * 1000).toISOString().slice(0, 19);
  const minutes = Math.abs(offset);
  const [hh, mm] = [Math.floor(minutes / 60), minutes % 60].map((part) => `${part}`.padStart(2, "0"));
  return offset === 0 ? `${face}Z` : `${face}${offset < 0 ? "-" : "+"}${hh}:${mm}`;
}

const placeOf = (key: RepositoryKey): Place => key.split("@")[0] as Place;
const isComplete = ({ tags }: RepositoryCopy): boolean => !tags.includes("partial");
const isOf = (source: Address, { tags, paths: own }: RepositoryCopy): boolean =>
  tags.includes(`source=${source}`) || (tags.includes("theirs") && source === sourceOf(0) && own.includes("/a"));
const identity = ({ id, original }: RepositoryCopy): string => original ?? id;

/** Carries a plan out; what depends on something that failed is skipped. */
function carryOut(world: World, operations: readonly Operation[], failing: ReadonlySet<number>): void {
  const bad = new Set<string>();
  const made = new Map<string, string>();
  operations.forEach((operation, index) => {
    if (!isOnRepository(operation)) throw new Error(`${operation.id} is not on a repository`);
    if (failing.has(index) || operation.dependsOn.some((id) => bad.has(id))) bad.add(operation.id);
    else runOne(world, operation, made, bad);
  });
}

function runOne(world: World, operation: RepositoryOperation, made: Map<string, string>, bad: Set<string>): void {
  const name = placeOf(operation.at.repository);
  const copies = world.copies.get(name) ?? [];
  const record = (kinds: readonly string[]) =>
    world.add(name, {
      tags: ["holdfast", ...kinds.map((kind) => `maintenance=${kind}`)],
      creation: world.now as EpochSeconds,
      paths: [],
    });
  if (operation.kind === "init") {
    world.made.add(name);
    record(operation.records);
  } else if (operation.kind === "backup") {
    const own = "directory" in operation.from ? [operation.from.directory] : [];
    const copy = { tags: operation.tags, creation: world.now as EpochSeconds, paths: own };
    made.set(operation.id, world.add(name, copy));
  } else if (operation.kind === "copy") {
    for (const one of operation.copies) {
      const id = "id" in one ? one.id : made.get(one.createdBy);
      const original = world.copies.get(placeOf(operation.from.repository))?.find((copy) => copy.id === id);
      if (original) world.add(name, { ...original, original: identity(original) });
      else bad.add(operation.id);
    }
  } else if (operation.kind === "forget") {
    const gone = new Set(operation.copies.map(({ id }) => id));
    if (unmetInRepository(operation, world.observed(name), (id) => made.get(id))) bad.add(operation.id);
    else
      world.copies.set(
        name,
        copies.filter(({ id }) => !gone.has(id)),
      );
  } else if (operation.kind === "prune") {
    record(["prune"]);
  }
}

/** What the retention of a place calls for, of complete copies, and the newest of all. */
function calledFor(
  { keeps }: Spec,
  name: Place,
  source: Address,
  copies: readonly RepositoryCopy[],
  now: number,
): Set<string> {
  const complete = copies
    .filter((copy) => isOf(source, copy) && isComplete(copy))
    .sort((a, b) => b.creation - a.creation || (identity(a) > identity(b) ? -1 : 1));
  const keep = keeps[name];
  const wanted = keep.by === "time" ? thinned(keep, complete, now) : counted(keep, complete);
  return new Set([...wanted, ...complete.slice(0, 1)].map(identity));
}

function counted({ types: counts }: KeepCounts, newestFirst: readonly RepositoryCopy[]): RepositoryCopy[] {
  const typesOf = ({ tags }: RepositoryCopy): readonly string[] =>
    tags.includes("theirs") ? ["daily"] : types.filter((type) => tags.includes(`type=${type}`));
  return [...counts].flatMap(([type, { count }]) =>
    newestFirst.filter((copy) => typesOf(copy).includes(type)).slice(0, count),
  );
}

/** restic's rules, on the text of times. */
function thinned(keep: KeepByTime, newestFirst: readonly RepositoryCopy[], now: number): RepositoryCopy[] {
  const monday = (day: string) => {
    const date = new Date(day);
    return date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  };
  const buckets: Readonly<Record<(typeof rules)[number], (time: string) => string | number>> = {
    hourly: (time) => time.slice(0, 13),
    daily: (time) => time.slice(0, 10),
    weekly: (time) => monday(time.slice(0, 10)),
    monthly: (time) => time.slice(0, 7),
    yearly: (time) => time.slice(0, 4),
  };
  const kept = newestFirst.slice(0, keep.last ?? 0);
  for (const rule of rules) {
    const last: RepositoryCopy[] = [];
    newestFirst.forEach((copy, index) => {
      if (last.length === (keep[rule] ?? 0)) return;
      const [before] = last.slice(-1);
      const isNew = before === undefined || buckets[rule](before.time) !== buckets[rule](copy.time);
      if (isNew || index === newestFirst.length - 1) last.push(copy);
    });
    kept.push(...last);
  }
  const newest = newestFirst.find(({ creation }) => creation <= now);
  if (keep.within && newest) {
    const { days, hours } = keep.within;
    kept.push(...newestFirst.filter(({ creation }) => creation > newest.creation - (days * 24 + hours) * HOUR));
  }
  return kept;
}

test(`copies in repositories and mirrors (${seedText})`, () => {
  fc.assert(
    fc.property(spec, (given) => {
      const manifest = manifestOf(given);
      const world = new World(given);
      // what the mirror ever got
      const copied = new Set<string>();
      for (const { hours, away, failing, untyped, lost } of given.passes) {
        world.now += hours * HOUR;
        const options = { now: world.now as EpochSeconds };
        const made = plan(manifest, world.inventory(away), options);
        expect(made.blocked.filter(({ reason }) => reason === "bug")).toEqual([]);
        for (const operation of made.operations) {
          if (!isOnRepository(operation)) throw new Error(`${operation.id} is not on a repository`);
          const name = placeOf(operation.at.repository);
          expect(away, operation.id).not.toContain(name);
          if (operation.kind !== "forget") continue;
          expect(given.never, operation.id).not.toContain(name);
          const gone = new Set(operation.copies.map(({ id }) => id));
          const there = world.copies.get(name) ?? [];
          const going = there.filter(({ id }) => gone.has(id));
          expect(going.filter((copy) => !isOf(operation.source, copy))).toEqual([]);
          const needed = calledFor(given, name, operation.source, there, world.now);
          const newer = made.operations.some(
            (other) =>
              other.source === operation.source &&
              (other.kind === "backup" || other.kind === "copy") &&
              placeOf(other.at.repository) === name,
          );
          if (!newer)
            expect(
              going.filter((copy) => isComplete(copy) && isOnly(there, copy) && needed.has(identity(copy))),
            ).toEqual([]);
        }
        for (const index of untyped) world.takeTypesOff(all[index % all.length] ?? "near", index);
        const before = new Map(all.map((name) => [name, [...(world.copies.get(name) ?? [])]]));
        carryOut(world, made.operations, new Set(failing));
        for (const name of all) {
          const there = world.copies.get(name) ?? [];
          const known = [...(before.get(name) ?? []), ...there];
          for (const path of [0, 1]) {
            const source = sourceOf(path);
            const left = new Set(there.filter((copy) => isOf(source, copy)).map(identity));
            const lostOnes = [...calledFor(given, name, source, unique(known), world.now)].filter(
              (id) => !left.has(id),
            );
            expect(lostOnes, `${name} ${source}`).toEqual([]);
          }
        }
        const alreadyThere = new Set((before.get(mirror) ?? []).map(identity));
        const added = (world.copies.get(mirror) ?? []).map(identity).filter((id) => !alreadyThere.has(id));
        expect(added.filter((id) => copied.has(id))).toEqual([]);
        for (const id of added) copied.add(id);
        if (failing.length === 0 && untyped.length === 0) {
          const next = plan(manifest, world.inventory(away), options);
          expect(next.operations.map(({ id }) => id)).toEqual([]);
        }
        // somebody may have removed what was copied, or what made it superfluous
        if (lost.length > 0) copied.clear();
        for (const index of lost) {
          const copies = world.copies.get(all[index % all.length] ?? "near") ?? [];
          copies.splice(index % Math.max(1, copies.length), 1);
        }
      }
    }),
    randomCases(0.05, "repositories"),
  );
});

const isOnly = (copies: readonly RepositoryCopy[], copy: RepositoryCopy): boolean =>
  copies.filter((other) => identity(other) === identity(copy)).length === 1;
const unique = (copies: readonly RepositoryCopy[]): RepositoryCopy[] => [
  ...new Map(copies.map((copy) => [identity(copy), copy])).values(),
];
