import { expect, test } from "vitest";
import { mandoc, textOf } from "./tools.ts";

// it goes with a version, not with a day; mandoc wants one
const page = textOf("man/holdfast.1").replace('HOLDFAST 1 ""', "HOLDFAST 1 2026-01-01");

test("the manual page says nothing that mandoc does not understand", () => {
  const { all, exitCode } = mandoc(page);
  expect(all).toBe("");
  expect(exitCode).toBe(0);
});

test("what it would not understand is noticed", () => {
  expect(mandoc(page.replace(".SH COMMANDS", ".SX COMMANDS")).all).toContain("unknown macro");
});
