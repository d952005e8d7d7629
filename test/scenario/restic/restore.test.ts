import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { eventually } from "../../transport/leftovers.ts";
import { differences } from "./harness/differences.ts";
import { oneDirectory } from "./harness/one-directory.ts";
import { expectDone, host, testOn, VERSIONS, type World } from "./harness/world.ts";

const newest = testOn("0.18");

function restoredIn(world: World, name = "data"): string {
  const found = readdirSync(world.folder).filter((each) => each.startsWith(`${name}-restored-`));
  expect(found).toHaveLength(1);
  return world.path(`${found[0]}`);
}

describe.each(VERSIONS)("restic %s", (version) => {
  testOn(version)("a directory comes back beside its original, all of it and nothing else", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { "deep/er/file": 300_000, empty: "", " blank ": "x", "-rf": "y" });
    const odd = ["new\nline", "[x]", "a*", "b\\s", "!not"];
    for (const name of odd) writeFileSync(join(source, name), name);
    execFileSync(
      "sh",
      [
        "-ec",
        'ln deep/er/file link; ln -s nowhere soft; mkdir -m 1777 bare; truncate -s 64M sparse; printf z > "$(printf "raw\\377")"',
      ],
      { cwd: source },
    );
    const usb = world.repository("usb");
    usb.seed(source, { daysAgo: 1, types: ["a"] });
    oneDirectory(world, source, usb);

    const { code, stdout, stderr } = await holdfast("restore", source, "--yes");
    expect(code, stdout + stderr).toBe(0);
    const restored = restoredIn(world);
    expect(differences(source, restored)).toEqual([]);
    expect(readdirSync(restored).filter((name) => name.startsWith(".holdfast"))).toEqual([]);

    const again = await holdfast("restore", source, "--yes");
    expect(again).toMatchObject({ code: 3, stdout: expect.stringContaining("is not empty: nothing was restored") });
    expect(differences(source, restored)).toEqual([]);

    const some = world.path("some");
    const paths = [...odd, "deep/er", " blank "].flatMap((path) => ["--path", path]);
    const part = await holdfast("restore", source, ...paths, "--to", some, "--yes");
    expect(part.code, part.stdout + part.stderr).toBe(0);
    expect(new Set(readdirSync(some))).toEqual(new Set([...odd, "deep", " blank "]));

    const none = await holdfast("restore", source, "--path", "no/such", "--to", world.path("none"), "--yes");
    expect(none).toMatchObject({ code: 3, stdout: expect.stringContaining("the copy has no no/such") });

    writeFileSync(join(source, "empty"), "changed");
    writeFileSync(join(source, "mine"), "stays");
    const refused = await holdfast("restore", source, "--in-place", "--yes");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("was not typed again") });
    expect(readFileSync(join(source, "empty"), "utf8")).toBe("changed");
    const inPlace = await holdfast("restore", source, "--in-place", "--confirm", source);
    // restic could not replace a link before 0.17
    expect(inPlace.code, inPlace.stdout + inPlace.stderr).toBe(version === "0.14" ? 3 : 0);
    expect(readFileSync(join(source, "empty"), "utf8")).toBe("");
    expect(readFileSync(join(source, "mine"), "utf8")).toBe("stays");
    await expectDone(holdfast);
  });

  testOn(version)("what is damaged is named, all else comes back; another place has it", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { big: 3_000_000, small: "text" });
    const usb = world.repository("usb");
    const vault = world.repository("vault");
    for (const repository of [usb, vault]) repository.seed(source, { daysAgo: 1, types: ["a"] });
    oneDirectory(world, source, usb, { mirrors: { vault: { of: "usb", ...vault.entry, keep: { a: "all" } } } });
    usb.damage();
    const { code, stdout } = await holdfast("restore", source, "--from", "usb", "--yes");
    expect(code, stdout).toBe(3);
    expect(stdout).toMatch(/1 file could not be brought back; all others are in/);
    expect(stdout).toMatch(/big/);
    expect(readFileSync(join(restoredIn(world), "small"), "utf8")).toBe("text");
    const whole = await holdfast("restore", source, "--from", "vault", "--to", world.path("whole"), "--yes");
    expect(whole.code, whole.stdout).toBe(0);
    expect(differences(source, world.path("whole"))).toEqual([]);
  });

  testOn(version)("killed in the middle, the same again goes on and is complete", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { ...Object.fromEntries([...Array(40).keys()].map((n) => [`${n}`, 60_000])) });
    const usb = world.repository("usb");
    usb.seed(source, { daysAgo: 1, types: ["a"] });
    const limit = { download: "200KiB/s" };
    oneDirectory(world, source, { entry: { ...usb.entry, limit } });
    const target = world.path("target");
    const restore = ["restore", source, "--to", target, "--yes"];
    const running = holdfast.spawn(...restore);
    await eventually(() => expect(readdirSync(target).length).toBeGreaterThan(1), 60_000);
    await world.crash();
    await running.result;
    expect(differences(source, target)).not.toEqual([]);
    oneDirectory(world, source, usb);
    const { code, stdout, stderr } = await holdfast(...restore);
    expect(code, stdout + stderr).toBe(0);
    expect(differences(source, target)).toEqual([]);
  });
});

