import { describe, expect, test } from "vitest";
import type { Approval, Requirements, Verify } from "../../src/model/manifest.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { Bytes, EpochSeconds, RemoteName, Seconds } from "../../src/model/units.ts";
import { plan, planVerify } from "../../src/planner/index.ts";
import { VERIFIED, writeRecord } from "../../src/remotes/zfs/drill-record.ts";
import { find, toInventory } from "../property/world.ts";
import { type Case, parse } from "./notation.ts";

const DAY = 86_400;
const monthly: Verify = { schedule: { schedule: "0 6 1 * *", timezone: "UTC" } };
const at = (text: string): EpochSeconds => (Date.parse(text) / 1000) as EpochSeconds;
/** `passed 2026-02-02`, `failed 2026-02-02 2026-01-02` (which went well last). */
function remembered(text: string): string {
  const [result, time = "", good] = text.split(" ");
  const last = {
    time: at(`${time}T12:00Z`),
    result: result as "passed" | "failed" | "limited",
    of: "daily-x",
    files: 3,
    bytes: 9 as Bytes,
    differs: result === "failed" ? ["etc/passwd", "a b"] : [],
  };
  return writeRecord({ last, ...(good !== undefined && { good: at(`${good}T12:00Z`) }) });
}

interface More extends Partial<Case> {
  readonly verify?: Verify;
  /** What each copy remembers. */
  readonly drills?: Readonly<Partial<Record<"R" | "S", string>>>;
  /** What the source remembers, where a copy may not. */
  readonly atSource?: string;
  readonly require?: Requirements;
}

const hosts = { R: "there", S: "elsewhere" } as const;

/** The source's world with what its copies remember of drills. */
function given(world: string, { verify, drills = {}, atSource, require, ...more }: More) {
  const parsed = parse({
    world,
    R: "d=all",
    ...more,
    source: { ...(verify && { verify }), ...more.source },
    manifest: { ...(require && { require }), ...more.manifest },
  });
  for (const [side, text] of Object.entries(drills))
    find(parsed.world, hosts[side as "R" | "S"], "pool/b/tank/s")?.own.set("verified", remembered(text));
  if (atSource !== undefined)
    find(parsed.world, "here", "tank/s")?.own.set("verified-copies", `R ${remembered(atSource)}`);
  return { ...parsed, inventory: toInventory(parsed.world, parsed.now) };
}

function planned(world: string, more: More): Plan {
  const { manifest, inventory, now } = given(world, more);
  return plan(manifest, inventory, { now, ...more.options });
}

const drillsIn = ({ operations }: Pick<Plan, "operations">): string[] =>
  operations.flatMap((one) => (one.kind === "verify" ? [`${one.remote}: ${one.reason}`] : []));

