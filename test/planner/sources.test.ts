import { describe, expect, test } from "vitest";
import type { CopyKeys, DatasetEntry, Manifest, SourceKeys } from "../../src/model/manifest.ts";
import type { EpochSeconds, HostName, RemoteName, TypeName } from "../../src/model/units.ts";
import { type PlanOptions, plan, sourcesOf } from "../../src/planner/index.ts";
import { byType, entry, hostNamed, layout, makeManifest, zfsRemote } from "../property/manifests.ts";
import { emptyWorld, find, toInventory, type World } from "../property/world.ts";
import * as zfs from "../property/zfs.ts";
import { zfsPlan } from "../zfs-plan.ts";

const now = (Date.UTC(2026, 1, 10, 12) / 1000) as EpochSeconds;

/** Hosts a, b and v with their pools, and these datasets (`HOST:DATASET`) with one snapshot each. */
function worldOf(...datasets: readonly string[]): World {
  const world = emptyWorld(layout);
  for (const [host, pools] of Object.entries(layout)) for (const pool of pools) zfs.create(world, host, pool);
  for (const address of datasets) {
    const [host = "", name = ""] = address.split(":");
    zfs.create(world, host, name, { own: { adopted: "on" } });
    zfs.snapshot(world, host, [{ dataset: name, name: "critical-1" }], now - 60);
  }
  return world;
}

const to = (remotes: Record<string, CopyKeys>): NonNullable<SourceKeys["remotes"]> =>
  new Map(Object.entries(remotes).map(([name, copy]) => [name as RemoteName, copy]));
const keep = byType({ daily: 2 });
const vault = zfsRemote("vault", { root: "vault/{host}", host: "v" as HostName, keep });
const usb = zfsRemote("usb", { root: "usb/b", keep });

function manifestOf(entries: readonly DatasetEntry[], more: Partial<Manifest> = {}): Manifest {
  return makeManifest({ remotes: new Map([vault, usb]), defaults: { keep }, datasets: entries, ...more });
}

/** `source -> remote host:target, …`, one line a source. */
function resolved(world: World, entries: readonly DatasetEntry[], more: Partial<Manifest> = {}): string[] {
  const { sources } = sourcesOf(manifestOf(entries, more), toInventory(world, now), { allHosts: true });
  return sources
    .map((s) =>
      [s.address, ...s.copies.map((c) => `${c.remote.name} ${c.host}:${c.target}`)].join(" -> ").replace(/ -> $/, ""),
    )
    .sort();
}
const planned = (world: World, manifest: Manifest, options: Partial<PlanOptions> = {}) =>
  zfsPlan(plan(manifest, toInventory(world, now), { now, ...options }));

describe("which datasets are sources", () => {
  const tree = worldOf("a:tank/data", "a:tank/data/db", "a:tank/data/scratch", "a:tank/data/scratch/x", "b:pool/data");
  const rows: readonly (readonly [string, readonly DatasetEntry[], string[]])[] = [
    ["only the dataset itself", [entry("a:tank/data", {})], ["a:tank/data"]],
    [
      "recursively, with what is below",
      [entry("a:tank/data", { recursive: true })],
      ["a:tank/data", "a:tank/data/db", "a:tank/data/scratch", "a:tank/data/scratch/x"],
    ],
    [
      "but what `skip` names",
      [entry("a:tank/data", { recursive: true, skip: ["tank/data/scratch/**"] })],
      ["a:tank/data", "a:tank/data/db"],
    ],
    ["a pattern's, one level deep", [entry("a:tank/data/*", {})], ["a:tank/data/db", "a:tank/data/scratch"]],
    ["on every host that fits", [entry("*:*/data", {}, "*")], ["a:tank/data", "b:pool/data"]],
    [
      "with a key inherited from the entry around it",
      [entry("a:tank/data", { recursive: true, skip: ["tank/data/scratch/**"] }), entry("a:tank/data/db", { pin: [] })],
      ["a:tank/data", "a:tank/data/db"],
    ],
  ];
  test.each(rows)("%s", (_, entries, expected) => {
    expect(resolved(tree, entries)).toEqual(expected);
  });
  test("a dataset that is not there is said to be missing", () => {
    const { blocked } = planned(tree, manifestOf([entry("a:tank/gone", {})]));
    expect(blocked).toMatchObject([{ reason: "source-missing", source: "a:tank/gone" }]);
  });
  test("not so on a pool that is not imported", () => {
    const world = worldOf();
    const pool = world.hosts.get("a")?.pools.get("tank");
    if (pool) pool.imported = false;
    const made = planned(world, manifestOf([entry("a:tank/gone", {})]));
    expect(made.blocked).toEqual([]);
    expect(made.complete).toBe(false);
    expect(made.unobserved).toMatchObject([{ host: "a", pool: "tank" }]);
  });
});

