import { describe, expect, test } from "vitest";
import type { Comparison } from "../../src/model/comparison.ts";
import type { Retention, ZfsRemote } from "../../src/model/manifest.ts";
import type { Operation, Plan } from "../../src/model/plan.ts";
import { address, type DatasetName, type HostName, type RemoteName } from "../../src/model/units.ts";
import { comparePlans } from "../../src/planner/compare.ts";
import type { Source } from "../../src/planner/sources.ts";
import { renderComparison, renderComparisonMarkdown } from "../../src/render/comparison.ts";
import * as plans from "../render/plans.ts";

const keep: Retention = { by: "type", types: new Map() };
const remote = (name: string, host: string | undefined): ZfsRemote => ({
  name: name as RemoteName,
  type: "zfs",
  ...(host === undefined ? {} : { host: host as HostName }),
  root: "tank/backups/{host}",
  mode: "push",
  deletions: "allow",
  raw: "auto",
  properties: {},
  excludeProperties: [],
  withProperties: true,
  compress: "off",
  removable: false,
  whileAway: "freeze",
});
const source = (dataset: string, remotes: readonly ZfsRemote[], hourly = "24", host = "nas01"): Source => ({
  address: address(host as HostName, dataset as DatasetName),
  host: host as HostName,
  dataset: dataset as DatasetName,
  keys: { take: [], keep, pin: [], suspend: false },
  repositories: [],
  copies: remotes.map((one) => ({
    remote: one,
    host: one.host ?? (host as HostName),
    target: `x/${dataset}` as DatasetName,
    keep,
  })),
  provenance: [{ key: "keep", value: `{ hourly: ${hourly} }`, from: "defaults" }],
});
const vault = remote("vault", "vault");
const second = remote("second", undefined);

const compare = (
  base: { plan?: Partial<Plan>; sources?: readonly Source[] },
  head: { plan?: Partial<Plan>; sources?: readonly Source[] },
): Comparison =>
  comparePlans(
    { manifest: "git:main", plan: plans.plan(base.plan ?? {}), sources: base.sources ?? [] },
    { manifest: "holdfast.yaml", plan: plans.plan(head.plan ?? {}), sources: head.sources ?? [] },
  );

const destroy = (host: string, names: readonly string[]): Operation =>
  ({
    ...plans.destroy,
    id: `destroy-${host}`,
    source: plans.source("tank/data", host),
    at: plans.at(host, "tank/data"),
    snapshots: names.map((name, index) => plans.destroyed(name, index + 1, 1000)),
    bytes: plans.bytes(names.length * 1000 + 7),
  }) as Operation;

const names = (count: number) => Array.from({ length: count }, (_, index) => `hourly-${index}`);

test("the same plan twice is no change", () => {
  const same = { plan: plans.typical, sources: [source("tank/data", [vault])] };
  const comparison = compare(same, same);
  expect(comparison.headline).toBe("This change does nothing now.");
  expect(comparison.does.operations).toEqual([]);
  expect(comparison.does.blocked).toEqual([]);
  expect(comparison.stops.operations).toEqual([]);
  expect(comparison.keys).toEqual([]);
});

test("ids and what a plan creates itself do not make a difference", () => {
  const renamed = JSON.parse(JSON.stringify(plans.typical).replaceAll("create-1", "create-9")) as Plan;
  expect(compare({ plan: plans.typical }, { plan: renamed }).does.operations).toEqual([]);
});

test("a destroy is cut down to what only this change destroys", () => {
  const base = { plan: { operations: [destroy("nas01", names(3))] } };
  const head = { plan: { operations: [destroy("nas01", names(10))] } };
  const comparison = compare(base, head);
  const [operation] = comparison.does.operations;
  expect(operation?.kind === "destroy" && operation.snapshots.map(({ name }) => name)).toEqual(names(10).slice(3));
  expect(comparison.does.summary).toMatchObject({ destroy: 7, destroyBytes: 7000 });
  expect(compare(head, base).stops.summary.destroy).toBe(7);
  expect(compare(head, base).headline).toBe("This change spares 7 snapshots that would be destroyed without it.");
});

test("the issue's example: a headline with hosts and an ended off-site copy", () => {
  const sources = [source("tank/data", [vault]), source("tank/db", [vault])];
  const comparison = compare(
    { sources },
    {
      plan: { operations: ["nas01", "nas02", "nas03", "nas04"].map((host) => destroy(host, names(78))) },
      sources: [source("tank/data", [vault]), source("tank/db", [])],
    },
  );
  expect(comparison.headline).toBe(
    "This change destroys 312 snapshots on 4 hosts and ends the off-site copy of tank/db on vault.",
  );
  expect(comparison.copies.ended).toEqual([{ source: "nas01:tank/db", remote: "vault", offSite: true }]);
});

describe("headlines", () => {
  const withheld = { ...plans.everything.blocked[0] } as Plan["blocked"][number];
  const a = source("tank/a", [vault, second]);
  const b = source("tank/b", [second]);
  test.each<[string, Parameters<typeof compare>[0], Parameters<typeof compare>[1], string]>([
    [
      "withheld deletions are not called destroyed",
      {},
      { plan: { blocked: [withheld] } },
      "This change would destroy 23 snapshots on 1 host, which is withheld until it is allowed.",
    ],
    ["a source that is taken out", { sources: [a, b] }, { sources: [b] }, "This change ends the protection of tank/a."],
    ["a source that is new", { sources: [b] }, { sources: [a, b] }, "This change protects tank/a."],
    [
      "several copies",
      { sources: [a, b] },
      { sources: [source("tank/a", []), source("tank/b", [])] },
      "This change ends 3 copies, 1 of them off-site.",
    ],
    [
      "a copy on the same host",
      { sources: [b] },
      { sources: [source("tank/b", [])] },
      "This change ends the copy of tank/b on second.",
    ],
    [
      "new operations",
      {},
      { plan: { operations: [plans.create, plans.send] } },
      "This change takes 1 snapshot and sends 2 snapshots.",
    ],
    [
      "something newly blocked",
      {},
      { plan: { blocked: [plans.diverged] } },
      "This change blocks 1 thing that was not blocked before.",
    ],
    [
      "only bookkeeping",
      {},
      { plan: { operations: plans.everything.operations.slice(0, 1) } },
      "This change destroys nothing.",
    ],
  ])("%s", (_, base, head, expected) => {
    expect(compare(base, head).headline).toBe(expected);
  });
});

test("a source that the new manifest cannot settle is blocked, not ended", () => {
  const comparison = compare(
    { sources: [source("tank/vm", [vault])] },
    { plan: { blocked: [{ ...plans.diverged, reason: "ambiguous" }] } },
  );
  expect(comparison.sources.ended).toEqual([]);
  expect(comparison.copies.ended).toEqual([]);
});

test("as text and as a comment", async () => {
  const comparison = compare(
    {
      plan: { operations: [plans.resume] },
      sources: [source("tank/data", [vault]), source("tank/db", [vault]), source("tank/old", [second])],
    },
    {
      plan: { operations: [plans.create, plans.send, plans.destroy], blocked: [plans.diverged] },
      sources: [source("tank/data", [vault], "4"), source("tank/db", [], "4"), source("tank/new", [second])],
    },
  );
  await expect(renderComparison(comparison, { color: false })).toMatchFileSnapshot("../golden/comparison.txt");
  await expect(renderComparisonMarkdown(comparison)).toMatchFileSnapshot("../golden/comparison.md");
});
