import { describe, expect, test } from "vitest";
import type { Inventory, RepositoryCopy, RepositoryInventory, RepositoryLock } from "../../src/model/inventory.ts";
import type { Manifest, Mirror, Repository, ResticRemote, Verify } from "../../src/model/manifest.ts";
import type { Plan } from "../../src/model/plan.ts";
import {
  type Address,
  address,
  type Bytes,
  type DirectoryPath,
  type EpochSeconds,
  type HostName,
  type RemoteName,
  type RepositoryKey,
  type TypeName,
} from "../../src/model/units.ts";
import { plan, planSnapshot } from "../../src/planner/index.ts";
import { drillTags } from "../../src/remotes/restic/tags.ts";
import { byType, hostNamed, makeManifest, repositoryNamed } from "../property/manifests.ts";

const nas = "nas" as HostName;
const now = (Date.UTC(2026, 10, 24, 12) / 1000) as EpochSeconds; // a Tuesday
const DAY = 86_400;
const weekly = { schedule: "0 4 * * 0", timezone: "UTC" };

const repository = (name: string, more: Partial<Repository> = {}): Repository =>
  repositoryNamed(name, { keep: byType({ daily: 7 }), ...more });

let ids = 0;
function copy(tags: readonly string[], daysAgo = 0, more: Partial<RepositoryCopy> = {}): RepositoryCopy {
  const id = (++ids).toString(16).padStart(64, "0");
  const creation = (now - daysAgo * DAY) as EpochSeconds;
  return {
    id,
    time: new Date(creation * 1000).toISOString(),
    creation,
    tree: id,
    host: "nas",
    paths: [],
    tags,
    ...more,
  };
}
const ours = (daysAgo = 0) => copy(["holdfast", "source=nas:/a", "type=daily"], daysAgo);

interface There {
  readonly copies?: readonly RepositoryCopy[];
  readonly locks?: readonly RepositoryLock[];
  readonly version?: string;
  readonly polynomial?: string;
}
const observed = ({ copies = [], locks = [], version = "0.18.0", polynomial = "1" }: There): RepositoryInventory => ({
  state: "observed",
  resticVersion: version,
  id: "id",
  chunkerPolynomial: polynomial,
  copies: [...copies].sort((a, b) => a.creation - b.creation),
  locks,
});

interface Given {
  readonly remote?: Partial<Repository>;
  readonly mirror?: Partial<Repository>;
  readonly mirrored?: There;
  readonly take?: readonly TypeName[];
  readonly verify?: Verify;
}

/** The directory `/a` of nas in `usb`, which `copy` mirrors where it is given. */
function given(
  there: There | RepositoryInventory,
  { remote = {}, mirror, mirrored = {}, take = [], verify }: Given,
): [Manifest, Inventory] {
  const manifest = makeManifest({
    self: nas,
    controller: false,
    hosts: new Map([[nas, hostNamed("nas", "nas")]]),
    remotes: new Map([["usb" as RemoteName, { type: "restic", ...repository("usb", remote) } as ResticRemote]]),
    mirrors: mirror
      ? new Map([["copy" as RemoteName, { of: "usb" as RemoteName, ...repository("copy", mirror) } as Mirror]])
      : new Map(),
    datasets: [],
    directories: [
      {
        key: "/a",
        host: nas,
        path: "/a" as DirectoryPath,
        keys: { take, ...(verify && { verify }), remotes: new Map([["usb" as RemoteName, {}]]) },
        place: { file: "holdfast.yaml", line: 1, column: 1 },
      },
    ],
  });
  const inventory: Inventory = {
    formatVersion: 1,
    observedAt: now,
    hosts: {},
    repositories: {
      ["usb@nas" as RepositoryKey]: "state" in there ? there : observed(there),
      ...(mirror && { ["copy@nas" as RepositoryKey]: observed(mirrored) }),
    },
    directories: { [address(nas, "/a" as DirectoryPath)]: { state: "present" } },
  };
  return [manifest, inventory];
}

const planned = (there: There | RepositoryInventory, more: Given = {}): Plan => plan(...given(there, more), { now });

const short = ({ operations }: Plan): string[] => operations.map(({ id }) => id);

