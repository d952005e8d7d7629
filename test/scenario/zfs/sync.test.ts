import { describe, expect } from "vitest";
import { test } from "../harness/index.ts";
import { applied, expectDone, manifestOf, planOf, shortOf, targetOf } from "./plans.ts";

const namesOf = (rows: readonly { name: string }[]) => rows.map(({ name }) => name);

describe("a NAS and an off-site box", () => {
  test("first sync, increments and thinning: both sides are as the manifest says", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await world.manifest(manifestOf(world));
    await nas.snapshot(datasets.tank, ["a-1", "a-2", "b-1"], 0.2);
    expect(shortOf(await planOf(holdfast))).toEqual(["send a-1", "send a-2 b-1", "bookmark", "adopt"]);
    await applied(holdfast);
    const target = targetOf(world);
    expect(await vault.snapshots(target)).toEqual(await nas.snapshots(datasets.tank));
    expect(await vault.property(target, "readonly")).toBe("on");
    expect(await vault.property(target, "canmount")).toBe("noauto");
    expect(await vault.property(target, "mounted")).toBe("no");
    expect(await nas.bookmarks(datasets.tank)).toHaveLength(1);
    await expectDone(holdfast);

    await nas.snapshot(datasets.tank, ["a-3", "a-4", "b-2", "a-5"], 0.2);
    await applied(holdfast);
    expect(namesOf(await nas.snapshots(datasets.tank))).toEqual(["b-1", "a-3", "a-4", "b-2", "a-5"]);
    expect(namesOf(await vault.snapshots(target))).toEqual(["a-2", "b-1", "a-3", "a-4", "b-2", "a-5"]);
    expect(await nas.bookmarks(datasets.tank)).toHaveLength(1);
    await expectDone(holdfast);
  });

  test("what is due is taken, in one command for a whole tree, and goes to the copy", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await nas.run("zfs", "create", `${datasets.tank}/home`);
    await nas.run("zfs", "create", "-V", "8M", `${datasets.tank}/disk`);
    await nas.run("zfs", "create", `${datasets.tank}/scratch`);
    const keep = { hourly: 24, daily: 7 };
    const entry = { recursive: true, skip: [`${datasets.tank}/scratch`], keep, remotes: { vault: { keep } } };
    await world.manifest(manifestOf(world, { entry }));
    await applied(holdfast);
    const target = targetOf(world);
    for (const below of ["", "/home", "/disk"]) {
      const taken = await nas.snapshots(`${datasets.tank}${below}`);
      expect(taken.map(({ name }) => name.split("-")[0])).toEqual(["hourly", "daily"]);
      expect(await vault.snapshots(`${target}${below}`)).toEqual(taken);
    }
    const txgs = await nas.sh(`zfs list -Hp -t snapshot -o createtxg -r ${datasets.tank} | sort | uniq -c`);
    expect(txgs.split("\n").map((line) => line.trim().split(/\s+/)[0])).toEqual(["3", "3"]);
    expect(await nas.snapshots(`${datasets.tank}/scratch`)).toEqual([]);
    expect(await vault.exists(`${target}/scratch`)).toBe(false);
    await expectDone(holdfast);
  });

  test("unwanted snapshots in between do not travel", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await world.manifest(manifestOf(world, { entry: { remotes: { vault: { keep: { a: 10 } } } } }));
    await nas.snapshot(datasets.tank, ["a-1", "b-1", "a-2", "a-3", "by-hand", "a-4"], 0.1);
    expect(shortOf(await planOf(holdfast))).toEqual(["send a-1", "send a-2", "send a-3", "send a-4", "bookmark"]);
    const result = await holdfast("apply", "--yes");
    // the fourth `a` is beyond keep: on first contact its deletion is withheld
    expect(result.code, result.stderr).toBe(3);
    expect(namesOf(await vault.snapshots(targetOf(world)))).toEqual(["a-1", "a-2", "a-3", "a-4"]);
    await applied(holdfast, "--allow-destroy", "1");
    expect(namesOf(await nas.snapshots(datasets.tank))).toEqual(["b-1", "a-2", "a-3", "by-hand", "a-4"]);
    await expectDone(holdfast);
  });

  test("names of other tools are counted where they are adopted, and never touched where they are not", async ({
    world,
  }) => {
    const { nas, vault, datasets, holdfast } = world;
    const snapshotTypes = { a: { adopt: ["autosnap_*_a"] } };
    await world.manifest(
      manifestOf(world, { snapshotTypes, entry: { keep: { a: 2 }, remotes: { vault: { keep: { a: 3 } } } } }),
    );
    await nas.snapshot(datasets.tank, ["autosnap_1_a", "zrepl_1", "autosnap_2_a", "a-3", "keep me", "autosnap_4_a"]);
    await nas.run("zfs", "hold", "mine", `${datasets.tank}@autosnap_1_a`);
    const plan = await planOf(holdfast);
    expect(plan.foreign).toMatchObject([{ snapshots: ["zrepl_1", "keep me"] }]);
    await applied(holdfast, "--allow-destroy", "1");
    // the held one stays, the other surplus one went
    expect(namesOf(await nas.snapshots(datasets.tank))).toEqual([
      "autosnap_1_a",
      "zrepl_1",
      "a-3",
      "keep me",
      "autosnap_4_a",
    ]);
    expect(namesOf(await vault.snapshots(targetOf(world)))).toEqual(["autosnap_2_a", "a-3", "autosnap_4_a"]);
    await expectDone(holdfast);
  });

  test("several remotes: a second pool here and a box elsewhere, each with its own counts", async ({ world }) => {
    const { nas, vault, datasets } = world;
    const [inside, here] = [await world.on(nas), await world.as(nas)];
    const content = (from: "nas" | "controller") => ({
      version: 1,
      snapshotTypes: { a: {} },
      hosts: { nas: {}, vault: vault.hostEntry(from) },
      remotes: {
        usb: { type: "zfs", root: datasets.usb },
        vault: { type: "zfs", host: "vault", root: datasets.backup },
      },
      datasets: {
        [`nas:${datasets.tank}`]: { keep: { a: 2 }, remotes: { usb: { keep: { a: 3 } }, vault: { keep: { a: 1 } } } },
      },
    });
    await world.manifest(content("nas"));
    await nas.writeData(datasets.tank, 0.2);
    await nas.snapshot(datasets.tank, ["a-1", "a-2"]);
    await applied(inside);
    const usb = `${datasets.usb}/${datasets.tank}`;
    expect(namesOf(await nas.snapshots(usb))).toEqual(["a-1", "a-2"]);
    expect(namesOf(await vault.snapshots(targetOf(world)))).toEqual(["a-2"]);
    await nas.snapshot(datasets.tank, ["a-3", "a-4"]);
    await world.manifest(content("controller"));
    await applied(here);
    expect(namesOf(await nas.snapshots(datasets.tank))).toEqual(["a-3", "a-4"]);
    expect(namesOf(await nas.snapshots(usb))).toEqual(["a-2", "a-3", "a-4"]);
    expect(namesOf(await vault.snapshots(targetOf(world)))).toEqual(["a-4"]);
    expect((await nas.bookmarks(datasets.tank)).map((name) => name.split("-")[1])).toEqual(["usb", "vault"]);
    await expectDone(here);
  });

  test("pull: the remote's host transfers and thins the copy, the source's host thins the source", async ({
    world,
  }) => {
    const { nas, vault, datasets } = world;
    const [puller, owner] = [await world.as(vault), await world.as(nas)];
    await world.manifest(
      manifestOf(world, {
        remote: { mode: "pull" },
        entry: { keep: { a: 2 }, remotes: { vault: { keep: { a: 3 } } } },
      }),
    );
    await nas.snapshot(datasets.tank, ["a-1", "a-2"]);
    await applied(owner);
    expect(await vault.exists(targetOf(world))).toBe(false);
    await applied(puller);
    expect(await vault.snapshots(targetOf(world))).toEqual(await nas.snapshots(datasets.tank));
    await nas.snapshot(datasets.tank, ["a-3", "a-4"]);
    await applied(owner);
    // what the copy has yet to get stays
    expect(namesOf(await nas.snapshots(datasets.tank))).toEqual(["a-2", "a-3", "a-4"]);
    await applied(puller);
    expect(namesOf(await vault.snapshots(targetOf(world)))).toEqual(["a-2", "a-3", "a-4"]);
    await expectDone(puller);
    await applied(owner);
    expect(namesOf(await nas.snapshots(datasets.tank))).toEqual(["a-3", "a-4"]);
    await expectDone(owner);
  });
});
