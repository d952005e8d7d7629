import { execFileSync } from "node:child_process";
import { expect } from "vitest";
import type { Found, Hit, Wanted } from "../../../src/model/found.ts";
import type { DatasetName, HostName } from "../../../src/model/units.ts";
import { wantedOf } from "../../../src/planner/find/names.ts";
import { findInSnapshots, type Outcome } from "../../../src/remotes/zfs/find.ts";
import { quoteAll } from "../../../src/transport/shell.ts";
import type { Hosts } from "../../../src/transport/types.ts";
import { validator } from "../../published-schema.ts";
import { test, type World } from "../harness/index.ts";
import { applied, manifestOf } from "./plans.ts";

const validate = validator("found.v1");

const keepAll = { recursive: true, keep: { a: 9 }, remotes: { vault: { keep: { a: 9 } } } };

async function found(
  world: World,
  ...args: string[]
): Promise<Found & { readonly code: number; readonly log: string }> {
  const { code, stdout, stderr } = await world.holdfast("--log-level", "debug", "find", "--json", ...args);
  expect(stdout, stderr).not.toBe("");
  const answer: Found = JSON.parse(stdout);
  validate(answer);
  expect(validate.errors).toBeNull();
  return { ...answer, code, log: stderr };
}

/** As a shell reads it, without the program. */
const wordsOf = (line: string | undefined): string[] =>
  execFileSync("bash", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" })
    .split("\0")
    .slice(1, -1);

test("a deleted file of a child is found in older snapshots and in copies; the line brings it back", async ({
  world,
}) => {
  const { nas, vault, datasets, holdfast } = world;
  const source = `${datasets.tank}/home`;
  const alice = `nas:${source}/alice`;
  const odd = "[x] new\nline";
  await nas.sh(`set -e
    zfs create ${source}; zfs create ${source}/alice; cd /${source}; echo mine > thesis; cd alice
    mkdir docs; printf one > docs/thesis; ln -s docs soft; printf raw > "$(printf 'raw\\377')"
    touch -d "2023-11-14 22:13:21" docs/thesis; zfs snapshot -r ${source}@a-1; zfs snapshot -r ${source}@a-2
    printf second > docs/thesis; touch -d "2023-11-14 22:13:22" docs/thesis`);
  await nas.put(`/${source}/alice/${odd}`, "odd");
  await nas.sh(`cd /${source}/alice; zfs snapshot -r ${source}@a-3; rm -r docs; zfs snapshot -r ${source}@a-4`);
  await world.manifest(manifestOf(world, { entry: keepAll }));
  await applied(holdfast);
  const mountsOf = () => Promise.all([nas, vault].map((machine) => machine.sh("cat /proc/self/mounts")));
  const before = await mountsOf();

  const answer = await found(world, "thesis");
  expect(answer, answer.log).toMatchObject({ code: 0, complete: true, unsearched: [], volumes: [] });
  expect(answer.paths.map(({ source: of, path }) => [of, path])).toEqual([
    [`nas:${source}`, "thesis"],
    [alice, "docs/thesis"],
  ]);
  const [own, docs] = answer.paths;
  expect(own?.versions).toMatchObject([{ snapshots: 4, newest: { snapshot: "a-4" }, oldest: { snapshot: "a-1" } }]);
  expect(docs?.versions).toMatchObject([
    { type: "file", size: 6, modified: "2023-11-14T22:13:22Z", snapshots: 1, newest: { snapshot: "a-3" } },
    {
      size: 3,
      modified: "2023-11-14T22:13:21Z",
      snapshots: 2,
      newest: { snapshot: "a-2" },
      oldest: { snapshot: "a-1" },
    },
  ]);
  expect(docs?.versions[0]?.places).toMatchObject([
    { place: "source", snapshot: "a-3", at: { host: "nas", dataset: `${source}/alice` } },
    { place: "vault", snapshot: "a-3", at: { host: "vault" } },
  ]);
  const searches = answer.log.split("\n").filter((line) => line.includes("-printf"));
  expect(searches.length, "one of home, in which nothing changed, and three of its child").toBe(4);

  const { code, stdout, stderr } = await holdfast(...wordsOf(docs?.versions[0]?.restore), "--yes");
  expect(code, stdout + stderr).toBe(0);
  expect(await nas.sh(`cat /${source}/alice-restored-*/docs/thesis; rm -r /${source}/alice-restored-*`)).toBe("second");

  const names = async (...args: string[]) => (await found(world, ...args)).paths.map(({ path }) => path);
  expect(await names("docs/*", "--since", "2026-01-01")).toEqual(["docs/thesis"]);
  expect(await names("soft/*")).toEqual([]);
  expect(await names("raw?", `nas:${source}/*`)).toEqual(["raw\\xff"]);
  expect(await names("-i", "TH*S", "--type", "file")).toEqual(["thesis", "docs/thesis"]);
  expect(await names("[x]*", "--from", "vault")).toEqual([]);
  const strange = await found(world, "\\[x]*", "--from", "vault");
  expect(strange.paths.map(({ path }) => path)).toEqual([odd]);
  const back = await holdfast(...wordsOf(strange.paths[0]?.versions[0]?.restore), "--yes");
  expect(back.code, back.stdout + back.stderr).toBe(0);
  expect(await nas.sh(`cat /${source}/alice-restored-*/*line; rm -r /${source}/alice-restored-*`)).toBe("odd");
  expect(await holdfast("find", "nothing-like-it")).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("nothing found; 8 snapshots of 3 sources searched."),
  });
  expect(await mountsOf()).toEqual(before);

  await nas.sh(`zfs destroy -r ${source}`);
  const gone = await found(world, "docs/thesis");
  expect(gone.paths[0]?.versions.map(({ places }) => places.map(({ place }) => place))).toEqual([["vault"], ["vault"]]);
});

