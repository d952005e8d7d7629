import { appendFileSync, chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { DirectoryPath } from "../../../src/model/units.ts";
import type { BackupOptions } from "../../../src/remotes/restic/backup.ts";
import { makeRepository } from "./repository.ts";
import { host, PASSWORD, startBench, toolsAvailable, VERSIONS } from "./tools.ts";

const bench = startBench();
const at = (name: string): string => join(bench.folder, name);
let count = 0;
function fresh(): string {
  const location = at(`repository-${count++}`);
  makeRepository(location, { password: PASSWORD });
  return location;
}
const folder = at("source") as DirectoryPath;
const options: BackupOptions = { from: { folder }, host, tags: [] };
beforeAll(() => {
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), "text");
});
const packsIn = (location: string): string[] =>
  readdirSync(join(location, "data"), { recursive: true, encoding: "utf8" })
    .map((name) => join(location, "data", name))
    .filter((path) => statSync(path).isFile());

describe.skipIf(!toolsAvailable).concurrent.each(VERSIONS)("a whole repository, by restic %s", (version) => {
  test("is made, and a mirror of it with the same chunker", async () => {
    const [first, second] = [at(`made-${version}`), at(`mirror-${version}`)];
    const restic = bench.open(version, first);
    await restic.init();
    const mirror = bench.open(version, second, { password: { env: "OTHER" }, env: { OTHER: "another" } });
    await mirror.init({ chunkerParametersOf: restic });
    const [one, two] = [await restic.list(), await mirror.list()];
    expect(one).toMatchObject({ state: "observed", copies: [] });
    expect(two).toMatchObject({ state: "observed", copies: [] });
    expect(two).toHaveProperty("chunkerPolynomial", (one as { readonly chunkerPolynomial: string }).chunkerPolynomial);
    expect(two).not.toHaveProperty("id", (one as { readonly id: string }).id);
    await expect(restic.init()).rejects.toMatchObject({
      name: "ResticFailed",
      message: expect.stringContaining("already"),
    });
  });

  test("prune frees what was forgotten", async () => {
    const location = fresh();
    const restic = bench.open(version, location);
    const { id = "" } = await restic.backup(options);
    expect(packsIn(location).length).toBeGreaterThan(0);
    await restic.forget([id]);
    await restic.prune({ maxUnused: "0" });
    expect(packsIn(location)).toEqual([]);
  });

  test("check: in order, a part of the data, damaged", async () => {
    const location = fresh();
    const restic = bench.open(version, location);
    await restic.backup(options);
    expect(await restic.check()).toEqual({ ok: true, errors: [] });
    expect(await restic.check({ subset: { part: 256, of: 256 } })).toEqual({ ok: true, errors: [] });
    const [pack = ""] = packsIn(location);
    chmodSync(pack, 0o600);
    appendFileSync(pack, "more");
    const result = await restic.check();
    expect(result.ok).toBe(false);
    expect(result.errors).toEqual([
      expect.stringMatching(/^pack [0-9a-f]{64}: unexpected file size: got \d+, expected \d+$/),
    ]);
  });

  test("what may not be written is told at once", async () => {
    const location = fresh();
    chmodSync(join(location, "locks"), 0o500);
    const restic = bench.open(version, location, { obeysModes: true });
    const began = performance.now();
    await expect(restic.backup(options)).rejects.toMatchObject({
      kind: "permission",
      message: expect.stringContaining("permission denied"),
    });
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test("check says nothing about a repository that is not there", async () => {
    await expect(bench.open(version, at("none")).check()).rejects.toMatchObject({ kind: "absent" });
  });
});
