import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, inject } from "vitest";
import { stringify } from "yaml";
import { actingAs, controller, type Holdfast, holdfastOn } from "./holdfast.ts";
import { type Link, openLink } from "./link.ts";
import { Machine, type MachineName } from "./machine.ts";

export type { Holdfast } from "./holdfast.ts";
export { type Link, sshWindow } from "./link.ts";
export { identityInside, Machine } from "./machine.ts";

/** What every scenario gets, fresh; all of it is gone afterwards. */
export interface World {
  /** OpenZFS 2.3 with the pools `tank` and `usb`. */
  readonly nas: Machine;
  /** OpenZFS 2.1 with the pool `backup`. */
  readonly vault: Machine;
  /** An empty dataset of this scenario's own in each pool, by pool. */
  readonly datasets: { readonly tank: string; readonly usb: string; readonly backup: string };
  /** An empty folder; `holdfast` runs in it, the manifest lies in it as `holdfast.yaml`. */
  readonly folder: string;
  /** Writes the manifest, for the controller and for the machines that Holdfast runs on. */
  manifest(content: object): Promise<void>;
  /** Holdfast on this machine, reaching both over SSH. */
  readonly holdfast: Holdfast;
  /** Holdfast inside a machine. */
  on(machine: Machine): Promise<Holdfast>;
  /** Holdfast on this machine, as the host that a machine is, by its own name or another; quicker than inside it. */
  as(machine: Machine, name?: string): Promise<Holdfast>;
  /** A link to a machine's sshd, closed with the scenario. */
  link(machine: Machine): Promise<Link>;
}

let scenarios = 0;

/** `test`, with a `world` of its own for each case. */
export const test = base.extend<{ world: World }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants the pattern
  world: async ({}, use) => {
    const id = `case-${process.pid}-${++scenarios}`;
    const machine = (name: MachineName): Machine => {
      const ours = inject("machines")[Number(process.env.VITEST_POOL_ID) - 1];
      const address = ours?.find((candidate) => candidate.name === name);
      if (address === undefined) throw new Error(`no machine ${name} was booted`);
      return new Machine(address);
    };
    const nas = machine("nas");
    const vault = machine("vault");
    const datasets = { tank: `tank/${id}`, usb: `usb/${id}`, backup: `backup/${id}` };
    const folder = await mkdtemp(join(tmpdir(), "holdfast-scenario-"));
    const folderInside = `/tmp/${id}`;
    const links: Link[] = [];
    const inside = new Set<Machine>();
    let manifest = "";
    const putManifest = (host: Machine) => host.put(`${folderInside}/holdfast.yaml`, manifest);
    await Promise.all([
      nas.sh(`zfs create ${datasets.tank} && zfs create ${datasets.usb}`),
      vault.run("zfs", "create", datasets.backup),
    ]);

    await use({
      nas,
      vault,
      datasets,
      folder,
      async manifest(content) {
        manifest = stringify(content);
        await writeFile(join(folder, "holdfast.yaml"), manifest);
        await Promise.all([...inside].map(putManifest));
      },
      holdfast: controller(folder),
      async on(host) {
        inside.add(host);
        await putManifest(host);
        return holdfastOn(host, folderInside);
      },
      as: (host, name) => actingAs(host, folder, name),
      async link(host) {
        const link = await openLink(host.address.port);
        links.push(link);
        return link;
      },
    });

    await Promise.all(links.map((link) => link.close()));
    await Promise.all([nas.destroy(datasets.tank, datasets.usb), vault.destroy(datasets.backup)]);
    await Promise.all([...inside].map((host) => host.run("rm", "-rf", folderInside)));
    await rm(folder, { recursive: true, force: true });
  },
});
