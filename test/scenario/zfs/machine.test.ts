import { execa } from "execa";
import { describe, expect } from "vitest";
import { identityInside, type Link, type Machine, test } from "../harness/index.ts";

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