describe("where a key comes from", () => {
  const world = worldOf("a:tank/data", "a:tank/data/db");
  const keepOf = (entries: readonly DatasetEntry[], more: Partial<Manifest> = {}): unknown => {
    const { sources } = sourcesOf(manifestOf(entries, more), toInventory(world, now), { allHosts: true });
    return sources.find((s) => s.dataset === "tank/data/db")?.keys.keep;
  };
  const [three, four] = [byType({ daily: 3 }), byType({ daily: 4 })];
  const policies = new Map([["p", { keep: four }]]);
  test("its own entry", () => {
    expect(keepOf([entry("a:tank/data", { keep: four }), entry("a:tank/data/db", { keep: three })])).toEqual(three);
  });
  test("else the nearest around it, whole", () => {
    expect(keepOf([entry("a:tank/data", { keep: four, recursive: true }), entry("a:tank/data/db", {})])).toEqual(four);
  });
  test("else the policy", () => {
    expect(keepOf([entry("a:tank/data/db", { policy: "p" })], { policies })).toEqual(four);
  });
  test("an entry around comes before a policy", () => {
    const outer = entry("a:tank/data", { keep: three, recursive: true });
    expect(keepOf([outer, entry("a:tank/data/db", { policy: "p" })], { policies })).toEqual(three);
  });
  test("else the defaults", () => {
    expect(keepOf([entry("a:tank/data/db", {})])).toEqual(keep);
  });
  test("nothing is merged", () => {
    const hourly = byType({ hourly: 9 });
    const outer = entry("a:tank/data", { keep: three, recursive: true });
    expect(keepOf([outer, entry("a:tank/data/db", { keep: hourly })])).toEqual(hourly);
  });
});

describe("what stands beside a source", () => {
  const beside = (name: string, own: Record<string, string>): string[] => {
    const world = worldOf("a:tank/data", `a:${name}`, `a:${name}/below`);
    for (const [mark, value] of Object.entries(own)) zfs.setProperty(world, "a", name, mark, value);
    return resolved(world, [entry("a:tank/data", { recursive: true })]);
  };
  const aside = "tank/data/db-replaced-20260210T1200Z";

  test.each(["restored", "restoring", "replaced"])(
    "marked %s with its own name, it is none, nor what is below",
    (mark) => {
      expect(beside(aside, { [mark]: aside })).toEqual(["a:tank/data"]);
    },
  );
  test("renamed since, it is one", () => {
    expect(beside("tank/data/db", { replaced: aside })).toEqual([
      "a:tank/data",
      "a:tank/data/db",
      "a:tank/data/db/below",
    ]);
  });
});

