import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { TestProject } from "vitest/node";
import { type MachineAddress, machines, sets } from "./machine.ts";

const tools = join(import.meta.dirname, "../../zfs-vm");

declare module "vitest" {
  interface ProvidedContext {
    /** Where the machines of this run are, a set for each worker: everything it needs to reach them. */
    machines: MachineAddress[][];
  }
}

/** For vitest: boots a set of machines for each worker, once for the whole run, and stops them after it. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { addresses, stop } = await boot(sets);
  project.provide("machines", addresses);
  return stop;
}

interface Booted {
  /** By set. */
  readonly addresses: MachineAddress[][];
  readonly stop: () => Promise<void>;
}

/**
 * Boots so many sets of machines, and gives back how to stop them.
 * With HOLDFAST_ZFS_VM_KEEP set to a folder they are looked for there first and left running: for writing scenarios.
 */
export async function boot(count: number): Promise<Booted> {
  const kept = process.env.HOLDFAST_ZFS_VM_KEEP;
  const folder = kept ?? (await mkdtemp(join(tmpdir(), "holdfast-zfs-vm-")));
  const all = Array.from({ length: count }, (_, index) => join(folder, `${index + 1}`));
  const stop = async () => {
    await Promise.all(all.map((runs) => run(runs, "stop", ...machines.map(({ name }) => name))));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await run(folder, "build", ...new Set(machines.map(({ version }) => version)));
    const addresses = await Promise.all(all.map((runs) => bootSet(runs, kept !== undefined)));
    return { addresses, stop: kept === undefined ? stop : async () => {} };
  } catch (error) {
    if (kept === undefined) await stop();
    throw error;
  }
}

const run = (runs: string, tool: string, ...args: string[]) =>
  execa(join(tools, tool), args, { env: { HOLDFAST_ZFS_VM_RUN: runs }, stdin: "ignore", all: true });

async function bootSet(runs: string, mayRun: boolean): Promise<MachineAddress[]> {
  return Promise.all(
    machines.map(async ({ name, version, pools }): Promise<MachineAddress> => {
      const folder = join(runs, name);
      const sshConfig = join(folder, "ssh_config");
      const isUp = async () => (await execa("ssh", ["-F", sshConfig, name, "true"], { reject: false })).exitCode === 0;
      if (!mayRun || !(await isUp())) {
        await run(runs, "stop", name);
        await run(runs, "start", name, version, ...pools);
      }
      return {
        name,
        version,
        pools,
        port: Number(await readFile(join(folder, "port"), "utf8")),
        hostKey: (await readFile(join(folder, "host_key.pub"), "utf8")).split(" ").slice(0, 2).join(" "),
        identityFile: join(runs, "id"),
        knownHostsFile: join(folder, "known_hosts"),
        sshConfig,
      };
    }),
  );
}
