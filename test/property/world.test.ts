import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomCases } from "../random.ts";
import { build, specs } from "./histories.ts";
import { allDatasets, clonesOf, cloneWorld, emptyWorld, find, toInventory, type World } from "./world.ts";
import * as zfs from "./zfs.ts";

/** Two hosts: `a:tank/s` has snapshots 1 2 3 and `b:pool/t` received 1 and 2. */
function pair(options: { encrypted?: boolean } = {}): World {
  const world = emptyWorld({ a: ["tank"], b: ["pool"] });
  zfs.create(world, "a", "tank");
  zfs.create(world, "b", "pool");
  zfs.create(world, "a", "tank/s", { written: 5, ...(options.encrypted ? { encryption: "aes-256-gcm" } : {}) });
  for (const name of ["1", "2", "3"]) {
    zfs.write(world, "a", "tank/s", 1);
    zfs.snapshot(world, "a", [{ dataset: "tank/s", name }], Number(name));
  }
  full(world, "1");
  increment(world, "1", "2");
  return world;
}
const full = (world: World, to: string, options: zfs.ReceiveOptions = {}): void =>
  zfs.receive(
    world,
    "b",
    "pool/t",
    zfs.send(world, "a", "tank/s", { base: null, to, range: false, raw: true }),
    options,
  );
const increment = (world: World, from: string, to: string, options: zfs.ReceiveOptions = {}, range = false): void =>
  zfs.receive(
    world,
    "b",
    "pool/t",
    zfs.send(world, "a", "tank/s", { base: { snapshot: from }, to, range, raw: true }),
    options,
  );
const names = (world: World, host = "b", dataset = "pool/t"): string =>
  (find(world, host, dataset)?.snapshots ?? []).map((s) => s.name).join(" ");