newest("which copy: by time, by name, from the mirror; printed, and saved for later", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { day: "3" });
  const usb = world.repository("usb");
  for (const daysAgo of [3, 2, 1]) {
    writeFileSync(join(source, "day"), `${daysAgo}`);
    usb.seed(source, { daysAgo, types: ["a"] });
  }
  oneDirectory(world, source, usb);
  const dayOf = async (to: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await holdfast("restore", source, "--to", world.path(to), "--yes", ...args);
    expect(code, stdout + stderr).toBe(0);
    return readFileSync(join(world.path(to), "day"), "utf8");
  };
  expect(await dayOf("newest")).toBe("1");
  expect(await dayOf("then", "--at", "36h")).toBe("2");
  expect(await dayOf("named", "--snapshot", `${usb.copies()[0]?.id.slice(0, 8)}`)).toBe("3");
  const nothing = await holdfast("restore", source, "--at", "9d", "--yes");
  expect(nothing).toMatchObject({ code: 3, stdout: expect.stringMatching(/no copy|no place/) });

  const printed = await holdfast("restore", source, "--to", world.path("printed"), "--print");
  expect(printed.code, printed.stderr).toBe(0);
  const [line = ""] = printed.stdout.split("\n");
  expect(line).toMatch(/restic restore [0-9a-f]{64} --target/);
  expect(existsSync(world.path("printed"))).toBe(false);

  const saved = await holdfast("restore", source, "--to", world.path("saved"), "--out", world.path("plan.json"));
  expect(saved.code, saved.stderr).toBe(0);
  expect(existsSync(world.path("saved"))).toBe(false);
  const later = await holdfast("apply", world.path("plan.json"), "--yes");
  expect(later.code, later.stdout + later.stderr).toBe(0);
  expect(readFileSync(join(world.path("saved"), "day"), "utf8")).toBe("1");
});

newest("a typo, an unknown place, a wrong password: said before anything is done", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "x" });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  oneDirectory(world, source, usb);
  expect(await holdfast("restore", `${source}x`, "--yes")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`did you mean ${host}:${source}?`),
  });
  expect(await holdfast("restore", source, "--from", "vault")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/no remote or mirror vault.*places: usb, source/s),
  });
  expect(await holdfast("restore", source, "--at", "yesterday")).toMatchObject({ code: 1 });
  expect(await holdfast("restore", source)).toMatchObject({ code: 1, stderr: expect.stringContaining("--yes") });
  oneDirectory(world, source, { entry: { ...usb.entry, password: { file: world.secret("wrong-one").file } } });
  const wrong = await holdfast("restore", source, "--yes");
  expect(wrong).toMatchObject({ code: 3, stdout: expect.stringContaining("the password is wrong") });
});

newest("no manifest left: a repository and its password are enough", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { file: "ours", "below/file": "x" });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  const given = ["restore", "--repository", usb.location, "--password-file", usb.entry.password.file];
  for (const record of ["maintenance=check", `drill=${host}:${source}`, "partial=0a1b2c"]) {
    const tags = ["holdfast", record, "result=passed"].map((tag) => `--tag=${tag}`);
    usb.restic(["backup", "--host=elsewhere", ...tags, "--stdin-filename=record", "--stdin-from-command", "/bin/echo"]);
  }

  const which = await holdfast(...given);
  expect(which).toMatchObject({ code: 1, stderr: expect.stringContaining(`it has ${host}:${source} (1, newest `) });
  expect(which.stderr).not.toContain("/record");
  const typo = await holdfast(...given, `${source}x`);
  expect(typo).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no copy of") });
  const { code, stdout, stderr } = await holdfast(...given, source, "--to", world.path("back"), "--yes");
  expect(code, stdout + stderr).toBe(0);
  expect(differences(source, world.path("back"))).toEqual([]);

  const saved = await holdfast(...given, source, "--out", world.path("plan.json"));
  expect(saved).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be used with") });
  const wrong = await holdfast(...given.slice(0, -1), world.secret("wrong-one").file, source, "--yes");
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("the password is wrong") });

  const all = await holdfast(...given, "--all", "--yes");
  expect(all.stdout).toContain("it is there, and stays as it is");
  execFileSync("mv", [source, `${source}.was`]);
  const rebuilt = await holdfast(...given, "--all", host, "--yes");
  expect(rebuilt.code, rebuilt.stdout + rebuilt.stderr).toBe(0);
  expect(differences(`${source}.was`, source)).toEqual([]);
});

newest("the password is paid for twice, not more: for one look, and for the restore", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { file: "x" });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  oneDirectory(world, source, usb);
  const openedBy = async (...args: string[]): Promise<unknown[]> => {
    const before = world.started().length;
    const { code, stdout, stderr } = await holdfast("restore", ...args, source, "--yes");
    expect(code, stdout + stderr).toBe(0);
    const lines = world.started().slice(before);
    return lines.filter((line) => line !== "version").map((line) => line.split(" ", 1)[0]);
  };
  expect(await openedBy("--to", world.path("with"))).toEqual(["snapshots", "restore"]);
  const given = ["--repository", usb.location, "--password-file", usb.entry.password.file];
  expect(await openedBy(...given, "--to", world.path("without"))).toEqual(["snapshots", "restore"]);
});
