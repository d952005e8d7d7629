import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { declarationsIn, generateSchemas } from "../../scripts/schemas.ts";
import type { Report } from "../../src/model/report.ts";
import type { Bytes } from "../../src/model/units.ts";
import { readSchema, validator } from "../published-schema.ts";
import * as plans from "./plans.ts";

/** As it is after a trip through a file. */
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("published schemas", () => {
  test.each(Object.entries(generateSchemas()))("%s is what src/model says (npm run generate)", (name, schema) => {
    expect(readSchema(name)).toEqual(json(schema));
  });

  test("two types of one name cannot be told apart", () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-model-"));
    try {
      writeFileSync(join(folder, "a.ts"), "export interface Check { readonly about: string }");
      writeFileSync(join(folder, "b.ts"), "export type Check = string;");
      expect(() => declarationsIn(pathToFileURL(`${folder}/`))).toThrow("a.ts and b.ts both declare Check");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("plan.v1", () => {
  const validate = validator("plan.v1");
  const { typical, empty, everything, hostile } = plans;

  test.each(Object.entries({ typical, empty, everything, hostile }))("describes the %s plan", (_, plan) => {
    validate(json(plan));
    expect(validate.errors).toBeNull();
  });

  test.each([
    ["a key nobody knows", { ...typical, extra: 1 }],
    ["another format version", { ...typical, formatVersion: 2 }],
    ["an operation of no kind", { ...typical, operations: [{ ...plans.create, kind: "format" }] }],
    ["a guid that is no number", { ...typical, operations: [{ ...plans.send, base: { name: "a", guid: "x" } }] }],
    ["a missing list", { ...typical, operations: undefined }],
    ["a destroy without snapshots", { ...typical, operations: [{ ...plans.destroy, snapshots: undefined }] }],
  ])("refuses %s", (_, plan) => {
    expect(validate(json(plan))).toBe(false);
  });
});

test("report.v1 describes a report with every outcome", () => {
  const report: Report = {
    formatVersion: 1,
    manifestDigest: "0",
    startedAt: "2026-11-22T00:00:00Z",
    finishedAt: "2026-11-22T00:01:00Z",
    finished: true,
    operations: (["done", "failed", "stale", "skipped", "interrupted"] as const).map((outcome) => ({
      id: outcome,
      kind: "send",
      source: plans.source("tank/data"),
      remote: plans.vault,
      description: "send",
      outcome,
      seconds: 1.5,
      bytes: 12 as Bytes,
      error: { message: "no", output: "no", command: "zfs send", hint: "try" },
    })),
  };
  const validate = validator("report.v1");
  validate(json(report));
  expect(validate.errors).toBeNull();
});
