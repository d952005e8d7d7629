import { expect } from "vitest";
import type { Folder } from "../../../src/model/folder.ts";
import { validator } from "../../published-schema.ts";
import { test } from "../harness/index.ts";
import { applied, manifestOf } from "./plans.ts";

const validate = validator("folder.v1");

test("looks into the source's own snapshots and into copies, and leaves nothing mounted", async ({ world }) => {
  const { nas, vault, datasets, holdfast } = world;
  const source = `${datasets.tank}/home`;
  const odd = "new\nline [x] -*";
  await nas.sh(`set -e
    zfs create ${source}; cd /${source}; mkdir -p 'alice/a b' "$(printf 'bob %b' '\\377')"
    head -c 300000 /dev/urandom > alice/thesis; chown 1234:5678 alice/thesis; chmod 4755 alice/thesis
    touch -d "2023-11-14 22:13:20" alice/thesis; mkfifo alice/pipe; ln -s /etc alice/soft`);
  await nas.put(`/${source}/-${odd}`, "odd");
  await world.manifest(manifestOf(world, { entry: { recursive: true } }));
  await nas.snapshot(source, ["a-1"]);
  await applied(holdfast, "--target", `nas:${source}`);
  await nas.sh(`rm /${source}/alice/thesis`);
  const mountsOf = () => Promise.all([nas, vault].map((machine) => machine.sh("cat /proc/self/mounts")));
  const before = await mountsOf();
  const looked = async (...args: string[]): Promise<Folder> => {
    const { code, stdout, stderr } = await holdfast("ls", "--json", ...args);
    expect(code, stderr).toBe(0);
    const folder: Folder = JSON.parse(stdout);
    validate(folder);
    expect(validate.errors).toBeNull();
    return folder;
  };

  const own = await looked(`nas:${source}`);
  expect(own).toMatchObject({ source: `nas:${source}`, place: "source", snapshot: "a-1", path: "" });
  expect(own.entries.map(({ name, type }) => [name, type])).toEqual([
    [`-${odd}`, "file"],
    ["alice", "folder"],
    ["bob \\xff", "folder"],
  ]);
  const copy = await looked(`nas:${source}@a-1`, "alice", "--on", "vault");
  expect(copy).toMatchObject({ place: "vault", at: { host: "vault", dataset: `${datasets.backup}/${source}` } });
  expect(copy.entries).toMatchObject([
    { name: "a b", type: "folder", mode: "0755" },
    { name: "pipe", type: "pipe" },
    { name: "soft", type: "link", target: "/etc" },
    { name: "thesis", size: 300_000, mode: "4755", uid: 1234, gid: 5678, modified: "2023-11-14T22:13:20Z" },
  ]);
  expect((await looked("--", `nas:${source}`, `-${odd}`)).entries).toMatchObject([{ name: `-${odd}`, size: 3 }]);
  expect((await looked(`nas:${source}`, `./-${odd}`)).entries).toMatchObject([{ name: `-${odd}`, size: 3 }]);
  expect((await looked(`nas:${source}`, "alice/a b")).entries).toEqual([]);

  const shown = await holdfast("ls", `nas:${source}`, "alice");
  expect(shown.stdout).toMatch(/^ {2}-rwsr-xr-x {2}1234:5678 +293 KiB {2}2023-11-14 22:13:20Z {2}thesis$/m);
  const failures: [string[], RegExp][] = [
    [[`nas:${source}`, "no/such"], /@a-1 has no no\/such/],
    [[`nas:${source}`, "alice/thesis/x"], /@a-1 has no alice\/thesis\/x/],
    [[`nas:${source}`, "alice/soft/ssh"], /alice\/soft is a link/],
    [[`nas:${source}@a-9`], /no place that was seen has a snapshot or copy of .* called a-9/],
  ];
  for (const [args, message] of failures)
    expect(await holdfast("ls", ...args)).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  expect(await mountsOf()).toEqual(before);

  await nas.sh(`zfs destroy -r ${source}`);
  expect(await looked(`nas:${source}`)).toMatchObject({ place: "vault", entries: own.entries });
});

test("what is encrypted, and a volume: said what to do", async ({ world }) => {
  const { nas, datasets, holdfast } = world;
  const source = `${datasets.tank}/secret`;
  await nas.sh(`set -e
    echo open-sesame | zfs create -o encryption=on -o keyformat=passphrase ${source}; echo x > /${source}/file
    zfs create -s -V 8M ${datasets.tank}/volume; zfs snapshot ${source}@a-1; zfs snapshot ${datasets.tank}/volume@a-1`);
  await world.manifest(manifestOf(world, { entry: { recursive: true } }));
  await applied(holdfast, "--target", `nas:${source}`);
  const own = await holdfast("ls", `nas:${source}`);
  expect(own.stdout, own.stderr).toMatch(/ file$/m);
  expect(await holdfast("ls", `nas:${source}`, "--on", "vault")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/key is not loaded\s+next: on vault: zfs load-key/),
  });
  expect(await holdfast("ls", `nas:${datasets.tank}/volume`)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is a volume"),
  });
});

test("an account without root sees what is mounted, and is told what it cannot see", async ({ world }) => {
  const { nas, vault, datasets, holdfast } = world;
  const source = `${datasets.tank}/home`;
  await nas.sh(`set -e
    zfs create ${source}; cd /${source}; mkdir -m 755 open; mkdir -m 700 closed; echo x > open/file; echo y > closed/file`);
  await nas.snapshot(source, ["a-1"]);
  await world.manifest(manifestOf(world, { entry: { recursive: true } }));
  await applied(holdfast, "--target", `nas:${source}`);
  const hosts = {
    nas: { ...nas.hostEntry("controller"), user: "backup" },
    vault: { ...vault.hostEntry("controller"), user: "backup" },
  };
  await world.manifest(manifestOf(world, { hosts, entry: { recursive: true } }));
  const seen = await holdfast("ls", `nas:${source}`, "open");
  expect(seen.stdout, seen.stderr).toMatch(/ file$/m);
  const hidden: string[][] = [
    [`nas:${source}`, "closed"],
    [`nas:${source}`, "closed/file"],
    [`nas:${source}`, "--on", "vault"],
  ];
  for (const args of hidden)
    expect(await holdfast("ls", ...args)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot be read by the account.*next: only root can mount a snapshot/s),
    });
});
