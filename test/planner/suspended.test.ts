import { expect, test } from "vitest";
import type { EpochSeconds, HostName } from "../../src/model/units.ts";
import { plan, planSnapshot, sourcesOf } from "../../src/planner/index.ts";
import { byType, entry, makeManifest } from "../property/manifests.ts";
import { emptyWorld, toInventory } from "../property/world.ts";
import * as zfs from "../property/zfs.ts";

const now = (Date.UTC(2026, 2, 1, 10, 20) / 1000) as EpochSeconds;
const world = emptyWorld({ a: ["tank"] });
zfs.create(world, "a", "tank");
for (const name of ["one", "two"]) zfs.create(world, "a", `tank/${name}`, { written: 1 });
const manifest = (suspended: readonly string[], self: HostName | null = null) =>
  makeManifest({
    self,
    suspended,
    datasets: ["tank/one", "tank/two"].map((name) => entry(`a:${name}`, { keep: byType({ daily: 2 }) })),
  });
const inventory = toInventory(world, now);

test.each([
  [[], ["tank/one", "tank/two"]],
  [["a:tank/one"], ["tank/two"]],
  [["tank/two"], ["tank/one"]],
  [["tank/*"], []],
  [
    ["b:tank/*", "tank/on"],
    ["tank/one", "tank/two"],
  ],
])("with %j suspended by hand, snapshots are taken of %j", (suspended, expected) => {
  for (const made of [
    plan(manifest(suspended), inventory, { now }),
    planSnapshot(manifest(suspended), inventory, { now, type: "daily" as never }),
  ])
    expect(made.operations.flatMap((one) => (one.kind === "create" ? [one.at.dataset] : []))).toEqual(expected);
});

test("a pattern without a host means this machine", () => {
  const suspendedOn = (self: string): boolean =>
    sourcesOf(manifest(["tank/one"], self as HostName), inventory, {}).sources.some(({ keys }) => keys.suspend);
  expect(suspendedOn("a")).toBe(true);
  expect(suspendedOn("v")).toBe(false);
});

test("it is shown, with what ends it", () => {
  const { notes, kept } = plan(manifest(["tank/*"]), inventory, { now });
  expect(notes.map(({ message }) => message)).toContain(
    "suspended: nothing is changed here or on its copies, until `holdfast resume tank/*`",
  );
  expect(kept.every(({ detail }) => detail === "holdfast suspend")).toBe(true);
  const [source] = sourcesOf(manifest(["tank/*"]), inventory, {}).sources;
  expect(source?.provenance.find(({ key }) => key === "suspend")).toEqual({
    key: "suspend",
    value: "true",
    from: "holdfast suspend tank/*",
  });
});