describe("the model world receives as ZFS does", () => {
  test("guid and creation stay, createtxg is new, the head is clean", () => {
    const world = pair();
    increment(world, "2", "3");
    const sent = find(world, "a", "tank/s")?.snapshots[2];
    const got = find(world, "b", "pool/t")?.snapshots[2];
    expect(got).toMatchObject({ guid: sent?.guid, creation: 3, written: sent?.written });
    expect(got?.txg).not.toBe(sent?.txg);
    expect(find(world, "b", "pool/t")?.written).toBe(0);
  });
  test("a range brings everything between", () => {
    const world = pair();
    zfs.snapshot(world, "a", [{ dataset: "tank/s", name: "4" }], 4);
    increment(world, "2", "4", {}, true);
    expect(names(world)).toBe("1 2 3 4");
  });
  test("a single step skips what lies between, and its bytes come along", () => {
    const world = pair();
    zfs.destroySnapshots(world, "b", "pool/t", ["2"]);
    zfs.rollback(world, "b", "pool/t", "1");
    increment(world, "1", "3");
    expect(names(world)).toBe("1 3");
    expect(find(world, "b", "pool/t")?.snapshots[1]?.written).toBe(2);
  });

  const nothing = (): void => {};
  const next = (w: World): void => increment(w, "2", "3");
  const extra = (w: World, name: string): void => zfs.snapshot(w, "b", [{ dataset: "pool/t", name }], 9);
  const send = (w: World, base: zfs.BookmarkOf | null, to: string, range: boolean): zfs.Stream =>
    zfs.send(w, "a", "tank/s", { base, to, range, raw: false });
  test.each<[string, (w: World) => void, (w: World) => void, RegExp]>([
    ["the base is not there", (w) => zfs.destroySnapshots(w, "b", "pool/t", ["2"]), next, /does not match/],
    ["something was written", (w) => zfs.write(w, "b", "pool/t", 1), next, /modified/],
    ["the name is taken", (w) => extra(w, "3"), next, /exists/],
    ["a full stream meets a dataset", nothing, (w) => full(w, "3"), /must specify -F/],
    ["a full stream is forced on snapshots", nothing, (w) => full(w, "3", { force: true }), /has snapshots/],
    ["something is half received", (w) => increment(w, "2", "3", { cutAfter: 0 }), next, /partially/],
    [
      "an extra snapshot is not clean",
      (w) => {
        zfs.write(w, "b", "pool/t", 1);
        extra(w, "x");
      },
      next,
      /modified/,
    ],
    [
      "a range starts at a bookmark",
      (w) => zfs.bookmark(w, "a", "tank/s", { snapshot: "2" }, "m"),
      (w) => send(w, { bookmark: "m" }, "3", true),
      /bookmark/,
    ],
    [
      "the parent is missing",
      nothing,
      (w) => zfs.receive(w, "b", "pool/x/y", send(w, null, "1", false)),
      /does not exist/,
    ],
  ])("refuses when %s", (_, before, act, message) => {
    const world = pair();
    before(world);
    expect(() => act(world)).toThrow(message);
  });

  test("clean extras do not disturb a plain stream, and stay", () => {
    const world = pair();
    zfs.snapshot(world, "b", [{ dataset: "pool/t", name: "x" }], 9);
    increment(world, "2", "3");
    expect(names(world)).toBe("1 2 x 3");
  });
  test("but they do a raw one", () => {
    const world = pair({ encrypted: true });
    zfs.snapshot(world, "b", [{ dataset: "pool/t", name: "x" }], 9);
    expect(() => increment(world, "2", "3")).toThrow(/raw/);
  });
  test("a bookmark is as good a base", () => {
    const world = pair();
    zfs.bookmark(world, "a", "tank/s", { snapshot: "2" }, "m");
    zfs.destroySnapshots(world, "a", "tank/s", ["2"]);
    zfs.receive(
      world,
      "b",
      "pool/t",
      zfs.send(world, "a", "tank/s", { base: { bookmark: "m" }, to: "3", range: false, raw: false }),
    );
    expect(names(world)).toBe("1 2 3");
  });
  test("an encrypted source lands as plaintext when it is not sent raw, and raw as itself", () => {
    const world = pair({ encrypted: true });
    expect(find(world, "b", "pool/t")).toMatchObject({
      encryption: "aes-256-gcm",
      encryptionroot: "pool/t",
      keyLoaded: false,
    });
    const plain = zfs.send(world, "a", "tank/s", { base: null, to: "1", range: false, raw: false });
    zfs.receive(world, "b", "pool/p", plain);
    expect(find(world, "b", "pool/p")?.encryption).toBe("off");
    const raw = zfs.send(world, "a", "tank/s", { base: { snapshot: "1" }, to: "2", range: false, raw: true });
    expect(() => zfs.receive(world, "b", "pool/p", raw)).toThrow(/unencrypted/);
    const mixed = zfs.send(world, "a", "tank/s", { base: { snapshot: "2" }, to: "3", range: false, raw: false });
    expect(() => zfs.receive(world, "b", "pool/t", mixed)).toThrow(/raw replica/);
  });
  test("a placeholder gives way to a plain stream, never to a raw one", () => {
    const world = pair();
    zfs.create(world, "b", "pool/q", { own: { placeholder: "on" } });
    const stream = zfs.send(world, "a", "tank/s", { base: null, to: "1", range: false, raw: false });
    zfs.receive(world, "b", "pool/q", stream, { force: true });
    expect(names(world, "b", "pool/q")).toBe("1");
    const encrypted = pair({ encrypted: true });
    zfs.create(encrypted, "b", "pool/q", { own: { placeholder: "on" } });
    const raw = zfs.send(encrypted, "a", "tank/s", { base: null, to: "1", range: false, raw: true });
    expect(() => zfs.receive(encrypted, "b", "pool/q", raw, { force: true })).toThrow(/-F cannot/);
  });
});

describe("half-received streams", () => {
  const half = (): { world: World; token: string } => {
    const world = pair();
    increment(world, "2", "3", { cutAfter: 0 });
    return { world, token: find(world, "b", "pool/t")?.partial?.token ?? "" };
  };
  test("pin their base on the target", () => {
    const { world } = half();
    const target = find(world, "b", "pool/t");
    expect(target && clonesOf("pool/t", target, target.snapshots[1] as never)).toEqual(["pool/t/%recv"]);
    expect(() => zfs.destroySnapshots(world, "b", "pool/t", ["2"])).toThrow(/clones/);
  });
  test("go on by their token", () => {
    const { world, token } = half();
    zfs.resume(world, "b", "pool/t", token);
    expect(names(world)).toBe("1 2 3");
  });
  test.each<[string, (w: World) => void]>([
    ["the snapshot is gone at the source", (w) => zfs.destroySnapshots(w, "a", "tank/s", ["3"])],
    ["the base is gone at the source", (w) => zfs.destroySnapshots(w, "a", "tank/s", ["2"])],
    ["another snapshot follows there", (w) => zfs.snapshot(w, "b", [{ dataset: "pool/t", name: "x" }], 9)],
  ])("cannot when %s", (_, change) => {
    const { world, token } = half();
    change(world);
    expect(() => zfs.resume(world, "b", "pool/t", token)).toThrow(zfs.ZfsError);
  });
  test("thrown away, an initial one takes its dataset along", () => {
    const world = pair();
    const stream = zfs.send(world, "a", "tank/s", { base: null, to: "1", range: false, raw: false });
    zfs.receive(world, "b", "pool/n", stream, { cutAfter: 0 });
    expect(find(world, "b", "pool/n")?.snapshots).toEqual([]);
    zfs.abort(world, "b", "pool/n");
    expect(find(world, "b", "pool/n")).toBeUndefined();
  });
});