describe("a drill is due", () => {
  test.each<[what: string, more: More, expected: string[]]>([
    ["where nobody asks: never", {}, []],
    ["with a schedule, and never done", { verify: monthly }, ["R: it was never verified"]],
    [
      "since the tick after the last",
      { verify: monthly, drills: { R: "passed 2026-01-31" } },
      ["R: a drill is due since 2026-02-01 06:00"],
    ],
    ["not before the next tick", { verify: monthly, drills: { R: "passed 2026-02-02" } }, []],
    ["no sooner where the last one failed", { verify: monthly, drills: { R: "failed 2026-02-02" } }, []],
    ["not without a schedule", { verify: { within: (9 * DAY) as Seconds } }, []],
    ["not while the source is suspended", { verify: monthly, source: { suspend: true } }, []],
    ["for what the source remembers of it", { verify: monthly, atSource: "passed 2026-02-02" }, []],
  ])("%s", (_, more, expected) => {
    expect(drillsIn(planned("L: d1 d2*\nR: d1 d2", more))).toEqual(expected);
  });

  test("for each copy that is there, and for one that this plan makes, once it is made", () => {
    const made = planned("L: d1 d2*\nR: d1 d2\nS:", { verify: monthly, S: "d=all" });
    expect(drillsIn(made)).toEqual(["R: it was never verified"]);
    const arriving = planned("L: d1 d2", { verify: monthly });
    expect(drillsIn(arriving)).toEqual(["R: it was never verified"]);
    const drill = arriving.operations.at(-1);
    expect(drill).toMatchObject({ kind: "verify", of: { snapshot: { guid: "4002" } } });
    expect(drill?.dependsOn).toEqual(arriving.operations.filter(({ kind }) => kind === "send").map(({ id }) => id));
    expect(arriving.blocked).toEqual([]);
  });

  test("for one that is made anew, only once its snapshots have arrived there again", () => {
    const { operations } = planned("L: d1 d2*\nR: d1 d2 ~", {
      verify: monthly,
      R: "d=all",
      drills: { R: "passed 2026-02-02" },
      options: { resolve: new Map([["R" as RemoteName, "replace"]]) },
    });
    expect(operations.map(({ kind }) => kind)).toEqual(["replace", "send", "send", "verify"]);
    const sends = operations.filter(({ kind }) => kind === "send").map(({ id }) => id);
    expect(operations.at(-1)).toMatchObject({ reason: "it was never verified", dependsOn: sends });
  });

  test("after everything else, so that nothing waits for it", () => {
    const { operations } = planned("L: d1 d2 d3*\nR: d1 d2 d3", {
      verify: monthly,
      R: "d=1",
      keep: "d=1",
      take: ["daily"],
    });
    const drill = operations.at(-1);
    expect(drill?.kind).toBe("verify");
    expect(operations.filter(({ dependsOn }) => dependsOn.includes(drill?.id ?? ""))).toEqual([]);
    expect([...(drill?.dependsOn ?? []), ...(drill?.after ?? [])].sort()).toEqual(
      operations
        .filter((one) => one !== drill)
        .map(({ id }) => id)
        .sort(),
    );
  });

  test("of the newest that both have, by its guid, with the sample the manifest says", () => {
    const [drill] = planned("L: d1 d2*\nR: d1 d2 x1", { verify: { ...monthly, sample: 1000 as Bytes } }).operations;
    expect(drill).toMatchObject({
      at: { host: "there", dataset: "pool/b/tank/s" },
      of: { snapshot: { guid: "4002" }, datasetType: "filesystem" },
      against: { host: "here", dataset: "tank/s", snapshot: { guid: "4002" } },
      sample: 1000,
      preconditions: [{ kind: "present", snapshot: { guid: "4002" }, bookmark: false }],
    });
  });

  test("with nothing to compare with where the source has only a bookmark of it", () => {
    const [drill] = planned("L: #d2 d3\nR: d1 d2", { verify: monthly, R: "d=0 c=1" }).operations.filter(
      ({ kind }) => kind === "verify",
    );
    expect(drill).toMatchObject({ of: { snapshot: { guid: "4002" } } });
    expect(drill).not.toHaveProperty("against");
  });

  test("not for what cannot be seen", () => {
    expect(drillsIn(planned("L: d1 d2*\nR away: d1 d2", { verify: monthly }))).toEqual([]);
  });
});

