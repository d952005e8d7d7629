import { execa } from "execa";
import { onMachines } from "./machines.ts";
import { inTurn, median, megabytes, ratio, seconds, table, type Usage } from "./measure.ts";

const source = "tank/bench";
const target = "backup/bench";
const few = 10;
const many = 100;

/** First copies of many small datasets, by Holdfast and by a loop. */
export function smallTransfers(rounds: number): Promise<string> {
  return onMachines(async ({ nas, vault, apply }) => {
    await Promise.all([nas.destroy(source), vault.destroy(target)]);
    await nas.sh(
      `zfs create ${source} && for d in $(seq ${many}); do zfs create ${source}/$d && echo $d > /${source}/$d/file || exit 1; done; zfs snapshot -r ${source}@a-1`,
    );
    await vault.run("zfs", "create", target);
    const clear = async (count: number) => {
      const copies = (await vault.sh(`zfs list -H -o name -d 1 -r ${target}/tank/bench | tail -n +2`)).split("\n");
      if (copies.length !== count) throw new Error(`${copies.length} copies are there`);
      await vault.destroy(`${target}/tank`);
      await nas.sh(`zfs list -H -t bookmark -o name -r ${source} | while read -r b; do zfs destroy "$b"; done`);
    };
    const ssh = (machine: typeof nas): string =>
      `ssh ${machine
        .sshArguments()
        .map((word) => `'${word}'`)
        .join(" ")}`;
    const byHand = async (count: number) => {
      const start = performance.now();
      const copy = `${ssh(nas)} zfs send -p -L -e -c ${source}/$d@a-1 < /dev/null | ${ssh(vault)} zfs receive -s -u -o readonly=on -o canmount=noauto ${target}/${source}/$d`;
      await vault.run("zfs", "create", "-p", `${target}/${source}`);
      await execa("bash", ["-c", `set -eo pipefail; for d in $(seq ${count}); do ${copy}; done`]);
      const wall = (performance.now() - start) / 1000;
      await clear(count);
      return { wall };
    };
    const byHoldfast = async (count: number) => {
      const { report: _, ...usage } = await apply({
        snapshotTypes: { a: {} },
        remotes: { vault: { type: "zfs", host: "vault", root: target } },
        datasets: Object.fromEntries(
          Array.from({ length: count }, (_, index) => [
            `nas:${source}/${index + 1}`,
            { keep: { a: 1 }, remotes: { vault: { keep: { a: 1 } } } },
          ]),
        ),
      });
      await clear(count);
      return usage;
    };
    const runs = await inTurn<"handFew" | "few" | "handMany" | "many", Pick<Usage, "wall"> & Partial<Usage>>(
      {
        handFew: () => byHand(few),
        few: () => byHoldfast(few),
        handMany: () => byHand(many),
        many: () => byHoldfast(many),
      },
      rounds,
    );
    await Promise.all([nas.destroy(source), vault.destroy(target)]);
    const wall = (of: readonly Pick<Usage, "wall">[]): number => median(of.map((run) => run.wall));
    const row = (count: number, hand: typeof runs.few, of: typeof runs.few): string[] => [
      `${count}`,
      seconds(wall(hand)),
      seconds(wall(of)),
      ratio(wall(of) / wall(hand)),
      megabytes(median(of.map(({ memory = Number.NaN }) => memory))),
    ];
    return `## Many small transfers

First copies of datasets with a file of a few bytes, from one machine with OpenZFS to another, started on a third one;
${rounds} runs in turn. By hand it is a loop over \`ssh zfs send | ssh zfs receive\` that reuses its connections. Holdfast's
time is that of the whole \`apply\`.

${table(["datasets", "loop", "Holdfast", "of the loop", "peak memory"], [row(few, runs.handFew, runs.few), row(many, runs.handMany, runs.many)])}`;
  });
}
