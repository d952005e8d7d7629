import fc from "fast-check";
import type {
  Approval,
  CopyKeys,
  DatasetEntry,
  Guards,
  Host,
  KeepByTime,
  KeepRule,
  Manifest,
  Remedy,
  Repository,
  Retention,
  SnapshotType,
  SourceKeys,
  ZfsRemote,
} from "../../src/model/manifest.ts";
import type { DatasetName, EpochSeconds, HostName, RemoteName, Seconds, TypeName } from "../../src/model/units.ts";

/** Manifests over the machines of `histories.ts`: `a` (pools tank and usb), `b` (pool), `v` (vault and cold). */
export const layout = { a: ["tank", "usb"], b: ["pool"], v: ["vault", "cold"] } as const;

export const day = 86_400;
const place = { file: "holdfast.yaml", line: 1, column: 1 };

/** A repository of which the manifest says only what a test cares about. */
export const repositoryNamed = (name: string, more: Partial<Repository> = {}): Repository => ({
  name: name as RemoteName,
  location: `/${name}`,
  password: { file: "/password" },
  environment: new Map(),
  init: false,
  limit: {},
  priority: "normal",
  deletions: "allow",
  removable: false,
  whileAway: "thin",
  maintenance: {},
  adopt: [],
  hooks: [],
  ...more,
});

/** A host that needs no more than its name here. */
export const hostNamed = (name: string, self: string | null): Host => ({
  name: name as HostName,
  local: name === self,
  address: `${name}.example.net`,
  port: 22,
  user: "holdfast",
  hostKeys: [],
  sudo: false,
});

export const snapshotType = (name: string, type: Partial<SnapshotType> = {}): [TypeName, SnapshotType] => [
  name as TypeName,
  { name: name as TypeName, timezone: "UTC", adopt: [], ...type },
];

export const zfsRemote = (name: string, remote: Partial<ZfsRemote> & { root: string }): [RemoteName, ZfsRemote] => [
  name as RemoteName,
  {
    name: name as RemoteName,
    type: "zfs",
    mode: "push",
    deletions: "allow",
    raw: "auto",
    properties: { readonly: "on", canmount: "noauto" },
    excludeProperties: [],
    withProperties: true,
    compress: "off",
    removable: false,
    whileAway: "freeze",
    ...remote,
  },
];

export const byType = (types: Readonly<Record<string, number | KeepRule>>): Retention => ({
  by: "type",
  types: new Map(
    Object.entries(types).map(([type, rule]) => [type as TypeName, typeof rule === "number" ? { count: rule } : rule]),
  ),
});

export const entry = (key: string, keys: SourceKeys, host = "a"): DatasetEntry => ({
  key,
  pattern: { host, dataset: key.slice(key.indexOf(":") + 1) },
  keys,
  place,
});

export const defaultGuards: Guards = { destroyAtMost: { percent: 50, above: 5, total: 500 } };
const noGuards: Guards = { destroyAtMost: { percent: 100, above: 1e6, total: 1e6 } };

const standardTypes: readonly (readonly [TypeName, SnapshotType])[] = [
  snapshotType("hourly", { schedule: "0 * * * *" }),
  snapshotType("daily", { schedule: "0 0 * * *" }),
  snapshotType("weekly", { schedule: "0 0 * * 0" }),
  snapshotType("monthly", { schedule: "0 0 1 * *" }),
  snapshotType("critical"),
];

export const makeManifest = (parts: Partial<Manifest> & { datasets: readonly DatasetEntry[] }): Manifest => ({
  digest: "0".repeat(64),
  self: null,
  controller: true,
  timezone: "UTC",
  snapshotTypes: new Map(standardTypes),
  mirrors: new Map(),
  service: { every: 300 as Seconds, jitter: 10 },
  directories: [],
  groups: [],
  hosts: new Map(Object.keys(layout).map((name) => [name as HostName, hostNamed(name, null)])),
  remotes: new Map(),
  policies: new Map(),
  defaults: {},
  guards: defaultGuards,
  approvals: [],
  notifications: [],
  heartbeats: [],
  ...parts,
});

export const typeNames = ["hourly", "daily", "weekly", "manual", "daily-long"] as const;
const remoteNames = ["usb", "vault", "cold", "nas"] as const;
const sourceAddresses = ["a:tank/data", "a:tank/data/db", "a:tank/vm/disk", "b:pool/data"] as const;

