import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Report } from "../src/model/report.ts";
import { boot } from "../test/scenario/harness/boot.ts";
import { Machine } from "../test/scenario/harness/machine.ts";
import { holdfast, inFolder, runNode, type Usage } from "./measure.ts";

/** Two machines with real OpenZFS, emulated: what is slow there is slow for both contenders. */
export interface Pair {
  readonly nas: Machine;
  readonly vault: Machine;
  /** Runs `apply` here, on neither machine, with this manifest and both hosts; everything must be done. */
  apply(manifest: object, ...args: string[]): Promise<Usage & { readonly report: Report }>;
  /** The same of another command that reports. */
  run(manifest: object, ...args: string[]): Promise<Usage & { readonly report: Report }>;
}

export async function onMachines<T>(work: (pair: Pair) => Promise<T>): Promise<T> {
  const { addresses, stop } = await boot(1);
  try {
    const [nas, vault] = (["nas", "vault"] as const).map((name) => {
      const address = addresses[0]?.find((one) => one.name === name);
      if (address === undefined) throw new Error(`no machine ${name} was booted`);
      return new Machine(address);
    }) as [Machine, Machine];
    return await inFolder((folder) => {
      const run: Pair["run"] = async (manifest, ...args) => {
        const hosts = { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller") };
        await writeFile(join(folder, "holdfast.yaml"), stringify({ version: 1, hosts, ...manifest }));
        const ran = await runNode([holdfast, ...args, "--yes", "--json"], { cwd: folder });
        const report = JSON.parse(ran.stdout) as Report;
        const failed = report.operations.filter(({ outcome }) => outcome !== "done");
        if (failed.length > 0) throw new Error(JSON.stringify(failed, null, 2));
        return { ...ran, report };
      };
      return work({ nas, vault, run, apply: (manifest, ...args) => run(manifest, "apply", ...args) });
    });
  } finally {
    await stop();
  }
}
