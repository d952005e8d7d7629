import { join } from "node:path";
import { describe, expect } from "vitest";
import { type Link, test, type World } from "../harness/index.ts";
import { applied, expectDone, manifestOf, planOf, shortOf, targetOf } from "./plans.ts";

const MiB = 2 ** 20;

/** A first copy of so much is due, and goes to the vault through a link of its own. */
async function throughLink(world: World, mebibytes: number): Promise<Link> {
  const { nas, vault, datasets } = world;
  const link = await world.link(vault);
  const hosts = { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller", link) };
  await world.manifest(manifestOf(world, { hosts }));
  await nas.snapshot(datasets.tank, ["a-1"], mebibytes);
  return link;
}

describe("when something goes wrong", () => {
  test("a saved plan that no longer fits is refused, and nothing is done", async ({ world }) => {
    const { nas, vault, datasets, holdfast, folder } = world;
    await world.manifest(manifestOf(world));
    await nas.snapshot(datasets.tank, ["a-1", "a-2"]);
    const saved = join(folder, "plan.json");
    expect((await holdfast("plan", "--out", saved)).code).toBe(0);
    await nas.run("zfs", "destroy", `${datasets.tank}@a-1`);
    await nas.run("zfs", "snapshot", `${datasets.tank}@a-1`);
    const refused = await holdfast("apply", saved, "--yes");
    expect(refused.code, refused.stdout).not.toBe(0);
    expect(`${refused.stdout}${refused.stderr}`).toMatch(/stale/);
    expect(await vault.exists(targetOf(world))).toBe(false);

    await world.manifest(manifestOf(world, { entry: { keep: { a: 9 } } }));
    const other = await holdfast("apply", saved, "--yes");
    expect(other.code).toBe(4);
    expect(other.stderr).toMatch(/manifest/);
    await world.manifest(manifestOf(world));
    await applied(holdfast);
    await expectDone(holdfast);
  });

  test("a saved plan that still fits does what was reviewed", async ({ world }) => {
    const { nas, vault, datasets, holdfast, folder } = world;
    await world.manifest(manifestOf(world));
    await nas.run("zfs", "snapshot", `${datasets.tank}@a-1`);
    const saved = join(folder, "plan.json");
    await holdfast("plan", "--out", saved);
    await nas.run("zfs", "snapshot", `${datasets.tank}@a-2`);
    await applied(holdfast, saved);
    expect((await vault.snapshots(targetOf(world))).map(({ name }) => name)).toEqual(["a-1"]);
    await applied(holdfast);
    await expectDone(holdfast);
  });

  test("two at once: the second says who holds the lock", async ({ world }) => {
    const { holdfast } = world;
    const link = await throughLink(world, 8);
    const first = holdfast.spawn("apply", "--yes");
    await link.passed(2 * MiB);
    const second = await holdfast("apply", "--yes");
    expect(second.code).toBe(11);
    expect(second.stderr).toMatch(/pid \d+/);
    expect((await first.result).code).toBe(0);
    await expectDone(holdfast);
  });

  test("Ctrl-C ends a transfer cleanly: it can be resumed", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const link = await throughLink(world, 10);
    const running = holdfast.spawn("apply", "--yes");
    await link.passed(4 * MiB);
    await running.kill("SIGINT");
    expect((await running.result).code).toBe(130);
    expect(shortOf(await planOf(holdfast))).toEqual(["resume a-1", "bookmark"]);
    await applied(holdfast);
    expect(await vault.snapshots(targetOf(world))).toEqual(await nas.snapshots(datasets.tank));
    await expectDone(holdfast);
  });

  test("a diverged copy is blocked with the evidence, and rolled back only when asked", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await world.manifest(manifestOf(world));
    await nas.run("zfs", "snapshot", `${datasets.tank}@a-1`);
    await applied(holdfast);
    const target = targetOf(world);
    await vault.sh(`zfs set readonly=off ${target} && zfs mount ${target}`);
    await vault.writeData(target, 0.1);
    await vault.run("zfs", "snapshot", `${target}@test`);
    await vault.run("zfs", "unmount", target);
    await nas.run("zfs", "snapshot", `${datasets.tank}@a-2`);
    const blocked = await holdfast("apply", "--yes");
    expect(blocked.code).toBe(3);
    expect(blocked.stdout).toMatch(/blocked.*diverged/s);
    expect(blocked.stdout).toContain((await vault.snapshots(target))[1]?.guid);
    expect((await vault.snapshots(target)).map(({ name }) => name)).toEqual(["a-1", "test"]);
    await applied(holdfast, "--resolve", "vault=rollback");
    expect(await vault.snapshots(target)).toEqual(await nas.snapshots(datasets.tank));
    await expectDone(holdfast);
  });

  test("a copy that shares nothing any more is replaced only when asked, and what it was is kept beside", async ({
    world,
  }) => {
    const { nas, vault, datasets, holdfast } = world;
    await world.manifest(manifestOf(world));
    await nas.snapshot(datasets.tank, ["a-1"], 0.1);
    await applied(holdfast);
    const target = targetOf(world);
    const before = await vault.snapshots(target);
    const bookmarks = (await nas.bookmarks(datasets.tank)).map((name) => `zfs destroy ${datasets.tank}#${name}`);
    await nas.sh([`zfs destroy ${datasets.tank}@a-1`, ...bookmarks].join(" && "));
    await nas.snapshot(datasets.tank, ["a-2"], 0.1);
    const blocked = await holdfast("apply", "--yes");
    expect(blocked).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/no common base[\s\S]*--resolve vault=replace/),
    });
    expect(await vault.snapshots(target)).toEqual(before);
    await applied(holdfast, "--resolve", "vault=replace");
    expect(await vault.snapshots(target)).toEqual(await nas.snapshots(datasets.tank));
    const aside = (await vault.sh(`zfs list -H -o name -r ${datasets.backup}`))
      .split("\n")
      .filter((name) => name.startsWith(`${target}-replaced-`));
    expect(aside).toHaveLength(1);
    expect(await vault.snapshots(aside[0] ?? "")).toEqual(before);
    await expectDone(holdfast);
  });

  test("a host that cannot be reached is unobserved: nothing is destroyed at the source", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const link = await world.link(vault);
    const hosts = { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller", link) };
    await world.manifest(manifestOf(world, { hosts, entry: { keep: { a: 1 } } }));
    await nas.run("zfs", "snapshot", `${datasets.tank}@a-1`);
    await applied(holdfast);
    await nas.snapshot(datasets.tank, ["a-2", "a-3"]);
    link.cut();
    const plan = await planOf(holdfast);
    expect(plan.complete).toBe(false);
    expect(plan.unobserved).toMatchObject([{ host: "vault", expected: false }]);
    expect(shortOf(plan)).toEqual([]);
    expect((await holdfast("plan")).code).toBe(3);
    link.restore();
    await applied(holdfast);
    expect((await nas.snapshots(datasets.tank)).map(({ name }) => name)).toEqual(["a-3"]);
    await expectDone(holdfast);
  });
});