describe("maintenance", () => {
  const maintenance = { prune: weekly, check: { ...weekly, readData: 30 } };
  const done = (kind: string, daysAgo: number, ...more: string[]) =>
    copy(["holdfast", `maintenance=${kind}`, ...more], daysAgo);

  test.each([
    ["never done", [], ["prune usb@nas", "check usb@nas"]],
    ["done since Sunday", [done("prune", 1), done("check", 1)], []],
    ["done before Sunday", [done("prune", 3), done("check", 1)], ["prune usb@nas"]],
    ["done as it was made", [copy(["holdfast", "maintenance=prune", "maintenance=check"], 1)], []],
  ] as const)("%s", (_, copies, expected) => {
    expect(short(planned({ copies: [ours(), ...copies] }, { remote: { maintenance } }))).toEqual(expected);
  });

  test("in turn all data is read; the record that is replaced goes", () => {
    const parts: unknown[] = [];
    let copies: RepositoryCopy[] = [ours(40)];
    for (let round = 0; round < 5; round++) {
      const check = planned({ copies }, { remote: { maintenance: { check: maintenance.check } } }).operations.at(-1);
      if (check?.kind !== "check") throw new Error("no check");
      expect(check.outdated).toEqual(copies.slice(1).map(({ id }) => id));
      parts.push(check.subset);
      copies = [ours(40), done("check", 20 - round, `subset=${check.subset?.part}/${check.subset?.of}`)];
    }
    expect(parts).toEqual([1, 2, 3, 4, 1].map((part) => ({ part, of: 4 })));
  });

  test("nothing is pruned where nothing may be removed", () => {
    expect(short(planned({ copies: [ours()] }, { remote: { maintenance, deletions: "never" } }))).toEqual([
      "check usb@nas",
    ]);
  });
});

describe("retention of copies that are of several types", () => {
  const typed = (daysAgo: number, ...types: string[]) =>
    copy(["holdfast", "source=nas:/a", ...types.map((type) => `type=${type}`), "adopted"], daysAgo);

  test("a type set to 0 is withheld, also where copies of it stay for another one", () => {
    const copies = [typed(3, "hourly", "daily"), typed(2, "hourly"), typed(1, "hourly")];
    const { operations, blocked } = planned({ copies }, { remote: { keep: byType({ hourly: 0, daily: 7 }) } });
    expect(operations).toEqual([]);
    expect(blocked).toMatchObject([{ reason: "withheld", message: expect.stringContaining("hourly") }]);
  });

  test("what another type calls for stays", () => {
    const copies = [typed(3, "hourly", "daily"), typed(2, "hourly"), typed(1, "hourly")];
    const { operations } = planned({ copies }, { remote: { keep: byType({ hourly: 1, daily: 7 }) } });
    expect(operations).toMatchObject([{ kind: "forget", copies: [{ id: copies[1]?.id }] }]);
  });
});

test("what is dated in the future does not take the place of what is due", () => {
  const given: Given = { remote: { keep: byType({ daily: 1 }) }, take: ["daily" as TypeName] };
  const future = ours(-30);
  expect(planned({ copies: [future] }, given)).toMatchObject({ operations: [{ kind: "backup" }], blocked: [] });
  expect(planned({ copies: [future, ours()] }, given)).toMatchObject({ operations: [], blocked: [] });
});

test("a copy asked for is newer than what was made within this second", () => {
  const there = { copies: [{ ...ours(), time: new Date(now * 1000 + 500).toISOString() }] };
  const asked = planSnapshot(...given(there, { remote: { keep: byType({ daily: 1 }) } }), {
    now,
    type: "daily" as TypeName,
  });
  expect(short(asked)).toEqual(["backup nas:/a@daily usb"]);
});

