import { describe, expect } from "vitest";
import { test } from "../harness/index.ts";
import { applied, expectDone, manifestOf, planOf, shortOf, targetOf } from "./plans.ts";

describe("remotes and what is said of them", () => {
  test.for([
    ["nas", "2.3"],
    ["vault", "2.1"],
  ] as const)(
    "a removable disk of %s, OpenZFS %s, that is away thins the source, and still has its base when it is back",
    async ([host], { world }) => {
      const { datasets, holdfast } = world;
      const machine = world[host];
      const source = host === "nas" ? datasets.tank : datasets.backup;
      // a disk of its own: the pools are there for every scenario
      const disk = source.replace(/^.*\//, "disk-");
      const entry = { keep: { a: 1 }, remotes: { disk: { keep: { a: 2 } } } };
      await world.manifest({
        version: 1,
        snapshotTypes: { a: {} },
        hosts: { [host]: machine.hostEntry("controller") },
        remotes: { disk: { type: "zfs", host, root: `${disk}/copies`, removable: true, maxAge: "35d" } },
        datasets: { [`${host}:${source}`]: entry },
      });
      await machine.sh(`truncate -s 256M /pools/${disk} && zpool create -m none ${disk} /pools/${disk}`);
      try {
        await machine.run("zfs", "snapshot", `${source}@a-1`);
        await applied(holdfast);
        await machine.snapshot(source, ["a-2", "a-3", "a-4"]);
        await machine.run("zpool", "export", disk);
        const away = await planOf(holdfast);
        expect(away.complete).toBe(true);
        expect(away.unobserved).toMatchObject([{ pool: disk, expected: true }]);
        await applied(holdfast);
        // one for the source, two that the disk waits for; what went left its bookmark
        expect((await machine.snapshots(source)).map(({ name }) => name)).toEqual(["a-3", "a-4"]);
        await expectDone(holdfast);
        await machine.run("zpool", "import", "-d", "/pools", disk);
        await applied(holdfast);
        const copy = await machine.snapshots(`${disk}/copies/${source}`);
        expect(copy.map(({ name }) => name)).toEqual(["a-3", "a-4"]);
        expect((await machine.snapshots(source)).map(({ name }) => name)).toEqual(["a-4"]);
        await expectDone(holdfast);
      } finally {
        await machine.sh(`zpool destroy -f ${disk}; rm /pools/${disk}`);
      }
    },
  );

  test("append-only: nothing there is ever destroyed", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await world.manifest(
      manifestOf(world, {
        remote: { deletions: "never" },
        entry: { keep: { a: 1 }, remotes: { vault: { keep: { a: 1 } } } },
      }),
    );
    for (const name of ["a-1", "a-2", "a-3"]) {
      await nas.run("zfs", "snapshot", `${datasets.tank}@${name}`);
      await applied(holdfast);
    }
    expect((await vault.snapshots(targetOf(world))).map(({ name }) => name)).toEqual(["a-1", "a-2", "a-3"]);
    await expectDone(holdfast);
  });

  test("on first contact every deletion is withheld until somebody agrees", async ({ world }) => {
    const { nas, datasets, holdfast } = world;
    const names = Array.from({ length: 9 }, (_, index) => `a-${index + 1}`);
    await nas.snapshot(datasets.tank, names);
    await world.manifest(manifestOf(world, { entry: { keep: { a: 3 } } }));
    const first = await holdfast("apply", "--yes");
    expect(first.code).toBe(3);
    expect(first.stdout).toContain("--allow-destroy 6");
    expect(await nas.snapshots(datasets.tank)).toHaveLength(9);
    const approvals = [{ source: `nas:${datasets.tank}`, destroy: 6, until: "2099-12-31" }];
    await world.manifest(manifestOf(world, { entry: { keep: { a: 3 } }, approvals }));
    await applied(holdfast);
    expect((await nas.snapshots(datasets.tank)).map(({ name }) => name)).toEqual(["a-7", "a-8", "a-9"]);
    await expectDone(holdfast);
  });

  test("a copy whose source is gone is reported, and goes only when an approval names it", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await nas.run("zfs", "create", `${datasets.tank}/old`);
    await nas.run("zfs", "snapshot", "-r", `${datasets.tank}@a-1`);
    await world.manifest(manifestOf(world, { entry: { recursive: true } }));
    await applied(holdfast);
    await nas.run("zfs", "destroy", "-r", `${datasets.tank}/old`);
    const orphan = `${targetOf(world)}/old`;
    expect((await planOf(holdfast)).notes).toMatchObject([{ kind: "orphan", at: { dataset: orphan } }]);
    await applied(holdfast);
    expect(await vault.exists(orphan)).toBe(true);
    const approvals = [{ orphan: `vault:${orphan}`, until: "2099-12-31" }];
    await world.manifest(manifestOf(world, { entry: { recursive: true }, approvals }));
    await applied(holdfast);
    expect(await vault.exists(orphan)).toBe(false);
    await expectDone(holdfast);
  });

  test("a host key that is not the expected one stops everything, with the line to add", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const hosts = {
      nas: nas.hostEntry("controller"),
      vault: { ...vault.hostEntry("controller"), hostKeys: [nas.address.hostKey] },
    };
    await world.manifest(manifestOf(world, { hosts }));
    await nas.run("zfs", "snapshot", `${datasets.tank}@a-1`);
    const { code, stdout, stderr } = await holdfast("plan");
    expect(code).toBe(3);
    expect(`${stdout}${stderr}`).toMatch(/SHA256:/);
    expect(`${stdout}${stderr}`).toContain(vault.address.hostKey);
  });

  test("wire compression and a rate limit are processes beside it, and the data is the same", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await world.manifest(manifestOf(world, { remote: { compress: "zstd", limit: { upload: "4MiB/s" } } }));
    await nas.snapshot(datasets.tank, ["a-1"], 1);
    await applied(holdfast);
    expect(await vault.snapshots(targetOf(world))).toEqual(await nas.snapshots(datasets.tank));
    await vault.run("zfs", "mount", targetOf(world));
    expect(await vault.checksum(targetOf(world))).toBe(await nas.checksum(`${datasets.tank}@a-1`));
    await vault.run("zfs", "unmount", targetOf(world));
    await expectDone(holdfast);
  });

  test("a button pressed: one snapshot of every source now, and of one only", async ({ world }) => {
    const { nas, datasets, holdfast } = world;
    await nas.run("zfs", "create", `${datasets.tank}/one`);
    await world.manifest(manifestOf(world, { entry: { recursive: true } }));
    const all = await holdfast("snapshot", "a");
    expect(all.code, all.stderr).toBe(0);
    const one = await holdfast("snapshot", "b", `nas:${datasets.tank}/one`);
    expect(one.code, one.stderr).toBe(0);
    expect((await nas.snapshots(datasets.tank)).map(({ name }) => name.replace(/-.*/, ""))).toEqual(["a"]);
    expect((await nas.snapshots(`${datasets.tank}/one`)).map(({ name }) => name.replace(/-.*/, ""))).toEqual([
      "a",
      "b",
    ]);
    await applied(holdfast);
    expect(shortOf(await planOf(holdfast))).toEqual([]);
  });
});
