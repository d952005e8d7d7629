import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fakeZfs } from "./fake-zfs.ts";
import { useHoldfast } from "./harness.ts";

const holdfast = useHoldfast();
const blind = fakeZfs(holdfast, {}, { failing: "internal error: out of memory" });
/** Without zfs, as on a machine that has none. */
const nothing = { env: { PATH: holdfast.path("bin-empty") } };
const sighted = fakeZfs(holdfast, {
  tank: {},
  "tank/data": {},
  "tank/data@by-hand": {},
  "tank/usb": {},
  "tank/vm": {},
  usb: {},
  "usb/nas": {},
});
holdfast.write(
  "holdfast.yaml",
  `version: 1
hosts: { nas: {} }
remotes: { usb: { type: zfs, root: "usb/{host}", keep: { daily: 3 } } }
datasets: { "tank/**": { keep: { daily: 3 }, remotes: { usb: {} } } }
`,
);
holdfast.write(
  "directory.yaml",
  `version: 1
hosts: { nas: {} }
remotes: { r: { type: restic, repository: ./r, password: { file: ./pw }, keep: { daily: 3 } } }
datasets: { "tank/**": { keep: { daily: 3 } } }
directories: { /etc: { remotes: { r: {} } } }
`,
);
const run = (args: readonly string[], settings = {}) => holdfast.run(["--as", "nas", ...args], settings);

describe("what is named on a host that was not seen", () => {
  test.each([
    ["plan", "--target", "tank/data"],
    ["apply", "--yes", "--exclude", "tank/data"],
    ["verify", "tank/data"],
    ["list", "nas:tank/data"],
    ["snapshot", "daily", "tank/*"],
    ["recovery-kit", "tank/data"],
    ["find", "thesis.tex", "tank/data"],
    ["status", "--source", "tank/data"],
    ["restore", "tank/data"],
    ["restore", "tank/data", "--from", "usb"],
    ["ls", "tank/data"],
    ["explain", "tank/data"],
    ["explain", "tank/data@by-hand"],
  ])("cannot be told from a typo, and why is said: %s %s %s", async (...args) => {
    const { code, stderr } = await run(args, blind);
    expect(stderr).toMatch(/^error: cannot tell \w+ .*tank.*\n {2}nas was not observed: .*\n/);
    expect(stderr).toContain("internal error: out of memory");
    expect(stderr).toMatch(/next: .*holdfast doctor/);
    expect(code).toBe(3);
  });

  test.each([
    ["plan", "--target", "tank/data", "no source matches tank/data"],
    ["plan", "--target", "", 'no source matches ""'],
    ["restore", "--from", "usb", "tank/data", "there is no source nas:tank/data"],
    ["explain", "tank/data", "tank/data is neither a source of the manifest nor a copy of one"],
  ])("is a typo where all was seen: %s", async (...given) => {
    const nowhere =
      "version: 1\nhosts: { nas: {} }\nremotes: { usb: { type: zfs, root: tank/usb, keep: { daily: 3 } } }\n";
    holdfast.write(
      "nowhere.yaml",
      `${nowhere}datasets: { "tank/vm/**": { keep: { daily: 3 }, remotes: { usb: {} } } }\n`,
    );
    const { code, stderr } = await run(["-f", "nowhere.yaml", ...given.slice(0, -1)], sighted);
    expect(stderr).toContain(`error: ${given.at(-1)}`);
    expect(code).toBe(1);
  });

  test("is not seen either in a pool that is not imported", async () => {
    const data = "{ keep: { daily: 3 } }";
    holdfast.write(
      "away.yaml",
      `version: 1\nhosts: { nas: {} }\ndatasets: { away/data: ${data}, "tank/*": ${data} }\n`,
    );
    const { code, stderr } = await run(["-f", "away.yaml", "plan", "--target", "away/*"], sighted);
    expect(stderr).toMatch(
      /^error: cannot tell which sources away\/\* means\n {2}nas:away was not observed: pool away is not imported\n/,
    );
    expect(code).toBe(3);
    const typo = await run(["-f", "away.yaml", "plan", "--target", "tnk/data"], sighted);
    expect([typo.code, typo.stderr]).toEqual([1, expect.stringContaining("no source matches tnk/data")]);
  });

  test("a directory is known by the manifest alone", async () => {
    for (const args of [
      ["plan", "--target", "/ect"],
      ["list", "nas:/ect"],
      ["suspend", "/ect"],
    ]) {
      const { code, stderr } = await run(["-f", "directory.yaml", ...args], blind);
      expect(stderr).toMatch(/^error: no source matches (nas:)?\/ect\n/);
      expect(code).toBe(1);
    }
  });
});

test("snapshot says of what two patterns claim that it is blocked", async () => {
  holdfast.write(
    "tie.yaml",
    'version: 1\nhosts: { nas: {} }\ndatasets: { "tank/d*": &keys { keep: { daily: 3 } }, "tank/*a": *keys }\n',
  );
  const { code, stdout } = await run(["-f", "tie.yaml", "snapshot", "daily", "tank/data"], sighted);
  expect(stdout).toMatch(/^ {4}! blocked .*tank\/d\*/m);
  expect(code).toBe(3);
});

test("snapshot says what it could not see, as text and beside its JSON", async () => {
  const { code, stdout } = await run(["snapshot", "daily"], blind);
  expect(stdout).toMatch(/! missing {3}host nas\n.*internal error: out of memory/s);
  expect(code).toBe(3);
  const json = await run(["snapshot", "daily", "--json"], blind);
  expect(JSON.parse(json.stdout)).toMatchObject({ operations: [] });
  expect(json.stderr).toContain("internal error: out of memory");
});

test.each([
  ["status", ["status"], "Not seen: nas: "],
  ["find", ["find", "x"], "! not searched: nas: "],
])("%s says why on lines of their own", async (_, args, beginning) => {
  const { stdout } = await run(args, nothing);
  const lines = stdout.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`${beginning}nas: zfs is not installed here`));
  expect(lines[at + 1]).toMatch(/^ {2}install it/);
  expect(stdout).not.toContain("\\n");
});

describe("suspend", () => {
  const file = holdfast.path("state/suspended.json");

  test("nothing is no source, whatever was seen", async () => {
    const { code, stderr } = await run(["suspend", ""], blind);
    expect(stderr).toMatch(/^error: no source matches ""\n/);
    expect(code).toBe(1);
    expect(existsSync(file)).toBe(false);
  });

  test("takes what may be on a host that was not seen, and says so", async () => {
    const { code, stdout } = await run(["suspend", "tank/dta"], blind);
    expect(stdout).toBe(
      "tank/dta is suspended: holdfast resume tank/dta\n  whether it is a source could not be checked: nas was not observed\n",
    );
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ suspended: [{ source: "tank/dta" }] });
    expect((await run(["resume", "--all"])).code).toBe(0);
  });

  test("list and plan say of each source that it is suspended", async () => {
    await run(["suspend", "tank/**"], sighted);
    const { stdout } = await run(["list"], sighted);
    expect(stdout).toMatch(/^tank\n {2}! suspended, until `holdfast resume tank\/\*\*`\n/m);
    const plan = await run(["plan"], sighted);
    expect(plan.stdout).toMatch(/^ +tank: suspended: .*until `holdfast resume tank\/\*\*`/m);
    expect((await run(["resume", "--all"])).code).toBe(0);
  });
});
