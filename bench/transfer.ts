import { readFile } from "node:fs/promises";
import { identityInside } from "../test/scenario/harness/machine.ts";
import { onMachines } from "./machines.ts";
import { inTurn, median, percent, ratio, seconds, table } from "./measure.ts";

const mebibytes = 64;
const source = "tank/bench";
const target = "backup/bench";

/** One first copy from machine to machine, by Holdfast and by hand. */
export function transfer(rounds: number): Promise<string> {
  return onMachines(async ({ nas, vault, apply }) => {
    await Promise.all([nas.destroy(source), vault.destroy(target)]);
    await nas.run("zfs", "create", source);
    await vault.run("zfs", "create", target);
    await nas.put(identityInside, await readFile(nas.address.identityFile));
    await nas.writeData(source, mebibytes);
    await nas.run("zfs", "snapshot", `${source}@a-1`);
    const manifest = {
      snapshotTypes: { a: {} },
      remotes: { vault: { type: "zfs", host: "vault", root: target } },
      datasets: { [`nas:${source}`]: { keep: { a: 1 }, remotes: { vault: { keep: { a: 1 } } } } },
    };
    const known = `-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i ${identityInside}`;
    const byHand = `zfs send -L -e -c ${source}@a-1 | ssh ${known} -p ${vault.address.port} root@10.0.2.2 zfs receive -s -u ${target}/copy`;
    const runs = await inTurn(
      {
        async byHand() {
          const start = performance.now();
          await nas.sh(byHand);
          const took = (performance.now() - start) / 1000;
          await vault.destroy(`${target}/copy`);
          return { took, cpu: 0 };
        },
        async holdfast() {
          const { report, cpu } = await apply(manifest);
          const sent = report.operations.find(({ kind }) => kind === "send");
          const idle = await apply(manifest);
          await vault.destroy(`${target}/tank`);
          return { took: sent?.seconds ?? Number.NaN, cpu: cpu - idle.cpu };
        },
      },
      rounds,
    );
    const [hand, own] = [runs.byHand, runs.holdfast].map((of) => median(of.map(({ took }) => took))) as [
      number,
      number,
    ];
    const share = median(runs.holdfast.map(({ took, cpu }) => cpu / took));
    const rate = (took: number): string => `${(mebibytes / took).toFixed(1)} MiB/s`;
    const row = (name: string, took: number): string[] => [name, seconds(took), rate(took), ratio(hand / took)];
    return `## A transfer

${mebibytes} MiB that cannot be compressed, from one machine with OpenZFS to another over SSH, as a first copy; ${rounds} runs in turn.
To reach: 0.97 × the throughput by hand, and no more than 2 % of a core for Holdfast itself. Holdfast's time is that of its
operation: it looks again at both sides before, estimates the size, and looks at what arrived after.

${table(
  ["", "time", "throughput", "of that by hand"],
  [row("`zfs send \\| ssh zfs receive`", hand), row("Holdfast", own)],
)}
While it sent, Holdfast itself used ${percent(share)} of a core more than for a pass with nothing to do.
`;
  });
}
