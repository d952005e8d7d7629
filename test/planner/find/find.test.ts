import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Hit } from "../../../src/model/found.ts";
import type { Dataset, Snapshot } from "../../../src/model/inventory.ts";
import type { Address, Bytes, EpochSeconds, RemoteName } from "../../../src/model/units.ts";
import { Collected } from "../../../src/planner/find/collect.ts";
import { contentsOf } from "../../../src/planner/find/contents.ts";
import type { CopyPoint, Point, SnapshotPoint } from "../../../src/planner/restore/places.ts";

const source = "nas:tank/home" as Address;

/** `taken` is its guid as well. */
const snapshot = (place: string, taken: number, more: Partial<Snapshot> = {}): SnapshotPoint => ({
  kind: "snapshot",
  place: place as RemoteName,
  copied: place !== "source",
  name: `a-${taken}`,
  taken: taken as EpochSeconds,
  distance: place === "source" ? 0 : 1,
  from: { host: place, dataset: "tank/home" } as SnapshotPoint["from"],
  dataset: {} as Dataset,
  snapshot: { name: `a-${taken}`, guid: `${taken}`, written: 1, ...more } as Snapshot,
});

const copy = (place: string, taken: number, tree: string, more: Partial<CopyPoint> = {}): CopyPoint => ({
  kind: "copy",
  place: place as RemoteName,
  name: `${place}-${taken}`,
  taken: taken as EpochSeconds,
  distance: place === "usb" ? 0 : 1,
  at: { host: "nas", repository: place } as CopyPoint["at"],
  id: `${place}${taken}`,
  key: `${taken}`,
  tree,
  within: "/",
  ...more,
});

const hit = (path: string, version: number, more: Partial<Hit> = {}): Hit => ({
  ...{ path, exact: true, type: "file", size: version as Bytes, modified: `${version}.000000000` },
  ...more,
});

/** `source@a-1 vault@a-1`, a line each content. */
const short = (points: readonly Point[], isMeant?: (point: Point) => boolean): string[] =>
  contentsOf(points, isMeant).map(({ sightings }) =>
    sightings.map(({ point }) => `${point.place}@${point.name}`).join(" "),
  );

describe("what is searched once", () => {
  test("the same snapshot in two places, where it is nearest; newest first", () => {
    expect(short([snapshot("source", 1), snapshot("source", 3), snapshot("vault", 1), snapshot("vault", 2)])).toEqual([
      "source@a-3",
      "vault@a-2",
      "source@a-1 vault@a-1",
    ]);
  });

  test("snapshots between which nothing was written, also those that only another place knows of", () => {
    const same = { written: 0 as Bytes };
    expect(
      short([
        ...[snapshot("source", 2), snapshot("source", 3, same), snapshot("source", 4)],
        ...[snapshot("vault", 1), snapshot("vault", 2, same), snapshot("vault", 4)],
      ]),
    ).toEqual(["source@a-4 vault@a-4", "source@a-3 source@a-2 vault@a-2 vault@a-1"]);
  });

  test("two of the same second in their order", () => {
    const [first, second] = [snapshot("source", 1), snapshot("source", 2)];
    const points = [first, { ...second, taken: first.taken }, snapshot("vault", 1)];
    expect(short(points)).toEqual(["source@a-2", "source@a-1 vault@a-1"]);
    const contents = contentsOf([first, { ...second, taken: first.taken }]);
    const collected = new Collected();
    for (const [index] of contents.entries()) collected.add(source, contents, index, hit("a", 1));
    const [found] = collected.paths(1, { isReadable: () => true, restore: () => "" });
    expect(found?.versions[0]).toMatchObject({ newest: { snapshot: "a-2" }, oldest: { snapshot: "a-1" } });
  });

  test("the first of a place is the same as none before it", () => {
    expect(short([snapshot("source", 1), snapshot("vault", 2, { written: 0 as Bytes })])).toEqual([
      "vault@a-2",
      "source@a-1",
    ]);
  });

  test("one that was redacted lacks what is looked for", () => {
    const redacted = snapshot("vault", 1, { redacted: true });
    expect(short([snapshot("source", 1), redacted, snapshot("vault", 2, { written: 0 as Bytes })])).toEqual([
      "vault@a-2",
      "source@a-1",
    ]);
  });

  test("copies of one tree, in a repository and its mirror, but each folder of it by itself", () => {
    expect(
      short([
        ...[copy("usb", 1, "t"), copy("usb", 2, "t"), copy("usb", 3, "u")],
        ...[copy("far", 2, "t"), copy("far", 4, "t", { within: "/home" })],
      ]),
    ).toEqual(["far@far-4", "usb@usb-3", "usb@usb-2 usb@usb-1 far@far-2"]);
  });

  test("only what is meant, even where what is left out is the same", () => {
    const points = [snapshot("source", 1), snapshot("source", 2, { written: 0 as Bytes }), snapshot("vault", 1)];
    expect(short(points, ({ taken }) => taken < 2)).toEqual(["source@a-1 vault@a-1"]);
  });
});

