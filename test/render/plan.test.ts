import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Operation, Plan } from "../../src/model/plan.ts";
import type { Bytes } from "../../src/model/units.ts";
import { renderPlan } from "../../src/render/plan.ts";
import { changesInWords, summaryLine } from "../../src/render/summary.ts";
import * as plans from "./plans.ts";

const plain = { color: false } as const;
const { typical, empty, everything, hostile } = plans;

describe("golden plans", () => {
  test.each(Object.entries({ typical, empty, everything, hostile }))("%s", async (name, plan) => {
    await expect(renderPlan(plan, plain)).toMatchFileSnapshot(`../golden/plan-${name}.txt`);
  });

  test("in a narrow terminal", async () => {
    await expect(renderPlan(everything, { color: false, width: 80 })).toMatchFileSnapshot("../golden/plan-narrow.txt");
  });

  test("verbose, with commands", async () => {
    const text = renderPlan(typical, {
      ...plain,
      verbose: true,
      commands: (operation) => [`nas01$ zfs ${operation.kind} …`],
    });
    await expect(text).toMatchFileSnapshot("../golden/plan-verbose.txt");
  });
});

test("the summary line counts what there is", () => {
  expect(summaryLine(typical)).toBe(
    "Plan: 1 to create, 1 to send (1.2 GiB), 1 to resume, 23 to destroy (310 MiB); 1 blocked. 187 kept.",
  );
  expect(summaryLine(empty)).toBe("No changes. 187 kept.");
  expect(summaryLine({ ...empty, summary: { ...empty.summary, blocked: 2 } })).toBe("No changes. 2 blocked. 187 kept.");
  const restores = (restoreBytes: number) =>
    changesInWords({ ...empty, summary: { ...empty.summary, restore: 1, restoreBytes: restoreBytes as Bytes } });
  expect([restores(2048), restores(0)]).toEqual(["1 to restore (2 KiB)", "1 to restore"]);
  expect(summaryLine({ ...empty, complete: false })).toBe(
    "No changes. 187 kept. Incomplete: not everything could be observed.",
  );
});

test("destroys stand last in each source", () => {
  const words = renderPlan(everything, plain)
    .split("\n")
    .filter((line) => /^ {4}[+>~!-] /.test(line) || /^ {2}\S/.test(line))
    .map((line) => (/^ {2}\S/.test(line) ? "source" : line.slice(6).split(" ")[0]));
  for (const [index, word] of words.entries())
    if (word === "destroy") expect(["destroy", "source", undefined]).toContain(words[index + 1]);
  expect(words).toContain("destroy");
});

test("without colour there is no escape sequence; with it the text is the same", () => {
  const text = renderPlan(everything, plain);
  const colored = renderPlan(everything, { color: true });
  expect(text).not.toContain("\u001b");
  expect(colored).toContain("\u001b[");
  expect(stripVTControlCharacters(colored)).toBe(text);
});

test("names with control characters cannot forge a line", () => {
  const safe = /^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u;
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
      const plan: Plan = {
        ...typical,
        operations: [{ ...plans.create, name, reason: name } as Plan["operations"][number]],
        blocked: [{ ...plans.diverged, message: name, evidence: [name], remedies: [name] }],
        foreign: [{ source: plans.source("tank/data"), snapshots: [name] }],
        notes: [{ kind: "space", message: name }],
        kept: [{ source: plans.source("tank/data"), snapshots: [name], reason: "held", detail: name }],
      };
      const shape = renderPlan(typical, plain).split("\n").length;
      const lines = renderPlan(plan, { ...plain, verbose: true }).split("\n");
      expect(lines.every((line) => safe.test(line))).toBe(true);
      expect(lines.length).toBeLessThan(shape + 20);
    }),
    { numRuns: 60 },
  );
}, 30_000);

test("in a terminal no line of words is wider than it", () => {
  for (const width of [60, 80, 132])
    for (const line of renderPlan(everything, { color: false, width }).split("\n").slice(0, -2))
      if (line.length > width)
        expect(
          line
            .trim()
            .split(/ {2,}| → /)
            .some((word) => word.length > width / 3),
        ).toBe(true);
});

test("many foreign snapshots and notes are a number until -v", () => {
  const many = plans.plan({
    foreign: Array.from({ length: 40 }, (_, index) => ({
      source: plans.source(`tank/d${index}`),
      snapshots: ["by-hand"],
    })),
    notes: Array.from({ length: 40 }, (_, index) => ({ kind: "unprotected" as const, message: `tank/n${index}` })),
  });
  const short = renderPlan(many, plain);
  expect(short).toContain("foreign: 40 snapshots");
  expect(short).toContain("… and 30 more datasets (-v shows all)");
  expect(short).not.toContain("@by-hand");
  const verbose = renderPlan(many, { ...plain, verbose: true });
  expect(verbose.match(/@by-hand/g)).toHaveLength(40);
  expect(verbose).toContain("tank/n39");
});

test("copies that are sent to are counted once, and repositories are not taken for snapshots", () => {
  const init = { ...plans.create, kind: "init", records: [] } as unknown as Operation;
  const operations = [plans.create, init, plans.send, { ...plans.send, id: "send-2" }];
  const summary = { ...typical.summary, create: 1, send: 9, resume: 0, destroy: 0, forget: 0 };
  expect(changesInWords({ operations, summary })).toBe("1 to create, 1 to send (1.2 GiB), 1 repository to create");
});
