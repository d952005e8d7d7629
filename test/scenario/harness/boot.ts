import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { TestProject } from "vitest/node";
import { type MachineAddress, machines } from "./machine.ts";

const tools = join(import.meta.dirname, "../../zfs-vm");

declare module "vitest" {
  interface ProvidedContext {
    /** Where the machines of this run are: everything a worker needs to reach them. */
    machines: MachineAddress[];
  }
}

/** For vitest: boots the machines once for the whole run and stops them after it. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { addresses, stop } = await boot();
  project.provide("machines", addresses);
  return stop;
}

/**
 * Boots the machines, and gives back how to stop them.
 * With HOLDFAST_ZFS_VM_KEEP set to a folder they are looked for there first and left running: for writing scenarios.
 */
export async function boot(): Promise<{ readonly addresses: MachineAddress[]; readonly stop: () => Promise<void> }> {
  const kept = process.env.HOLDFAST_ZFS_VM_KEEP;
  const runs = kept ?? (await mkdtemp(join(tmpdir(), "holdfast-zfs-vm-")));
  const run = (tool: string, ...args: string[]) =>
    execa(join(tools, tool), args, { env: { HOLDFAST_ZFS_VM_RUN: runs }, stdin: "ignore", all: true });
  const stop = async () => {
    await run("stop", ...machines.map((machine) => machine.name));
    await rm(runs, { recursive: true, force: true });
  };

  try {
    await run("build", ...new Set(machines.map((machine) => machine.version)));
    const addresses = await Promise.all(
      machines.map(async ({ name, version, pools }): Promise<MachineAddress> => {
        const folder = join(runs, name);
        const address = async () => ({
          name,
          version,
          pools,
          port: Number(await readFile(join(folder, "port"), "utf8")),
          hostKey: (await readFile(join(folder, "host_key.pub"), "utf8")).split(" ").slice(0, 2).join(" "),
          identityFile: join(runs, "id"),
          knownHostsFile: join(folder, "known_hosts"),
          sshConfig: join(folder, "ssh_config"),
        });
        const alive =
          kept !== undefined &&
          (await execa("ssh", ["-F", join(folder, "ssh_config"), name, "true"], { reject: false })).exitCode === 0;
        if (!alive) {
          await run("stop", name);
          await run("start", name, version, ...pools);
        }
        return address();
      }),
    );
    return { addresses, stop: kept === undefined ? stop : async () => {} };
  } catch (error) {
    if (kept === undefined) await stop();
    throw error;
  }
}