describe("what was found", () => {
  const contents = contentsOf([
    ...[snapshot("source", 2), snapshot("source", 3), snapshot("vault", 1), snapshot("vault", 2)],
    ...[copy("usb", 3, "t"), copy("usb", 4, "t")],
  ]);
  const index = (name: string): number =>
    contents.findIndex(({ sightings }) => sightings.some(({ point }) => `${point.place}@${point.name}` === name));
  const command = {
    isReadable: ({ point }: { point: Point }) => point.place !== "broken",
    restore: (_: Address, { path }: Hit, { point }: { point: Point }) => `${path} ${point.place} ${point.name}`,
  };

  test("one version over several places: each moment once, the newest first, its command from there", () => {
    const collected = new Collected();
    for (const name of ["vault@a-1", "source@a-2", "usb@usb-3"])
      collected.add(source, contents, index(name), hit("a", 7));
    const [found] = collected.paths(3, command);
    expect(found).toMatchObject({ source, path: "a", more: 0 });
    expect(found?.versions).toEqual([
      {
        type: "file",
        size: 7,
        modified: "1970-01-01T00:00:07Z",
        snapshots: 4,
        newest: { snapshot: "usb-4", taken: "1970-01-01T00:00:04Z" },
        oldest: { snapshot: "a-1", taken: "1970-01-01T00:00:01Z" },
        places: [
          expect.objectContaining({ place: "usb", copy: "usb4", snapshots: 2 }),
          expect.objectContaining({ place: "source", snapshot: "a-2", snapshots: 1 }),
          expect.objectContaining({ place: "vault", snapshot: "a-2", snapshots: 2 }),
        ],
        restore: "a usb usb-4",
      },
    ]);
  });

  test("size, time or type differ: another version; by the last that has it, not by when it was changed", () => {
    const collected = new Collected();
    collected.add(source, contents, index("vault@a-1"), hit("a", 9));
    collected.add(source, contents, index("source@a-2"), hit("a", 9, { modified: "9.000000001" }));
    collected.add(source, contents, index("source@a-3"), hit("a", 5));
    collected.add(source, contents, index("usb@usb-4"), hit("b", 1));
    const found = collected.paths(2, command);
    expect(found.map(({ path }) => path)).toEqual(["b", "a"]);
    expect(found[1]).toMatchObject({ more: 1 });
    expect(found[1]?.versions.map(({ newest }) => newest.snapshot)).toEqual(["a-3", "a-2"]);
  });

  test("the command takes it from where it can be read", () => {
    const both = contentsOf([copy("broken", 1, "t"), copy("far", 1, "t"), copy("broken", 2, "u")]);
    const collected = new Collected();
    for (const [index] of both.entries()) collected.add(source, both, index, hit("a", 1));
    expect(collected.paths(1, command)[0]?.versions[0]).toMatchObject({ restore: "a far far-1" });
  });

  test("a moment goes by its name in the best place", () => {
    const both = contentsOf([copy("far", 1, "t"), copy("usb", 1, "t")]);
    const collected = new Collected();
    collected.add(source, both, 0, hit("a", 1));
    const name = { snapshot: "usb-1" };
    expect(collected.paths(1, command)[0]?.versions[0]).toMatchObject({ newest: name, oldest: name, snapshots: 1 });
  });

  test("a name that nobody can type has no command", () => {
    const collected = new Collected();
    collected.add(source, contents, 0, hit("a\\xff", 1, { exact: false }));
    expect(collected.paths(1, command)[0]?.versions[0]).not.toHaveProperty("restore");
  });

  test("only so much is kept, the rest counted; what is known is still completed", () => {
    const collected = new Collected(2);
    for (const path of ["a", "b", "c", "d"]) collected.add(source, contents, 0, hit(path, 1));
    collected.add(source, contents, contents.length - 1, hit("a", 1));
    expect(collected.omitted).toBe(2);
    expect(collected.paths(1, command).map(({ path, versions }) => [path, versions[0]?.snapshots])).toEqual([
      ["a", 3],
      ["b", 2],
    ]);
  });

  test("it does not matter in which order things are found", () => {
    const found = fc.record({
      content: fc.nat({ max: contents.length - 1 }),
      path: fc.constantFrom("a", "b"),
      version: fc.integer({ min: 1, max: 3 }),
    });
    const answer = (hits: readonly { content: number; path: string; version: number }[]) => {
      const collected = new Collected();
      for (const { content, path, version } of hits) collected.add(source, contents, content, hit(path, version));
      return collected.paths(2, command);
    };
    fc.assert(
      fc.property(fc.array(found), (hits) => {
        const once = answer(hits);
        expect(answer(hits.toReversed())).toEqual(once);
        expect(answer([...hits, ...hits])).toEqual(once);
        for (const { versions } of once) {
          const newest = versions.map((version) => version.newest.taken);
          expect(newest).toEqual(newest.toSorted().toReversed());
          for (const version of versions) {
            expect(version.oldest.taken <= version.newest.taken).toBe(true);
            expect(version.places[0]).toMatchObject(version.newest);
          }
        }
      }),
    );
  });
});
