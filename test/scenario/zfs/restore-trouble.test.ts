import { describe, expect } from "vitest";
import type { Machine } from "../harness/index.ts";
import { test } from "../harness/index.ts";
import { applied, expectDone, manifestOf, planOf, shortOf } from "./plans.ts";

const MiB = 2 ** 20;
const patience = { timeout: 300_000 };

const restoredBeside = async (machine: Machine, dataset: string): Promise<string> => {
  const names = (await machine.sh(`zfs list -H -o name -r ${dataset.slice(0, dataset.lastIndexOf("/"))}`)).split("\n");
  const found = names.filter((name) => name.startsWith(`${dataset}-restored-`));
  expect(found).toHaveLength(1);
  return `${found[0]}`;
};

describe("what gets in the way of a restore", () => {
  test(
    "no room: said before anything is done; a quota that is met in the middle: said, and it goes on",
    patience,
    async ({ world }) => {
      const { nas, datasets, holdfast } = world;
      const source = `${datasets.tank}/data`;
      await nas.sh(`zfs create ${source} && head -c ${20 * MiB} /dev/urandom > /${source}/file`);
      await nas.snapshot(source, ["a-1"]);
      await world.manifest(manifestOf(world, { entry: { recursive: true } }));
      await applied(holdfast);
      const sum = await nas.checksum(`${source}@a-1`);
      await nas.sh(`zfs create ${datasets.tank}/small && zfs set quota=8M ${datasets.tank}/small`);
      const to = ["--to", `nas:${datasets.tank}/small/back`];
      const refused = await holdfast("restore", `nas:${source}`, ...to, "--yes");
      expect(refused.code, refused.stdout + refused.stderr).toBe(3);
      expect(refused.stdout).toMatch(/space|room|quota/);
      expect(await nas.exists(`${datasets.tank}/small/back`)).toBe(false);

      await nas.run("zfs", "set", "quota=none", `${datasets.tank}/small`);
      const running = holdfast.spawn("restore", `nas:${source}`, ...to, "--yes");
      await running.printed(/started|restore/i);
      await nas.sh(
        `until zfs list ${datasets.tank}/small/back >/dev/null 2>&1; do :; done; zfs set quota=8M ${datasets.tank}/small`,
      );
      const cut = await running.result;
      expect(cut.code, cut.stdout + cut.stderr).toBe(3);
      expect(cut.stdout + cut.stderr).toMatch(/quota|space|room/);

      await nas.run("zfs", "set", "quota=none", `${datasets.tank}/small`);
      const last = await holdfast("restore", `nas:${source}`, ...to, "--yes");
      expect(last.code, last.stdout + last.stderr).toBe(0);
      expect(await nas.checksum(`${datasets.tank}/small/back@a-1`)).toBe(sum);
    },
  );

  test(
    "a copy whose key is not loaded: it comes back all the same, and opens once its key is",
    patience,
    async ({ world }) => {
      const { nas, vault, datasets, holdfast } = world;
      const source = `${datasets.tank}/data`;
      const locked = `${datasets.backup}/locked`;
      await vault.sh(`echo open-sesame | zfs create -o encryption=on -o keyformat=passphrase ${locked}`);
      await nas.sh(`zfs create ${source} && head -c 100000 /dev/urandom > /${source}/file`);
      await nas.snapshot(source, ["a-1"]);
      await world.manifest(manifestOf(world, { remote: { root: locked }, entry: { recursive: true } }));
      await applied(holdfast);
      const sum = await nas.checksum(`${source}@a-1`);
      expect(await vault.property(`${locked}/${source}`, "encryption")).not.toBe("off");
      await vault.sh(`zfs unmount ${locked} && zfs unload-key ${locked}`);
      const back = await holdfast("restore", `nas:${source}`, "--yes");
      expect(back.code, back.stdout + back.stderr).toBe(0);
      const restored = await restoredBeside(nas, source);
      expect(back.stdout).toContain(
        `not mounted: its key is not loaded; as root on nas: zfs load-key ${restored} && zfs mount ${restored}`,
      );
      await nas.sh(`echo open-sesame | zfs load-key ${restored} && zfs mount ${restored}`);
      expect(await nas.checksum(`${restored}@a-1`)).toBe(sum);
    },
  );

  test(
    "the machine that gets everything back loses power: the same command goes on, the most important first",
    patience,
    async ({ world }) => {
      const { nas, vault, datasets, holdfast } = world;
      const link = await world.link(nas);
      const hosts = { nas: nas.hostEntry("controller", link), vault: vault.hostEntry("controller") };
      const names = ["large", "vital"];
      await nas.sh(`for each in ${names.join(" ")}; do zfs create ${datasets.tank}/$each; done
      echo vital > /${datasets.tank}/vital/file; head -c ${16 * MiB} /dev/urandom > /${datasets.tank}/large/file`);
      await nas.run("zfs", "snapshot", "-r", `${datasets.tank}@a-1`);
      const keep = { keep: { a: 3 }, remotes: { vault: {} } };
      await world.manifest(
        manifestOf(world, {
          hosts,
          datasets: {
            [`nas:${datasets.tank}`]: keep,
            [`nas:${datasets.tank}/large`]: keep,
            [`nas:${datasets.tank}/vital`]: { ...keep, priority: 10 },
          },
        }),
      );
      await applied(holdfast);
      const sums = await Promise.all(names.map((name) => nas.checksum(`${datasets.tank}/${name}@a-1`)));
      await nas.run("zfs", "destroy", "-r", datasets.tank);

      const running = holdfast.spawn("restore", "--all", "nas", "--yes", "--concurrency", "1");
      await link.passed(8 * MiB);
      await nas.reboot();
      const cut = await running.result;
      expect(cut.code, cut.stdout + cut.stderr).toBe(3);
      expect(await nas.exists(`${datasets.tank}/vital`), cut.stdout + cut.stderr).toBe(true);

      const last = await holdfast("restore", "--all", "nas", "--yes");
      expect(last.code, last.stdout + last.stderr).toBe(0);
      expect(last.stdout + last.stderr).toMatch(/resum/);
      for (const [index, name] of names.entries())
        expect(await nas.checksum(`${datasets.tank}/${name}@a-1`)).toBe(sums[index]);
      await applied(holdfast);
      await expectDone(holdfast);
    },
  );
});