describe("drills", () => {
  const verify = { schedule: { schedule: "0 6 * * *", timezone: "UTC" } }; // six hours ago
  const record = (result: "passed" | "failed", daysAgo: number) =>
    copy(
      drillTags({ source: "nas:/a" as Address, result, of: "x", files: 1, bytes: 1 as Bytes, differs: ["etc/a"] }),
      daysAgo,
    );
  const drills = ({ operations }: Plan) => operations.filter((one) => one.kind === "verify");
  const kinds = ({ operations }: Plan) => operations.map(({ kind }) => kind);
  const many = Array.from({ length: 9 }, (_, index) => ours(index + 1));

  test("are due by their schedule, for the newest complete copy there and on its mirror", () => {
    const newest = ours(1);
    const partial = copy(["holdfast", "source=nas:/a", "type=daily", "partial"], 0.5);
    const made = planned({ copies: [ours(2), newest, partial] }, { verify, mirror: {}, mirrored: { copies: [] } });
    expect(drills(made)).toMatchObject([
      { remote: "usb", of: { copy: { identity: newest.id } }, dependsOn: [] },
      { remote: "copy", of: { copy: { identity: newest.id } }, dependsOn: ["copy nas:/a copy"] },
    ]);
    expect(drills(made)[0]).not.toHaveProperty("against");
    expect(made.blocked).toEqual([]);
  });

  test("of a backup that this plan makes wait for it", () => {
    const made = planned({}, { verify, take: ["daily" as TypeName] });
    expect(kinds(made)).toEqual(["backup", "verify"]);
    expect(drills(made)[0]?.dependsOn).toEqual([made.operations[0]?.id]);
  });

  test.each([
    ["never", [], 1],
    ["before the tick", [record("passed", 1)], 1],
    ["since", [record("passed", 0.1)], 0],
    ["since, and badly", [record("failed", 0.1)], 0],
    ["once, then once more", [record("passed", 3), record("passed", 0.1)], 0],
  ] as const)("done %s", (_, records, due) => {
    expect(drills(planned({ copies: [ours(1), ...records] }, { verify }))).toHaveLength(due);
  });

  test("leave the last record and the last good one", () => {
    const [older, good, bad] = [record("passed", 5), record("passed", 4), record("failed", 3)];
    const there = { copies: [ours(1), older, good, bad] };
    const ids = [older.id, good.id, bad.id];
    expect(drills(planned(there, { verify }))).toMatchObject([
      { of: { good: good.id, outdated: ids }, lastGood: good.creation },
    ]);
    expect(drills(planned(there, { verify, remote: { deletions: "never" } }))).toMatchObject([
      { of: { outdated: [] } },
    ]);
  });

  test("that failed keep copies from being forgotten, there and on the mirror", () => {
    const mirrored = { copies: many.map((each) => ({ ...each, id: `m${each.id.slice(1)}`, original: each.id })) };
    const more = { mirror: {}, mirrored, verify };
    expect(
      kinds(planned({ copies: [...many, record("passed", 0.1)] }, more)).filter((kind) => kind === "forget"),
    ).toHaveLength(2);
    for (const daysAgo of [0.1, 2]) {
      const made = planned({ copies: [...many, record("failed", daysAgo)] }, more);
      expect(kinds(made)).not.toContain("forget");
      expect(made.blocked.map(({ reason, remote, withheld }) => [reason, remote, withheld?.snapshots.length])).toEqual([
        ["verify", "usb", undefined],
        ["verify", "usb", 2],
        ["verify", "copy", 2],
      ]);
      expect(made.blocked[0]?.evidence).toContain("differs: etc/a");
    }
  });

  test("leave records that no rule adopts", () => {
    const adopt = [{ host: "nas", source: "/a" }];
    const own = ours(1);
    const kept = (...more: RepositoryCopy[]) => planned({ copies: [own, ...more] }, { verify, remote: { adopt } }).kept;
    expect(kept(record("passed", 0.1))).toEqual(kept());
    expect(kept(copy(["theirs"], 0.1))).not.toEqual(kept());
  });
});

describe("adoption", () => {
  const made = (more: Partial<RepositoryCopy>) => copy(["theirs"], 1, { paths: ["/a"], ...more });
  const kept = (copies: readonly RepositoryCopy[], adopt: Repository["adopt"]) =>
    planned({ copies: [ours(), ...copies] }, { remote: { adopt } }).kept.flatMap(({ snapshots }) => snapshots).length;
  const counted = (copies: readonly RepositoryCopy[], ...adopt: Repository["adopt"]) =>
    kept(copies, adopt) - kept([], adopt);
  const tagged = { tag: "theirs", type: "daily" as TypeName };

  test.each([
    ["what was made at the path of a source on its host", {}, {}, 1],
    ["not what another host made at that path", { host: "vault" }, {}, 0],
    ["nor where a rule names that host, but not the source", { host: "vault" }, { host: "vault" }, 0],
    ["what another host made, where a rule says what it is of", { host: "vault" }, { source: "nas:/a" }, 1],
    ["not what is of several paths, which could be counted for several sources", { paths: ["/a", "/b"] }, {}, 0],
    ["what is of several paths, where a rule says what it is of", { paths: ["/a", "/b"] }, { source: "/a" }, 1],
    ["not what a rule says is of another source", {}, { source: "nas:/b" }, 0],
  ])("%s", (_, of, rule, expected) => {
    expect(counted([made(of)], { ...tagged, ...rule })).toBe(expected);
  });

  test("a rule that names a source comes before those that do not", () => {
    expect(counted([made({})], tagged, { ...tagged, source: "nas:/b" })).toBe(0);
  });
});

