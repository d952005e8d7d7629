import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { scriptsIn } from "../../kit-scripts.ts";
import { differences } from "./harness/differences.ts";
import { host, reportOf, testOn, VERSIONS, type World } from "./harness/world.ts";

/** As somebody does it who has the page, the secrets, bash and restic, and no Holdfast. */
function bash(world: World, script: string, variables: Readonly<Record<string, string>> = {}): string {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], {
    cwd: world.folder,
    env: { PATH: `${world.path("bin")}:${process.env.PATH}`, HOME: world.folder, ...variables },
    encoding: "utf8",
  });
  expect(status, `${script}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

describe.each(VERSIONS)("restic %s", (version) => {
  testOn(version)("what the kit prints restores what Holdfast made, with no Holdfast", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("it's $HOME, 100% `x` |", { "deep/er/file": 300_000, empty: "", "-rf": "y" });
    const odd = ["new\nline", "[x]", "a*", "b\\s"];
    for (const name of odd) writeFileSync(join(source, name), name);
    execFileSync("sh", ["-ec", "ln deep/er/file link; ln -s nowhere soft; truncate -s 8M sparse"], { cwd: source });
    const plain = world.source("-plain", { a: "1" });
    const [usb, vault] = [world.repository("usb `disk`"), world.repository("vault")];
    const keep = { a: "all" };
    world.manifest({
      snapshotTypes: { a: {} },
      remotes: { usb: { type: "restic", ...usb.entry } },
      mirrors: { vault: { of: "usb", ...vault.entry, keep } },
      directories: { [source]: { keep, remotes: { usb: {} } }, [plain]: { keep, remotes: { usb: {} } } },
    });
    const taken = await holdfast("snapshot", "a");
    expect(taken.code, taken.stdout + taken.stderr).toBe(0);
    await reportOf(holdfast);

    const printed = await holdfast("recovery-kit");
    expect(printed.code, printed.stdout + printed.stderr).toBe(0);
    const scripts = scriptsIn(printed.stdout);
    const before = scripts.filter(({ place }) => place === undefined).map(({ script }) => script);
    for (const place of ["usb", "vault"]) {
      const there = scripts.filter((one) => one.place?.startsWith(place));
      const [open] = there;
      const whole = there.filter(({ about }) => /-restored$/.test(about));
      const single = there.find(({ about }) => about.startsWith(`One file or folder of ${host}:${source}`));
      expect(whole).toHaveLength(2);
      bash(world, [...before, open?.script, ...whole.map(({ script }) => script)].join("\n"));
      expect(differences(source, `${source}-restored`)).toEqual([]);
      expect(differences(plain, `${plain}-restored`)).toEqual([]);

      bash(world, [...before, open?.script, single?.script].join("\n"), { file: "deep/er" });
      const file = join(world.folder, "recovery/restored-files/deep/er/file");
      expect(readFileSync(file).equals(readFileSync(join(source, "deep/er/file")))).toBe(true);
      for (const left of [`${source}-restored`, `${plain}-restored`, world.path("recovery")])
        rmSync(left, { recursive: true });
    }
  });
});

const newest = testOn("0.18");

newest("a secret is known again by its fingerprint, and nothing of it is printed", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "1" });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  world.manifest({
    snapshotTypes: { a: {} },
    remotes: { usb: { type: "restic", ...usb.entry } },
    directories: { [source]: { keep: { a: "all" }, remotes: { usb: {} } } },
  });
  const { code, stdout, stderr } = await holdfast("recovery-kit", "--json");
  expect(code, stderr).toBe(0);
  const kit = JSON.parse(stdout);
  const [secret] = kit.secrets;
  expect(secret).toMatchObject({
    what: "password of usb",
    where: { kind: "file", name: usb.entry.password.file },
    onlyOn: hostname(),
    fingerprint: { kind: "scrypt" },
  });
  expect(kit.warnings.join("\n")).toContain(`Known only on ${hostname()}`);
  const [place] = kit.places;
  expect(place.repository.id).toBe(JSON.parse(usb.restic(["cat", "config", "--no-lock"])).id);
  expect(usb.restic(["key", "list", "--no-lock"])).toContain(`*${place.repository.key.slice(0, 8)}`);

  const page = (await holdfast("recovery-kit")).stdout;
  const checks = /```sh\n(node .*)\n(python3 .*)\n```/.exec(page)?.slice(1) ?? [];
  const [, value, salt = ""] = /`([0-9a-f]{8})`, SALT `([0-9a-f]{16})`/.exec(page) ?? [];
  expect(checks).toHaveLength(2);
  for (const check of checks) {
    const line = check.replace("SALT", salt);
    expect(bash(world, line.replace("FILE", usb.entry.password.file)).trim()).toBe(value);
    expect(bash(world, line.replace("FILE", world.secret().file)).trim()).not.toBe(value);
  }
  const without = await holdfast("recovery-kit", "--no-fingerprints");
  expect(without.stdout).not.toMatch(/SALT/);
});

newest("what cannot be reached is printed as the manifest has it", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "1" });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  world.manifest({
    snapshotTypes: { a: {} },
    remotes: { usb: { type: "restic", ...usb.entry } },
    mirrors: { gone: { of: "usb", repository: "rest:http://127.0.0.1:1/", password: usb.entry.password } },
    directories: { [source]: { keep: { a: "all" }, remotes: { usb: {} } } },
  });
  const printed = await holdfast("recovery-kit");
  expect(printed.code, printed.stdout).toBe(3);
  expect(printed.stdout).toMatch(/`gone` could not be seen when this was made \(.*\): it is described as the manifest/);
  const gone = scriptsIn(printed.stdout).filter(({ place }) => place === "gone");
  expect(gone[0]?.script).toContain("export RESTIC_REPOSITORY=rest:http://127.0.0.1:1/\n");
  expect(gone[1]?.script).toContain(`restic restore latest --tag source=${host}:${source} --target ${source}-restored`);
});

newest("copies that another tool made are found by host and path", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("it's old", { "a/b": "1", c: "2" });
  const usb = world.repository("usb");
  usb.restic(["backup", `--host=${host}`, source]);
  world.manifest({
    snapshotTypes: { a: {} },
    remotes: { usb: { type: "restic", ...usb.entry, adopt: [{ host, path: source, type: "a" }] } },
    directories: { [source]: { keep: { a: "all" }, remotes: { usb: {} } } },
  });
  const { code, stdout, stderr } = await holdfast("recovery-kit");
  expect(code, stdout + stderr).toBe(0);
  const scripts = scriptsIn(stdout);
  bash(world, scripts.map(({ script }) => script).join("\n"), { file: "a" });
  expect(differences(source, `${source}-restored`)).toEqual([]);
  expect(readFileSync(world.path("recovery/restored-files/a/b"), "utf8")).toBe("1");
});

newest("a file: for its owner alone, over an older kit, and over nothing else", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "1" });
  const usb = world.repository("usb");
  world.manifest({
    snapshotTypes: { a: {} },
    remotes: { usb: { type: "restic", ...usb.entry } },
    directories: { [source]: { keep: { a: "all" }, remotes: { usb: {} } } },
  });
  const out = world.path("kit");
  for (const form of [[], ["--html"], ["--json"], []]) {
    const { code, stdout, stderr } = await holdfast("recovery-kit", ...form, "--out", out);
    expect(code, stdout + stderr).toBe(0);
    expect(execFileSync("stat", ["-c", "%a", out], { encoding: "utf8" }).trim()).toBe("600");
  }
  writeFileSync(world.path("mine"), "my own notes\n");
  mkdirSync(world.path("folder"));
  for (const name of ["mine", "folder"])
    expect(await holdfast("recovery-kit", "--out", world.path(name))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is no recovery kit: nothing was written"),
    });
  expect(readFileSync(world.path("mine"), "utf8")).toBe("my own notes\n");
});