describe("another machine takes over", () => {
  test(
    "from the manifest, the keys and one remote: with --to-host, each source in its place",
    patience,
    async ({ world }) => {
      const { nas, vault, datasets, holdfast } = world;
      // the new machine is the one that has the copies of everything else, too
      const fresh = `${datasets.backup}/fresh`;
      await nas.sh(`set -e
      zfs create -o recordsize=16K -o org.example:owner=me ${datasets.tank}/plain; echo plain > /${datasets.tank}/plain/file
      echo open-sesame | zfs create -o encryption=on -o keyformat=passphrase ${datasets.tank}/secret
      echo secret > /${datasets.tank}/secret/file`);
      await nas.run("zfs", "snapshot", "-r", `${datasets.tank}@a-1`);
      const remote = { root: `${datasets.usb}/copies` };
      await nas.run("zfs", "create", "-o", "mountpoint=none", remote.root);
      await world.manifest(
        manifestOf(world, {
          remotes: { disk: { type: "zfs", host: "nas", ...remote } },
          datasets: { [`nas:${datasets.tank}`]: { recursive: true, keep: { a: 3 }, remotes: { disk: {} } } },
        }),
      );
      await applied(holdfast);
      const shown = await holdfast("restore", "--all", "nas", "--to-host", "vault", "--print");
      expect(shown.code, shown.stdout + shown.stderr).toBe(3);
      expect(shown.stderr).toMatch(/not seen.*pool tank is not imported[\s\S]*zpool import.*--to/);
      const one = ["restore", `nas:${datasets.tank}`, "--recursive", "--to", `vault:${fresh}`];
      const back = await holdfast(...one, "--yes");
      expect(back.code, back.stdout + back.stderr).toBe(0);
      expect(await vault.sh(`cat /${fresh}/plain/file`)).toBe("plain");
      expect(await vault.property(`${fresh}/plain`, "recordsize")).toBe("16384");
      expect(await vault.property(`${fresh}/plain`, "org.example:owner")).toBe("me");
      await vault.sh(`echo open-sesame | zfs load-key ${fresh}/secret && zfs mount ${fresh}/secret`);
      expect(await vault.sh(`cat /${fresh}/secret/file`)).toBe("secret");
      expect((await holdfast(...one, "--yes")).stdout).toContain("No changes.");

      // a pool made anew, of the same name
      await vault.sh("truncate -s 256M /pools/tank && zpool create tank /pools/tank");
      try {
        const all = ["restore", "--all", "nas", "--to-host", "vault"];
        const rebuilt = await holdfast(...all, "--yes");
        expect(rebuilt.code, rebuilt.stdout + rebuilt.stderr).toBe(0);
        expect(await vault.sh(`cat /${datasets.tank}/plain/file`)).toBe("plain");
        await vault.sh(`echo open-sesame | zfs load-key ${datasets.tank}/secret && zfs mount ${datasets.tank}/secret`);
        expect(await vault.sh(`cat /${datasets.tank}/secret/file`)).toBe("secret");
        for (const dataset of ["", "/plain", "/secret"])
          expect(await vault.snapshots(`${datasets.tank}${dataset}`)).toEqual(
            await nas.snapshots(`${datasets.tank}${dataset}`),
          );
        const again = await holdfast(...all, "--yes");
        expect(again.stdout, again.stderr).toContain("No changes.");
      } finally {
        await vault.sh("zpool destroy -f tank; rm /pools/tank");
      }
    },
  );
});

