import { describe, expect, test } from "vitest";
import { outcomeVariables } from "../../src/hooks/outcome.ts";
import type { OperationReport } from "../../src/model/report.ts";

const report = (text: string): OperationReport => {
  const [kind, outcome] = text.split(" ");
  return { kind, outcome, error: { message: `${text}\nmore` } } as OperationReport;
};

describe("what a hook that runs after is told", () => {
  test.each([
    ["nothing was done", [], "complete"],
    ["all of it was done", ["create done", "send done"], "complete"],
    ["nothing was begun", ["create skipped"], "skipped", "create skipped"],
    ["some had to be left out", ["create done", "backup skipped"], "partial", "backup skipped"],
    ["a hook within failed", ["hook failed", "create skipped"], "failed", "hook failed"],
    ["a hook within is no work", ["hook done", "create skipped"], "skipped", "create skipped"],
    ["a copy lacks files", ["create done", "backup partial"], "partial", "backup partial"],
    ["the worst is what counts", ["backup partial", "send interrupted", "copy stale"], "failed", "copy stale"],
    ["it was ended", ["backup partial", "send interrupted"], "interrupted", "send interrupted"],
  ])("%s", (_, texts, word, message?: string) => {
    expect(outcomeVariables(texts.map(report))).toEqual({
      HOLDFAST_OUTCOME: word,
      ...(message !== undefined && { HOLDFAST_ERROR: message }),
    });
  });
});
