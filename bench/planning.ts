import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { inFolder, inTurn, medianUsage, megabytes, ratio, runNode, seconds, table, type Usage } from "./measure.ts";
import { lastHour, type Recording, record, recordedHosts } from "./recording.ts";

/** One and a half hours after the newest snapshot: each dataset has one to take, to send, and to destroy on both sides. */
const now = Date.UTC(2026, 10, 22, 17, 30) / 1000;
const newest = lastHour(now - 3600);

const scales: readonly Pick<Recording, "datasets" | "snapshots">[] = [
  { datasets: 100, snapshots: 100 },
  { datasets: 250, snapshots: 400 },
  { datasets: 1000, snapshots: 1000 },
];

const source = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

/** As `npm run build` bundles it. */
async function bundled(folder: string): Promise<string> {
  const outfile = join(folder, "plan.mjs");
  const require = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
  await build({
    entryPoints: [source("plan.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    external: ["*.node", "cpu-features"],
    banner: { js: require },
    logLevel: "warning",
  });
  return outfile;
}

/** Planning from recorded listings, against reading and splitting the same listings. */
export async function planning(rounds: number): Promise<string> {
  return inFolder(async (folder) => {
    const program = await bundled(folder);
    const rows: string[][] = [];
    let before: Usage | undefined;
    for (const scale of scales) {
      const recording = join(folder, String(scale.datasets));
      await record(recording, { ...scale, newest, hosts: { nas: { address: "nas" }, vault: { address: "vault" } } });
      const listings = recordedHosts.map((host) => join(recording, host, "list"));
      let summary = "";
      const runs = await inTurn(
        {
          split: () => runNode([source("split.mjs"), ...listings]),
          plan: async () => {
            const ran = await runNode([program, recording, String(now)]);
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
        `${scale.datasets.toLocaleString("en")} × ${scale.snapshots.toLocaleString("en")}, twice`,
        `${create} + ${send} + ${destroy}`,
        `${seconds(split.wall)} (${seconds(split.cpu)})`,
        `${seconds(plan.wall)} (${seconds(plan.cpu)})`,
        ratio(plan.wall / split.wall),
        megabytes(plan.memory),
        before === undefined ? "" : ratio(plan.wall / before.wall),
      ]);
      before = plan;
    }
    return `## Planning from recorded listings

Wall clock, and processor time in parentheses; medians of ${rounds}. To reach: ≤ 3 ×, ≤ 600 MB, about 10 × from line to line.

${table(["datasets × snapshots", "creates + sends + destroys", "read and split", "parse and plan", "ratio", "peak memory", "against the line above"], rows)}`;
  });
}
