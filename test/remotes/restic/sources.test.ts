import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bytes, DatasetName, DirectoryPath } from "../../../src/model/units.ts";
import type { BackupOptions, BackupProgress } from "../../../src/remotes/restic/backup.ts";
import { makeRepository } from "./repository.ts";
import { host, PASSWORD, run, startBench, toolsAvailable, VERSIONS } from "./tools.ts";

const bench = startBench();
const at = (name: string): string => join(bench.folder, name);
let count = 0;
function fresh(): string {
  const location = at(`repository-${count++}`);
  makeRepository(location, { password: PASSWORD });
  return location;
}
const folder = at("source") as DirectoryPath;
const options: BackupOptions = { from: { folder }, host, tags: ["holdfast"] };

beforeAll(() => {
  mkdirSync(folder);
  writeFileSync(join(folder, "plain"), "text");
});

describe.skipIf(!toolsAvailable).concurrent.each(VERSIONS)("what is read, by restic %s", (version) => {
  test("names that are no text, that begin like options, that have several lines", async () => {
    const location = fresh();
    const odd = at(`odd-${version}`) as DirectoryPath;
    mkdirSync(odd);
    const names = [Buffer.from("-rf"), Buffer.from("a\nb"), Buffer.from([0x66, 0xff, 0xfe]), Buffer.from('"q" \\n')];
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${odd}/`), name]), "x");
    const restic = bench.open(version, location);
    const result = await restic.backup({ ...options, from: { folder: odd }, tags: ["-tag"], host });
    expect(result).toMatchObject({ outcome: "complete", files: 4, unreadable: [] });
    const restored = at(`restored-${version}`);
    await run(bench, version, location, ["restore", result.id ?? "", "--target", restored]);
    expect(new Set(readdirSync(restored, { encoding: "latin1" }))).toEqual(
      new Set(names.map((name) => name.toString("latin1"))),
    );
  });

  test("files that may not be read: there is a copy, and it is partial", async () => {
    const some = at(`some-${version}`) as DirectoryPath;
    mkdirSync(some);
    writeFileSync(join(some, "good"), "x");
    for (let index = 0; index < 120; index++) writeFileSync(join(some, `bad${index}`), "x", { mode: 0 });
    const restic = bench.open(version, fresh(), { obeysModes: true });
    const result = await restic.backup({ ...options, from: { folder: some } });
    expect(result).toMatchObject({ outcome: "partial", id: expect.stringMatching(/^[0-9a-f]{64}$/), files: 1 });
    expect(result.unreadable.length).toBe(100);
    expect(result.unreadable[0]).toMatch(/bad\d+/);
    expect(await restic.list()).toMatchObject({ copies: [{ id: result.id }] });
  });

  test("nothing has changed", async () => {
    const restic = bench.open(version, fresh());
    const { id = "" } = await restic.backup(options);
    const again = await restic.backup({ ...options, parent: id, skipIfUnchanged: true });
    expect(again.outcome).toBe(version === "0.14" ? "complete" : "unchanged");
    expect("id" in again).toBe(version === "0.14");
  });

  test("progress", async () => {
    const big = at(`big-${version}`) as DirectoryPath;
    mkdirSync(big);
    writeFileSync(join(big, "file"), randomBytes(24_000));
    const seen: BackupProgress[] = [];
    const onProgress = (progress: BackupProgress): void => {
      seen.push(progress);
    };
    const limit = { upload: 16_384 as Bytes };
    const restic = bench.open(version, fresh(), { limit, priority: "idle", compression: "max" });
    const result = await restic.backup({ ...options, from: { folder: big }, onProgress });
    expect(result).toMatchObject({ outcome: "complete", bytes: 24_000 });
    expect(result.seconds).toBeGreaterThan(0);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.at(-1)).toMatchObject({ totalFiles: 1, totalBytes: 24_000 });
  });

  describe("a command's output", () => {
    const from = (...command: string[]): BackupOptions => ({ ...options, from: { command, filename: "dump.sql" } });

    test("is one file; its words are its own", async () => {
      const location = fresh();
      const restic = bench.open(version, location);
      const words = ["$(reboot)", "a'b", "two words", "new\nline", "-x", ""];
      const result = await restic.backup(from("printf", "%s|", ...words));
      expect(result).toMatchObject({ outcome: "complete", files: 1, unreadable: [] });
      expect(await restic.list()).toMatchObject({
        copies: [{ id: result.id, paths: [expect.stringMatching(/dump\.sql$/)] }],
      });
      expect(await run(bench, version, location, ["dump", result.id ?? "", "dump.sql"])).toBe(`${words.join("|")}|`);
    });

    test.each([
      ["fails at the end", ["sh", "-c", "seq 20000; echo ouch >&2; exit 3"]],
      ["fails at once", ["false"]],
      ["is not there", ["no-such-command"]],
    ])("a command that %s leaves no copy, and no lock that holds", async (_, command) => {
      const restic = bench.open(version, fresh());
      await expect(restic.backup(from(...command))).rejects.toMatchObject({ kind: "command-failed" });
      const listed = await restic.list();
      expect(listed).toMatchObject({ state: "observed", copies: [] });
      // before 0.17 restic is ended by a signal: one that comes while it makes its lock leaves that behind, known as stale
      expect(listed.state === "observed" && listed.locks.filter(({ stale }) => !stale)).toEqual([]);
    });

    test("restic's own failure is the one that is told", async () => {
      const restic = bench.open(version, at("none"));
      await expect(restic.backup(from("seq", "100000"))).rejects.toMatchObject({ kind: "absent" });
    });
  });
});

/** Mounts a folder where `mount -t zfs` is asked for; all around it is real. What ZFS does is tested on ZFS. */
const MOUNT = `#!/bin/sh
[ "$2" = zfs ] || exec /bin/mount "$@"
exec /bin/mount --bind "${at("snapshots")}/$3" "$4"
`;
const mayMount = userInfo().uid === 0 && spawnSync("unshare", ["-m", "true"]).status === 0;

describe.skipIf(!toolsAvailable)("a ZFS snapshot", () => {
  const version = "0.18";
  const dataset = "tank/home a" as DatasetName;
  const programs = at("programs");
  const from = (mountpoint?: string): BackupOptions => ({
    ...options,
    from: { dataset, snapshot: "daily", ...(mountpoint !== undefined && { mountpoint }) },
  });
  const contentOf = async (location: string, id = ""): Promise<string[]> =>
    (await run(bench, version, location, ["ls", id])).trim().split("\n").slice(-1);

  beforeAll(() => {
    mkdirSync(join(at("snapshots"), `${dataset}@daily`), { recursive: true });
    writeFileSync(join(at("snapshots"), `${dataset}@daily`, "kept"), "as it was");
    mkdirSync(at("home"));
    writeFileSync(at("home/live"), "as it is");
    mkdirSync(programs);
    writeFileSync(join(programs, "mount"), MOUNT, { mode: 0o755 });
  });

  describe.skipIf(!mayMount)("as root", () => {
    const before = ["/run/holdfast/snapshots", "/run/holdfast"].filter((path) => !existsSync(path));
    afterAll(() => {
      for (const path of before) rmdirSync(path);
    });

    test("is stored under the path people know, and nobody else sees it there", async () => {
      const location = fresh();
      const restic = bench.open(version, location, { programs });
      const { id } = await restic.backup(from(at("home")));
      expect(await restic.list()).toMatchObject({ copies: [{ id, paths: [at("home")] }] });
      expect(await contentOf(location, id)).toEqual(["/kept"]);
      expect(readdirSync(at("home"))).toEqual(["live"]);
    });

    test.each([
      ["it is the root of everything", "/"],
      ["there is none", undefined],
      ["it is none", "none"],
      ["its folder is not there", at("nowhere")],
      ["it would hide the repository", bench.folder],
    ])("in a folder of its own where %s", async (_, mountpoint) => {
      const location = fresh();
      const restic = bench.open(version, location, { programs });
      const { id } = await restic.backup(from(mountpoint));
      expect(await restic.list()).toMatchObject({ copies: [{ paths: [`/run/holdfast/snapshots/${dataset}`] }] });
      expect(await contentOf(location, id)).toEqual(["/kept"]);
      expect(readdirSync("/run/holdfast/snapshots")).toEqual([]);
    });

    test("one that is not there", async () => {
      const restic = bench.open(version, fresh(), { programs });
      const gone: BackupOptions = { ...options, from: { dataset, snapshot: "gone", mountpoint: at("home") } };
      await expect(restic.backup(gone)).rejects.toMatchObject({
        name: "ResticFailed",
        problem: { output: expect.stringContaining("gone") },
      });
    });
  });

  describe("where nothing may be mounted", () => {
    beforeAll(() => {
      mkdirSync(at("without"));
      writeFileSync(at("without/unshare"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
      mkdirSync(at("mounted/.zfs/snapshot/daily"), { recursive: true });
      writeFileSync(at("mounted/.zfs/snapshot/daily/kept"), "as it was");
    });

    test("is read where ZFS shows it", async () => {
      const location = fresh();
      const restic = bench.open(version, location, { programs: at("without") });
      const { id } = await restic.backup(from(at("mounted")));
      expect(await restic.list()).toMatchObject({ copies: [{ paths: [at("mounted/.zfs/snapshot/daily")] }] });
      expect(await contentOf(location, id)).toEqual(["/kept"]);
    });

    test.each([
      ["a dataset that is mounted nowhere", "legacy", /tank\/home a is not mounted/],
      ["one that is not there", at("home"), /home\/.zfs\/snapshot\/daily/],
    ])("%s", async (_, mountpoint, message) => {
      const restic = bench.open(version, fresh(), { programs: at("without") });
      await expect(restic.backup(from(mountpoint))).rejects.toMatchObject({
        kind: "missing-source",
        message: expect.stringMatching(message),
      });
    });
  });
});
