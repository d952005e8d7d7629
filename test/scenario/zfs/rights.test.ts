import { describe, expect } from "vitest";
import type { Check, Diagnosis } from "../../../src/model/diagnosis.ts";
import { type Holdfast, type Machine, test, type World } from "../harness/index.ts";
import { applied, expectDone, manifestOf, planOf, shortOf, targetOf } from "./plans.ts";

const asBackup = ({ nas, vault }: World) => ({
  nas: { ...nas.hostEntry("controller"), user: "backup" },
  vault: { ...vault.hostEntry("controller"), user: "backup" },
});

const grant = (machine: Machine, advice: readonly string[]) =>
  machine.sh(advice.map((line) => line.replace("as root there: ", "")).join(" && "));

async function diagnose(holdfast: Holdfast): Promise<{ code: number; rights: (Check & { host: string })[] }> {
  const { code, stdout, stderr } = await holdfast("doctor", "--json");
  expect(stdout, stderr).toMatch(/^\{/);
  const { hosts } = JSON.parse(stdout) as Diagnosis;
  const rights = hosts.flatMap(({ host, checks }) =>
    checks.filter(({ about }) => about === "rights").map((check) => ({ ...check, host })),
  );
  return { code, rights };
}

describe("an account without root", () => {
  test("can do all there is with the rights that doctor asks for, and no others", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const source = `nas:${datasets.tank}`;
    const approvals = [{ source, remote: "vault", resolve: "rollback", until: "2099-01-01" }];
    const entry = { keep: { a: 2 }, remotes: { vault: { keep: { a: 3 } } } };
    await world.manifest(manifestOf(world, { hosts: asBackup(world), approvals, entry }));
    const before = await diagnose(holdfast);
    expect(before.code).toBe(3);
    expect(before.rights.map(({ host, result }) => [host, result])).toEqual([
      ["nas", "problem"],
      ["vault", "problem"],
    ]);
    for (const { host, advice } of before.rights) await grant(host === "nas" ? nas : vault, advice);
    expect(await diagnose(holdfast)).toMatchObject({ code: 0, rights: [{ result: "good" }, { result: "good" }] });

    await nas.snapshot(datasets.tank, ["a-1", "a-2"], 0.1);
    await applied(holdfast);
    await nas.snapshot(datasets.tank, ["a-3", "a-4"], 0.1);
    await applied(holdfast);
    const names = async (machine: typeof nas, dataset: string) =>
      (await machine.snapshots(dataset)).map(({ name }) => name);
    expect(await names(nas, datasets.tank)).toEqual(["a-3", "a-4"]);
    expect(await names(vault, targetOf(world))).toEqual(["a-2", "a-3", "a-4"]);
    const copy = targetOf(world);
    await vault.sh(
      `zfs set readonly=off canmount=on ${copy} && zfs mount ${copy} && touch /${copy}/oops && zfs unmount ${copy} && zfs snapshot ${copy}@theirs`,
    );
    await nas.snapshot(datasets.tank, ["a-5"], 0.1);
    await applied(holdfast);
    expect(await names(vault, copy)).toEqual(["a-3", "a-4", "a-5"]);
    await expectDone(holdfast);
  });

  // the one of the two machines whose OpenZFS has it receives
  test("with receive:append adds, goes on after a cut, and can take nothing back", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const link = await world.link(nas);
    const hosts = {
      nas: { ...nas.hostEntry("controller", link), user: "backup" },
      vault: vault.hostEntry("controller"),
    };
    const source = `${datasets.backup}/source`;
    const remotes = { nas: { type: "zfs", host: "nas", root: datasets.tank, deletions: "never" } };
    const entries = { [`vault:${source}`]: { keep: { a: 2 }, remotes: { nas: { keep: { a: 2 } } } } };
    await vault.run("zfs", "create", source);
    await world.manifest(manifestOf(world, { hosts, remotes, datasets: entries }));
    const [needed] = (await diagnose(holdfast)).rights.filter(({ host }) => host === "nas");
    const rights = needed?.advice
      .join()
      .match(/-u backup (\S+)/)?.[1]
      ?.split(",");
    expect(rights).toContain("receive:append");
    for (const right of ["receive", "destroy", "rollback", "rename"]) expect(rights).not.toContain(right);
    await grant(nas, needed?.advice ?? []);
    await vault.snapshot(source, ["a-1"], 0.1);
    await applied(holdfast);
    await vault.snapshot(source, ["a-2"], 6);
    const cut = link.cutAfter(3 * 2 ** 20);
    expect((await holdfast("apply", "--yes")).code).toBe(3);
    await cut;
    link.restore();
    expect(shortOf(await planOf(holdfast))).toContain("resume a-2");
    await applied(holdfast);
    await vault.snapshot(source, ["a-3", "a-4"]);
    await applied(holdfast);
    const copy = `${datasets.tank}/${source}`;
    expect((await nas.snapshots(copy)).map(({ name }) => name)).toEqual(["a-1", "a-2", "a-3", "a-4"]);
    expect((await nas.snapshots(copy)).slice(-2)).toEqual(await vault.snapshots(source));
    const asBackup = (command: string) => nas.sh(`PATH=$PATH:/usr/sbin:/sbin; ${command}`, { user: "backup" });
    await expect(asBackup(`zfs destroy ${copy}@a-1`)).rejects.toThrow("permission denied");
    await expect(asBackup(`zfs rollback -r ${copy}@a-1`)).rejects.toThrow("permission denied");
    await expectDone(holdfast);
  });

  test("can pull, and destroy nothing at the source but bookmarks", async ({ world }) => {
    const { nas, vault, datasets } = world;
    const hosts = { nas: { ...nas.hostEntry("controller"), user: "backup" }, vault: vault.hostEntry("controller") };
    const entry = { keep: { a: 1 }, remotes: { vault: { keep: { a: 2 } } } };
    await world.manifest(manifestOf(world, { hosts, remote: { mode: "pull" }, entry }));
    const holdfast = await world.as(vault);
    const [needed] = (await diagnose(holdfast)).rights.filter(({ host }) => host === "nas");
    expect(needed?.advice).toEqual([`as root there: zfs allow -u backup bookmark,destroy,hold,send ${datasets.tank}`]);
    await grant(nas, needed?.advice ?? []);
    await nas.snapshot(datasets.tank, ["a-1"]);
    await applied(holdfast);
    const [first] = await nas.bookmarks(datasets.tank);
    await nas.snapshot(datasets.tank, ["a-2", "a-3"]);
    await applied(holdfast);
    expect((await vault.snapshots(targetOf(world))).map(({ name }) => name)).toEqual(["a-2", "a-3"]);
    const bookmarks = await nas.bookmarks(datasets.tank);
    expect(bookmarks).toHaveLength(1);
    expect(bookmarks).not.toContain(first);
    await expect(
      nas.sh(`PATH=$PATH:/usr/sbin:/sbin; zfs destroy ${datasets.tank}@a-1`, { user: "backup" }),
    ).rejects.toThrow("permission denied");
    await expectDone(holdfast);
  });
});
