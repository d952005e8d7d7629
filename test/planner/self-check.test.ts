import { expect, test } from "vitest";
import type { Operation } from "../../src/model/plan.ts";
import { check } from "../../src/planner/self-check.ts";
import { type Case, parse, planOf } from "./notation.ts";

const world: Case = {
  world: "L: d1 d2 d3\nR: d1",
  keep: "d=2",
  R: "d=2",
  take: ["daily"],
  now: "2026-01-06T12:00Z",
};
const { inventory } = parse(world);
const planned = planOf(world);
const kinds = (operations: readonly Operation[]) => operations.map(({ kind }) => kind);

test("a plan that leaves something to do is a bug: only snapshots are still taken", () => {
  expect(kinds(planned.operations)).toContain("destroy");
  const [first] = planned.operations;
  const checked = check(planned, inventory, () => ({ ...planned, operations: first ? [first] : [] }));
  expect(kinds(checked.operations)).toEqual(["create"]);
  expect(checked.blocked).toMatchObject([{ source: "here:tank/s", reason: "bug" }]);
});

test("a step that cannot work is one, too", () => {
  const [destroy] = planned.operations.filter(({ kind }) => kind === "destroy");
  const twice = { ...planned, operations: [...planned.operations, ...(destroy ? [destroy] : [])] };
  const checked = check(twice, inventory, () => planned);
  expect(kinds(checked.operations)).toEqual(["create"]);
  expect(checked.blocked.at(-1)?.message).toMatch(/a snapshot to destroy is not there/);
});

test("a plan that works is left as it is", () => {
  expect(check(planned, inventory, () => ({ ...planned, operations: [] }))).toBe(planned);
});
