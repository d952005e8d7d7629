import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COLUMNS } from "../src/inventory/listing.ts";
import { holdfast, inFolder, inTurn, median, ratio, runAll, seconds, table } from "./measure.ts";
import { keepOf, lastHour, record } from "./recording.ts";

const CREATION = COLUMNS.indexOf("creation");
const datasets = 1000;
const snapshots = 100;

/** A pass with nothing to do over the same snapshots on one machine, by Holdfast and by sanoid. */
export async function peers(rounds: number): Promise<string> {
  return inFolder(async (folder) => {
    await record(folder, { datasets, snapshots, newest: lastHour(Date.now() / 1000), hosts: { nas: {}, vault: {} } });
    // sanoid has no remotes
    const datasetsOnly = { "nas:tank/data/*": { keep: keepOf(snapshots) } };
    const manifest = { version: 1, timezone: "UTC", hosts: { nas: {} }, datasets: datasetsOnly };
    await writeFile(join(folder, "holdfast.yaml"), JSON.stringify(manifest));
    const sanoid = await forSanoid(folder);
    const withTools = (bin: string) => ({ cwd: folder, env: { PATH: `${bin}:${process.env.PATH}`, TZ: "UTC" } });
    const runs = await inTurn(
      {
        async sanoid() {
          const ran = await runAll(sanoid, withTools(join(folder, "sanoid/bin")));
          if (/taking snapshot |pruning \S+@|unexpected/.test(ran.stdout))
            throw new Error(`it did something: ${ran.stdout}`);
          return ran;
        },
        async holdfast() {
          const argv = [process.execPath, holdfast, "apply", "--yes", "--json", "--as", "nas"];
          const ran = await runAll(argv, withTools(join(folder, "nas/bin")));
          const { operations } = JSON.parse(ran.stdout);
          if (operations.length > 0) throw new Error(`there was something to do: ${ran.stdout.slice(0, 500)}`);
          return ran;
        },
      },
      rounds,
    );
    const of = (name: keyof typeof runs, measure: "wall" | "cpu") => median(runs[name].map((run) => run[measure]));
    const row = (what: string, measure: "wall" | "cpu") => [
      what,
      seconds(of("sanoid", measure)),
      seconds(of("holdfast", measure)),
      ratio(of("holdfast", measure) / of("sanoid", measure)),
    ];
    return `## Side by side with sanoid

A pass with nothing to do over ${datasets.toLocaleString("en")} datasets of ${snapshots} snapshots on one machine, by a \`zfs\` that gives recorded
answers: \`holdfast apply\` against \`sanoid --cron --force-update\`, which looks as well; by itself sanoid looks every 20
minutes. Medians of ${rounds} in turn. To reach: ahead.

${table(["", "sanoid", "Holdfast", "ratio"], [row("wall clock", "wall"), row("processor", "cpu")])}`;
  });
}

/** The same snapshots under sanoid's names, a `zfs` that tells of them, and a policy that keeps just these. */
async function forSanoid(folder: string): Promise<string[]> {
  const build = fileURLToPath(new URL("../test/peer-tools/build", import.meta.url));
  const tools = execFileSync(build, { encoding: "utf8" }).trim();
  const [config, bin] = [join(folder, "sanoid/config"), join(folder, "sanoid/bin")];
  await Promise.all([config, bin].map((each) => mkdir(each, { recursive: true })));
  const [names, created]: [string[], string[]] = [[], []];
  for (const line of (await readFile(join(folder, "nas/list"), "utf8")).split("\n")) {
    const row = line.split("\t");
    const [name = "", type] = row;
    if (type === "filesystem" && name.startsWith("tank/data")) names.push(name);
    const [, dataset, kind, taken] = /^(.*)@(\w+ly)-(\w+)$/.exec(name) ?? [];
    if (type !== "snapshot" || dataset === undefined) continue;
    created.push(`${dataset}@autosnap_${taken}_${kind}\tcreation\t${row[CREATION]}\t-`);
  }
  await writeFile(join(folder, "sanoid/names"), `${names.join("\n")}\n`);
  await writeFile(join(folder, "sanoid/created"), `${created.join("\n")}\n`);
  await writeFile(
    join(bin, "zfs"),
    `#!/bin/sh
case "$*" in
"get -Hrpt snapshot creation") exec cat '${join(folder, "sanoid/created")}' ;;
"list -o name -t filesystem,volume -Hr tank/data") exec cat '${join(folder, "sanoid/names")}' ;;
esac
echo "unexpected: zfs $*"
exit 2
`,
  );
  await chmod(join(bin, "zfs"), 0o755);
  const policy = { frequently: 0, ...keepOf(snapshots), yearly: 0, daily_hour: 0, daily_min: 0 };
  await writeFile(
    join(config, "sanoid.conf"),
    `[tank/data]
use_template = same
recursive = yes
process_children_only = yes
[template_same]
${Object.entries(policy)
  .map(([key, value]) => `${key} = ${value}\n`)
  .join("")}`,
  );
  const folders = [
    `--configdir=${config}`,
    `--cache-dir=${join(folder, "sanoid")}`,
    `--run-dir=${join(folder, "sanoid")}`,
  ];
  return [join(tools, "sanoid"), "--cron", "--verbose", "--force-update", ...folders];
}
