import { expect, test } from "vitest";
import type { Group } from "../../src/model/manifest.ts";
import type { CreateOperation } from "../../src/model/plan.ts";
import type { EpochSeconds, TypeName } from "../../src/model/units.ts";
import { type PlanOptions, plan, planSnapshot } from "../../src/planner/index.ts";
import { byType, entry, layout, makeManifest } from "../property/manifests.ts";
import { emptyWorld, toInventory } from "../property/world.ts";
import * as zfs from "../property/zfs.ts";

const now = (Date.UTC(2026, 1, 10, 12, 30) / 1000) as EpochSeconds;
const place = { file: "holdfast.yaml", line: 1, column: 1 };
const group: Group = { sources: ["a:tank/app", "a:tank/db"], place };

/** `app` is due, `db` is not: it has a snapshot of this hour. `gone` is a member that does not exist. */
function made({
  gone = false,
  suspend = false,
  ...options
}: Partial<PlanOptions> & { gone?: boolean; suspend?: boolean } = {}) {
  const world = emptyWorld(layout);
  zfs.create(world, "a", "tank");
  for (const name of ["tank/app", "tank/db", "tank/other"]) zfs.create(world, "a", name, { own: { adopted: "on" } });
  zfs.snapshot(world, "a", [{ dataset: "tank/db", name: "hourly-20260210T121500Z" }], now - 900);
  const keep = byType({ hourly: 3 });
  const manifest = makeManifest({
    datasets: [
      entry("a:tank/app", { keep }),
      entry("a:tank/db", { keep, suspend }),
      entry("a:tank/other", { keep }),
      ...(gone ? [entry("a:tank/gone", { keep })] : []),
    ],
    groups: [gone ? { ...group, sources: [...group.sources, "a:tank/gone"] } : group],
  });
  const inventory = toInventory(world, now);
  return {
    planned: plan(manifest, inventory, { now, ...options }),
    asked: (...sources: string[]) =>
      planSnapshot(manifest, inventory, { now, type: "hourly" as TypeName, ...(sources.length > 0 && { sources }) }),
  };
}

const creates = ({ operations }: ReturnType<typeof made>["planned"]): CreateOperation[] =>
  operations.filter((operation) => operation.kind === "create");
const datasets = (operations: readonly CreateOperation[]): string[] => operations.map(({ at }) => at.dataset);

test("when one member is due, all are taken, in one command of their own, and then none is due", () => {
  const { planned } = made();
  const all = creates(planned);
  expect(datasets(all)).toEqual(["tank/app", "tank/db", "tank/other"]);
  const [app, db, other] = all;
  expect(app).toMatchObject({ together: true, atomic: db?.atomic });
  expect(other?.atomic).not.toBe(app?.atomic);
  expect(db?.reason).toContain("in its group");
  expect(planned.blocked).toEqual([]);
});

test.each([
  ["is not there", { gone: true }, /a:tank\/gone is left out, is not there/],
  ["is suspended", { suspend: true }, /a:tank\/db is suspended/],
  ["is left out", { target: ["a:tank/app"] }, /a:tank\/db is left out/],
])("none is taken where one %s, and that is said", (_, how, message) => {
  const { planned } = made(how);
  expect(datasets(creates(planned)).filter((name) => name !== "tank/other")).toEqual([]);
  expect(planned.blocked.filter(({ reason }) => reason === "group")).toMatchObject([
    { source: "a:tank/app", message: expect.stringMatching(message) },
  ]);
});

test("asked for one of them, all are taken", () => {
  expect(datasets(creates(made().asked("a:tank/db")))).toEqual(["tank/app", "tank/db"]);
  expect(datasets(creates(made().asked("a:tank/other")))).toEqual(["tank/other"]);
  expect(made({ gone: true }).asked("a:tank/db").blocked).toMatchObject([{ reason: "group" }, { reason: "group" }]);
});
