import { COLUMNS } from "../src/inventory/listing.ts";
import { onMachines } from "./machines.ts";
import { inTurn, median, megabytes, ratio, seconds, table, type Usage } from "./measure.ts";

const datasets = 100;
const snapshots = 100;
const root = "tank/bench";

/** 10,000 snapshots destroyed, by Holdfast and by lists of names given to `zfs destroy`. */
export function deletions(rounds: number): Promise<string> {
  return onMachines(async ({ nas, apply }) => {
    await nas.destroy(root);
    await nas.sh(
      `zfs create ${root} && for d in $(seq ${datasets}); do zfs create -o holdfast:adopted=on ${root}/d$d; done`,
    );
    const prepare = () =>
      nas.sh(`for s in $(seq ${snapshots + 1}); do zfs snapshot -r ${root}@a-$s || exit 1; done; zpool sync tank`);
    const expectGone = async () => {
      const left = Number(await nas.sh(`zfs list -H -t snapshot -o name -r ${root} | grep -c /d`));
      if (left !== datasets) throw new Error(`${left} snapshots are left`);
      await nas.sh(`zfs destroy -r ${root}@%`);
    };
    const looks: number[] = [];
    const timed = async (command: string): Promise<number> => {
      const start = performance.now();
      await nas.sh(command);
      return (performance.now() - start) / 1000;
    };
    const runs = await inTurn<"hand" | "holdfast", Pick<Usage, "wall"> & Partial<Usage>>(
      {
        async hand() {
          await prepare();
          looks.push(await timed(`zfs list -Hp -r -t all -o ${COLUMNS.join(",")} ${root} > /dev/null`));
          const names = Array.from({ length: snapshots }, (_, index) => `a-${index + 1}`).join(",");
          const wall = await timed(
            `for d in $(seq ${datasets}); do zfs destroy "${root}/d$d@${names}" || exit 1; done`,
          );
          await expectGone();
          return { wall };
        },
        async holdfast() {
          await prepare();
          const { report: _, ...usage } = await apply(
            { snapshotTypes: { a: {} }, datasets: { [`nas:${root}/*`]: { keep: { a: 1 } } } },
            "--allow-destroy",
            `${datasets * snapshots}`,
          );
          await expectGone();
          return usage;
        },
      },
      rounds,
    );
    await nas.destroy(root);
    const wall = (of: readonly Pick<Usage, "wall">[]): number => median(of.map((run) => run.wall));
    return `## Deletions

${(datasets * snapshots).toLocaleString("en")} snapshots of ${datasets} datasets, destroyed on a machine with OpenZFS from another one; ${rounds} runs in turn. By hand it is
one list a dataset and nothing else. Holdfast's time is that of the whole \`apply\`: it looks at everything, plans, and looks
at names and guids right before each list. To reach: 1.2 ×, which the first look alone, here as \`zfs list\` prints it, puts
out of reach on emulated machines.

${table(
  ["", "time", "of that by hand", "peak memory"],
  [
    ["`zfs list` of all there is", seconds(median(looks)), ratio(median(looks) / wall(runs.hand)), "–"],
    ["`zfs destroy dataset@a,b,c…`", seconds(wall(runs.hand)), ratio(1), "–"],
    [
      "Holdfast",
      seconds(wall(runs.holdfast)),
      ratio(wall(runs.holdfast) / wall(runs.hand)),
      megabytes(median(runs.holdfast.map(({ memory = Number.NaN }) => memory))),
    ],
  ],
)}`;
  });
}
