import { onMachines } from "./machines.ts";
import { inTurn, median, ratio, seconds, table } from "./measure.ts";

const count = 10_000;
const dataset = "tank/bench";

/** Takes so many snapshots in few transactions, which by `zfs snapshot` would take most of an hour. */
const takeMany = `zfs program tank - ${dataset} ${count} << 'EOF'
local args = ...
local dataset, count = args["argv"][1], tonumber(args["argv"][2])
for i = 1, count do
  local error = zfs.sync.snapshot(dataset .. "@a-" .. i)
  if error ~= 0 then return error end
end
EOF`;

/** All but one of many snapshots destroyed, by Holdfast and by hand. */
export function destroy(rounds: number): Promise<string> {
  return onMachines(async ({ nas, apply }) => {
    const prepare = async () => {
      await nas.destroy(dataset);
      await nas.run("zfs", "create", "-o", "holdfast:adopted=on", dataset);
      await nas.sh(takeMany);
    };
    const runs = await inTurn(
      {
        async byHand() {
          await prepare();
          const names = Array.from({ length: count - 1 }, (_, index) => `a-${index + 1}`);
          const start = performance.now();
          await nas.sh(`zfs destroy ${dataset}@${names.join(",")}`);
          return (performance.now() - start) / 1000;
        },
        async holdfast() {
          await prepare();
          const manifest = { snapshotTypes: { a: {} }, datasets: { [`nas:${dataset}`]: { keep: { a: 1 } } } };
          const { report } = await apply(manifest, "--allow-destroy", `${count}`);
          return report.operations.find(({ kind }) => kind === "destroy")?.seconds ?? Number.NaN;
        },
      },
      rounds,
    );
    await nas.destroy(dataset);
    const [hand, own] = [runs.byHand, runs.holdfast].map(median) as [number, number];
    return `## Destroying ${(count - 1).toLocaleString("en")} snapshots

Of one dataset, on OpenZFS in an emulated machine, over SSH; ${rounds} runs in turn. To reach: 1.2 × the time by hand. Holdfast's
time is that of its operation: it observes every guid again before.

${table(
  ["", "time", "of that by hand"],
  [
    ["one `zfs destroy` list", seconds(hand), ratio(1)],
    ["Holdfast", seconds(own), ratio(own / hand)],
  ],
)}`;
  });
}
