import { execa } from "execa";
import { describe, expect } from "vitest";
import { identityInside, type Link, type Machine, sshWindow, test } from "../harness/index.ts";

/** The ssh command with which a machine reaches another one. */
const ssh = (from: Machine, to: Machine, via?: Link): string => {
  const entry = to.hostEntry(from.name, via);
  return `ssh -F none -i ${identityInside} -o BatchMode=yes -o UserKnownHostsFile=/root/.ssh/known_hosts -p ${entry.port} ${entry.user}@${entry.address}`;
};

/** Lets a machine into another one: the key, and the other's host key under every address it has. */
async function introduce(from: Machine, to: Machine, via?: Link): Promise<void> {
  const { stdout: key } = await execa("cat", [to.address.identityFile], { stripFinalNewline: false });
  const entry = to.hostEntry(from.name, via);
  await from.put(identityInside, key);
  await from.put("/root/.ssh/known_hosts", `[${entry.address}]:${entry.port} ${to.address.hostKey}\n`);
}

describe("the machines", () => {
  test("run the OpenZFS they are meant to run", async ({ world: { nas, vault } }) => {
    expect(await nas.sh("zfs version")).toMatch(/^zfs-2\.3\.\d+.*\nzfs-kmod-2\.3\./);
    expect(await vault.sh("zfs version")).toMatch(/^zfs-2\.1\.\d+.*\nzfs-kmod-2\.1\./);
  });

  test("hold every program that Holdfast calls there", async ({ world: { nas, vault } }) => {
    for (const machine of [nas, vault]) {
      for (const command of [
        "node --version",
        "zstd --version",
        "pv --version",
        "flock --version",
        "timeout --version",
        "ssh -V",
        "rsync --version",
      ]) {
        await machine.sh(command);
      }
    }
  });

  test("send to each other, in both directions, and keep every guid", async ({ world: { nas, vault, datasets } }) => {
    await introduce(nas, vault);
    await nas.snapshot(datasets.tank, ["one"], 1);
    await nas.snapshot(datasets.tank, ["two"], 1);

    const copy = `${datasets.backup}/copy`;
    await nas.sh(`zfs send ${datasets.tank}@one | ${ssh(nas, vault)} zfs receive -u ${copy}`);
    await nas.sh(`zfs send -I @one ${datasets.tank}@two | ${ssh(nas, vault)} zfs receive -u ${copy}`);
    expect(await vault.snapshots(copy)).toEqual(await nas.snapshots(datasets.tank));

    await nas.sh(`${ssh(nas, vault)} zfs send ${copy}@two | zfs receive ${datasets.usb}/back`);
    expect(await nas.checksum(`${datasets.usb}/back`)).toBe(await nas.checksum(`${datasets.tank}@two`));
  });

  test("an unknown host key is refused", async ({ world: { nas, vault } }) => {
    await introduce(nas, vault);
    await nas.put("/root/.ssh/known_hosts", `[10.0.2.2]:${vault.address.port} ${nas.address.hostKey}\n`);
    await expect(nas.sh(`${ssh(nas, vault)} true`)).rejects.toThrow("Host key verification failed");
  });

  test("the user backup sees every dataset and may change none", async ({ world: { nas, datasets } }) => {
    expect(await nas.sh(`/usr/sbin/zfs list -H -o name ${datasets.tank}`, { user: "backup" })).toBe(datasets.tank);
    await expect(nas.sh(`/usr/sbin/zfs snapshot ${datasets.tank}@mine`, { user: "backup" })).rejects.toThrow(
      "permission denied",
    );
  });
});

describe("the link", () => {
  test("cuts a transfer in the middle; the token resumes it, and little is sent twice", async ({ world }) => {
    const { nas, vault, datasets } = world;
    const link = await world.link(vault);
    await introduce(nas, vault, link);
    await nas.snapshot(datasets.tank, ["one"], 8);
    const copy = `${datasets.backup}/copy`;

    const half = 4 * 2 ** 20;
    const cut = link.cutAfter(half);
    await expect(
      nas.sh(`zfs send ${datasets.tank}@one | ${ssh(nas, vault, link)} zfs receive -s -u ${copy}`),
    ).rejects.toThrow();
    await cut;
    expect(link.bytes.up).toBeGreaterThan(half * 0.9);
    await expect(nas.sh(`${ssh(nas, vault, link)} true`)).rejects.toThrow();

    const token = await vault.sh(
      `for i in $(seq 100); do t=$(zfs get -H -o value receive_resume_token ${copy}) && [ "$t" != - ] && echo "$t" && break; sleep 0.1; done`,
    );
    expect(token).toMatch(/^1-/);
    expect(await vault.snapshots(copy)).toEqual([]);

    link.restore();
    const before = link.bytes.up;
    await nas.sh(`zfs send -t ${token} | ${ssh(nas, vault, link)} zfs receive -s -u ${copy}`);
    expect(link.bytes.up - before).toBeLessThan(half + sshWindow);
    expect(await vault.snapshots(copy)).toEqual(await nas.snapshots(datasets.tank));
  });

  test("tells when bytes have passed, and counts connections", async ({ world }) => {
    const link = await world.link(world.nas);
    await introduce(world.vault, world.nas, link);
    const passed = link.passed(2 ** 20);
    await world.vault.sh(`${ssh(world.vault, world.nas, link)} head -c 1500000 /dev/zero > /dev/null`);
    await passed;
    expect(link.bytes.down).toBeGreaterThan(1_500_000);
    expect(link.connections).toBe(1);
  });
});

describe("a scenario's datasets", () => {
  test("are destroyed although held, cloned, or half received", async ({ world: { nas, vault, datasets } }) => {
    const dataset = `${datasets.tank}/data`;
    await nas.run("zfs", "create", dataset);
    await nas.writeData(dataset, 1);
    await nas.run("zfs", "snapshot", `${dataset}@a b`);
    await nas.run("zfs", "hold", "some tag", `${dataset}@a b`);
    await nas.run("zfs", "clone", `${dataset}@a b`, `${datasets.tank}/clone`);
    await nas.start(`zfs send '${dataset}@a b' | head -c 500000 | zfs receive -s -u ${datasets.tank}/partial`);
    expect(await nas.property(`${datasets.tank}/partial`, "receive_resume_token")).toMatch(/^1-/);
    await nas.destroy(datasets.tank);
    expect(await nas.exists(datasets.tank)).toBe(false);
    await vault.destroy(`${datasets.backup}/never/there`);
  });
});
