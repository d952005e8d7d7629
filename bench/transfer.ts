import { execa } from "execa";
import { compared, type Flow, overSsh, sizes } from "./flow.ts";
import { onMachines } from "./machines.ts";
import { inTurn, percent } from "./measure.ts";

const source = "tank/bench";
const target = "backup/bench";

/** First copies from machine to machine, by Holdfast and by hand. */
export function transfer(rounds: number): Promise<string> {
  return onMachines(async ({ nas, vault, apply }) => {
    await Promise.all([nas.destroy(source), vault.destroy(target)]);
    await nas.run("zfs", "create", source);
    await vault.run("zfs", "create", target);
    for (const [name, mebibytes] of Object.entries(sizes)) {
      await nas.run("zfs", "create", `${source}/${name}`);
      await nas.writeData(`${source}/${name}`, mebibytes);
      await nas.run("zfs", "snapshot", `${source}/${name}@a-1`);
    }
    const byHand = async (name: keyof typeof sizes): Promise<number> => {
      const send = overSsh(nas, `zfs send -L -e -c ${source}/${name}@a-1`);
      const start = performance.now();
      await execa("bash", ["-c", `set -o pipefail; ${send} | ${overSsh(vault, `zfs receive -s -u ${target}/copy`)}`]);
      const took = (performance.now() - start) / 1000;
      await vault.destroy(`${target}/copy`);
      return took;
    };
    const byHoldfast = async (name: keyof typeof sizes) => {
      const { report, cpu } = await apply({
        snapshotTypes: { a: {} },
        remotes: { vault: { type: "zfs", host: "vault", root: target } },
        datasets: { [`nas:${source}/${name}`]: { keep: { a: 1 }, remotes: { vault: { keep: { a: 1 } } } } },
      });
      await vault.destroy(`${target}/tank`);
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
    await Promise.all([nas.destroy(source), vault.destroy(target)]);
    const { rows, share } = compared(runs, "`ssh zfs send \\| ssh zfs receive`");
    return `## A transfer

First copies of ${sizes.little} and ${sizes.much} MiB that cannot be compressed, from one machine with OpenZFS to another, started on a third
one and with the same cipher; ${rounds} runs in turn. The throughput is that of what the longer one has more. To reach:
0.97 × that by hand, and no more than 2 % of a core for Holdfast itself.

${rows}
The bytes flow beside Holdfast: it used ${percent(share)} of a core for them. Around each transfer it looks at both sides
again, estimates the size, makes sure that there is space, and looks at what has arrived.
`;
  });
}
