import { describe, expect, test } from "vitest";
import type { Plan } from "../../src/model/plan.ts";
import { writePlace } from "../../src/model/plan.ts";
import type { Address, DatasetName, HostName } from "../../src/model/units.ts";
import { planRestore, type RestoreRequest } from "../../src/planner/restore/index.ts";
import { type Case, parse } from "./notation.ts";

const source = "here:tank/s" as Address;

function restored(world: string, request: Partial<RestoreRequest> = {}, more: Partial<Case> = {}): Plan {
  const { manifest, inventory, now } = parse({ world, R: "d=all h=all", now: "2026-01-20T00:00Z", ...more });
  return planRestore(manifest, inventory, { now, source, ...request });
}

/** `restore d1 d2 → here:tank/x; settle`, then what is blocked. */
const short = ({ operations, blocked }: Plan): string =>
  [
    ...operations.map((one) => {
      if (one.kind === "send")
        return `${one.restores} ${one.base === null ? "full" : "more"} ${one.snapshots.length} → ${writePlace(one.at)}`;
      return `${one.kind} ${writePlace(one.at)}`;
    }),
    ...blocked.map(({ reason, message }) => `!${reason}: ${message}`),
  ].join("; ");

const beside = (day: number): string => `here:tank/s-restored-202601${String(day + 1).padStart(2, "0")}T0000Z`;

describe("where it goes", () => {
  const table: readonly (readonly [string, string, Partial<RestoreRequest>, string | RegExp])[] = [
    [
      "the newest, beside the original",
      "L: d1 d2\nR: d1 d2",
      {},
      `received full 1 → ${beside(2)}; settle ${beside(2)}`,
    ],
    [
      "with its history: the first in full, the others at once",
      "L: d1\nR: d1 d2 d3",
      { withSnapshots: true },
      `received full 1 → ${beside(3)}; received more 2 → ${beside(3)}; settle ${beside(3)}`,
    ],
    [
      "where nothing could be seen",
      "L away:\nR: d1 d2",
      { inPlace: true },
      /^!unseen: what is at here:tank\/s could not be seen/,
    ],
    ["the source is gone", "R: d1 d2", {}, `received full 1 → ${beside(2)}; settle ${beside(2)}`],
    [
      "in place of one that is gone",
      "R: d1 d2",
      { inPlace: true },
      "received full 1 → here:tank/s; settle here:tank/s",
    ],
    [
      "to a place that is named",
      "L: d1\nR: d1",
      { to: { dataset: "tank/x" as DatasetName } },
      "received full 1 → here:tank/x; settle here:tank/x",
    ],
    [
      "to another host",
      "L: d1\nR: d1",
      { to: { host: "there" as HostName, dataset: "pool/x" as DatasetName } },
      "received full 1 → there:pool/x; settle there:pool/x",
    ],
    [
      "the original itself is no other place",
      "L: d1\nR: d1",
      { to: { dataset: "tank/s" as DatasetName } },
      /!occupied: tank\/s is the original itself/,
    ],
    [
      "over a dataset that is there",
      "L: d1\nR: d1",
      { to: { dataset: "tank" as DatasetName } },
      /!occupied: .* is there already/,
    ],
    [
      "rolled back: it has the snapshot",
      "L: d1 d2 ~\nR: d1",
      { inPlace: true, snapshot: "daily-20260102T000000Z" },
      "rollback here:tank/s",
    ],
    [
      "replaced: only the copy has it",
      "L: d2\nR: d1 d2",
      { inPlace: true, snapshot: "daily-20260102T000000Z" },
      "replace here:tank/s; received full 1 → here:tank/s; settle here:tank/s",
    ],
    [
      "what follows is held",
      "L: d1 d2!\nR: d1",
      { inPlace: true, snapshot: "daily-20260102T000000Z" },
      /!remedy: 1 of the later snapshots are held or cloned/,
    ],
    ["nothing was changed since", "L: d1 d2\nR: d1 d2", { inPlace: true }, ""],
  ];
  test.each(table)("%s", (_, world, request, expected) => {
    const text = short(restored(world, request));
    if (typeof expected === "string") expect(text).toBe(expected);
    else expect(text).toMatch(expected);
  });
});

describe("which copy", () => {
  const from = (plan: Plan) => plan.operations.map((one) => ("remote" in one ? one.remote : ""))[0];
  test.each([
    ["the newest of two", "L: d1\nR: d1 d2\nS: d1 d2 d3", {}, "S"],
    ["the one that is named", "L: d1\nR: d1 d2\nS: d1 d2 d3", { from: "R" }, "R"],
    ["the one that can be seen", "L: d1\nR: d1 d2\nS away: d1 d2 d3", {}, "R"],
    ["the one that has the snapshot", "L: d1\nR: d2\nS: d1", { snapshot: "daily-20260102T000000Z" }, "S"],
    ["the source's own, where they are asked for", "L: d1 d2\nR: d1", { from: "source" }, "source"],
  ] as const)("%s", (_, world, request, expected) => {
    expect(from(restored(world, request, { S: "d=all" }))).toBe(expected);
  });

  test("none: the plan says which places could not be seen, and is incomplete", () => {
    const plan = restored("L: d1\nR away: d1");
    expect(plan.complete).toBe(false);
    expect(plan.blocked).toMatchObject([
      { reason: "no-copy", evidence: [expect.stringMatching(/^R could not be seen/)] },
    ]);
  });

  test("as of a time", () => {
    const at = (Date.parse("2026-01-03T12:00Z") / 1000) as never;
    expect(short(restored("L: d1\nR: d1 d2 d3", { at }))).toBe(`received full 1 → ${beside(2)}; settle ${beside(2)}`);
    expect(short(restored("L: d1\nR: d2 d3", { at: (Date.parse("2026-01-02T12:00Z") / 1000) as never }))).toMatch(
      /^!no-copy: no place that was seen has a copy of it from 2026-01-02T12:00:00Z or before/,
    );
  });
});
