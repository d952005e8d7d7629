import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  bundle,
  inFolder,
  inTurn,
  medianUsage,
  megabytes,
  ratio,
  runNode,
  seconds,
  table,
  type Usage,
} from "./measure.ts";
import { lastHour, type Recording, record, recordedHosts } from "./recording.ts";

/** One and a half hours after the newest snapshot: each dataset has one to take, to send, and to destroy on both sides. */
const now = Date.UTC(2026, 10, 22, 17, 30) / 1000;
const newest = lastHour(now - 3600);

const scales: readonly Pick<Recording, "datasets" | "snapshots">[] = [
  { datasets: 100, snapshots: 100 },
  { datasets: 250, snapshots: 400 },
  { datasets: 1000, snapshots: 1000 },
];

/** Planning from recorded listings, against a program that only reads the same listings and splits them. */
export async function planning(rounds: number): Promise<string> {
  return inFolder(async (folder) => {
    const planner = await bundle("program-plan", folder);
    const splitter = fileURLToPath(new URL("program-split.mjs", import.meta.url));
    const rows: string[][] = [];
    let before: Usage | undefined;
    for (const scale of scales) {
      const recording = join(folder, String(scale.datasets));
      await record(recording, { ...scale, newest, hosts: { nas: { address: "nas" }, vault: { address: "vault" } } });
      const listings = recordedHosts.map((host) => join(recording, host, "list"));
      let summary = "";
      const runs = await inTurn(
        {
          split: () => runNode([splitter, ...listings]),
          plan: async () => {
            const ran = await runNode([planner, recording, String(now)]);
            summary = ran.stdout;
            return ran;
          },
        },
        rounds,
      );
      const { create, send, destroy, unobserved, blocked } = JSON.parse(summary);
      if (create !== scale.datasets || destroy !== 2 * scale.datasets || unobserved + blocked > 0)
        throw new Error(`not the plan that was to be measured: ${summary}`);
      const [split, plan] = [medianUsage(runs.split), medianUsage(runs.plan)];
      rows.push([
        `${scale.datasets.toLocaleString("en")} × ${scale.snapshots.toLocaleString("en")}`,
        `${create} + ${send} + ${destroy}`,
        `${seconds(split.wall)} (${seconds(split.cpu)})`,
        `${seconds(plan.wall)} (${seconds(plan.cpu)})`,
        `${ratio(plan.wall / split.wall)} (${ratio(plan.cpu / split.cpu)})`,
        megabytes(plan.memory),
        before === undefined ? "" : `${ratio(plan.wall / before.wall)} (${ratio(plan.cpu / before.cpu)})`,
      ]);
      before = plan;
    }
    return `## Planning from recorded listings

Datasets × snapshots here, and as many on a remote. Wall clock, and in parentheses processor time; medians of ${rounds}.
To reach: ≤ 3 ×, ≤ 600 MB at the last line, growing about 10 × from line to line.

${table(["datasets × snapshots", "creates + sends + destroys", "read and split", "parse and plan", "ratio", "peak memory", "line above"], rows)}`;
  });
}