const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...others) });
/** Absent once in `freq`. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, freq = 3): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq });
/** There once in `odds` + 1. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>, odds = 4): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: odds, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const keepRule: fc.Arbitrary<number | KeepRule> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(1, 2, 3, 4, 6) },
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
  {
    weight: 1,
    arbitrary: fc.record({ count: fc.nat(3), within: fc.constantFrom(3600, day, 14 * day).map((s) => s as Seconds) }),
  },
);
const keepCounts: fc.Arbitrary<Retention> = fc
  .record(
    { hourly: keepRule, daily: keepRule, weekly: keepRule, manual: keepRule, "daily-long": keepRule },
    { requiredKeys: [] },
  )
  .map(byType);
const keepByTime: fc.Arbitrary<Retention> = fc
  .record(
    {
      last: fc.nat(4),
      hourly: fc.nat(4),
      daily: fc.nat(4),
      weekly: fc.nat(3),
      monthly: fc.nat(3),
      yearly: fc.nat(1),
      within: fc.constantFrom("days" as const, "hours" as const, "months" as const).map((unit) => ({
        years: 0,
        months: 0,
        days: 0,
        hours: 0,
        [unit]: 2,
      })),
    },
    { requiredKeys: [] },
  )
  .filter((rules) => Object.keys(rules).length > 0)
  .map((rules): KeepByTime => ({ by: "time", ...rules }));
export const retention = fc.oneof({ weight: 9, arbitrary: keepCounts }, { weight: 1, arbitrary: keepByTime });

const copyKeys = (target: string): fc.Arbitrary<CopyKeys> =>
  fc
    .record({ keep: maybe(retention, 5), target: seldom(fc.constant(target as DatasetName), 6) })
    .map(({ keep, target: at }) => ({
      ...(keep === undefined ? {} : { keep }),
      ...(at === undefined ? {} : { target: at }),
    }));

const remotesOf = (name: string, among: readonly (typeof remoteNames)[number][]) =>
  fc
    .tuple(
      ...among.map((remote) => {
        const pools = { usb: "usb", vault: "vault", cold: "cold", nas: "pool" };
        const copy = copyKeys(`${pools[remote]}/exact-${name}`);
        return remote === "usb" || remote === "vault" ? maybe(copy, 2) : seldom(copy, 3);
      }),
    )
    .map(
      (copies) =>
        new Map(
          copies.flatMap((copy, i) => {
            const remote = among[i];
            return copy === undefined || remote === undefined ? [] : [[remote as string as RemoteName, copy] as const];
          }),
        ),
    );

const takes = fc.constantFrom<TypeName[][]>(
  [],
  ["hourly" as TypeName],
  ["hourly" as TypeName, "daily" as TypeName],
  ["daily" as TypeName, "weekly" as TypeName],
);
const pins = fc.constantFrom<("oldest" | "oldestShared")[][]>(
  [],
  ["oldest"],
  ["oldestShared"],
  ["oldest", "oldestShared"],
);

/** Leaves out what is `undefined`: an absent key is inherited. */
function present<T extends object>(keys: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

const outerKeys: fc.Arbitrary<SourceKeys> = fc
  .record({
    recursive: fc.boolean(),
    skip: seldom(fc.constant(["tank/data/scratch/**"]), 2),
    keep: retention,
    take: seldom(takes, 3),
    pin: seldom(pins, 5),
    suspend: seldom(fc.boolean(), 15),
    remotes: remotesOf("data", remoteNames),
  })
  .map(present);
const innerKeys = (name: string, among: readonly (typeof remoteNames)[number][]): fc.Arbitrary<SourceKeys> =>
  fc
    .record({
      keep: maybe(retention, 2),
      take: seldom(takes, 4),
      pin: seldom(pins, 8),
      suspend: seldom(fc.boolean(), 8),
      remotes: seldom(remotesOf(name, among), 2),
    })
    .map(present);

const common = {
  mode: mostly<"push" | "pull">("push", "pull"),
  deletions: mostly<"allow" | "never">("allow", "allow", "never"),
  raw: mostly<"auto" | "always" | "never">("auto", "always", "never"),
  withProperties: mostly(true, false),
  removable: mostly(false, true),
  whileAway: mostly<"freeze" | "thin">("freeze", "thin"),
  keep: retention,
  maxAge: seldom(fc.constantFrom(day, 35 * day).map((s) => s as Seconds)),
};
const remotes = fc
  .record({
    usb: fc.record({ ...common, root: fc.constantFrom("usb/backups", "usb/b/{host}") }),
    vault: fc.record({ ...common, root: fc.constantFrom("vault/backups/{host}", "vault/{host}") }),
    cold: fc.record({ ...common, root: fc.constantFrom("cold/{host}") }),
    nas: fc.record({ ...common, root: fc.constantFrom("pool/backups/{host}") }),
  })
  .map(({ usb, vault, cold, nas }) => {
    const away = <T extends { removable: boolean; whileAway: string }>(r: T): T =>
      r.removable ? { ...r, whileAway: "thin" } : r;
    return new Map([
      zfsRemote("usb", present(away(usb))),
      zfsRemote("vault", { ...present(away(vault)), host: "v" as HostName }),
      zfsRemote("cold", { ...present(away(cold)), host: "v" as HostName }),
      zfsRemote("nas", { ...present(away(nas)), host: "b" as HostName }),
    ]);
  });

const until = fc.constantFrom(0, 4e9).map((s) => ({
  until: s as EpochSeconds,
  untilText: s === 0 ? "1970-01-01" : "2096-10-02",
  place,
}));
const remedy = fc.constantFrom<Remedy[]>("rollback", "replace");
const remoteName = fc.constantFrom(...remoteNames).map((name) => name as string as RemoteName);
const approval: fc.Arbitrary<Approval> = fc
  .oneof(
    fc.record({
      kind: fc.constant("destroy" as const),
      lapse: until,
      source: fc.constantFrom(...sourceAddresses),
      remote: seldom(remoteName, 1),
      destroy: fc.constantFrom(1, 3, 10, 1000),
    }),
    fc.record({
      kind: fc.constant("resolve" as const),
      lapse: until,
      source: fc.constantFrom(...sourceAddresses),
      remote: remoteName,
      resolve: remedy,
    }),
    fc.record({
      kind: fc.constant("orphan" as const),
      lapse: until,
      orphan: fc.constantFrom(
        "a:usb/backups/tank/data/db",
        "v:vault/backups/a/tank/data/db",
        "a:usb/backups/tank/gone",
      ),
    }),
  )
  .map(({ lapse, ...rest }) => ({ ...present(rest), ...lapse }) as Approval);

/** Any manifest that validation would accept, as far as safety needs it. */
export const anyManifest: fc.Arbitrary<Manifest> = fc
  .record({
    self: mostly<string | null>(null, "a", "v"),
    outer: outerKeys,
    db: seldom(innerKeys("db", ["vault", "usb"]), 2),
    vm: seldom(
      fc.tuple(innerKeys("vm", ["usb", "nas"]), retention).map(([keys, keep]) => ({ keep, ...keys })),
      3,
    ),
    pool: seldom(
      fc
        .tuple(innerKeys("pool", ["vault", "cold"]), retention, fc.boolean())
        .map(([keys, keep, recursive]) => ({ keep, recursive, ...keys })),
      3,
    ),
    remotes,
    hourlyZone: mostly("UTC", "Europe/Berlin"),
    longSchedule: seldom(fc.constant("30 6 * * 1"), 1),
    guards: fc.constantFrom(noGuards, noGuards, defaultGuards, {
      destroyAtMost: { percent: 50, above: 1, total: 6 },
    }),
    approvals: fc.array(approval, { maxLength: 2 }),
  })
  .map(({ self, outer, db, vm, pool, remotes: all, hourlyZone, longSchedule, guards, approvals }) =>
    makeManifest({
      self: self as HostName | null,
      controller: self === null,
      hosts: new Map(Object.keys(layout).map((name) => [name as HostName, hostNamed(name, self)])),
      snapshotTypes: new Map([
        snapshotType("hourly", { schedule: "0 * * * *", timezone: hourlyZone }),
        snapshotType("daily", { schedule: "0 0 * * *", adopt: ["autosnap_*_daily"] }),
        snapshotType("weekly", { schedule: "0 0 * * 0" }),
        snapshotType("manual"),
        snapshotType("daily-long", longSchedule === undefined ? {} : { schedule: longSchedule }),
      ]),
      remotes: all,
      datasets: [
        entry("a:tank/data", outer),
        ...(db === undefined ? [] : [entry("a:tank/data/db", db)]),
        ...(vm === undefined ? [] : [entry("a:tank/vm/*", vm)]),
        ...(pool === undefined ? [] : [entry("*:pool/data", pool, "*")]),
      ],
      guards,
      approvals,
    }),
  );
