import { execFileSync } from "node:child_process";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import type { Folder } from "../../../src/model/folder.ts";
import { validator } from "../../published-schema.ts";
import { oneDirectory } from "./harness/one-directory.ts";
import { host, testOn, VERSIONS, type World } from "./harness/world.ts";

const validate = validator("folder.v1");

const newest = testOn("0.18");

async function looked(world: World, ...args: string[]): Promise<Folder> {
  const { code, stdout, stderr } = await world.holdfast("ls", "--json", ...args);
  expect(code, stderr).toBe(0);
  const folder: Folder = JSON.parse(stdout);
  validate(folder);
  expect(validate.errors).toBeNull();
  return folder;
}

describe.each(VERSIONS)("restic %s", (version) => {
  testOn(version)("shows a folder, one file, odd names; and says what is not there", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { "deep/er/file": 300_000, "deep/er.not": "x", "-rf": "y", "[x]*": "z" });
    execFileSync("sh", ["-ec", 'mkdir -m 1777 bare; ln -s nowhere soft; printf z > "$(printf "raw\\377")"; mkfifo p'], {
      cwd: source,
    });
    writeFileSync(join(source, "evil\n\u001b[31mname"), "12345", { mode: 0o755 });
    utimesSync(join(source, "-rf"), 1_700_000_000, 1_700_000_000.75);
    const usb = world.repository("usb");
    usb.seed(source, { daysAgo: 1, types: ["a"] });
    oneDirectory(world, source, usb);

    const top = await looked(world, source);
    expect(top).toMatchObject({ formatVersion: 1, source: `${host}:${source}`, place: "usb", path: "" });
    expect(top.copy).toBe(usb.copies()[0]?.id);
    expect(top.entries.map(({ name, type }) => [name, type])).toEqual([
      ["-rf", "file"],
      ["[x]*", "file"],
      ["bare", "folder"],
      ["deep", "folder"],
      ["evil\n\u001b[31mname", "file"],
      ["p", "pipe"],
      ["raw\ufffd", "file"],
      ["soft", "link"],
    ]);
    const entry = (name: string) => top.entries.find((each) => each.name === name);
    expect(entry("-rf")).toMatchObject({ size: 1, modified: "2023-11-14T22:13:20Z" });
    expect(entry("bare")?.mode).toBe("1777");
    expect(entry("evil\n\u001b[31mname")).toMatchObject({ size: 5, mode: "0755" });

    const deep = await looked(world, source, "/deep/er/");
    expect(deep.path).toBe("deep/er");
    expect(deep.entries).toMatchObject([{ name: "file", size: 300_000, type: "file" }]);
    expect((await looked(world, source, "deep/er/file")).entries).toEqual(deep.entries);
    expect((await looked(world, source, "bare")).entries).toEqual([]);
    for (const path of [["--", "-rf"], ["./-rf"]])
      expect((await looked(world, source, ...path)).entries).toMatchObject([{ name: "-rf", size: 1 }]);
    expect((await looked(world, source, "[x]*")).entries).toMatchObject([{ name: "[x]*" }]);

    const shown = await holdfast("ls", source);
    expect(shown.stdout).toContain("evil\\n\\x1b[31mname");
    expect(shown.stdout).toMatch(/^ {2}drwxrwxrwt .* bare\/$/m);
    expect(shown.stdout).toMatch(/ 1 B {2}2023-11-14 22:13:20Z {2}-rf$/m);
    for (const path of ["no/such", "[x]?", "deep/er/file/x"])
      expect(await holdfast("ls", source, path)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`has no ${path}`),
      });
    expect(usb.locks()).toEqual([]);
  });
});

describe.each(VERSIONS)("restic %s", (version) => {
  testOn(version)("a copy that another tool made, of which only a folder is the source's", async ({ world }) => {
    const source = world.source("data", { "data/[x]": "other's", file: "f" });
    const usb = world.repository("usb");
    usb.restic(["backup", `--host=${host}`, source]);
    const adopt = [{ host, path: source, type: "a" }];
    oneDirectory(world, source, { entry: { ...usb.entry, adopt } });
    const top = await looked(world, source);
    expect(top).toMatchObject({ place: "usb", path: "", copy: usb.copies()[0]?.id });
    expect(top.entries.map(({ name }) => name)).toEqual(["data", "file"]);
    expect((await looked(world, source, "data", "--on", "usb")).entries).toMatchObject([{ name: "[x]", size: 7 }]);
    const above = source.split("/").at(1) ?? "";
    expect(await world.holdfast("ls", source, above)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`has no ${above}`),
    });
  });
});

newest("which copy: by place, time and id", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data");
  const usb = world.repository("usb");
  const vault = world.repository("vault");
  for (const daysAgo of [3, 2, 1]) {
    writeFileSync(join(source, `day-${daysAgo}`), "");
    usb.seed(source, { daysAgo, types: ["a"] });
  }
  vault.seed(source, { daysAgo: 1, types: ["a"] });
  const mirrors = { vault: { of: "usb", ...vault.entry, keep: { a: "all" } } };
  oneDirectory(world, source, usb, { mirrors });
  const names = async (...args: string[]) => (await looked(world, source, ...args)).entries.map(({ name }) => name);
  expect(await names()).toEqual(["day-1", "day-2", "day-3"]);
  expect(await names("--at", "36h")).toEqual(["day-2", "day-3"]);
  expect(await names("--snapshot", `${usb.copies()[0]?.id.slice(0, 8)}`)).toEqual(["day-3"]);
  expect(await looked(world, source, "--on", "vault")).toMatchObject({
    place: "vault",
    at: { repository: `vault@${host}` },
  });

  expect(await holdfast("ls", source, "--at", "9d")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/no place that was seen has a snapshot or copy of .* from .* or before/),
  });
  expect(await holdfast("ls", source, "--on", "nowhere")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/no remote or mirror nowhere.*places: usb, vault, source/s),
  });
  expect(await holdfast("ls", `${source}x`)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("did you mean"),
  });
  expect(await holdfast("ls", source, "../x")).toMatchObject({ code: 1, stderr: expect.stringContaining("leads out") });
  oneDirectory(world, source, { entry: { ...usb.entry, password: { file: world.secret("wrong-one").file } } });
  expect(await holdfast("ls", source)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/usb could not be seen: .*password is wrong/s),
  });
});
