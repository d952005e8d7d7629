import { describe, expect } from "vitest";
import { test } from "../harness/index.ts";
import { applied, expectDone, planOf } from "./plans.ts";

const passphrase = (word: string) => `echo ${word} | zfs`;
const encrypted = "-o encryption=on -o keyformat=passphrase";

describe("what a copy may hold", () => {
  test("what is encrypted stays so at both ends; what cannot be held is refused before it is sent", async ({
    world,
  }) => {
    const { nas, vault, datasets, holdfast } = world;
    const { tank, backup } = datasets;
    const old = tank.replace("tank/", "old-");
    await Promise.all([
      nas.sh(`set -e
        ${passphrase("first-one")} create ${encrypted} ${tank}/secret
        zfs create -o encryption=off ${tank}/secret/plain
        zfs create ${tank}/open
        zfs create -o recordsize=1M ${tank}/large
        for d in secret secret/plain open large; do head -c 2000000 /dev/urandom > /${tank}/$d/file; done
        zfs snapshot -r ${tank}@a-1; zfs destroy ${tank}@a-1
        zfs unmount ${tank}/secret/plain; zfs unmount ${tank}/secret; zfs unload-key ${tank}/secret`),
      vault.sh(`set -e
        for d in sealed locked; do ${passphrase("of-the-vault")} create ${encrypted} ${backup}/$d; done
        zfs unmount ${backup}/locked; zfs unload-key ${backup}/locked
        truncate -s 128M /pools/${old}; zpool create -m none -o feature@large_blocks=disabled ${old} /pools/${old}`),
    ]);
    try {
      const keep = { a: 3 };
      const remotes = { vault: backup, sealed: `${backup}/sealed`, locked: `${backup}/locked`, old };
      const copies = { secret: ["vault"], "secret/plain": ["vault"], open: ["sealed", "locked"], large: ["old"] };
      await world.manifest({
        version: 1,
        snapshotTypes: { a: {} },
        hosts: { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller") },
        remotes: Object.fromEntries(
          Object.entries(remotes).map(([name, root]) => [name, { type: "zfs", host: "vault", root }]),
        ),
        datasets: Object.fromEntries(
          Object.entries(copies).map(([name, to]) => [
            `nas:${tank}/${name}`,
            {
              keep,
              remotes: Object.fromEntries(
                to.map((remote) => [remote, { keep, target: `${remotes[remote as keyof typeof remotes]}/${name}` }]),
              ),
            },
          ]),
        ),
      });
      const { blocked } = await planOf(holdfast);
      expect(blocked.map(({ source, reason, remote }) => [source, reason, remote])).toEqual([
        [`nas:${tank}/large`, "feature", "old"],
        [`nas:${tank}/open`, "encryption", "locked"],
      ]);
      expect(blocked[0]?.evidence.join()).toMatch(/large_blocks: needed by .*recordsize=1048576; disabled there/);
      expect(blocked[1]?.message).toMatch(/while its key is not loaded/);

      const first = await holdfast("apply", "--yes");
      expect(first.code, first.stdout + first.stderr).toBe(3);
      const encryptionOf = (dataset: string) => vault.property(dataset, "encryption");
      expect(await encryptionOf(`${backup}/secret`)).toBe("aes-256-gcm");
      expect(await vault.property(`${backup}/secret`, "keystatus")).toBe("unavailable");
      expect(await encryptionOf(`${backup}/secret/plain`)).toBe("off");
      expect(await encryptionOf(`${backup}/sealed/open`)).toBe("aes-256-gcm");
      expect(await vault.property(`${backup}/sealed/open`, "encryptionroot")).toBe(`${backup}/sealed`);

      // the key of the source is changed, and what was in the way put right
      await Promise.all([
        nas.sh(`set -e
          ${passphrase("first-one")} load-key ${tank}/secret
          ${passphrase("second-one")} change-key ${tank}/secret
          zfs snapshot -r ${tank}@a-2; zfs destroy ${tank}@a-2; zfs unload-key ${tank}/secret`),
        vault.sh(
          `zpool set feature@large_blocks=enabled ${old} && ${passphrase("of-the-vault")} load-key ${backup}/locked`,
        ),
      ]);
      await applied(holdfast);
      for (const [name, to] of Object.entries(copies)) {
        for (const remote of to) {
          const copy = `${remotes[remote as keyof typeof remotes]}/${name}`;
          expect(await vault.snapshots(copy)).toEqual(await nas.snapshots(`${tank}/${name}`));
        }
      }
      expect(await encryptionOf(`${backup}/locked/open`)).toBe("aes-256-gcm");
      await vault.sh(`${passphrase("second-one")} load-key ${backup}/secret`);
      await expectDone(holdfast);
    } finally {
      await vault.sh(`zpool destroy -f ${old}; rm /pools/${old}`);
    }
  });
});
