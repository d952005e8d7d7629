import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import type { Found } from "../../../src/model/found.ts";
import { validator } from "../../published-schema.ts";
import { oneDirectory } from "./harness/one-directory.ts";
import { applied, host, testOn, VERSIONS, type World } from "./harness/world.ts";

const validate = validator("found.v1");

const newest = testOn("0.18");

async function found(world: World, ...args: string[]): Promise<Found & { readonly code: number }> {
  const { code, stdout, stderr } = await world.holdfast("find", "--json", ...args);
  expect(stdout, stderr).not.toBe("");
  const answer: Found = JSON.parse(stdout);
  validate(answer);
  expect(validate.errors).toBeNull();
  return { ...answer, code };
}

/** Restores by the very line, as a shell reads it, and gives back what came. */
async function restored(world: World, source: string, line: string | undefined): Promise<string> {
  const words = execFileSync("bash", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" })
    .split("\0")
    .slice(1, -1);
  const { code, stdout, stderr } = await world.holdfast(...words, "--yes");
  expect(code, stdout + stderr).toBe(0);
  const name = readdirSync(world.folder).find((each) => each.startsWith("data-restored-")) ?? "";
  const path = words[words.indexOf("--path") + 1] ?? "";
  const text = readFileSync(world.path(join(name, path)), "utf8");
  rmSync(world.path(name), { recursive: true });
  expect(name, source).not.toBe("");
  return text;
}

describe.each(VERSIONS)("restic %s", (version) => {
  testOn(version)("a file that changed, odd names, a mirror; each line brings its file back", async ({ world }) => {
    const source = world.source("data", { "deep/er/a.txt": "one", "-rf": "y", "[x]": "z", x: "no" });
    writeFileSync(join(source, "new\n\u001b[1mline"), "odd");
    execFileSync("sh", ["-ec", 'ln -s nowhere soft; printf raw > "$(printf "raw\\377")"'], { cwd: source });
    const usb = world.repository("usb");
    const vault = world.repository("vault");
    const file = join(source, "deep/er/a.txt");
    for (const [daysAgo, text] of [
      [4, "one"],
      [3, "two"],
      [2, "three"],
      [1, "three"],
    ] as const) {
      writeFileSync(file, text);
      utimesSync(file, 1_700_000_000, 1_700_000_000 + text.length + (text === "two" ? 100 : 0));
      usb.seed(source, { daysAgo, types: ["a"] });
    }
    oneDirectory(world, source, usb, { mirrors: { vault: { of: "usb", ...vault.entry, keep: { a: 2 } } } });
    await applied(world.holdfast);
    const ids = usb.copies().map(({ id }) => id.slice(0, 8));

    const { code, paths, searched, complete, unsearched } = await found(world, "a.txt");
    expect({ code, complete, unsearched, searched }).toEqual({
      ...{ code: 0, complete: true, unsearched: [], searched: { sources: 1, snapshots: 4 } },
    });
    expect(paths).toHaveLength(1);
    expect(paths[0]).toMatchObject({ source: `${host}:${source}`, path: "deep/er/a.txt", more: 0 });
    const versions = paths[0]?.versions ?? [];
    expect(versions.map(({ size, snapshots, places }) => [size, snapshots, places.map(({ place }) => place)])).toEqual([
      [5, 2, ["usb", "vault"]],
      [3, 1, ["usb"]],
      [3, 1, ["usb"]],
    ]);
    expect(versions.map(({ modified }) => modified)).toEqual([
      "2023-11-14T22:13:25Z",
      "2023-11-14T22:15:03Z",
      "2023-11-14T22:13:23Z",
    ]);
    expect(versions[0]).toMatchObject({ newest: { snapshot: ids[3] }, oldest: { snapshot: ids[2] } });
    expect(await restored(world, source, versions[0]?.restore)).toBe("three");
    expect(await restored(world, source, versions[1]?.restore)).toBe("two");
    const searches = world.started().filter((line) => / find |^find /.test(line));
    expect(searches, "what a mirror has as well is searched once").toHaveLength(1);

    const names = async (...args: string[]) => (await found(world, ...args)).paths.map(({ path }) => path);
    expect(await names("[x]")).toEqual(["x"]);
    expect(await names("-F", "[x]")).toEqual(["[x]"]);
    expect(await names("-i", "A.TXT")).toEqual(["deep/er/a.txt"]);
    expect(await names("deep/*/a*")).toEqual(["deep/er/a.txt"]);
    expect(await names("er")).toEqual(["deep/er"]);
    expect(await names("*", "--type", "link")).toEqual(["soft"]);
    expect(await names("raw?")).toEqual(["raw\ufffd"]);
    expect(await names("**/a.txt", "--older", "2023-11-15")).toEqual(["deep/er/a.txt"]);
    const [later] = (await found(world, "a.txt", "--newer", "2023-11-14T22:15:00Z")).paths;
    expect(later?.versions.map(({ modified }) => modified)).toEqual(["2023-11-14T22:15:03Z"]);
    const lines = async (...args: string[]) => (await found(world, ...args)).paths[0]?.versions[0]?.restore;
    expect(await restored(world, source, await lines("-F", "[x]"))).toBe("z");
    expect(await restored(world, source, await lines("new*"))).toBe("odd");
    expect(await restored(world, source, await lines("--", "-rf"))).toBe("y");
    expect(await restored(world, source, await lines("a.txt", "--from", "vault"))).toBe("three");
    expect(await lines("raw?")).toBeUndefined();

    const limited = await found(world, "a.txt", "--limit", "1", "--until", "60h");
    expect(limited).toMatchObject({ searched: { snapshots: 2 }, paths: [{ more: 1 }] });
    const shown = await world.holdfast("find", "new*", source);
    expect(shown.stdout).toContain("new\\n\\x1b[1mline\n  changed ");
    const { stdout } = await world.holdfast("find", "a.txt", "-v");
    expect(stdout.match(/^ {4}on (usb|vault): copy/gm)).toHaveLength(4);
    expect(stdout.match(/^ {4}holdfast restore /gm)).toHaveLength(3);
    expect(shown.stdout).toMatch(/^ {2}holdfast restore .* --path \$'new\\012\\033\[1mline' --from usb$/m);
    expect(usb.locks()).toEqual([]);
  });
});

newest("nothing found, nothing to find, nowhere to look", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { file: "x" });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  oneDirectory(world, source, usb);
  expect(await found(world, "nope")).toMatchObject({ code: 1, complete: true, paths: [] });
  expect(await found(world, "file", "--since", "2h")).toMatchObject({ code: 1, searched: { snapshots: 0 } });
  const failures: [string[], RegExp][] = [
    [[".."], /names nothing that a source can have\s+next: give a name/],
    [["x", `${source}x`], /no source matches/],
    [["x", "--from", "nowhere"], /no remote or mirror nowhere.*places: usb, source/s],
    [["x", "--since", "soon"], /--since soon is no time/],
    [["x", "--type", "thing"], /Allowed choices are file, folder, link/],
  ];
  for (const [args, message] of failures)
    expect(await holdfast("find", ...args)).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  oneDirectory(world, source, { entry: { ...usb.entry, password: { file: world.secret("wrong-one").file } } });
  const { code, unsearched, paths } = await found(world, "file");
  expect({ code, paths }).toEqual({ code: 3, paths: [] });
  expect(unsearched).toMatchObject([{ place: "usb", reason: expect.stringContaining("password is wrong") }]);
  const shown = await holdfast("find", "file");
  expect(shown.stdout).toMatch(/^! not searched: usb of .*password is wrong/m);
});

