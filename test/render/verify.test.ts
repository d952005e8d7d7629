import { describe, expect, test } from "vitest";
import type { Plan, VerifiedCopy, VerifyOperation } from "../../src/model/plan.ts";
import type { Report } from "../../src/model/report.ts";
import type { Address, Bytes, DatasetName, EpochSeconds, Guid, HostName, RemoteName } from "../../src/model/units.ts";
import { drillWords } from "../../src/render/drill.ts";
import { renderPlanMarkdown } from "../../src/render/markdown.ts";
import { renderPlan } from "../../src/render/plan.ts";
import { renderReport } from "../../src/render/report.ts";

const source = "nas:tank/data" as Address;
const remote = "vault" as RemoteName;
const at = { host: "vault" as HostName, dataset: "backup/tank/data" as DatasetName };
const time = (Date.UTC(2026, 10, 1, 6) / 1000) as EpochSeconds;
const last = { time, result: "passed", of: "daily-1", files: 812, bytes: (2 ** 30) as Bytes, differs: [] } as const;
const copy: VerifiedCopy = {
  source,
  remote,
  at,
  result: "passed",
  overdue: false,
  lastGood: time,
  lastTried: time,
  last,
};

const drill: VerifyOperation = {
  id: "verify nas:tank/data vault",
  kind: "verify",
  source,
  remote,
  at,
  of: { ...at, snapshot: { name: "daily-1", guid: "1" as Guid }, datasetType: "filesystem" },
  sample: (2 ** 30) as Bytes,
  seed: "",
  reason: "a drill is due since 06:00",
  dependsOn: [],
  preconditions: [],
};
const plan: Plan = {
  formatVersion: 1,
  manifestDigest: "",
  self: "nas" as HostName,
  observedAt: "2026-11-22T06:00:00Z",
  now: "2026-11-22T06:00:00Z",
  complete: true,
  unobserved: [],
  operations: [drill],
  blocked: [],
  kept: [],
  foreign: [],
  notes: [],
  verified: [copy],
  shortfalls: [{ source, rule: "copies", message: "it is in 2 of the 3 places required" }],
  summary: {
    create: 0,
    send: 0,
    sendBytes: 0 as Bytes,
    resume: 0,
    backup: 0,
    copy: 0,
    forget: 0,
    destroy: 0,
    destroyBytes: 0 as Bytes,
    other: 1,
    blocked: 0,
    kept: 0,
  },
};

describe("how a drill is told", () => {
  test.each<[copy: Partial<VerifiedCopy>, words: string]>([
    [{}, "passed on 2026-11-01 06:00: daily-1, 812 files, 1 GiB"],
    [{ overdue: true }, "passed on 2026-11-01 06:00: daily-1, 812 files, 1 GiB; overdue"],
    [
      { result: "limited", last: { ...last, result: "limited", limit: "key" } },
      "limited on 2026-11-01 06:00 (not read, as its key is not loaded there): daily-1, 812 files, 1 GiB",
    ],
    [
      { result: "failed", last: { ...last, result: "failed", of: "\u001b[31mx" } },
      "failed on 2026-11-01 06:00: \\x1b[31mx, 812 files, 1 GiB; the last good one on 2026-11-01 06:00",
    ],
  ])("%j", (more, words) => {
    expect(drillWords({ ...copy, ...more })).toBe(words);
  });

  test("that was never made", () => {
    const { last: _, ...none } = copy;
    expect(drillWords({ ...none, result: "never", overdue: true })).toBe("never; overdue");
  });
});

test("a plan shows the drill, what falls short, and with -v how the last ones went", () => {
  expect(renderPlan(plan, { color: false, verbose: true })).toBe(`  tank/data
    ~ verify    @daily-1  on vault:backup/tank/data    up to 1 GiB    a drill is due since 06:00
  ! short: of what the manifest requires
    tank/data: it is in 2 of the 3 places required
  verified
    tank/data on vault: passed on 2026-11-01 06:00: daily-1, 812 files, 1 GiB

Plan: 1 to verify. 0 kept. 1 short of what is required.
`);
  expect(renderPlan(plan, { color: false })).not.toContain("  verified");
});

test("a comment on a pull request has both, folded", () => {
  const comment = renderPlanMarkdown(plan);
  expect(comment).toContain("<summary>1 thing short of what the manifest requires</summary>");
  expect(comment).toContain("`tank/data`: it is in 2 of the 3 places required");
  expect(comment).toContain("| verify | `@daily-1` | `on vault:backup/tank/data` |");
});

test("a report has files, bytes, seconds and differences of each copy", () => {
  const report: Report = {
    formatVersion: 1,
    manifestDigest: "",
    startedAt: "2026-11-22T06:00:00Z",
    finishedAt: "2026-11-22T06:01:00Z",
    finished: true,
    operations: [
      {
        id: "a",
        kind: "verify",
        source,
        remote,
        description: "verify @daily-1",
        outcome: "failed",
        seconds: 42,
        verify: {
          result: "failed",
          files: 812,
          bytes: (2 ** 30) as Bytes,
          message: "a sample",
          differences: ["etc/passwd: other contents"],
        },
        error: { message: "the copy is not what was backed up", output: "etc/passwd: other contents" },
      },
    ],
  };
  const text = renderReport(report, { blocked: [], unobserved: [] }, { color: false });
  expect(text).toContain(
    "  failed   nas:tank/data on vault: 812 files, 1 GiB, 42 s, 1 difference\n           a sample\n",
  );
  expect(text).toContain("    | etc/passwd: other contents");
});
