import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { observe } from "../src/inventory/index.ts";
import { loadManifest } from "../src/manifest/index.ts";
import { holdfast, inFolder, inTurn, medianUsage, megabytes, ratio, runNode, seconds, table } from "./measure.ts";
import { lastHour, record, replay } from "./recording.ts";

const atMost = { version: 1.5, validate: 3, plan: 4 } as const;

/** How long the command line takes to start, against a Node that does nothing. */
export async function startUp(rounds: number): Promise<string> {
  return inFolder(async (folder) => {
    const inventory = await recordInventory(folder);
    const run = (...args: string[]) => runNode(args, { cwd: folder });
    const runs = await inTurn(
      {
        node: () => run("-e", "0"),
        version: () => run(holdfast, "version"),
        validate: () => run(holdfast, "validate", "--as", "none"),
        plan: () => run(holdfast, "plan", "--as", "none", "--inventory", inventory),
      },
      rounds,
    );
    const bare = medianUsage(runs.node);
    const rows = (["version", "validate", "plan"] as const).map((command) => {
      const usage = medianUsage(runs[command]);
      return [
        `\`holdfast ${command === "plan" ? "plan --inventory" : command}\``,
        `${seconds(bare.wall)} (${seconds(bare.cpu)})`,
        `${seconds(usage.wall)} (${seconds(usage.cpu)})`,
        `${ratio(usage.wall / bare.wall)} (${ratio(usage.cpu / bare.cpu)})`,
        `≤ ${ratio(atMost[command])}`,
        megabytes(usage.memory),
      ];
    });
    return `## Start-up

A manifest of one entry, an inventory of 10 datasets × 60 snapshots and their copies. Wall clock, and in parentheses
processor time; medians of ${rounds}.

${table(["command", "`node -e 0`", "Holdfast", "ratio", "to reach", "peak memory"], rows)}`;
  });
}

/** As `holdfast list --json` writes it. */
async function recordInventory(folder: string): Promise<string> {
  const now = lastHour(Date.now() / 1000);
  const hosts = { nas: { address: "nas" }, vault: { address: "vault" } };
  await record(folder, { datasets: 10, snapshots: 60, newest: lastHour(now - 1), hosts });
  const { manifest } = await loadManifest({
    path: join(folder, "holdfast.yaml"),
    as: "none",
    cwd: folder,
    env: {},
    hostname: "",
  });
  if (manifest === undefined) throw new Error("the manifest is not valid");
  const file = join(folder, "inventory.json");
  await writeFile(file, JSON.stringify(await observe(manifest, replay(folder), { now })));
  return file;
}
