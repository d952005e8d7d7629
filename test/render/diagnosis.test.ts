import { expect, test } from "vitest";
import type { HostName } from "../../src/model/units.ts";
import { renderDiagnosis } from "../../src/render/diagnosis.ts";

const nas = "nas" as HostName;

test("host by host, and what to do under what is wrong", () => {
  const checks = [
    { about: "reach", result: "good", message: "a command takes 3 ms", advice: [] },
    { about: "clock", result: "warning", message: "40 s behind the clock here", advice: ["let NTP set both"] },
    { about: "rights", result: "problem", message: "backup lacks\u001b[2J send on tank", advice: ["zfs allow tank"] },
  ] as const;
  expect(renderDiagnosis({ formatVersion: 1, hosts: [{ host: nas, checks }] }, { color: false })).toBe(
    `nas
  ok       reach      a command takes 3 ms
  warning  clock      40 s behind the clock here
                      let NTP set both
  PROBLEM  rights     backup lacks\\x1b[2J send on tank
                      zfs allow tank

1 problem, 1 warning.
`,
  );
});

test("nothing wrong", () => {
  expect(renderDiagnosis({ formatVersion: 1, hosts: [{ host: nas, checks: [] }] }, { color: false })).toContain(
    "All is well.",
  );
});
