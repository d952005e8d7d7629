import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { RepositoryInventory } from "../../../src/model/inventory.ts";
import type { FileSelection } from "../../../src/model/manifest.ts";
import type { DirectoryPath, EpochSeconds } from "../../../src/model/units.ts";
import type { BackupOptions } from "../../../src/remotes/restic/backup.ts";
import type { Restic } from "../../../src/remotes/restic/restic.ts";
import { makeRepository } from "./repository.ts";
import { host, PASSWORD, startBench, toolsAvailable, VERSIONS } from "./tools.ts";

const bench = startBench();
const at = (name: string): string => join(bench.folder, name);
const source = at("source") as DirectoryPath;
let count = 0;
/** An empty repository of its own. */
function fresh(password = PASSWORD): string {
  const location = at(`repository-${count++}`);
  makeRepository(location, { password });
  return location;
}
const options: BackupOptions = { from: { folder: source }, host, tags: ["holdfast", "source=nas:/data"] };
const everything: FileSelection = {
  include: [],
  exclude: [],
  excludeIfPresent: [],
  excludeCaches: false,
  oneFileSystem: false,
};

async function observe(restic: Restic): Promise<Extract<RepositoryInventory, { readonly state: "observed" }>> {
  const inventory = await restic.list();
  if (inventory.state !== "observed") throw new Error(JSON.stringify(inventory));
  return inventory;
}
const idOf = ({ id }: { readonly id?: string }): string => id ?? "none";

beforeAll(() => {
  mkdirSync(source);
  writeFileSync(join(source, "a"), "first");
  writeFileSync(join(source, "b"), "second");
  writeFileSync(join(source, "-rf"), "third");
});

describe.skipIf(!toolsAvailable).concurrent.each(VERSIONS)("copies, by restic %s", (version) => {
  test("none, one, several: in order, with all that was recorded", async () => {
    const restic = bench.open(version, fresh());
    expect((await observe(restic)).copies).toEqual([]);
    const later = await restic.backup({ ...options, time: 1_800_000_000 as EpochSeconds });
    const earlier = await restic.backup({ ...options, time: 1_700_000_000 as EpochSeconds, tags: [] });
    expect(later).toMatchObject({ outcome: "complete", files: 3, bytes: 16, unreadable: [] });
    const { copies, resticVersion, locks } = await observe(restic);
    expect(copies.map(({ id }) => id)).toEqual([earlier.id, later.id]);
    expect(copies[1]).toMatchObject({
      id: later.id,
      creation: 1_800_000_000,
      time: "2027-01-15T08:00:00Z",
      host: "nas",
      paths: [source],
      tags: ["holdfast", "source=nas:/data"],
    });
    expect(copies[0]?.tags).toEqual([]);
    if (version !== "0.14") expect(copies[1]).toMatchObject({ files: 3, bytes: 16 });
    expect(resticVersion.startsWith(`${version}.`)).toBe(true);
    expect(locks).toEqual([]);
  });

  test("only what differs from the parent is read", async () => {
    const restic = bench.open(version, fresh());
    const first = await restic.backup(options);
    const second = await restic.backup({ ...options, parent: idOf(first) });
    expect(second).toMatchObject({ outcome: "complete", files: 3 });
    expect(second.added).toBe(0);
    const { copies } = await observe(restic);
    expect(new Set(copies.map(({ tree }) => tree)).size).toBe(1);
    expect(copies[1]?.parent).toBe(first.id);
  });

  test("its whole id is found, however many others there are", async () => {
    const programs = at(`many-${version}`);
    mkdirSync(programs);
    const many = "awk 'BEGIN { while (i < 270000) printf \"%064d\\n\", i++ }'";
    const restic = `#!/bin/sh\ncase "$*" in "list snapshots"*) ${many} ;; esac\nPATH=\${PATH#*:} exec restic "$@"\n`;
    writeFileSync(join(programs, "restic"), restic, { mode: 0o755 });
    const { id } = await bench.open(version, fresh(), { programs }).backup(options);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a tag is added under a new id, which keeps the old one as its origin", async () => {
    const restic = bench.open(version, fresh());
    const first = await restic.backup(options);
    const tagged = await restic.addTag(idOf(first), "partial");
    expect(tagged).toMatch(/^[0-9a-f]{64}$/);
    expect((await observe(restic)).copies).toMatchObject([
      { id: tagged, original: first.id, tags: [...options.tags, "partial"] },
    ]);
    const again = await restic.addTag(tagged, "other");
    expect((await observe(restic)).copies).toMatchObject([{ id: again, original: first.id }]);
    expect(await restic.addTag(again, "other")).toBe(again);
  });

  test("exactly what is named is forgotten; what is gone already is no error", async () => {
    const restic = bench.open(version, fresh());
    const [first, second, third] = [
      await restic.backup(options),
      await restic.backup(options),
      await restic.backup(options),
    ];
    await restic.forget([idOf(first), idOf(third)]);
    await restic.forget([idOf(third)]);
    expect((await observe(restic)).copies.map(({ id }) => id)).toEqual([second.id]);
  });

  test("a mirror with another password gets exactly what is named", async () => {
    const original = bench.open(version, fresh());
    const mirror = bench.open(version, fresh("another"), { password: { env: "OTHER" }, env: { OTHER: "another" } });
    const [first] = [await original.backup(options), await original.backup({ ...options, tags: ["not-this"] })];
    await mirror.copyFrom(original, [idOf(first)]);
    await mirror.copyFrom(original, [idOf(first)]);
    const { copies } = await observe(mirror);
    expect(copies).toMatchObject([{ original: first.id, tags: options.tags, paths: [source] }]);
    const gone = "0".repeat(64);
    await expect(mirror.copyFrom(original, [gone])).rejects.toMatchObject({
      message: expect.stringContaining(`has no copy ${gone} any more`),
    });
  });

  test("a selection of files", async () => {
    const restic = bench.open(version, fresh());
    const files: FileSelection = { ...everything, include: ["a", "-rf"], exclude: ["b"] };
    const result = await restic.backup({ ...options, files });
    expect(result).toMatchObject({ outcome: "complete", files: 2, bytes: 10 });
    const missing = await restic.backup({ ...options, files: { ...everything, include: ["a", "gone"] } });
    expect(missing).toMatchObject({ outcome: "partial", unreadable: ["gone does not exist"] });
    await expect(restic.backup({ ...options, files: { ...everything, include: ["gone"] } })).rejects.toMatchObject({
      kind: "missing-source",
    });
    await expect(restic.backup({ ...options, from: { folder: at("nowhere") as DirectoryPath } })).rejects.toMatchObject(
      { kind: "missing-source" },
    );
  });
});