describe("a repository", () => {
  const lock = (more: Partial<RepositoryLock>): RepositoryLock => ({
    id: "1",
    since: (now - 60) as EpochSeconds,
    exclusive: true,
    host: "nas",
    user: "root",
    pid: 7,
    stale: true,
    ...more,
  });

  test("that is certainly not there is made only where the manifest says so", () => {
    const absent = { state: "absent" } as const;
    expect(short(planned(absent, { remote: { init: true, maintenance: { prune: weekly } } }))).toEqual([
      "init usb@nas",
    ]);
    expect(planned(absent).blocked).toMatchObject([{ reason: "no-repository", remote: "usb" }]);
    expect(short(planned(absent))).toEqual([]);
  });

  test("that cannot be listed is left alone, with what to do", () => {
    const away = planned({ state: "unobserved", reason: "usb: no", hint: "plug it in" }, { remote: { init: true } });
    expect(short(away)).toEqual([]);
    expect(away.complete).toBe(false);
    expect(away.unobserved).toMatchObject([{ repository: "usb@nas", reason: "usb: no", hint: "plug it in" }]);
  });

  test("is freed of locks that were left behind, and of no others", () => {
    const { operations } = planned({ copies: [ours()], locks: [lock({}), lock({ id: "2", stale: false, pid: 8 })] });
    expect(operations).toMatchObject([{ kind: "unlock", holders: ["root@nas, pid 7, since 2026-11-24T11:59:00Z"] }]);
  });

  test("before anything works in it, be it only to fill a mirror from it", () => {
    const made = planned({ copies: [ours(2)], locks: [lock({})] }, { mirror: {}, take: ["daily" as TypeName] });
    const [unlock, ...others] = made.operations;
    expect(unlock?.id).toBe("unlock usb@nas");
    expect(others.map(({ kind, after }) => [kind, after])).toEqual([
      ["backup", ["unlock usb@nas"]],
      ["copy", ["unlock usb@nas", "backup nas:/a@daily usb"]],
    ]);
  });

  test("what its restic cannot do is said once for a host", () => {
    const notes = (version: string) =>
      planned({ copies: [ours()], version }, { mirror: {}, mirrored: { copies: [ours()], version } }).notes.filter(
        ({ kind }) => kind === "restic-version",
      );
    expect(notes("0.18.0")).toEqual([]);
    expect(notes("0.14.0")).toEqual([]);
    const packed = planned({ copies: [ours()], version: "0.18.0" }, { remote: { compression: "better" } }).notes;
    expect(packed).toMatchObject([{ kind: "restic-version", message: expect.stringContaining("compression: better") }]);
  });

  test("copies of what is no source are told, and left alone", () => {
    const { notes, operations } = planned({
      copies: [ours(), copy(["holdfast", "source=nas:/gone", "type=daily"], 9)],
    });
    expect(operations).toEqual([]);
    expect(notes).toMatchObject([{ kind: "orphan", source: "nas:/gone" }]);
  });

  test("a mirror that cuts files differently, or whose copies were changed, is told", () => {
    const original = ours();
    const changed = { ...original, id: "f".repeat(64), original: original.id, tags: [...original.tags, "mine"] };
    const { notes, operations } = planned(
      { copies: [original] },
      { mirror: {}, mirrored: { copies: [changed], polynomial: "2" } },
    );
    expect(operations).toEqual([]);
    expect(notes.map(({ kind }) => kind).sort()).toEqual(["chunker", "drift"]);
  });
});
