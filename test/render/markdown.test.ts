import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Plan } from "../../src/model/plan.ts";
import { renderPlanMarkdown } from "../../src/render/markdown.ts";
import * as plans from "./plans.ts";

const { typical, empty, everything, hostile } = plans;

describe("golden comments", () => {
  test.each(Object.entries({ typical, empty, everything, hostile }))("%s", async (name, plan) => {
    await expect(renderPlanMarkdown(plan)).toMatchFileSnapshot(`../golden/plan-${name}.md`);
  });
});

/** What is left when code spans are taken out: only this is read as markup, link or mention. */
const outsideCode = (markdown: string): string => markdown.replaceAll(/`[^`\n]*`/g, "");

test("a name from outside is never read as markup", () => {
  const hostileText = fc.oneof(
    fc.string({ unit: "binary", minLength: 1 }),
    fc
      .array(
        fc.constantFrom(
          "`",
          "|",
          "\\",
          "<img src=x>",
          "@all",
          "[a](b)",
          "</details>",
          "\n",
          "# ",
          "*",
          "x",
          " ",
          "http://b",
          "#1",
        ),
      )
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(hostileText, (name) => {
      const plan: Plan = {
        ...typical,
        operations: [
          { ...plans.create, name, reason: name } as Plan["operations"][number],
          { ...plans.send, at: plans.at("vault", `x${name}`) },
        ],
        blocked: [{ ...plans.diverged, message: name, evidence: [name], remedies: [name] }],
        foreign: [{ source: plans.source("tank/data"), snapshots: [name] }],
        notes: [{ kind: "space", message: name }],
        kept: [{ source: plans.source("tank/data"), snapshots: [name], reason: "held", detail: name }],
        unobserved: [{ host: plans.nas, reason: name, expected: false }],
      };
      const markup = outsideCode(renderPlanMarkdown(plan));
      const own = /^### Holdfast$|^\*\*Plan: .*\*\*$|<\/?(details|summary)>/gm;
      expect(markup.replaceAll(own, "")).not.toMatch(/[<@[\]\\*#]|https?:/);
      expect(markup.match(/<details>/g)?.length).toBe(markup.match(/<\/details>/g)?.length);
      for (const line of markup.split("\n").filter((one) => one.startsWith("|")))
        expect(line.match(/\|/g)).toHaveLength(7);
    }),
    { numRuns: 60 },
  );
}, 30_000);

test("a comment stays below the size that is accepted, however large the plan", () => {
  const name = (index: number) => `hourly-20261120T${String(index).padStart(6, "0")}Z`;
  const many = Array.from({ length: 3000 }, (_, index) => index);
  const huge = plans.plan({
    operations: many.map((index) => ({
      ...plans.create,
      id: name(index),
      source: plans.source(`tank/dataset-${index}`),
      name: name(index),
    })) as Plan["operations"],
    blocked: many.map((index) => ({ ...plans.diverged, source: plans.source(`tank/blocked-${index}`) })),
    kept: [{ source: plans.source("tank/a"), snapshots: many.map(name), reason: "count", detail: "hourly: 3000" }],
    foreign: [{ source: plans.source("tank/a"), snapshots: many.map(name) }],
    notes: many.map((index) => ({ kind: "unprotected" as const, message: `tank/n${index} has no entry` })),
  });
  const markdown = renderPlanMarkdown(huge);
  expect(markdown.length).toBeLessThan(65_536);
  expect(markdown).toMatch(/… and [\d,]+ more lines/);
});