describe("where copies go", () => {
  const world = worldOf("a:tank/data", "a:tank/data/db", "b:pool/data");
  const rows: readonly (readonly [string, readonly DatasetEntry[], string[]])[] = [
    [
      "the full path below the root, with the host's name",
      [entry("a:tank/data", { remotes: to({ vault: {} }) })],
      ["a:tank/data -> vault v:vault/a/tank/data"],
    ],
    [
      "on the source's own host where the remote names none",
      [entry("a:tank/data", { remotes: to({ usb: {} }) })],
      ["a:tank/data -> usb a:usb/b/tank/data"],
    ],
    [
      "exactly to `target`, with children below it",
      [entry("a:tank/data", { recursive: true, remotes: to({ vault: { target: "vault/x" as never } }) })],
      ["a:tank/data -> vault v:vault/x", "a:tank/data/db -> vault v:vault/x/db"],
    ],
    [
      "a child that sets its own remotes has only these",
      [
        entry("a:tank/data", { recursive: true, remotes: to({ vault: {}, usb: {} }) }),
        entry("a:tank/data/db", { remotes: to({ usb: {} }) }),
      ],
      [
        "a:tank/data -> vault v:vault/a/tank/data -> usb a:usb/b/tank/data",
        "a:tank/data/db -> usb a:usb/b/tank/data/db",
      ],
    ],
  ];
  test.each(rows)("%s", (_, entries, expected) => {
    expect(resolved(world, entries)).toEqual(expected);
  });
  test("two sources with one target are both blocked, and nothing is sent there", () => {
    const both = ["a:tank/data", "b:pool/data"].map((key) =>
      entry(key, { remotes: to({ vault: { target: "vault/same" as never } }) }, key.slice(0, 1)),
    );
    const made = planned(world, manifestOf(both));
    expect(made.blocked.map((b) => b.reason)).toContain("ambiguous");
    expect(made.operations.filter((o) => o.at.dataset === "vault/same")).toEqual([]);
  });
});

describe("who does what", () => {
  const world = worldOf("a:tank/data", "b:pool/data");
  const entries = ["a:tank/data", "b:pool/data"].map((key) =>
    entry(
      key,
      { take: ["daily" as TypeName], keep, remotes: to({ vault: { keep: byType({ daily: 2, critical: 2 }) } }) },
      key.slice(0, 1),
    ),
  );
  const done = (self: string | null, mode: "push" | "pull", allHosts = false): string[] => {
    const manifest = manifestOf(entries, {
      self: self as HostName | null,
      controller: self === null,
      hosts: new Map(Object.keys(layout).map((name) => [name as HostName, hostNamed(name, self)])),
      remotes: new Map([zfsRemote("vault", { root: "vault/{host}", host: "v" as HostName, mode })]),
    });
    const { operations } = planned(world, manifest, { allHosts });
    return [
      ...new Set(
        operations.filter((o) => o.kind === "create" || o.kind === "send").map((o) => `${o.kind} ${o.source}`),
      ),
    ].sort();
  };
  const creates = ["create a:tank/data", "create b:pool/data"];
  const sends = ["send a:tank/data", "send b:pool/data"];
  test("a controller does everything", () => expect(done(null, "push")).toEqual([...creates, ...sends]));
  test("with push, a source's host does all of it", () =>
    expect(done("a", "push")).toEqual(["create a:tank/data", "send a:tank/data"]));
  test("and the remote's host nothing", () => expect(done("v", "push")).toEqual([]));
  test("with pull, a source's host takes its snapshots", () =>
    expect(done("a", "pull")).toEqual(["create a:tank/data"]));
  test("and the remote's host transfers", () => expect(done("v", "pull")).toEqual(sends));
  test("--all-hosts does what a controller does", () =>
    expect(done("v", "pull", true)).toEqual([...creates, ...sends]));
});

