import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fakeZfs } from "./fake-zfs.ts";
import { useHoldfast } from "./harness.ts";
import { inventory, manifest } from "./world.ts";

const holdfast = useHoldfast();
const blind = fakeZfs(holdfast, {}, { failing: "internal error: out of memory" });
const sighted = fakeZfs(holdfast, { tank: {}, "tank/data": { referenced: "1000000000" } });
const written = holdfast.path("new.yaml");

describe("init", () => {
  test("writes what was seen", async () => {
    const { code, stdout } = await holdfast.run(["init", "-f", "new.yaml"], sighted);
    expect(stdout).toMatch(/^new\.yaml is written\. /);
    expect(readFileSync(written, "utf8")).toContain("  tank/data: { recursive: true, policy: standard }");
    expect(code).toBe(0);
    expect((await holdfast.run(["init", "-f", "new.yaml"], sighted)).stderr).toContain("new.yaml is there already");
    rmSync(written);
  });

  test.each([
    ["datasets", [], "internal error: out of memory"],
    ["a repository", ["--repository", "nowhere", "--password-file", "nowhere.password"], "nowhere"],
  ])("writes nothing where %s could not be seen, and says why: 3", async (_, args, reason) => {
    const env = args.length === 0 ? blind : sighted;
    const { code, stderr } = await holdfast.run(["init", "-f", "new.yaml", ...args], env);
    expect(stderr).toMatch(/^error: not everything could be seen; nothing was written\n {2}\S/);
    expect(stderr).toContain(reason);
    expect(stderr).toMatch(/^ {2}next: /m);
    expect(code).toBe(3);
    expect(existsSync(written)).toBe(false);
  });
});

describe("a file that cannot be written is named as it was given", () => {
  holdfast.write("holdfast.yaml", manifest());
  holdfast.write("inventory.json", inventory());
  mkdirSync(holdfast.path("folder"));
  test.each([
    ["plan", "missing/x", "its folder does not exist"],
    ["plan", "folder", "it is a folder"],
    ["init", "missing/x.yaml", "its folder does not exist"],
  ])("%s to %s", async (command, path, reason) => {
    const args = command === "init" ? ["init", "-f", path] : ["plan", "--inventory", "inventory.json", "--out", path];
    const { code, stderr } = await holdfast.run(args, sighted);
    expect(stderr).toMatch(new RegExp(`^error: cannot write ${path}: ${reason}\n {2}next: .*\n$`));
    expect(code).toBe(1);
  });
});
