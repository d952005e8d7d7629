import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Comparison } from "../../src/model/comparison.ts";
import type { Inventory } from "../../src/model/inventory.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { HostName } from "../../src/model/units.ts";
import { validator } from "../published-schema.ts";
import { useHoldfast } from "./harness.ts";
import { inventory, manifest, settledInventory } from "./world.ts";

const holdfast = useHoldfast();
holdfast.write("holdfast.yaml", manifest());
holdfast.write("inventory.json", inventory());
holdfast.write("settled.json", settledInventory());
const recorded = ["--inventory", "inventory.json"];
const settled = ["--inventory", "settled.json"];

describe("plan --inventory", () => {
  test("prints the plan and exits with 0", async () => {
    const { code, stdout, stderr } = await holdfast.run(["plan", ...recorded]);
    expect(stderr).toBe("");
    expect(stdout).toContain("nas01:tank/data");
    expect(stdout).toMatch(/^ {4}> send +@daily-\S+ … @daily-\S+ {2}→ vault:backup\/nas01\/tank\/data/m);
    expect(stdout).toMatch(/\nPlan: 1 to send \(.*\), 7 to destroy \(.*\), 1 to bookmark\. \d+ kept\.\n$/);
    expect(code).toBe(0);
  });

  test("with --detailed-exitcode changes are 2 and none are 0", async () => {
    expect((await holdfast.run(["plan", ...recorded, "--detailed-exitcode"])).code).toBe(2);
    const { code, stdout } = await holdfast.run(["plan", ...settled, "--detailed-exitcode"]);
    expect(stdout).toMatch(/^No changes\. 10 kept\.$/m);
    expect(code).toBe(0);
  });

  test("a host that was not observed makes the plan incomplete: 3", async () => {
    const partial = inventory();
    holdfast.write("partial.json", {
      ...partial,
      hosts: { ...partial.hosts, vault: { state: "unobserved", reason: "connection refused" } },
    });
    const { code, stdout } = await holdfast.run(["plan", "--inventory", "partial.json", "--detailed-exitcode"]);
    expect(stdout).toContain("! missing   host vault (remote vault)");
    expect(stdout).toContain("connection refused");
    expect(stdout).toContain("Incomplete: not everything could be observed.");
    expect(stdout).not.toContain("destroy ");
    expect(code).toBe(3);
  });

  test("--json is what the schema says, and what --out writes", async () => {
    const { stdout } = await holdfast.run(["plan", ...recorded, "--json", "--out", "saved.json"]);
    const plan = JSON.parse(stdout) as Plan;
    const validate = validator("plan.v1");
    validate(plan);
    expect(validate.errors).toBeNull();
    expect(plan.operations.map(({ kind }) => kind)).toContain("destroy");
    expect(JSON.parse(readFileSync(holdfast.path("saved.json"), "utf8"))).toEqual(plan);
  });

  test("--out says how to go on", async () => {
    const { stdout } = await holdfast.run(["plan", ...recorded, "--out", "saved.json"]);
    expect(stdout).toMatch(/Saved to saved\.json: holdfast apply saved\.json\n$/);
  });

  test("--markdown is a comment with a table", async () => {
    const { stdout } = await holdfast.run(["plan", ...recorded, "--markdown"]);
    expect(stdout).toMatch(/^### Holdfast\n\n\*\*Plan: /);
    expect(stdout).toContain("| `nas01:tank/data` | `-` | destroy |");
  });

  test("-v shows the commands and why each snapshot is kept", async () => {
    const { stdout } = await holdfast.run(["plan", ...recorded, "-v"]);
    expect(stdout).toMatch(/nas01\$ zfs send -vP -L -e -c -p \S+ \| vault\$ zfs receive -s -u -o readonly=on/);
    expect(stdout).toMatch(/nas01\$ zfs destroy tank\/data@hourly-\S+,hourly-/);
    expect(stdout).toMatch(/@hourly-\S+ +among the newest \(hourly: 4\)/);
    expect(stdout).toContain("      @by hand");
  });

  test("--target and --exclude that name nothing are an error, not an empty plan", async () => {
    for (const option of ["--target", "--exclude"]) {
      const { code, stderr, stdout } = await holdfast.run(["plan", ...recorded, option, "tank/dta"]);
      expect(stderr).toContain("error: no source matches tank/dta");
      expect(stdout).toBe("");
      expect(code).toBe(1);
    }
    const { code, stdout } = await holdfast.run(["plan", ...recorded, "--exclude", "tank/*"]);
    expect(stdout).toMatch(/^No changes\. 0 kept\.$/m);
    expect(code).toBe(0);
  });
});

describe("--resolve", () => {
  test.each([
    ["nope", "there is no remote nope to resolve anything on", "--resolve takes one of these: vault"],
    ["r", "r is a restic repository, where no copy can be in the way", "--resolve takes one of these: vault"],
  ])("of %s, where nothing can be, is an error", async (remote, message, hint) => {
    const restic = "remotes:\n  r: { type: restic, repository: ./r, password: { file: ./pw }, keep: { daily: 3 } }\n";
    holdfast.write("restic.yaml", manifest().replace("remotes:\n", restic));
    const { code, stderr } = await holdfast.run([
      "-f",
      "restic.yaml",
      "plan",
      ...recorded,
      "--resolve",
      `${remote}=rollback`,
    ]);
    expect(stderr).toBe(`error: ${message}\n  next: ${hint}\n`);
    expect(code).toBe(1);
  });
});

describe("what is given as an inventory", () => {
  test.each([
    ["no JSON", "{", /is not JSON/],
    ["a plan", { formatVersion: 1, operations: [] }, /is no inventory: /],
    ["another version", { ...inventory(), formatVersion: 2 }, /has format version 2; this Holdfast reads version 1/],
    ["a wrong value", { ...inventory(), observedAt: "now" }, /observedAt: must be integer, but is "now"/],
  ])("%s is refused", async (_, content, message) => {
    holdfast.write("wrong.json", content);
    const { code, stderr } = await holdfast.run(["plan", "--inventory", "wrong.json"]);
    expect(stderr).toMatch(message);
    expect(stderr).toContain("next: a file that `holdfast list --json` wrote is expected");
    expect(code).toBe(1);
  });

  test("a folder has one file a machine", async () => {
    const { hosts, ...rest } = inventory();
    const [nas01, vault] = ["nas01", "vault"].map((name) => Object.entries(hosts).find(([host]) => host === name)?.[1]);
    const away = { state: "unobserved", reason: "not mine" };
    holdfast.write("machines/nas01.json", { ...rest, hosts: { nas01, vault: away } });
    holdfast.write("machines/vault.json", { ...rest, hosts: { vault } });
    const whole = await holdfast.run(["plan", ...recorded, "--json"]);
    const merged = await holdfast.run(["plan", "--inventory", "machines", "--json"]);
    expect(JSON.parse(merged.stdout)).toEqual(JSON.parse(whole.stdout));
    holdfast.write("machines/zz.json", { ...rest, hosts: { vault } });
    const twice = await holdfast.run(["plan", "--inventory", "machines"]);
    expect(twice.stderr).toMatch(/vault is in two inventories: machines\/vault\.json and machines\/zz\.json/);
  });

  test("a missing file is named", async () => {
    const { code, stderr } = await holdfast.run(["plan", "--inventory", "nowhere.json"]);
    expect(stderr).toContain("cannot read nowhere.json");
    expect(code).toBe(1);
  });
});

describe("plan --base", () => {
  holdfast.write("before.yaml", manifest({ keep: "{ hourly: 9, daily: 5 }" }));

  test("shows only what the change does", async () => {
    const { code, stdout } = await holdfast.run(["plan", ...recorded, "--base", "before.yaml", "--detailed-exitcode"]);
    expect(stdout.split("\n")[0]).toBe("This change destroys 7 snapshots on 1 host.");
    expect(stdout).not.toContain("> send");
    expect(stdout).toContain("~ keep: { hourly: 9, daily: 5 } → { hourly: 4, daily: 3 }    nas01:tank/data");
    expect(code).toBe(2);
  });

  test("the same manifest is no change", async () => {
    const { code, stdout } = await holdfast.run([
      "plan",
      ...recorded,
      "--base",
      "holdfast.yaml",
      "--detailed-exitcode",
    ]);
    expect(stdout).toContain("This change does nothing now.");
    expect(code).toBe(0);
  });

  test("as JSON and as a comment", async () => {
    const { stdout } = await holdfast.run(["plan", ...recorded, "--base", "before.yaml", "--json"]);
    const comparison = JSON.parse(stdout) as Comparison;
    const validate = validator("comparison.v1");
    validate(comparison);
    expect(validate.errors).toBeNull();
    expect(comparison.does.summary.destroy).toBe(7);
    const markdown = await holdfast.run(["plan", ...recorded, "--base", "before.yaml", "--markdown"]);
    expect(markdown.stdout).toContain("**This change destroys 7 snapshots on 1 host.**");
  });

  test("git:REF is the manifest that was committed; nothing of the repository runs", async () => {
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.net", ...args], {
        cwd: holdfast.folder,
        stdio: "pipe",
      });
    git("init", "-q");
    holdfast.write("holdfast.yaml", manifest({ keep: "{ hourly: 9, daily: 5 }" }));
    holdfast.write("parts/main.yaml", manifest({ keep: "{ hourly: 9, daily: 5 }" }));
    git("add", "holdfast.yaml", "parts");
    git("commit", "-q", "-m", "first");
    holdfast.write("holdfast.yaml", manifest());
    holdfast.write("parts/main.yaml", manifest());
    const touched = join(holdfast.folder, "ran");
    git("config", "core.fsmonitor", `touch ${touched}`);
    git("config", "filter.x.smudge", `touch ${touched}`);
    writeFileSync(join(holdfast.folder, ".gitattributes"), "* filter=x\n");
    for (const file of ["holdfast.yaml", "parts"]) {
      const { code, stdout, stderr } = await holdfast.run(["-f", file, "plan", ...recorded, "--base", "git:HEAD"]);
      expect(stderr).toBe("");
      expect(stdout.split("\n")[0]).toBe("This change destroys 7 snapshots on 1 host.");
      expect(code).toBe(0);
    }
    expect(() => readFileSync(touched)).toThrow(/ENOENT/);
    const missing = await holdfast.run(["plan", ...recorded, "--base", "git:--output=x"]);
    expect(missing.stderr).toContain("git knows no commit --output=x");
    expect(missing.code).toBe(1);
    holdfast.write("new.yaml", manifest());
    const unborn = await holdfast.run(["-f", "new.yaml", "plan", ...recorded, "--base", "git:HEAD"]);
    expect(unborn.stderr).toContain("HEAD has no manifest in the place of this one");
    expect(unborn.code).toBe(1);
  });

  test("an invalid base is an invalid manifest", async () => {
    holdfast.write("broken.yaml", "version: 1\nremotes: 7\n");
    const { code, stderr } = await holdfast.run(["plan", ...recorded, "--base", "broken.yaml"]);
    expect(stderr).toContain("broken.yaml:2");
    expect(code).toBe(5);
  });
});