describe("a drill that failed", () => {
  const failed: More = { keep: "d=1", R: "d=1", S: "d=1", drills: { R: "failed 2026-02-02 2026-01-02" } };
  const world = "L: d1 d2 d3* #S:d3\nR: d1 d2 d3\nS: d1 d2 d3";
  const approval: Approval = {
    kind: "destroy",
    source: "here:tank/s",
    destroy: 6,
    until: 4e9 as EpochSeconds,
    untilText: "2096-10-02",
    place: { file: "holdfast.yaml", line: 9, column: 3 },
  };
  const gone = ({ operations }: Plan): number => operations.filter(({ kind }) => kind === "destroy").length;

  test("keeps every side of its source from being thinned, and names the files that differ", () => {
    const made = planned(world, failed);
    expect(gone(made)).toBe(0);
    expect(
      made.blocked.map(({ remote, reason, withheld }) => [remote ?? "L", reason, withheld?.snapshots.length]),
    ).toEqual(
      expect.arrayContaining([
        ["R", "verify", undefined],
        ["L", "verify", 2],
        ["R", "verify", 2],
        ["S", "verify", 2],
      ]),
    );
    const [entry] = made.blocked.filter(({ withheld }) => withheld === undefined);
    expect(entry?.evidence).toEqual([
      "looked at: daily-x",
      "differs: etc/passwd",
      "differs: a b",
      "the last good drill was on 2026-01-02 12:00",
    ]);
    expect(entry?.remedies[0]).toBe("look again: holdfast verify here:tank/s --on R");
  });

  test.each<[what: string, more: More, destroys: number]>([
    ["until one passes", { drills: { R: "passed 2026-02-03" } }, 3],
    ["until one is good enough", { drills: { R: "limited 2026-02-03" } }, 3],
    ["unless an approval says otherwise", { manifest: { approvals: [approval] } }, 3],
    ["unless this run does", { options: { allowDestroy: 6 } }, 3],
    ["not with less than that", { options: { allowDestroy: 5 } }, 0],
    ["also where only the source remembers it", { drills: {}, atSource: "failed 2026-02-02" }, 0],
    [
      "not by what the source remembers from before",
      { drills: { R: "passed 2026-02-03" }, atSource: "failed 2026-02-02" },
      3,
    ],
  ])("%s", (_, more, destroys) => {
    expect(gone(planned(world, { ...failed, ...more }))).toBe(destroys);
  });

  test("is followed by the next, which may well fail again", () => {
    const made = planned(world, {
      ...failed,
      verify: monthly,
      drills: { R: "failed 2026-01-31", S: "passed 2026-02-02" },
    });
    expect(drillsIn(made)).toEqual(["R: a drill is due since 2026-02-01 06:00"]);
    expect(new Set(made.blocked.map(({ reason }) => reason))).toEqual(new Set(["verify"]));
    const remembered = planned(world, { ...failed, verify: monthly, drills: {}, atSource: "failed 2026-01-31" });
    expect(drillsIn(remembered).map((text) => text.slice(0, 1))).toEqual(["R", "S"]);
    expect(new Set(remembered.blocked.map(({ reason }) => reason))).toEqual(new Set(["verify"]));
  });

  test("does not keep new snapshots from going there", () => {
    const { operations } = planned("L: d1 d2\nR: d1", { drills: { R: "failed 2026-01-02" } });
    expect(operations.map(({ kind }) => kind)).toContain("send");
  });
});

describe("how drills went", () => {
  const within = { ...monthly, within: (20 * DAY) as Seconds };
  const stateOf = (more: More) => {
    const { verified, notes } = planned("L: d1 d2*\nR: d1 d2", more);
    return [verified?.map(({ result, overdue }) => [result, overdue])[0], notes.some(({ kind }) => kind === "verify")];
  };
  test.each<[what: string, more: More, expected: unknown]>([
    ["lately", { verify: within, drills: { R: "passed 2026-02-02" } }, [["passed", false], false]],
    ["long ago", { verify: within, drills: { R: "passed 2026-01-05" } }, [["passed", true], true]],
    [
      "badly, and well long ago",
      { verify: within, drills: { R: "failed 2026-02-02 2026-01-05" } },
      [["failed", true], true],
    ],
    ["never, of what is old", { verify: within }, [["never", true], true]],
    ["never, of what is new", { verify: { ...monthly, within: (90 * DAY) as Seconds } }, [["never", false], false]],
    ["is remembered though nobody asks any more", { drills: { R: "passed 2026-02-02" } }, [["passed", false], false]],
    ["is nothing where nobody ever asked", {}, [undefined, false]],
  ])("%s", (_, more, expected) => {
    expect(stateOf(more)).toEqual(expected);
  });
});

