import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { onMachines } from "./machines.ts";
import {
  holdfast,
  inFolder,
  inTurn,
  median,
  percent,
  ratio,
  runAll,
  runHoldfast,
  runNode,
  seconds,
  table,
} from "./measure.ts";
import { environment, writeManifest } from "./restic.ts";

const copies = 12;
const filesOfCopies = 20_000;

interface Run {
  readonly wall: number;
  readonly stdout: string;
  readonly own?: { readonly cpu: number };
}

/** One name looked for in all copies of a repository, by Holdfast and by restic alone. */
export function finds(rounds: number): Promise<string> {
  return inFolder(async (folder) => {
    const env = await environment(folder);
    const source = join(folder, "source");
    await runAll(["restic", "init"], { cwd: folder, env });
    for (let file = 0; file < filesOfCopies; file++) {
      const within = join(source, `${Math.floor(file / 100)}`);
      if (file % 100 === 0) await mkdir(within, { recursive: true });
      await writeFile(join(within, `${file}.txt`), `${file}`);
    }
    await writeManifest(folder, { [source]: { take: ["daily"], keep: { daily: 100 }, remotes: { usb: {} } } });
    for (let copy = 0; copy < copies; copy++) {
      for (let at = 0; at < filesOfCopies; at += 1000)
        await writeFile(join(source, `${at / 100}`, `${at}.txt`), `${copy}`);
      await runHoldfast(["snapshot", "daily", "--as", "nas"], { cwd: folder, env });
    }
    const rows: string[][] = [];
    for (const name of ["12000.txt", "1200*.txt"]) {
      const runs = await inTurn<"restic" | "list" | "holdfast", Run>(
        {
          restic: () => runAll(["restic", "find", "--json", name], { cwd: folder, env }),
          list: () => runHoldfast(["list", "--json", "--as", "nas"], { cwd: folder, env }),
          holdfast: () => runHoldfast(["find", "--json", name, "--as", "nas"], { cwd: folder, env }),
        },
        rounds,
      );
      const [first] = runs.holdfast;
      if (JSON.parse(first?.stdout ?? "").searched.snapshots !== copies) throw new Error(`not all: ${first?.stdout}`);
      const [hand, listed, ours] = (["restic", "list", "holdfast"] as const).map((who) =>
        median(runs[who].map(({ wall }) => wall)),
      ) as [number, number, number];
      const own = median(runs.holdfast.map((run) => run.own?.cpu ?? Number.NaN));
      rows.push([`\`${name}\``, seconds(hand), seconds(listed), seconds(ours), ratio(ours / hand), seconds(own)]);
    }
    return `## Finding with restic

The whole \`holdfast find\` against \`restic find\` in the same ${copies} copies of ${filesOfCopies.toLocaleString("en")} files, 20 of them changed in each; medians of
${rounds} in turn. Before it asks restic, Holdfast lists the repository, which a \`holdfast list\` shows alone.

${table(["name", "restic", "`holdfast list`", "Holdfast", "ratio", "Holdfast's own processor time"], rows)}`;
  });
}

const dataset = "tank/bench-find";
const snapshots = 40;
const filesOfSnapshots = 3000;

/** One name looked for in all snapshots of a dataset, by Holdfast and by `find` in `.zfs/snapshot`. */
export function snapshotFinds(rounds: number): Promise<string> {
  return onMachines(({ nas, vault }) =>
    inFolder(async (folder) => {
      await nas.destroy(dataset);
      await nas.sh(`set -e
        zfs create -o mountpoint=/${dataset} ${dataset}; cd /${dataset}
        seq ${filesOfSnapshots} | while read -r n; do [ $((n % 100)) = 1 ] && mkdir $n && at=$n; : > $at/$n.txt; done
        for s in $(seq ${snapshots}); do [ $((s % 2)) = 0 ] || echo $s > 1/1.txt; zfs snapshot ${dataset}@a-$s; done`);
      const hosts = { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller") };
      const datasets = { [`nas:${dataset}`]: { keep: { a: 100 } } };
      const manifest = { version: 1, hosts, snapshotTypes: { a: {} }, datasets };
      await writeFile(join(folder, "holdfast.yaml"), stringify(manifest));
      const mounted = `grep -o ' /${dataset}/.zfs/snapshot/[^ ]*' /proc/mounts`;
      const byHand = async (isFirst: boolean) => {
        if (isFirst) await nas.sh(`${mounted} | xargs -r umount`);
        const start = performance.now();
        await nas.sh(`find /${dataset}/.zfs/snapshot -name 1.txt -printf '%p %s %T@\\n'`);
        return { wall: (performance.now() - start) / 1000, cpu: 0 };
      };
      const list = () => runNode([holdfast, "list", "--json"], { cwd: folder });
      const ours = async () => {
        const ran = await runNode([holdfast, "find", "--json", "1.txt"], { cwd: folder });
        if (JSON.parse(ran.stdout).searched.snapshots !== snapshots) throw new Error(`not all: ${ran.stdout}`);
        return ran;
      };
      const runs = await inTurn<
        "first" | "again" | "list" | "holdfast",
        { readonly wall: number; readonly cpu: number }
      >({ first: () => byHand(true), again: () => byHand(false), list, holdfast: ours }, rounds);
      await nas.destroy(dataset);
      const [first, again, listed, whole] = (["first", "again", "list", "holdfast"] as const).map((name) =>
        median(runs[name].map(({ wall }) => wall)),
      ) as [number, number, number, number];
      const share = median(runs.holdfast.map(({ cpu, wall }) => cpu / wall));
      return `## Finding in snapshots

The whole \`holdfast find\` against \`find .zfs/snapshot -name\` on the machine itself, over ${snapshots} snapshots of ${filesOfSnapshots.toLocaleString("en")} files, between every
second two of which nothing was written; medians of ${rounds} in turn. By hand all snapshots stay mounted for five minutes, in which
the same is quick; Holdfast leaves none. Before it searches, it lists what there is, which a \`holdfast list\` shows alone. It used
${percent(share)} of a core.

${table(
  ["", "seconds", "of that by hand"],
  [
    ["`find .zfs/snapshot`", seconds(first), ratio(1)],
    ["`find .zfs/snapshot`, all mounted by now", seconds(again), ratio(again / first)],
    ["`holdfast list`", seconds(listed), ratio(listed / first)],
    ["`holdfast find`", seconds(whole), ratio(whole / first)],
  ],
)}`;
    }),
  );
}
