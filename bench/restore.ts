import { execa } from "execa";
import { compared, type Flow, overSsh, sizes } from "./flow.ts";
import { onMachines } from "./machines.ts";
import { inTurn, percent } from "./measure.ts";

const source = "tank/bench";
const root = "backup/bench";

/** Copies brought back from machine to machine, by Holdfast and by hand. */
export function restores(rounds: number): Promise<string> {
  return onMachines(async ({ nas, vault, apply, run }) => {
    await Promise.all([nas.destroy(source), vault.destroy(root)]);
    await vault.run("zfs", "create", root);
    await nas.run("zfs", "create", source);
    const manifest = (name: string) => ({
      snapshotTypes: { a: {} },
      remotes: { vault: { type: "zfs", host: "vault", root } },
      datasets: { [`nas:${source}/${name}`]: { keep: { a: 1 }, remotes: { vault: { keep: { a: 1 } } } } },
    });
    for (const [name, mebibytes] of Object.entries(sizes)) {
      await nas.run("zfs", "create", `${source}/${name}`);
      await nas.writeData(`${source}/${name}`, mebibytes);
      await nas.run("zfs", "snapshot", `${source}/${name}@a-1`);
      await apply(manifest(name));
    }
    const byHand = async (name: keyof typeof sizes): Promise<number> => {
      const send = overSsh(vault, `zfs send -L -e -c -b ${root}/${source}/${name}@a-1`);
      const receive = overSsh(nas, `zfs receive -s -u -x mountpoint ${source}/back`);
      const start = performance.now();
      await execa("bash", ["-c", `set -o pipefail; ${send} | ${receive}`]);
      const took = (performance.now() - start) / 1000;
      await nas.destroy(`${source}/back`);
      return took;
    };
    const byHoldfast = async (name: keyof typeof sizes) => {
      const address = `nas:${source}/${name}`;
      const { report, cpu } = await run(manifest(name), "restore", address, "--to", `nas:${source}/back`);
      await nas.destroy(`${source}/back`);
      return { took: report.operations.find(({ kind }) => kind === "send")?.seconds ?? Number.NaN, cpu };
    };
    const runs = await inTurn<"hand" | "holdfast", Flow>(
      {
        hand: async () => ({ little: await byHand("little"), much: await byHand("much"), cpu: 0 }),
        async holdfast() {
          const [little, much] = [await byHoldfast("little"), await byHoldfast("much")];
          return { little: little.took, much: much.took, cpu: much.cpu - little.cpu };
        },
      },
      rounds,
    );
    await Promise.all([nas.destroy(source), vault.destroy(root)]);
    const { rows, share } = compared(runs, "`ssh zfs send \\| ssh zfs receive`");
    return `## A restore

Copies of ${sizes.little} and ${sizes.much} MiB that cannot be compressed, brought back from one machine with OpenZFS to another; measured
as a transfer is. To reach: 0.97 × that by hand. Holdfast used ${percent(share)} of a core.

${rows}`;
  });
}