describe("explain", () => {
  test("a source: key, value and where it comes from", async () => {
    const { code, stdout } = await holdfast.run(["explain", "nas01:tank/data", ...recorded]);
    expect(stdout).toMatch(/^ {2}KEY +VALUE +FROM$/m);
    expect(stdout).toMatch(/^ {2}keep +\{ hourly: 4, daily: 3 \} +datasets\."nas01:tank\/data" \(holdfast\.yaml:8\)$/m);
    expect(stdout).toMatch(/^ {2}remotes\.vault\.target +vault:backup\/nas01\/tank\/data/m);
    expect(code).toBe(0);
  });

  test("--on shows the keys of one copy", async () => {
    const { stdout } = await holdfast.run(["explain", "tank/data", "--on", "vault", ...recorded]);
    expect(stdout).toContain("remotes.vault.keep");
    expect(stdout).not.toContain("suspend");
    const { code, stderr } = await holdfast.run(["explain", "tank/data", "--on", "usb", ...recorded]);
    expect(stderr).toContain("nas01:tank/data has no copy on usb");
    expect(stderr).toContain("its remotes: vault");
    expect(code).toBe(1);
  });

  test.each([
    [
      "an old hourly is destroyed",
      "tank/data@hourly-20261129T160000Z",
      [/- destroy +beyond hourly: 4/, /vault .* no$/m],
    ],
    ["a new hourly is kept", "tank/data@hourly-20261129T230000Z", [/keep +among the newest \(hourly: 4\)/]],
    [
      "a daily is kept and sent",
      "nas01:tank/data@daily-20261130T000000Z",
      [/keep +among the newest \(daily: 3\)/, /> send +vault: to vault:backup\/nas01\/tank\/data/],
    ],
    ["a foreign one is never touched", "tank/data@by hand", [/foreign/, /type +none: foreign/]],
  ])("%s", async (_, address, patterns) => {
    const { code, stdout } = await holdfast.run(["explain", address, ...recorded]);
    for (const pattern of patterns) expect(stdout).toMatch(pattern);
    expect(code).toBe(0);
  });

  test("a copy, by remote and by where it is", async () => {
    const name = "daily-20261130T000000Z";
    const byRemote = await holdfast.run(["explain", `tank/data@${name}`, "--on", "vault", ...settled, "--json"]);
    const byPlace = await holdfast.run(["explain", `vault:backup/nas01/tank/data@${name}`, ...settled, "--json"]);
    expect(JSON.parse(byRemote.stdout)).toEqual(JSON.parse(byPlace.stdout));
    const validate = validator("explain.v1");
    validate(JSON.parse(byRemote.stdout));
    expect(validate.errors).toBeNull();
    expect(JSON.parse(byRemote.stdout)).toMatchObject({
      kind: "snapshot",
      remote: "vault",
      at: { host: "vault", dataset: "backup/nas01/tank/data" },
      type: "daily",
      places: [{ state: "snapshot" }, { remote: "vault", state: "snapshot" }],
    });
  });

  test("what is not there is said", async () => {
    const snapshot = await holdfast.run(["explain", "tank/data@nope", ...recorded]);
    expect(snapshot.stderr).toContain("tank/data@nope: there is no such snapshot");
    expect(snapshot.code).toBe(1);
    const source = await holdfast.run(["explain", "tank/nope", ...recorded]);
    expect(source.stderr).toContain("tank/nope is neither a source of the manifest nor a copy of one");
    expect(source.code).toBe(1);
  });
});

