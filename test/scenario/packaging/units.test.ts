import { afterAll, describe, expect, test } from "vitest";
import { machineWith, systemdAnalyze, textOf } from "./tools.ts";

const UNITS = ["holdfast.service", "holdfast-apply.service", "holdfast-apply.timer"];
const DROP_INS = ["unprivileged.conf", "credentials.conf"];
const asIs = Object.fromEntries(UNITS.map((name) => [name, textOf(`systemd/${name}`)]));
const machines: { remove(): void }[] = [];
afterAll(() => {
  for (const machine of machines) machine.remove();
});

function machine(units: Readonly<Record<string, string>>): string {
  const made = machineWith(units);
  machines.push(made);
  return made.root;
}

const verify = (root: string, unit: string) =>
  systemdAnalyze("verify", "--man=no", "--recursive-errors=yes", `--root=${root}`, `/etc/systemd/system/${unit}`);

/** `→ Overall exposure level for holdfast.service: 3.9 OK` */
function exposure(root: string, unit: string): number {
  const { all } = systemdAnalyze("security", "--offline=true", "--no-pager", `--root=${root}`, unit);
  return Number(/exposure level for \S+: (\d+\.\d+)/.exec(all)?.[1]);
}

describe("the units of systemd", () => {
  const plain = machine(asIs);

  test.each(UNITS)("%s says nothing that systemd does not understand", (unit) => {
    const { exitCode, all } = verify(plain, unit);
    expect(all).toBe("");
    expect(exitCode).toBe(0);
  });

  test("what it would not understand is noticed", () => {
    const wrong = machine({
      "holdfast.service": textOf("systemd/holdfast.service").replace("PrivateTmp", "PrivatTmp"),
    });
    expect(verify(wrong, "holdfast.service").all).toContain("PrivatTmp");
    const missing = machine({
      "holdfast.service": textOf("systemd/holdfast.service").replace("holdfast watch", "holdfst watch"),
    });
    expect(verify(missing, "holdfast.service").exitCode).not.toBe(0);
  });

  test.each(["holdfast.service", "holdfast-apply.service"])("%s may do little else than its work", (unit) => {
    expect(exposure(plain, unit)).toBeLessThan(4);
  });

  describe.each(DROP_INS)("with %s", (name) => {
    const text = textOf(`systemd/examples/${name}`);
    const changed = machine({
      ...asIs,
      [`holdfast.service.d/${name}`]: text,
      [`holdfast-apply.service.d/${name}`]: text,
    });

    test.each(["holdfast.service", "holdfast-apply.service"])("%s", (unit) => {
      const { exitCode, all } = verify(changed, unit);
      expect(all).toBe("");
      expect(exitCode).toBe(0);
      expect(exposure(changed, unit)).toBeLessThan(name === "unprivileged.conf" ? 3 : 4);
    });
  });

  test("the service and the timer's run may do the same", () => {
    const sandbox = (unit: string): string[] => {
      const [, text = ""] = textOf(`systemd/${unit}`).split("# What it may do.");
      return (
        text
          .split("\n\n")[0]
          ?.split("\n")
          .filter((line) => /^\w+=/.test(line)) ?? []
      );
    };
    expect(sandbox("holdfast.service").length).toBeGreaterThan(15);
    expect(sandbox("holdfast-apply.service")).toEqual(sandbox("holdfast.service"));
  });
});