test("what cannot be searched is named: a key that is not loaded, a volume, an account without root", async ({
  world,
}) => {
  const { nas, vault, datasets, holdfast } = world;
  const { tank } = datasets;
  await nas.sh(`set -e
    echo open-sesame | zfs create -o encryption=on -o keyformat=passphrase ${tank}/secret; echo x > /${tank}/secret/file
    zfs create -s -V 8M ${tank}/volume; zfs create ${tank}/home; cd /${tank}/home
    mkdir -m 700 closed; echo x > file; echo y > closed/file; zfs snapshot -r ${tank}@a-1; rm file
    zfs snapshot ${tank}/home@a-2`);
  await world.manifest(manifestOf(world, { entry: keepAll }));
  await applied(holdfast);
  const whole = await found(world, "file");
  expect(whole, whole.log).toMatchObject({ code: 0, complete: true, volumes: [`nas:${tank}/volume`] });
  const locked = await found(world, "file", "--from", "vault");
  expect(locked).toMatchObject({ code: 3, complete: false });
  expect(locked.unsearched).toEqual([
    {
      ...{ source: `nas:${tank}/secret`, place: "vault", snapshots: 1, reason: "its key is not loaded" },
      hint: expect.stringMatching(/^on vault: zfs load-key /),
    },
  ]);

  await nas.sh(`zfs destroy ${tank}/home@a-1`);
  const hosts = {
    nas: { ...nas.hostEntry("controller"), user: "backup" },
    vault: { ...vault.hostEntry("controller"), user: "backup" },
  };
  await world.manifest(manifestOf(world, { hosts, entry: keepAll }));
  const partly = await found(world, "file", `nas:${tank}/home`);
  expect(partly).toMatchObject({ code: 3, paths: [] });
  const reasons = partly.unsearched.map(({ place, snapshots, reason }) => [place, snapshots, reason]);
  expect(reasons).toContainEqual(["source", 1, expect.stringMatching(/not all of it can be read: .*closed.*denied/)]);
  expect(reasons).toContainEqual(["vault", 2, expect.stringContaining("cannot be read by the account")]);
});

test("one command searches snapshots in turn: one that is gone by now is told of, and nothing stays mounted", async ({
  world,
}) => {
  const { nas, vault, datasets } = world;
  for (const [machine, parent] of [
    [nas, datasets.tank],
    [vault, datasets.backup],
  ] as const) {
    const dataset = `${parent}/with space` as DatasetName;
    await machine.sh(`set -e
      zfs create '${dataset}'; cd '/${dataset}'; echo x > a; zfs snapshot '${dataset}@s 1'; zfs snapshot '${dataset}@s 2'
      rm a; zfs snapshot '${dataset}@s 3'`);
    const before = await machine.sh("cat /proc/self/mounts");
    const hosts: Partial<Hosts> = {
      read: async (_, argv, onBytes, { onErrorLine } = {}) => {
        const { exitCode, stdout, stderr } = await machine.start(quoteAll(argv));
        onBytes(Buffer.from(stdout));
        for (const line of stderr.split("\n")) onErrorLine?.(line);
        return { code: exitCode ?? null, stdout: "", stderr };
      },
    };
    const names = ["s 1", "gone", "s 2", "s 3"];
    const all = names.map((snapshot) => ({ host: "nas" as HostName, dataset, snapshot, mountpoint: "" }));
    const told: unknown[] = [];
    const listener = {
      take: (index: number, { path }: Hit) => void told.push(`${path} in ${names[index]}`),
      ended: (index: number, outcome: Outcome) =>
        void told.push([names[index], "error" in outcome ? "error" : outcome]),
    };
    const { signal } = new AbortController();
    await findInSnapshots("nas" as HostName, all, wantedOf("a", {}) as Wanted, listener, {
      hosts: hosts as Hosts,
      signal,
    });
    expect(told).toEqual([
      ...["a in s 1", ["s 1", {}], "a in s 2", ["s 2", {}]],
      ...[
        ["s 3", {}],
        ["gone", "error"],
      ],
    ]);
    expect(await machine.sh("cat /proc/self/mounts")).toBe(before);
    await machine.sh(`zfs destroy -r '${dataset}'`); // at once: nothing holds it
  }
});