newest("a copy that is damaged is found by its mirror's, and brought back from there", async ({ world }) => {
  const source = world.source("data", { "deep/file": "whole" });
  const [usb, vault] = [world.repository("usb"), world.repository("vault")];
  usb.seed(source, { daysAgo: 2, types: ["a"] });
  oneDirectory(world, source, usb, { mirrors: { vault: { of: "usb", ...vault.entry, keep: { a: 1 } } } });
  await applied(world.holdfast);
  const packs = readdirSync(join(usb.folder, "data"), { recursive: true, withFileTypes: true });
  for (const pack of packs.filter((each) => each.isFile())) {
    const path = join(pack.parentPath, pack.name);
    renameSync(path, `${path}.gone`);
  }
  rmSync(world.path(".cache"), { recursive: true, force: true });
  const answer = await found(world, "file");
  expect(answer).toMatchObject({ code: 0, complete: true });
  expect(await restored(world, source, answer.paths[0]?.versions[0]?.restore)).toBe("whole");
  expect(await found(world, "file", "--from", "usb")).toMatchObject({
    code: 3,
    unsearched: [{ place: "usb", snapshots: 1, reason: expect.stringContaining("cannot be read") }],
  });
});

describe.each(VERSIONS)("restic %s", (version) => {
  testOn(version)("copies that another tool made: only what is below the source", async ({ world }) => {
    const source = world.source("data", { "data/[x]": "other's", file: "f" });
    const usb = world.repository("usb");
    usb.restic(["backup", `--host=${host}`, source]);
    oneDirectory(world, source, {
      entry: { ...usb.entry, adopt: [{ host, path: source, type: "a" }] },
    });
    expect((await found(world, "data")).paths.map(({ path }) => path)).toEqual(["data"]);
    expect((await found(world, "**/data")).paths.map(({ path }) => path)).toEqual(["data"]);
    const { paths } = await found(world, "-F", "[x]");
    expect(paths.map(({ path }) => path)).toEqual(["data/[x]"]);
    if (version !== "0.14") expect(await restored(world, source, paths[0]?.versions[0]?.restore)).toBe("other's");
  });
});