describe("what is required", () => {
  const short = (world: string, more: More): string[] =>
    (planned(world, more).shortfalls ?? []).map(({ rule, remote }) =>
      remote === undefined ? rule : `${rule} ${remote}`,
    );
  const world = "L: d1 d2*\nR: d1 d2";
  test.each<[require: Requirements, world: string, more: More, expected: string[]]>([
    [{ copies: 2, offsite: 1 }, world, {}, []],
    [{ copies: 3, offsite: 2, immutable: 1 }, world, {}, ["copies", "offsite", "immutable"]],
    [{ immutable: 1 }, world, { remote: { deletions: "never" } }, []],
    [{ offsite: 1 }, world, { remote: { offsite: false } }, ["offsite"]],
    // what this plan brings about counts, what it cannot does not, and what is away gets the benefit of the doubt
    [{ copies: 2 }, "L: d1 d2", {}, []],
    [{ copies: 2 }, "L: d1 d2\nR: x1", {}, ["copies"]],
    [{ copies: 2 }, "L: x1", { keep: "", take: [] }, []],
    [{ copies: 2 }, "L: x1", { take: ["critical"] as never }, ["copies"]],
    [{ copies: 2 }, "L: d1*\nR away: d1", {}, []],
    [{ encrypted: true }, world, {}, ["encrypted R"]],
    [{ encrypted: true }, "L crypt: d1 d2*\nR raw: d1 d2", {}, []],
    [{ encrypted: true }, "L crypt: d1 d2", {}, []],
    [{ encrypted: true }, "L: d1 d2", {}, ["encrypted R"]],
    [{ verifiedWithin: (30 * DAY) as Seconds }, world, {}, ["verifiedWithin R"]],
    [{ verifiedWithin: (30 * DAY) as Seconds }, world, { verify: monthly }, []],
    [{ verifiedWithin: (30 * DAY) as Seconds }, world, { drills: { R: "passed 2026-02-02" } }, []],
    [{ verifiedWithin: (30 * DAY) as Seconds }, world, { drills: { R: "passed 2026-01-02" } }, ["verifiedWithin R"]],
    [
      { verifiedWithin: (30 * DAY) as Seconds },
      world,
      { drills: { R: "failed 2026-02-02 2026-02-01" } },
      ["verifiedWithin R"],
    ],
    [{ copies: 9, verifiedWithin: (30 * DAY) as Seconds }, world, { source: { suspend: true } }, []],
  ])("%j in %j with %j", (require, world, more, expected) => {
    expect(
      short(world, {
        take: ["daily"],
        now: "2026-01-03T00:00Z",
        ...more,
        ...(more.drills && { now: "2026-02-10T12:00Z" }),
        require,
      }),
    ).toEqual(expected);
  });
});

describe("verify, asked for", () => {
  const asked = (more: More, options: Omit<Parameters<typeof planVerify>[2], "now"> = {}) => {
    const { manifest, inventory, now } = given("L: d1 d2* #S:d2\nR: d1 d2\nS: d1 d2", { S: "d=all", ...more });
    return planVerify(manifest, inventory, { now, ...options });
  };

  test("looks at every copy now, and does nothing else", () => {
    const made = asked({ keep: "d=1", verify: { ...monthly, sample: 5 as Bytes }, drills: { R: "passed 2026-02-10" } });
    expect(made.operations.map(({ id, kind }) => [id, kind])).toEqual([
      ["verify here:tank/s R", "verify"],
      ["verify here:tank/s S", "verify"],
    ]);
    expect(made.operations[0]).toMatchObject({ sample: 5, reason: "asked for", lastGood: at("2026-02-10T12:00Z") });
  });

  test("on one remote, of another size, or of all", () => {
    const remotes = new Set(["S" as RemoteName]);
    expect(asked({}, { remotes, sample: 7 as Bytes }).operations).toMatchObject([{ remote: "S", sample: 7 }]);
    const [full] = asked({ verify: { sample: 5 as Bytes } }, { remotes, sample: "full" }).operations;
    expect(full).not.toHaveProperty("sample");
  });

  test("of what is there, not of what is still to come", () => {
    const { manifest, inventory, now } = given("L: d1 d2", {});
    expect(planVerify(manifest, inventory, { now }).operations).toEqual([]);
  });
});

test("the property is one that ZFS takes", () => expect(VERIFIED).toMatch(/^[a-z0-9:+._-]{1,256}$/));