describe("a whole pool", () => {
  test("is restored into a new one, and not over what is in it already", patience, async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const pool = `fresh-${datasets.tank.replace(/\W/g, "-")}`;
    const fresh = `truncate -s 128M /pools/${pool} && zpool create ${pool} /pools/${pool}`;
    await nas.sh(`${fresh} && echo one > /${pool}/file`);
    try {
      await nas.run("zfs", "snapshot", `${pool}@a-1`);
      await world.manifest(
        manifestOf(world, { datasets: { [`nas:${pool}`]: { keep: { a: 3 }, remotes: { vault: {} } } } }),
      );
      await applied(holdfast);
      await nas.sh(`zpool destroy ${pool} && ${fresh} && zfs create ${pool}/child && echo mine > /${pool}/key`);
      const restore = ["restore", `nas:${pool}`, "--in-place", "--yes"];
      const refused = await holdfast(...restore);
      expect(refused.code, refused.stdout + refused.stderr).toBe(3);
      expect(refused.stdout + refused.stderr).toContain(`/${pool}/key`);
      expect(await nas.sh(`cat /${pool}/key`)).toBe("mine");
      await nas.run("rm", `/${pool}/key`);
      const back = await holdfast(...restore);
      expect(back.code, back.stdout + back.stderr).toBe(0);
      expect(await nas.sh(`cat /${pool}/file`)).toBe("one");
      expect(await nas.exists(`${pool}/child`)).toBe(true);
      expect(await nas.snapshots(pool)).toEqual(await vault.snapshots(`${datasets.backup}/${pool}`));
      await applied(holdfast);
      await expectDone(holdfast);
    } finally {
      await nas.sh(`zpool destroy -f ${pool}; rm /pools/${pool}`);
    }
  });
});

describe("taken into use", () => {
  test(
    "renamed into its place, the next plan goes on from what it has in common with the copy",
    patience,
    async ({ world }) => {
      const { nas, vault, datasets, holdfast } = world;
      const source = `${datasets.tank}/data`;
      await nas.sh(`zfs create ${source} && echo one > /${source}/file`);
      await nas.snapshot(source, ["a-1"]);
      await world.manifest(manifestOf(world, { entry: { recursive: true } }));
      await applied(holdfast);
      const back = await holdfast("restore", `nas:${source}`, "--yes");
      expect(back.code, back.stdout + back.stderr).toBe(0);
      const restored = await restoredBeside(nas, source);
      await nas.sh(`zfs rename ${source} ${datasets.tank}/old && zfs rename ${restored} ${source}`);
      await nas.snapshot(source, ["a-2"], 1);
      const plan = await planOf(holdfast, "--target", `nas:${source}`);
      expect(plan.blocked).toEqual([]);
      expect(shortOf(plan)).toContain("send a-2");
      await applied(holdfast, "--target", `nas:${source}`);
      expect(await vault.snapshots(`${datasets.backup}/${source}`)).toEqual(await nas.snapshots(source));
    },
  );
});