describe("--target and --exclude", () => {
  const world = worldOf("a:tank/data", "a:tank/data/db", "b:pool/data");
  const manifest = manifestOf([
    entry("a:tank/data", { recursive: true, take: ["daily" as TypeName] }),
    entry("b:pool/data", { take: ["daily" as TypeName] }, "b"),
  ]);
  const made = (options: Partial<PlanOptions>): string[] =>
    planned(world, manifest, options)
      .operations.map((o) => o.source)
      .sort();
  test.each<[string, Partial<PlanOptions>, string[]]>([
    ["all without them", {}, ["a:tank/data", "a:tank/data/db", "b:pool/data"]],
    ["one by name", { target: ["a:tank/data"] }, ["a:tank/data"]],
    ["by a pattern", { target: ["tank/**"] }, ["a:tank/data", "a:tank/data/db"]],
    ["all but one", { exclude: ["tank/data/db"] }, ["a:tank/data", "b:pool/data"]],
    ["both", { target: ["a:tank/**"], exclude: ["a:tank/data"] }, ["a:tank/data/db"]],
  ])("%s", (_, options, expected) => {
    expect(made(options)).toEqual(expected);
  });
});

describe("how it is sent", () => {
  const critical = byType({ critical: 5 });
  const manifest = (keys: Partial<SourceKeys> = {}): Manifest =>
    manifestOf([
      entry("a:tank/data", {
        keep: critical,
        take: [],
        recursive: true,
        remotes: to({ vault: { keep: critical } }),
        ...keys,
      }),
    ]);
  const sends = (world: World, m: Manifest) => planned(world, m).operations.filter((o) => o.kind === "send");

  test("missing parents are made first, the outermost first, never the pool", () => {
    const [first] = sends(worldOf("a:tank/data"), manifest());
    expect(first).toMatchObject({ createParents: ["vault/a", "vault/a/tank"], replacesPlaceholder: false, base: null });
  });
  test("a child waits for its parent's copy instead of making a placeholder in its place", () => {
    const made = sends(worldOf("a:tank/data", "a:tank/data/db"), manifest());
    const parent = made.find((o) => o.at.dataset === "vault/a/tank/data");
    const child = made.find((o) => o.at.dataset === "vault/a/tank/data/db");
    expect(child?.createParents).not.toContain("vault/a/tank/data");
    expect(child?.dependsOn).toContain(parent?.id);
  });
  test("an encrypted source goes raw", () => {
    const world = worldOf();
    zfs.create(world, "a", "tank/data", { encryption: "aes-256-gcm" });
    zfs.snapshot(world, "a", [{ dataset: "tank/data", name: "critical-1" }], now - 60);
    expect(sends(world, manifest())).toMatchObject([{ raw: true }]);
  });
  test("a volume is sent as one", () => {
    const world = worldOf();
    zfs.create(world, "a", "tank/data", { type: "volume" });
    zfs.snapshot(world, "a", [{ dataset: "tank/data", name: "critical-1" }], now - 60);
    expect(sends(world, manifest())).toMatchObject([{ datasetType: "volume" }]);
  });
});

