import { expect, test } from "vitest";
import { fakeZfs } from "./fake-zfs.ts";
import { useHoldfast } from "./harness.ts";

const holdfast = useHoldfast();
const nas = fakeZfs(holdfast, { tank: {}, "tank/data": {}, "tank/data@daily-20261129T000000Z": {} });
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJsx8H0pRPyqcXlWOPoB0qkzGOlsHfA1xLe5kUDKD0cH";
/** Nobody listens on port 1. */
holdfast.write(
  "holdfast.yaml",
  `version: 1
hosts:
  nas: {}
  web: { address: 127.0.0.1, port: 1, user: nobody, hostKeys: ["${key}"] }
datasets: { "{nas,web}:tank/data": { keep: { daily: 3 } } }
`,
);

test.each([
  ["plan"],
  ["plan", "--json"],
  ["apply", "--yes"],
  ["list"],
  ["list", "--json"],
  ["status"],
  ["status", "--json"],
  ["simulate", "--for", "1d"],
  ["simulate", "--for", "1d", "--json"],
  ["snapshot", "daily"],
  ["verify"],
  ["recovery-kit"],
  ["find", "thesis.tex"],
  ["find", "thesis.tex", "--json"],
  ["doctor"],
  ["doctor", "--json"],
])("--all-hosts asks the others as well: %s", async (...args) => {
  const said = async (...more: string[]) => {
    const { code, stdout, stderr } = await holdfast.run(["--as", "nas", ...args, ...more], nas);
    return { code, text: stdout + stderr };
  };
  const own = await said();
  expect(own.text).not.toMatch(/\bweb\b/);
  const all = await said("--all-hosts");
  expect(all.text).toMatch(/\bweb\b/);
  expect(all.code).toBe(3);
});

test("what another host is responsible for is explained only with --all-hosts", async () => {
  const explain = (...more: string[]) => holdfast.run(["--as", "nas", "explain", "web:tank/data", ...more], nas);
  expect(await explain()).toMatchObject({ code: 1, stderr: expect.stringContaining("with --all-hosts also those") });
  expect(await explain("--all-hosts")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("web was not observed"),
  });
});

test("repositories that only others work with are unlocked only with --all-hosts", async () => {
  holdfast.write(
    "unlock.yaml",
    `version: 1
hosts:
  nas: {}
  web: { address: 127.0.0.1, port: 1, user: nobody, hostKeys: ["${key}"] }
remotes: { usb: { type: restic, repository: /srv/repository, password: { env: PASSWORD } } }
directories: { "web:/etc": { keep: { daily: 3 }, remotes: { usb: {} } } }
`,
  );
  const unlock = (...more: string[]) =>
    holdfast.run(["--as", "nas", "-f", "unlock.yaml", "unlock", ...more], {
      env: { ...nas.env, PASSWORD: "x" },
    });
  expect(await unlock()).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^No restic repository is used here\.\n/),
  });
  expect(await unlock("usb")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("with --all-hosts also others'"),
  });
  const all = await unlock("--all-hosts");
  expect(all.stdout).toMatch(/^usb@web\n {2}! failed {3}could not be looked at: /);
  expect(all.code).toBe(3);
});
