import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { useHoldfast } from "./harness.ts";

const holdfast = useHoldfast();
const env = { env: { TZ: "Europe/Berlin" } };
holdfast.write("sanoid.conf", "[tank/data]\ncolour = blue\n");
holdfast.write("crontab", "0 * * * * syncoid --no-sync-snap --sendoptions=w tank/data usb/tank/data\n");
holdfast.write("empty.conf", "# nothing\n");

describe("import", () => {
  test("prints the manifest, and on stderr what to look at and what comes next", async () => {
    const { code, stdout, stderr } = await holdfast.run(["import", "sanoid", "sanoid.conf"], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^# What sanoid\.conf says/);
    expect(stdout).toContain("\ntimezone: Europe/Berlin\n");
    expect(stdout).toContain("# sanoid.conf:2: colour is no setting of sanoid, and was left out\n");
    expect(stderr).toMatch(
      /^1 thing to look at; .*\n {2}sanoid\.conf:2: colour is no setting of sanoid, and was left out\n\nNext/,
    );
    expect(stderr).toContain("holdfast validate -f holdfast.yaml\n");
    expect(stderr).toContain("holdfast plan -f holdfast.yaml ");
    expect(stderr).toContain("stop sanoid's timer");
  });

  test("--out writes a file that is valid, and never over one that is there", async () => {
    const args = ["import", "sanoid", "sanoid.conf", "--syncoid", "crontab", "--out", "new.yaml"];
    const { code, stdout, stderr } = await holdfast.run(args, env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain("new.yaml is written. Next:\n");
    const written = readFileSync(holdfast.path("new.yaml"), "utf8");
    expect(written).toMatch(/^# What sanoid\.conf and crontab say, /);
    expect((await holdfast.run(["validate", "-f", "new.yaml"])).stdout).toBe(
      "The manifest is valid: 1 dataset entry, 1 remote, 1 host.\n",
    );
    const again = await holdfast.run(args, env);
    expect(again.stderr).toMatch(/^error: new\.yaml is there already; nothing was written\n {2}next: /);
    expect(again.code).toBe(1);
    expect(readFileSync(holdfast.path("new.yaml"), "utf8")).toBe(written);
  });

  test("--json", async () => {
    const { stdout, stderr } = await holdfast.run(["import", "sanoid", "sanoid.conf", "--json"], env);
    const answer = JSON.parse(stdout) as { manifest: string; remarks: { line: number }[] };
    expect(answer.manifest).toContain("tank/data:");
    expect(answer.remarks.map(({ line }) => line)).toEqual([2]);
    expect(stderr).toContain("1 thing to look at");
  });

  test.each([
    ["a file that is not there", ["sanoid", "missing.conf"], /^error: cannot read missing\.conf: .*\n {2}next: /],
    [
      "nothing to take over",
      ["sanoid", "empty.conf"],
      /^error: there is nothing to take over in empty\.conf\n {2}next: /,
    ],
    [
      "--syncoid with another tool",
      ["syncoid", "crontab", "--syncoid", "crontab"],
      /^error: --syncoid goes with sanoid/,
    ],
    ["a format that is none", ["borg", "x"], /^error: .*'borg' is invalid.*sanoid, syncoid, zrepl, backupd/],
  ])("%s ends with an error: 1", async (_, args, message) => {
    const { code, stdout, stderr } = await holdfast.run(["import", ...args, "--log-level", "info"], env);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(existsSync(holdfast.path("holdfast.yaml"))).toBe(false);
  });

  test("names of foreign files are shown, never sent to the terminal", async () => {
    holdfast.write("odd.conf", "[tank]\n\u001b[31mred = 1\n");
    const { stdout, stderr } = await holdfast.run(["import", "sanoid", "odd.conf"], env);
    expect(stdout + stderr).not.toContain("\u001b");
    expect(stderr).toContain("\\x1b[31mred");
  });
});
