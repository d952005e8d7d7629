import { describe, expect, test } from "vitest";
import type { Operation } from "../../src/model/plan.ts";
import type { OperationReport } from "../../src/model/report.ts";
import { howLong } from "../../src/render/how-long.ts";

const MiB = 2 ** 20;
const send = (remote: string, estimate: number) => ({ kind: "send", remote, estimate, restores: "received" });
const files = (remote: string, estimate?: number) => ({ kind: "restore-files", remote, estimate });
const ran = (remote: string, mebibytes: number, seconds: number, outcome = "done") => ({
  remote,
  bytes: mebibytes * MiB,
  seconds,
  outcome,
});

describe("how long a restore takes", () => {
  test.each([
    [
      "as what went there lately",
      [send("vault", 600 * MiB)],
      [ran("vault", 100, 10)],
      "About 1 m, as fast as it lately went with vault (10 MiB/s).",
    ],
    [
      "the usual one, not the quickest",
      [send("vault", 600 * MiB)],
      [ran("vault", 900, 1), ran("vault", 100, 10), ran("vault", 50, 50)],
      /^About 1 m,/,
    ],
    [
      "not by what failed, was tiny, or went elsewhere",
      [send("vault", 200 * MiB)],
      [ran("vault", 9, 900, "failed"), ran("vault", 0.1, 60), ran("usb", 9, 900)],
      "About 2 s, if vault gives 100 MiB/s; how fast it is is not known here.",
    ],
    [
      "from several places",
      [send("vault", 60 * MiB), files("usb", 1000 * MiB)],
      [ran("vault", 10, 10)],
      "About 1 m 10 s, as fast as it lately went with vault (1 MiB/s); if usb gives 100 MiB/s; how fast it is is not known here.",
    ],
    [
      "what is left of a cut one",
      [{ kind: "resume", remote: "vault", remaining: 20 * MiB, restores: "received" }],
      [ran("vault", 10, 10)],
      /^About 20 s,/,
    ],
    ["never less than a second", [send("vault", 1)], [ran("vault", 10, 10)], /^About 1 s,/],
    ["not where it is not known how much it is", [send("vault", 1), files("usb")], [], undefined],
    ["not of what is no restore", [{ kind: "send", remote: "vault", estimate: 1 }], [], undefined],
  ])("%s", (_, operations, reports, expected) => {
    const said = howLong({ operations: operations as unknown as Operation[] }, reports as unknown as OperationReport[]);
    if (expected instanceof RegExp) expect(said).toMatch(expected);
    else expect(said).toBe(expected);
  });
});
