import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { RepositoryInventory } from "../../../src/model/inventory.ts";
import type { Mirror, Repository, ResticRemote } from "../../../src/model/manifest.ts";
import type {
  Bytes,
  DirectoryPath,
  EpochSeconds,
  HostName,
  RemoteName,
  RepositoryKey,
  Seconds,
} from "../../../src/model/units.ts";
import { plan } from "../../../src/planner/index.ts";
import { entry, hostNamed, makeManifest } from "../../property/manifests.ts";
import { makeRepository } from "./repository.ts";
import { host, PASSWORD, repository, startBench, toolsAvailable, VERSIONS } from "./tools.ts";

const stored = "unchanged folders are stored anew for every ZFS snapshot (before 0.17)";

const of = "first" as RemoteName;

/** The notes on versions, of repositories by name with their version and what the manifest wants of them. */
function notes(
  repositories: Readonly<Record<string, readonly [version: string, wanted?: Partial<Repository>]>>,
  datasets = [entry("tank", { take: [], keep: { by: "time", last: 1 }, remotes: new Map([[of, {}]]) }, "nas")],
): string[] {
  const made = Object.entries(repositories).map(
    ([name, [, wanted]]): Repository => ({
      ...repository,
      name: name as RemoteName,
      location: `/${name}`,
      ...wanted,
    }),
  );
  const [first, ...mirrors] = made;
  const observed = ([name, [resticVersion]]: [string, readonly [string, ...unknown[]]]) =>
    [
      `${name}@nas` as RepositoryKey,
      {
        state: "observed",
        resticVersion,
        id: name,
        chunkerPolynomial: "",
        copies: [],
        locks: [],
      } satisfies RepositoryInventory,
    ] as const;
  const manifest = makeManifest({
    self: host,
    controller: false,
    hosts: new Map([[host, hostNamed("nas", "nas")]]),
    remotes: new Map(first ? [[of, { ...first, type: "restic" } satisfies ResticRemote]] : []),
    mirrors: new Map(mirrors.map((each) => [each.name, { ...each, of } satisfies Mirror])),
    datasets,
  });
  const now = 1_800_000_000 as EpochSeconds;
  const inventory = {
    formatVersion: 1,
    observedAt: now,
    hosts: {} as Record<HostName, never>,
    repositories: Object.fromEntries(Object.entries(repositories).map(observed)),
  } as const;
  return plan(manifest, inventory, { now })
    .notes.filter(({ kind }) => kind === "restic-version")
    .map(({ message }) => message);
}

describe("what a version lacks is said once", () => {
  const rows: readonly (readonly [what: string, repositories: Parameters<typeof notes>[0], expected: string[]])[] = [
    ["nothing, of a new one", { first: ["0.19.1", { compression: "better", retryLock: 5 as Seconds }] }, []],
    ["nothing, of what is not asked for", { first: ["0.18.0", { compression: "max" }] }, []],
    ["how snapshots of datasets are stored", { first: ["0.16.5"] }, [`restic 0.16.5 on nas: ${stored}`]],
    [
      "how it says that there is no repository",
      { first: ["0.16.5", { init: true }] },
      [
        `restic 0.16.5 on nas: ${stored}; an absent repository is told from an unreachable one by words only (before 0.17)`,
      ],
    ],
    [
      "a level of compression",
      { first: ["0.18.0", { compression: "fastest" }] },
      ["restic 0.18.0 on nas: `compression: fastest` becomes `auto` (before 0.19)"],
    ],
    [
      "waiting for a lock",
      { first: ["0.14.0", { retryLock: 60 as Seconds }] },
      [
        `restic 0.14.0 on nas: \`retryLock\` starts it again and again instead of having it wait (before 0.16); ${stored}`,
      ],
    ],
    [
      "once for all repositories of a host",
      { first: ["0.14.0"], second: ["0.14.0"], third: ["0.14.0", { compression: "better" }] },
      [`restic 0.14.0 on nas: ${stored}; \`compression: better\` becomes \`max\` (before 0.19)`],
    ],
    ["nothing of a version that cannot be read", { first: ["newest"] }, []],
  ];
  test.each(rows)("%s", (_, repositories, expected) => expect(notes(repositories)).toEqual(expected));

  test("nothing about datasets where there are none", () => expect(notes({ first: ["0.16.5"] }, [])).toEqual([]));
});

const bench = startBench();
const source = join(bench.folder, "source") as DirectoryPath;
const everything: Partial<Repository> = {
  compression: "fastest",
  packSize: (16 * 1024 * 1024) as Bytes,
  retryLock: 5 as Seconds,
  limit: { upload: 1e9 as Bytes, download: 1e9 as Bytes },
  priority: "idle",
};

describe.skipIf(!toolsAvailable).concurrent.each(VERSIONS)("every option at once, by restic %s", (version) => {
  beforeAll(() => {
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, "a"), "text");
  });

  test("is left out or translated where it is not known", async () => {
    const [first, second] = ["first", "second"].map((name) => {
      const location = join(bench.folder, `${name}-${version}`);
      makeRepository(location, { password: PASSWORD });
      return bench.open(version, location, everything);
    });
    if (!first || !second) throw new Error("there are two");
    const options = { from: { folder: source }, host, tags: ["holdfast"], skipIfUnchanged: true };
    const made = await first.backup(options);
    expect(made.outcome).toBe("complete");
    const again = await first.backup({ ...options, ...(made.id !== undefined && { parent: made.id }) });
    expect(again.outcome).toBe(version === "0.14" ? "complete" : "unchanged");
    await second.copyFrom(first, [made.id ?? ""]);
    await second.prune({ maxUnused: "10%" });
    for (const command of ["backup", "copy", "prune"]) {
      const flags = bench.started(version, ` ${command} `).map((line) => line.match(/--(compression|pack-size)=\S+/g));
      const level = version === "0.19" ? "fastest" : "auto";
      expect(flags, command).not.toEqual([]);
      expect(new Set(flags.map(String)), command).toEqual(new Set([`--compression=${level},--pack-size=16`]));
    }
    expect(await second.check({ subset: { part: 1, of: 2 } })).toMatchObject({ ok: true });
    expect(await second.list()).toMatchObject({ state: "observed", copies: [{ original: made.id }] });
  });
});