describe("list", () => {
  test("one matrix a source", async () => {
    const { code, stdout } = await holdfast.run(["list", ...settled]);
    expect(stdout).toMatch(/^ {2}SNAPSHOT +CREATED \(UTC\) +SOURCE +VAULT$/m);
    expect(stdout).toMatch(/^ {2}@daily-20261129T000000Z +2026-11-29 00:00:00 +yes +yes$/m);
    expect(stdout).toMatch(/^ {2}@hourly-20261129T230000Z +2026-11-29 23:00:00 +yes +-$/m);
    expect(code).toBe(0);
  });

  test("--json is an inventory that plan reads", async () => {
    const { stdout } = await holdfast.run(["list", "--json", ...recorded]);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(inventory())));
  });

  test("a pattern that matches nothing is an error", async () => {
    expect((await holdfast.run(["list", "tank/nope", ...recorded])).code).toBe(1);
  });
});

describe("what two patterns claim", () => {
  const claimed = ["-f", "claimed.yaml"];
  holdfast.write(
    "claimed.yaml",
    manifest()
      .replace(/^ {2}"nas01:tank\/data":$/m, '  "nas01:tank/d*": &keys')
      .concat('  "nas01:tank/*a": *keys\n'),
  );

  test("is no source, and list and explain say why", async () => {
    const list = await holdfast.run([...claimed, "list", "tank/data", ...recorded]);
    expect(list.stdout).toMatch(/^nas01:tank\/data\n {2}! blocked: .*(tank\/d\*|tank\/\*a)/);
    expect(list.code).toBe(0);
    for (const address of ["tank/data", "nas01:tank/data@by hand"]) {
      const { code, stdout } = await holdfast.run([...claimed, "explain", address, ...recorded]);
      expect(stdout).toMatch(/^nas01:tank\/data\n {2}! blocked {4,}\S.*\n +remedies: /);
      expect(code).toBe(0);
    }
    const json = await holdfast.run([...claimed, "explain", "tank/data", "--json", ...recorded]);
    const validate = validator("explain.v1");
    validate(JSON.parse(json.stdout));
    expect(validate.errors).toBeNull();
  });
});

