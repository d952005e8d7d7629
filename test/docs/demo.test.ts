import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tools, toolsAvailable } from "../remotes/restic/tools.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "demo-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the demo with a home and a place for temporary files of its own; `left` is what it leaves there. */
async function demo(programs: string, name: string) {
  const [home, temporary] = [join(folder, name, "home"), join(folder, name, "temporary")];
  for (const path of [home, temporary]) mkdirSync(path, { recursive: true });
  const { exitCode, all } = await execa(join(root, "examples/demo/run"), {
    env: { PATH: programs, HOME: home, TMPDIR: temporary, RESTIC_REPOSITORY: "/none" },
    extendEnv: false,
    reject: false,
    all: true,
  });
  return { exitCode, all, left: [home, temporary].flatMap((path) => readdirSync(path)) };
}

function folderOf(name: string, programs: Readonly<Record<string, string>>): string {
  const path = join(folder, `programs-${name}`);
  mkdirSync(path);
  for (const [program, target] of Object.entries(programs)) symlinkSync(target, join(path, program));
  return path;
}

describe.skipIf(!existsSync(join(root, "dist/holdfast.js")))("make demo", () => {
  // that of the oldest Debian it is for, and the one it fetches
  const versions = toolsAvailable ? ["0.14", "0.18"] : [];

  test.concurrent.for(versions)("with restic %s does what it tells, and leaves nothing", async (version) => {
    const programs = folderOf(version, { restic: join("folder" in tools ? tools.folder : "", `restic-${version}`) });
    const { exitCode, all, left } = await demo(`${programs}:${process.env.PATH}`, version);
    expect(exitCode, all).toBe(0);
    expect(all).toMatch(
      /^Plan: 2 to back up, 2 to copy, 2 repositories to create\..*^Applied: 6 done\..*^No changes\. 4 kept\./ms,
    );
    expect(all).toMatch(/^Dear Ada, …$.*nothing was copied$.*^exit code 3$/ms);
    expect(left).toEqual([]);
  });

  test("says what to install where restic is neither there nor can be fetched", async () => {
    const needed = ["bash", "cut", "dirname", "ln", "mkdir", "mktemp", "rm", "sha256sum"];
    const found = needed.map((name) => [name, execFileSync("sh", ["-c", 'command -v "$0"', name]).toString().trim()]);
    const { exitCode, all, left } = await demo(folderOf("few", Object.fromEntries(found)), "few");
    expect(exitCode).toBe(1);
    expect(all).toContain("apt-get is missing");
    expect(all).toContain("restic 0.14 or newer is needed: apt install restic");
    expect(left).toEqual([]);
  });
});
