import { expect, test } from "vitest";
import type { Unobserved } from "../../src/model/plan.ts";
import type { OperationReport, Report } from "../../src/model/report.ts";
import type { Bytes } from "../../src/model/units.ts";
import { type Running, renderFinished, renderProgress, renderSearch } from "../../src/render/progress.ts";
import { renderReport } from "../../src/render/report.ts";
import * as plans from "./plans.ts";

const plain = { color: false } as const;
const done: OperationReport = {
  id: "send-1",
  kind: "send",
  source: plans.source("tank/data"),
  remote: plans.vault,
  description: "send @a … @c → vault:tank/backups/nas01/tank/data",
  outcome: "done",
  seconds: 80,
  bytes: plans.bytes(1.2 * plans.GiB),
};
const failed: OperationReport = {
  ...done,
  id: "send-2",
  outcome: "failed",
  bytes: 0 as Bytes,
  error: {
    message: "the pool on vault is full",
    output: "cannot receive incremental stream: out of space\nsecond line\u001b[2J\n",
    command: "zfs receive -s -u tank/backups/nas01/tank/data",
    hint: "free space on vault, then apply again: the transfer resumes",
  },
};
const report = (operations: readonly OperationReport[], finished = true): Report => ({
  formatVersion: 1,
  manifestDigest: "0",
  startedAt: "2026-11-22T00:00:00Z",
  finishedAt: "2026-11-22T00:01:20Z",
  finished,
  operations,
});

test("a run in which everything worked is one line", () => {
  expect(renderReport(report([done]), { blocked: [], unobserved: [] }, plain)).toBe(
    "Applied: 1 done. 1.2 GiB sent in 1 m 20 s.\n",
  );
});

test("what should be known of something done is a warning, and counts as done", () => {
  const warned: OperationReport = { ...done, warnings: ["compression could not be set there\nsecond line"] };
  expect(renderReport(report([warned]), { blocked: [], unobserved: [] }, plain)).toBe(
    `! warning  nas01:tank/data: send @a … @c → vault:tank/backups/nas01/tank/data
    compression could not be set there
    second line

Applied: 1 done. 1.2 GiB sent in 1 m 20 s.
`,
  );
});

test("what failed is shown with its command, output and what to do", () => {
  const skipped: OperationReport = {
    ...done,
    id: "destroy-1",
    description: "destroy @a",
    outcome: "skipped",
    bytes: 0 as Bytes,
    error: { message: "it needs send-2, which failed" },
  };
  const away: Unobserved = { host: plans.nas, reason: "away", expected: true };
  expect(renderReport(report([done, skipped, failed]), { blocked: [plans.diverged], unobserved: [away] }, plain)).toBe(
    `! failed  nas01:tank/data: send @a … @c → vault:tank/backups/nas01/tank/data
    the pool on vault is full
    command: zfs receive -s -u tank/backups/nas01/tank/data
    | cannot receive incremental stream: out of space
    | second line\\x1b[2J
    next: free space on vault, then apply again: the transfer resumes
! skipped  1 operation: it needs send-2, which failed
    nas01:tank/data: destroy @a

Applied: 1 done, 1 failed, 1 skipped; 1 blocked. 1.2 GiB sent in 1 m 20 s.
`,
  );
});

test("an interrupted run says so, and what could not be observed counts", () => {
  const missing: Unobserved = { host: plans.nas, reason: "no route", expected: false };
  const text = renderReport(
    report([{ ...done, outcome: "interrupted" }], false),
    { blocked: [], unobserved: [missing] },
    plain,
  );
  expect(text).toContain("Interrupted: 0 done, 1 interrupted; 1 place not observed. 1.2 GiB sent in 1 m 20 s.");
});

const running: Running = {
  label: "nas01:tank/data  send @a … @c → vault:tank/backups/nas01/tank/data",
  startedAt: 0,
  bytes: 4.1 * plans.GiB,
  expected: 9.8 * plans.GiB,
  rate: 51.2 * plans.MiB,
};
const totals = {
  done: 3,
  operations: 7,
  bytes: 5.1 * plans.GiB,
  expected: 12 * plans.GiB,
  rate: 63.7 * plans.MiB,
  startedAt: 0,
};

test("a running transfer shows bytes, percent, rate and time left; a total line follows", () => {
  const [line = "", total = ""] = renderProgress([running], totals, 82_000, { color: false, width: 120 }).split("\n");
  expect(line).toMatch(/^ {2}nas01:tank\/data .* 4\.1 of 9\.8 GiB +41 % +51\.2 MiB\/s +1 m 54 s left$/);
  expect(total).toMatch(/^ {2}total: 3 of 7 operations, 1 running +5\.1 of 12 GiB +42 % +63\.7 MiB\/s +1 m 51 s left$/);
});

test("progress lines are never wider than the terminal, and never above 100 percent", () => {
  for (const width of [40, 80, 200]) {
    const more = { ...running, bytes: 20 * plans.GiB };
    const lines = renderProgress([running, more], totals, 82_000, { color: false, width }).split("\n");
    expect(lines).toHaveLength(3);
    expect(lines.every((line) => line.length < width)).toBe(true);
  }
  const over = renderProgress([{ ...running, bytes: 20 * plans.GiB }], totals, 1000, { color: false, width: 120 });
  expect(over).toContain("100 %");
});

test("the file that is being read stands below; of a long path the end", () => {
  const at = (current: string, width: number): string[] => {
    const files = { done: 68, total: 300, current };
    return renderProgress([{ ...running, files }], totals, 1000, { color: false, width }).split("\n");
  };
  expect(at("docs/a\u001b[2Jb", 120)).toMatchObject([
    expect.stringContaining("68 of 300 files"),
    "    docs/a\\x1b[2Jb",
    expect.stringContaining("total"),
  ]);
  const [, path = ""] = at(`${"folder/".repeat(20)}file`, 60);
  expect(path).toMatch(/^ {4}….*\/folder\/file$/);
  expect(path.length).toBeLessThan(60);
});

test("an operation without bytes shows how long it runs", () => {
  const line = renderProgress(
    [{ label: "destroy", startedAt: 0, bytes: 0, rate: 0 }],
    { ...totals, expected: 0 },
    5000,
    {
      color: false,
      width: 60,
    },
  );
  expect(line).toContain("5 s");
  expect(line).not.toContain("%");
});

test("an ended operation leaves one line", () => {
  expect(renderFinished(done, plain)).toBe(
    "done          nas01:tank/data  send @a … @c → vault:tank/backups/nas01/tank/data  (1.2 GiB in 1 m 20 s)",
  );
  expect(renderFinished(failed, plain)).toContain("! failed");
  expect(renderFinished(failed, plain)).toContain(": the pool on vault is full");
});

test("a search says how far it is, in one line of the terminal's width", () => {
  const search = { done: 1_200, snapshots: 4_800, seconds: 75 };
  expect(renderSearch(search, { color: false, width: 60 })).toMatch(
    /^ {2}searched: 1,200 of 4,800 snapshots +1 m 15 s$/,
  );
  for (const width of [20, 40, 100]) expect(renderSearch(search, { color: false, width }).length).toBeLessThan(width);
  expect(renderSearch({ done: 0, snapshots: 1, seconds: 0 }, { color: false })).toContain("0 of 1 snapshot ");
});
