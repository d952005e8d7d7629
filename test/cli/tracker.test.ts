import { expect, test } from "vitest";
import { Tracker } from "../../src/cli/tracker.ts";
import type { OperationReport, Outcome } from "../../src/model/report.ts";
import type { Bytes } from "../../src/model/units.ts";
import * as plans from "../render/plans.ts";

const MiB = 1024 ** 2;
const bytes = (mebibytes: number) => (mebibytes * MiB) as Bytes;

function tracked() {
  const clock = { now: 0 };
  const send = { ...plans.send, id: "send", estimate: bytes(100) };
  const other = { ...plans.send, id: "other", estimate: bytes(50) };
  const tracker = new Tracker({ operations: [send, other, plans.destroy] }, () => clock.now);
  const end = (id: string, outcome: Outcome): void => {
    const report: OperationReport = { id, kind: "send", source: send.source, description: "", outcome, seconds: 1 };
    tracker.finished(report);
  };
  return { clock, tracker, end };
}

test("the rate is that of late, not of the whole", () => {
  const { clock, tracker } = tracked();
  tracker.started({ id: "send", description: "send it", expected: bytes(100) });
  for (const [now, done] of [
    [0, 0],
    [10_000, 1],
    [20_000, 2],
    [30_000, 32],
    [40_000, 62],
  ] as const) {
    clock.now = now;
    tracker.progress({ id: "send", bytes: bytes(done), expected: bytes(100) });
  }
  const [running] = tracker.running();
  expect(running?.label).toBe("nas01:tank/data  send it");
  expect(running?.rate).toBeCloseTo(3 * MiB, 0);
  clock.now = 80_000;
  expect(tracker.running()[0]?.rate).toBeLessThan(1.1 * MiB);
});

test("totals: what is done is there in full, what failed is no longer expected", () => {
  const { tracker, end } = tracked();
  expect(tracker.totals()).toMatchObject({ done: 0, operations: 3, bytes: 0, expected: bytes(150) });
  tracker.started({ id: "send", description: "a", expected: bytes(100) });
  tracker.started({ id: "other", description: "b", expected: bytes(50) });
  tracker.progress({ id: "send", bytes: bytes(90), expected: bytes(100) });
  tracker.progress({ id: "other", bytes: bytes(20), expected: bytes(60) });
  expect(tracker.totals()).toMatchObject({ bytes: bytes(110), expected: bytes(160) });
  end("send", "done");
  end("other", "failed");
  expect(tracker.totals()).toMatchObject({ done: 2, bytes: bytes(120), expected: bytes(120) });
  expect(tracker.running()).toEqual([]);
});