describe("list SOURCE --json", () => {
  holdfast.write("two.yaml", `${manifest()}  "nas01:tank/other": { keep: { daily: 3 }, remotes: { vault: {} } }\n`);
  const world = inventory();
  const nas = world.hosts["nas01" as HostName];
  const datasets = nas?.state === "observed" ? nas.datasets : [];
  holdfast.write("two.json", {
    ...world,
    hosts: {
      ...world.hosts,
      nas01: { ...nas, datasets: [...datasets, ...datasets.map((one) => ({ ...one, name: "tank/other" }))] },
    },
  });

  test("records what is about it, and what is left out is not taken for absent", async () => {
    const args = ["-f", "two.yaml", "list", "tank/data", "--inventory", "two.json", "--json"];
    const { code, stdout } = await holdfast.run(args);
    expect(code).toBe(0);
    const recorded = JSON.parse(stdout) as Inventory;
    const validate = validator("inventory.v1");
    validate(recorded);
    expect(validate.errors).toBeNull();
    expect(recorded.hosts).toMatchObject({
      nas01: { roots: ["tank/data"], datasets: [{ name: "tank/data" }] },
      vault: { roots: ["backup/nas01/tank/data"], datasets: [] },
    });
    holdfast.write("one.json", stdout);
    const plan = await holdfast.run(["-f", "two.yaml", "plan", "--inventory", "one.json"]);
    expect(plan.stdout).not.toContain("there is no dataset tank/other");
  });
});

test("explain shows every key as the manifest would write it", async () => {
  const directory =
    "{ take: [daily], keep: { daily: 9 }, files: { excludeLargerThan: 1GiB }, hooks: [{ around: run, before: [date], timeout: 90s }], remotes: { r: {} } }";
  const restic = "remotes:\n  r: { type: restic, repository: ./r, password: { file: ./pw }, keep: { daily: 3 } }\n";
  const text = manifest().replace("remotes:\n", restic);
  holdfast.write("keys.yaml", `${text}directories: { "nas01:/etc": ${directory} }\n`);
  const { stdout, stderr } = await holdfast.run(["-f", "keys.yaml", "explain", "/etc", "--json", ...recorded]);
  expect(stderr).toBe("");
  const keys = Object.fromEntries(
    JSON.parse(stdout).keys.map(({ key, value }: Record<string, string>) => [key, value]),
  );
  expect(keys).toMatchObject({
    keep: "{ daily: 9 }",
    "remotes.r.keep": "{ daily: 3 }",
    files: "{ excludeLargerThan: 1GiB }",
    hooks: "[{ around: run, before: [date], timeout: 90s, onFailure: abort }]",
  });
});