describe("the model world changes as ZFS does", () => {
  test("a snapshot of several datasets is all or none, and in one pool", () => {
    const world = pair();
    zfs.create(world, "a", "tank/u");
    const both = ["tank/u", "tank/s"].map((dataset) => ({ dataset, name: "3" }));
    expect(() => zfs.snapshot(world, "a", both, 9)).toThrow(/exists/);
    expect(names(world, "a", "tank/u")).toBe("");
    expect(() =>
      zfs.snapshot(
        world,
        "a",
        [
          { dataset: "tank/s", name: "x" },
          { dataset: "tank/s", name: "y" },
        ],
        9,
      ),
    ).toThrow();
  });
  test("one held name keeps the whole list", () => {
    const world = pair();
    zfs.hold(world, "a", "tank/s", "2", "tag");
    expect(() => zfs.destroySnapshots(world, "a", "tank/s", ["1", "2"])).toThrow(/held/);
    expect(names(world, "a", "tank/s")).toBe("1 2 3");
    zfs.release(world, "a", "tank/s", "2", "tag");
    zfs.destroySnapshots(world, "a", "tank/s", ["1", "2", "unknown"]);
    expect(names(world, "a", "tank/s")).toBe("3");
  });
  test("what a destroyed snapshot had written is the next one's, or the head's", () => {
    const world = pair();
    zfs.destroySnapshots(world, "b", "pool/t", ["2"]);
    expect(find(world, "b", "pool/t")?.written).toBe(1);
  });
  test("a cloned snapshot stays until the clone goes", () => {
    const world = pair();
    zfs.cloneOf(world, "a", "tank/s", "1", "tank/c");
    expect(() => zfs.destroySnapshots(world, "a", "tank/s", ["1"])).toThrow(/clones/);
    zfs.renameDataset(world, "a", "tank/c", "tank/c2");
    zfs.destroyDataset(world, "a", "tank/c2");
    zfs.destroySnapshots(world, "a", "tank/s", ["1"]);
    expect(names(world, "a", "tank/s")).toBe("2 3");
  });
  test("rollback is one step, and not past a bookmark", () => {
    const world = pair();
    expect(() => zfs.rollback(world, "a", "tank/s", "2")).toThrow(/more recent/);
    zfs.bookmark(world, "b", "pool/t", { snapshot: "2" }, "m");
    zfs.destroySnapshots(world, "b", "pool/t", ["2"]);
    expect(() => zfs.rollback(world, "b", "pool/t", "1")).toThrow(/bookmarks/);
  });
  test("a renamed dataset takes its children along", () => {
    const world = pair();
    zfs.create(world, "b", "pool/t/child");
    zfs.renameDataset(world, "b", "pool/t", "pool/aside");
    expect(names(world, "b", "pool/aside")).toBe("1 2");
    expect(find(world, "b", "pool/aside/child")).toBeDefined();
    expect(find(world, "b", "pool/t")).toBeUndefined();
  });
});

test("whatever happens, the world stays one that ZFS could have made", () => {
  const nothing = (): never => {
    throw new zfs.ZfsError("no planner here");
  };
  fc.assert(
    fc.property(specs({ maxPast: 40 }), (spec) => {
      const { world, now } = build(spec, nothing);
      const before = JSON.stringify(toInventory(world, now));
      expect(JSON.stringify(toInventory(cloneWorld(world), now))).toBe(before);
      for (const { name, dataset } of allDatasets(world)) {
        const txgs = dataset.snapshots.map((s) => s.txg);
        expect(txgs).toEqual([...new Set(txgs)].sort((a, b) => a - b));
        expect(new Set(dataset.snapshots.map((s) => s.name)).size).toBe(txgs.length);
        expect(new Set(dataset.snapshots.map((s) => s.guid)).size).toBe(txgs.length);
        const origin = dataset.partial?.originGuid;
        if (origin) expect(dataset.snapshots.map((s) => s.guid)).toContain(origin);
        for (const s of dataset.snapshots) expect(clonesOf(name, dataset, s)).not.toContain(name);
      }
    }),
    randomCases(0.05, "worlds"),
  );
});