describe("what is worth knowing", () => {
  const lapse = { until: 4e9 as EpochSeconds, untilText: "2096-10-02", place: { file: "h.yaml", line: 1, column: 1 } };

  test("an orphan that has the snapshots of a source without a copy is a rename, and how to spare the transfer is said", () => {
    const world = worldOf("a:tank/old", "v:vault/a");
    const copied = { base: null, to: "critical-1", range: false, raw: false };
    zfs.create(world, "v", "vault/a/tank");
    zfs.receive(world, "v", "vault/a/tank/old", zfs.send(world, "a", "tank/old", copied));
    zfs.renameDataset(world, "a", "tank/old", "tank/new");
    const entries = [entry("a:tank/new", { keep: byType({ critical: 1 }), remotes: to({ vault: {} }) })];
    const { notes } = planned(world, manifestOf(entries));
    expect(notes).toMatchObject([
      {
        kind: "orphan",
        source: "a:tank/old",
        message: expect.stringMatching(
          /looks like a:tank\/new .*zfs rename -p vault\/a\/tank\/old vault\/a\/tank\/new/,
        ),
      },
    ]);
  });

  test("a pattern that no dataset matches is told, where all that could match was looked at", () => {
    const world = worldOf("a:tank/data");
    const unmatched = (key: string, change: (world: World) => void = () => {}) => {
      const changed = worldOf("a:tank/data");
      change(changed);
      return planned(changed, manifestOf([entry(key, {}), entry("a:tank/data", {})])).notes.filter(
        ({ kind }) => kind === "unmatched",
      );
    };
    expect(planned(world, manifestOf([entry("a:tank/*", {})])).notes).toEqual([]);
    expect(unmatched("a:tank/typo/*")).toMatchObject([{ message: expect.stringMatching(/a:tank\/typo\/\*.*:\d+\)/) }]);
    expect(unmatched("a:usb/typo/*")).toHaveLength(1);
    const away = (changed: World) => {
      const pool = changed.hosts.get("a")?.pools.get("usb");
      if (pool) pool.imported = false;
    };
    expect(unmatched("a:usb/typo/*", away)).toEqual([]);
  });

  test("a copy whose source is gone is an orphan: reported, not touched", () => {
    const world = worldOf("v:vault/a", "v:vault/a/tank", "v:vault/a/tank/gone", "a:tank/data");
    const made = planned(world, manifestOf([entry("a:tank/data", { keep, remotes: to({ vault: {} }) })]));
    expect(made.notes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: "orphan", at: { host: "v", dataset: "vault/a/tank/gone" } }),
      ]),
    );
    expect(made.operations.filter((o) => o.at.dataset === "vault/a/tank/gone")).toEqual([]);
  });
  test("with an approval that names it, it goes", () => {
    const world = worldOf("v:vault/a", "v:vault/a/tank", "v:vault/a/tank/gone", "a:tank/data");
    const approvals = [{ kind: "orphan" as const, orphan: "v:vault/a/tank/gone", ...lapse }];
    const made = planned(
      world,
      manifestOf([entry("a:tank/data", { keep, remotes: to({ vault: {} }) })], { approvals }),
    );
    expect(made.operations.filter((o) => o.at.dataset === "vault/a/tank/gone")).toMatchObject([
      { kind: "destroy-orphan", snapshots: [{ name: "critical-1" }] },
    ]);
  });
  test("a copy is no source as well, be its own source seen or not", () => {
    const world = worldOf("a:tank/data", "v:vault/a", "v:vault/a/tank", "v:vault/a/tank/data", "v:vault/a/tank/data/x");
    const manifest = manifestOf(
      [
        entry("a:tank/data", { keep, recursive: true, remotes: to({ vault: {} }) }),
        entry("v:vault/a/tank/data", { keep: byType({}), recursive: true, remotes: to({ cold: {} }) }, "v"),
      ],
      { remotes: new Map([vault, zfsRemote("cold", { root: "cold", host: "v" as HostName, keep })]) },
    );
    const blocked = (): unknown[] =>
      planned(world, manifest, { allHosts: true }).blocked.filter(({ source }) => source.startsWith("v:"));
    const message = "v:vault/a/tank/data is the copy of a:tank/data on vault, and cannot be a source as well";
    const child = { source: "v:vault/a/tank/data/x", reason: "ambiguous" };
    expect(blocked()).toMatchObject([{ source: "v:vault/a/tank/data", reason: "ambiguous", message }, child]);
    const a = world.hosts.get("a");
    if (a) a.reachable = false;
    expect(blocked()).toMatchObject([{ source: "v:vault/a/tank/data", reason: "ambiguous", message }, child]);
  });

  describe("what is nobody's orphan", () => {
    const orphans = (world: World, entries: readonly DatasetEntry[], more: Partial<Manifest> = {}): string[] =>
      planned(world, manifestOf(entries, more)).notes.flatMap((note) =>
        note.kind === "orphan" && note.at ? [`${note.source} in ${"dataset" in note.at ? note.at.dataset : ""}`] : [],
      );
    const all = { keep, remotes: to({ vault: {} }) };
    const exact = { ...all, recursive: true, remotes: to({ vault: { target: "vault/exact" as never } }) };

    test("below an exact target it is one, and which source it had is known", () => {
      const world = worldOf("a:tank/data", "v:vault/exact", "v:vault/exact/gone");
      expect(orphans(world, [entry("a:tank/data", exact)])).toEqual(["a:tank/data/gone in vault/exact/gone"]);
      const inRoot = { ...exact, remotes: to({ vault: { target: "vault/a/exact" as never } }) };
      const inside = worldOf("a:tank/data", "v:vault/a", "v:vault/a/exact", "v:vault/a/exact/gone");
      expect(orphans(inside, [entry("a:tank/data", inRoot)])).toEqual(["a:tank/data/gone in vault/a/exact/gone"]);
    });
    test("the copy of a source that is being restored", () => {
      const world = worldOf("a:tank/data", "v:vault/a", "v:vault/a/tank", "v:vault/a/tank/data");
      find(world, "a", "tank/data")?.own.set("restoring", "on");
      expect(orphans(world, [entry("a:tank/data", all)])).toEqual(["a:tank in vault/a/tank"]);
    });
    test("the copy of a source that an entry names, and that is not there", () => {
      const world = worldOf("a:tank/other", "v:vault/a", "v:vault/a/tank", "v:vault/a/tank/data");
      expect(orphans(world, [entry("a:tank/data", all)])).toEqual(["a:tank in vault/a/tank"]);
    });
    test("the copy of a host that was not observed, though another has a pool of that name", () => {
      const world = worldOf("a:tank/data", "b:pool/b", "b:pool/b/tank", "b:pool/b/tank/gone");
      world.hosts.get("b")?.pools.set("tank", structuredClone(world.hosts.get("a")?.pools.get("tank") as never));
      const remotes = new Map([zfsRemote("there", { root: "pool/b", host: "b" as HostName, keep })]);
      const entries = [entry("a:tank/data", { keep, remotes: to({ there: {} }) })];
      expect(orphans(world, entries, { remotes })).toHaveLength(2);
      const a = world.hosts.get("a");
      if (a) a.reachable = false;
      expect(orphans(world, entries, { remotes })).toEqual([]);
    });
  });

  test("what was written into an orphan does not go, whatever an approval says", () => {
    const world = worldOf("v:vault/a", "v:vault/a/tank", "v:vault/a/tank/gone", "a:tank/data");
    zfs.write(world, "v", "vault/a/tank/gone", 5);
    const approvals = [{ kind: "orphan" as const, orphan: "v:vault/a/tank/gone", ...lapse }];
    const made = planned(
      world,
      manifestOf([entry("a:tank/data", { keep, remotes: to({ vault: {} }) })], { approvals }),
    );
    expect(made.operations.filter((o) => o.at.dataset === "vault/a/tank/gone")).toEqual([]);
    expect(made.blocked).toMatchObject([{ reason: "orphan", evidence: [expect.stringContaining("5 B were")] }]);
  });

  test("it goes before the copy above it is renamed aside", () => {
    const world = worldOf(
      "v:vault/a",
      "v:vault/a/tank",
      "v:vault/a/tank/data",
      "v:vault/a/tank/data/gone",
      "a:tank/data",
    );
    const approvals = [{ kind: "orphan" as const, orphan: "v:vault/a/tank/data/gone", ...lapse }];
    const made = planned(
      world,
      manifestOf(
        [
          entry("a:tank/data", {
            keep: byType({ critical: 1 }),
            remotes: to({ vault: { keep: byType({ critical: 1 }) } }),
          }),
        ],
        {
          approvals,
        },
      ),
      { resolve: new Map([["vault" as RemoteName, "replace"]]) },
    );
    const kinds = made.operations.map(({ kind }) => kind);
    expect(kinds.indexOf("destroy-orphan")).toBeLessThan(kinds.indexOf("replace"));
    expect(made.operations.find(({ kind }) => kind === "replace")?.dependsOn).toEqual([
      "destroy-orphan v:vault/a/tank/data/gone",
    ]);
    expect(made.blocked.filter(({ remote }) => remote === "vault")).toEqual([]);
  });

  test("a half-received first copy below goes before the one above it is renamed aside", () => {
    const world = worldOf("v:vault/a", "v:vault/a/tank", "v:vault/a/tank/data", "a:tank/data", "a:tank/data/db");
    zfs.snapshot(world, "a", [{ dataset: "tank/data/db", name: "cut" }], now - 30);
    const stream = zfs.send(world, "a", "tank/data/db", { base: null, to: "cut", range: false, raw: false });
    zfs.receive(world, "v", "vault/a/tank/data/db", stream, { cutAfter: 0 });
    zfs.destroySnapshots(world, "a", "tank/data/db", ["cut"]);
    const critical = { keep: byType({ critical: 1 }) };
    const none = to({ vault: { keep: byType({ daily: 0 }) } });
    const made = planned(
      world,
      manifestOf([
        entry("a:tank/data", { ...critical, remotes: to({ vault: critical }) }),
        entry("a:tank/data/db", { ...critical, remotes: none }),
      ]),
      { resolve: new Map([["vault" as RemoteName, "replace"]]) },
    );
    expect(made.blocked.filter(({ remote }) => remote === "vault")).toEqual([]);
    const discarded = made.operations.find(({ kind }) => kind === "discard");
    expect(discarded).toMatchObject({ at: { dataset: "vault/a/tank/data/db" }, removesDataset: true });
    expect(made.operations.find(({ kind }) => kind === "replace")?.dependsOn).toEqual([discarded?.id]);
  });

  test("an approval that lapsed is said to have", () => {
    const lapse = { until: 1 as EpochSeconds, untilText: "1970-01-01", place: { file: "h.yaml", line: 7, column: 1 } };
    const approvals = [{ kind: "destroy" as const, source: "a:tank/data", destroy: 5, ...lapse }];
    const { notes } = planned(worldOf("a:tank/data"), manifestOf([entry("a:tank/data", {})], { approvals }));
    expect(notes.map((n) => n.kind)).toContain("lapsed-approval");
  });
  test("a bookmark of a remote that the manifest no longer has is reported, and stays", () => {
    const world = worldOf("a:tank/data");
    const guid = find(world, "a", "tank/data")?.snapshots[0]?.guid;
    zfs.bookmark(world, "a", "tank/data", { snapshot: "critical-1" }, `holdfast-old-${guid}`);
    const made = planned(world, manifestOf([entry("a:tank/data", { take: [] })]));
    expect(made.notes.map((n) => n.kind)).toContain("unused-bookmark");
    expect(made.operations).toEqual([]);
  });
  test("an unobserved remote makes the plan incomplete", () => {
    const world = worldOf("a:tank/data");
    const host = world.hosts.get("v");
    if (host) host.reachable = false;
    const made = planned(world, manifestOf([entry("a:tank/data", { remotes: to({ vault: {} }) })]));
    expect(made).toMatchObject({ complete: false, unobserved: [{ host: "v", expected: false }] });
  });
  test("a removable one that is not overdue does not", () => {
    const world = worldOf("a:tank/data");
    const pool = world.hosts.get("a")?.pools.get("usb");
    if (pool) pool.imported = false;
    const remotes = new Map([zfsRemote("usb", { root: "usb/b", keep, removable: true, whileAway: "thin" })]);
    const made = planned(world, manifestOf([entry("a:tank/data", { remotes: to({ usb: {} }) })], { remotes }));
    expect(made).toMatchObject({ complete: true, unobserved: [{ host: "a", pool: "usb", expected: true }] });
  });
});
