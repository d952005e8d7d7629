// Runs the benchmarks, or those named, and prints a table for each: `make bench`, or `npx tsx bench/run.ts planning`.
// Fails nothing: what is judged is the ratio within one run.
import { cpus } from "node:os";
import { deletions } from "./deletions.ts";
import { finds, snapshotFinds } from "./find.ts";
import { idle } from "./idle.ts";
import { noOp } from "./no-op.ts";
import { peers } from "./peers.ts";
import { planning } from "./planning.ts";
import { backups, copyPlans, fileRestores } from "./restic.ts";
import { restores } from "./restore.ts";
import { smallTransfers } from "./small-transfers.ts";
import { startUp } from "./start-up.ts";
import { transfer } from "./transfer.ts";

const benchmarks: Readonly<Record<string, () => Promise<string>>> = {
  planning: () => planning(5),
  "no-op": () => noOp(5),
  peers: () => peers(5),
  idle: () => idle([1, 10, 50, 100]),
  "start-up": () => startUp(21),
  backups: () => backups(3),
  "copy-plans": () => copyPlans(5),
  transfer: () => transfer(3),
  restores: () => restores(3),
  "file-restores": () => fileRestores(3),
  finds: () => finds(3),
  "snapshot-finds": () => snapshotFinds(3),
  deletions: () => deletions(1),
  "small-transfers": () => smallTransfers(1),
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benchmarks);
process.stdout.write(`# Benchmarks\n\nNode ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}.\n`);
for (const name of names) {
  const benchmark = benchmarks[name];
  if (benchmark === undefined) throw new Error(`no benchmark ${name}; there are ${Object.keys(benchmarks).join(", ")}`);
  process.stdout.write(`\n${await benchmark()}`);
}
