import { describe, expect, test } from "vitest";
import type { ResticRemote } from "../../src/model/manifest.ts";
import type { RepositoryKey } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { byType, repositoryNamed } from "../property/manifests.ts";
import { type Case, parse, planOf, short } from "./notation.ts";

type Row = readonly [what: string, world: string, expected: string, more?: Partial<Case>];

function table(rows: readonly Row[], base: Partial<Case> = {}): void {
  for (const [what, world, expected, more] of rows)
    test(what, () => expect(short({ ...base, world, ...more })).toBe(expected));
}

describe("where space is short", () => {
  const keep = { keep: "d=all", R: "d=2" };
  table(
    [
      ["enough space: deletions wait for what arrives", "L: d3* d4+\nR: d1 d2 d3", ">R d3-d4; #R d4; -R d1,d2; -#R d3"],
      ["what is surplus already goes first", "L: d3* d4+\nR full: d1 d2 d3", "-R d1; >R d3-d4; #R d4; -R d2; -#R d3"],
      [
        "the base stays until there is a newer one",
        "L: d1* d2+\nR full: d1 x2 x3",
        ">R d1-d2; #R d2; -R d1; -#R d1",
        { R: "d=1" },
      ],
      ["nothing to send, nothing to hurry for", "L: d3*\nR full: d1 d2 d3", "-R d1"],
      ["a half-received stream counts", "L: d3* d4\nR full: d1 d2 d3 %d4<d3", "-R d1; ~R d4; #R d4; -R d2; -#R d3"],
      [
        "append-only: nothing goes",
        "L: d3* d4+\nR full: d1 d2 d3",
        ">R d3-d4; #R d4; -#R d3",
        { remote: { deletions: "never" } },
      ],
      [
        "the guards see both parts as one",
        "L: d11* d12+\nR full: d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11",
        ">R d11-d12; #R d12; -#R d11; !R withheld d1,d2,d3,d4,d5,d6,d7,d8,d9,d10",
      ],
    ],
    keep,
  );

  test("what goes first depends on nothing, and is justified by what is there", () => {
    const { operations } = planOf({ ...keep, world: "L: d3* d4+\nR full: d1 d2 d3" });
    const [first] = operations;
    expect(first).toMatchObject({ kind: "destroy", dependsOn: [] });
    const named = first?.preconditions.flatMap((p) => (p.kind === "quota" ? p.snapshots : []));
    expect(named).toHaveLength(2);
    expect(operations.find(({ kind }) => kind === "send")?.dependsOn).toEqual([]);
  });

  table([
    [
      "a full source makes room before a snapshot is taken",
      "L full: d1 d2 d3",
      "-L d1; +d; -L d2",
      { keep: "d=2", take: ["daily"] },
    ],
    [
      "but not of what a copy has yet to get",
      "L full: d1 d2* d3 d4\nR: d2",
      "-L d1; >R d2-d3,d4; #R d4; -L d2,d3; -#R d2",
      { keep: "d=1", R: "d=all" },
    ],
    [
      "nor of anything before there is a copy",
      "L full: d1 d2 d3",
      ">R d1; >R d1-d2,d3; #R d3; -L d1,d2",
      { keep: "d=1", R: "d=all" },
    ],
  ]);

  test("a deletion there waits for one here that rests on what it destroys", () => {
    const { operations } = planOf({ keep: "d=1", R: "d=1", world: "L full: d1 d2* d3 d4\nR: d2" });
    const here = operations.find(({ id }) => id.endsWith(" first"));
    const there = operations.find((o) => o.kind === "destroy" && o.remote !== undefined);
    expect(here?.preconditions).toContainEqual(
      expect.objectContaining({ kind: "present", dataset: there?.at.dataset }),
    );
    expect(there?.after).toContain(here?.id);
  });

  test("where the copy makes room, the source still has what both share, or its bookmark", () => {
    const { operations } = planOf({ keep: "d=all", R: "d=2", world: "L: d3* d4+\nR full: d1 d2 d3" });
    const there = operations.find(({ id }) => id.endsWith(" first"));
    const base = { kind: "present", snapshot: expect.objectContaining({ guid: "4003" }) };
    expect(there?.preconditions).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...base, dataset: "tank/s", bookmark: true }),
        expect.objectContaining({ ...base, dataset: there?.at.dataset, bookmark: false }),
      ]),
    );
    const old = operations.find(({ kind }) => kind === "unbookmark");
    expect(old?.after).toContain(there?.id);
  });

  test("what is to be backed up stays until it is, though the source is full", () => {
    const { manifest, inventory, now } = parse({ world: "L full: d1 d2 d3", keep: "d=1" });
    const disk = { ...repositoryNamed("disk"), type: "restic", keep: byType({ daily: 9 }) } as ResticRemote;
    const datasets = manifest.datasets.map((one) => ({
      ...one,
      keys: { ...one.keys, remotes: new Map([[disk.name, {}]]) },
    }));
    const empty = { state: "observed", resticVersion: "0.18.0", id: "id", chunkerPolynomial: "1" } as const;
    const repositories = { ["disk@here" as RepositoryKey]: { ...empty, copies: [], locks: [] } };
    const made = plan(
      { ...manifest, datasets, remotes: new Map([[disk.name, disk]]) },
      { ...inventory, repositories },
      { now },
    );
    expect(made.blocked).toEqual([]);
    const backups = made.operations.filter(({ kind }) => kind === "backup").map(({ id }) => id);
    expect(backups).toHaveLength(3);
    expect(made.operations.find(({ kind }) => kind === "destroy")?.dependsOn).toEqual(expect.arrayContaining(backups));
  });

  test("a snapshot is taken once there is room, or none could be made", () => {
    const { operations } = planOf({ world: "L full: d1 d2 d3", keep: "d=2", take: ["daily"] });
    const [first, create] = operations;
    expect([first?.kind, create?.kind]).toEqual(["destroy", "create"]);
    expect(create?.after).toEqual([first?.id]);
  });
});
