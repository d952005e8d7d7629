import { execa } from "execa";
import type { Machine } from "../test/scenario/harness/machine.ts";
import { onMachines } from "./machines.ts";
import { inTurn, median, percent, ratio, seconds, table } from "./measure.ts";

/** Of two sizes: what the longer one takes more is the flow, the rest is what an operation costs besides. */
const sizes = { little: 1, much: 65 } as const;
/** The one that Holdfast prefers: the fastest of OpenSSH's on processors with AES, which emulated ones have not. */
const cipher = "aes128-gcm@openssh.com";
const source = "tank/bench";
const target = "backup/bench";

interface Run {
  readonly little: number;
  readonly much: number;
  /** Processor seconds of Holdfast itself that the longer transfer took more. */
  readonly cpu: number;
}

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
    const ssh = ({ address, name }: Machine, command: string): string =>
      `ssh -F '${address.sshConfig}' -c ${cipher} ${name} ${command}`;
    const byHand = async (name: keyof typeof sizes): Promise<number> => {
      const send = ssh(nas, `zfs send -L -e -c ${source}/${name}@a-1`);
      const start = performance.now();
      await execa("bash", ["-c", `set -o pipefail; ${send} | ${ssh(vault, `zfs receive -s -u ${target}/copy`)}`]);
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
    const runs = await inTurn<"hand" | "holdfast", Run>(
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
    const flow = (of: readonly Run[]): number => median(of.map(({ little, much }) => much - little));
    const share = median(runs.holdfast.map(({ little, much, cpu }) => cpu / (much - little)));
    const row = (name: string, of: readonly Run[]): string[] => [
      name,
      seconds(median(of.map(({ little }) => little))),
      `${((sizes.much - sizes.little) / flow(of)).toFixed(2)} MiB/s`,
      ratio(flow(runs.hand) / flow(of)),
    ];
    return `## A transfer

First copies of ${sizes.little} and ${sizes.much} MiB that cannot be compressed, from one machine with OpenZFS to another, started on a third
one and with the same cipher; ${rounds} runs in turn. The throughput is that of what the longer one has more. To reach:
0.97 × that by hand, and no more than 2 % of a core for Holdfast itself.

${table(
  ["", `${sizes.little} MiB`, "throughput", "of that by hand"],
  [row("`ssh zfs send \\| ssh zfs receive`", runs.hand), row("Holdfast", runs.holdfast)],
)}
The bytes flow beside Holdfast: it used ${percent(share)} of a core for them. Around each transfer it looks at both sides
again, estimates the size, makes sure that there is space, and looks at what has arrived.
`;
  });
}
