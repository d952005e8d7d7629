import { describe, expect, test } from "vitest";
import { validator } from "../published-schema.ts";
import { fakeZfs } from "./fake-zfs.ts";
import { useHoldfast } from "./harness.ts";

const holdfast = useHoldfast();
const { env } = fakeZfs(holdfast, {
  tank: {},
  "tank/data": { mountpoint: holdfast.path("data") },
  "tank/data@by-hand": {},
});
holdfast.write("data/.zfs/snapshot/by-hand/a file", "what is in it");
holdfast.write("holdfast.yaml", "version: 1\ndatasets: { tank/data: { keep: { daily: 3 } } }\n");
holdfast.write("wrong.yaml", "version: 1\ndatasets: { tank/data: { kep: { daily: 3 } } }\n");
holdfast.write("sanoid.conf", "[tank]\ncolour = blue\n");

describe("what --json prints is what its published schema says", () => {
  test.each([
    ["plan.v1", ["plan", "--json"]],
    ["report.v1", ["snapshot", "daily", "--json"]],
    ["inventory.v1", ["list", "--json"]],
    ["status.v1", ["status", "--json"]],
    ["simulation.v1", ["simulate", "--for", "2d", "--json"]],
    ["simulation.v1", ["simulate", "--for", "2d", "--empty", "--json"]],
    ["report.v1", ["restore", "tank/data", "--json", "--from", "source", "--in-place"]],
    ["plan.v1", ["restore", "tank/data", "--json", "--out", "restore.json"]],
    ["explain.v1", ["explain", "tank/data", "--json"]],
    ["explain.v1", ["explain", "tank/data@by-hand", "--json"]],
    ["folder.v1", ["ls", "tank/data", "--json"]],
    ["found.v1", ["find", "*", "--json"]],
    ["diagnosis.v1", ["doctor", "--json"]],
    ["audit.v1", ["audit", "--json"]],
    ["recovery-kit.v1", ["recovery-kit", "--json"]],
    ["unlocked.v1", ["unlock", "--json"]],
    ["validate.v1", ["validate", "--json"]],
    ["validate.v1", ["validate", "--json", "-f", "wrong.yaml"]],
    ["import.v1", ["import", "sanoid", "sanoid.conf", "--json"]],
    ["version.v1", ["version", "--json"]],
  ])("%s: %j", async (schema, args) => {
    const { stdout, stderr } = await holdfast.run(args, { env });
    expect(stdout, stderr).not.toBe("");
    const validate = validator(schema);
    validate(JSON.parse(stdout));
    expect(validate.errors).toBeNull();
  });
});

test.each([
  [["restore", "tank/data@by-hand", "--snapshot", "other"], "both say which snapshot"],
  [["restore", "tank/data", "--confirm", "tank/data"], "--confirm is for --in-place"],
])("%j cannot be meant", async (args, message) => {
  const { code, stderr } = await holdfast.run(args, { env });
  expect(stderr).toMatch(/^error: .*\n {2}next: /);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
});
