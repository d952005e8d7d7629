import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Inventory, RepositoryCopy } from "../src/model/inventory.ts";
import type { Address, EpochSeconds, RepositoryKey } from "../src/model/units.ts";
import { tagsOf } from "../src/remotes/restic/tags.ts";
import {
  holdfast,
  inFolder,
  inTurn,
  median,
  medianUsage,
  megabytes,
  percent,
  ratio,
  runAll,
  runHoldfast,
  runNode,
  seconds,
  table,
  type Usage,
} from "./measure.ts";

const version = "0.19";
const PASSWORD = "bench";
const DAY = 86_400;

const folders: readonly { readonly what: string; readonly files: number; readonly bytes: number }[] = [
  { what: "20,000 files of 2 kB", files: 20_000, bytes: 2_000 },
  { what: "one file of 500 MB", files: 1, bytes: 500_000_000 },
];

/** Restoring it takes what any restore takes besides its data. */
const nearlyNothing = { what: "one file of 1 kB", files: 1, bytes: 1_000 };
const large = { what: "one file of 2 GB", files: 1, bytes: 2_000_000_000 };

interface Run extends Pick<Usage, "wall" | "cpu"> {
  /** Of Holdfast's own process. */
  readonly own?: Pick<Usage, "cpu" | "memory">;
}

/** First backups of directories, and a pass with nothing to do, by Holdfast and by restic alone. */
export async function backups(rounds: number): Promise<string> {
  return inFolder(async (folder) => {
    const env = await environment(folder);
    const restic = (...args: string[]) => runAll(["restic", ...args], { cwd: folder, env });
    await restic("init");
    await cp(env.RESTIC_REPOSITORY, join(folder, "empty"), { recursive: true });
    const fresh = async () => {
      await rm(env.RESTIC_REPOSITORY, { recursive: true });
      await cp(join(folder, "empty"), env.RESTIC_REPOSITORY, { recursive: true });
    };
    const rows: string[][] = [];
    for (const { what, files, bytes } of folders) {
      const source = join(folder, `${files}`);
      await fill(source, files, bytes);
      await writeManifest(folder, { [source]: { take: ["daily"], keep: { daily: 7 }, remotes: { usb: {} } } });
      const apply = () =>
        runHoldfast(["apply", "--yes", "--json", "--as", "nas", "--lock-timeout=10m"], { cwd: folder, env });
      const runs = await inTurn<"restic" | "apply" | "list" | "noOp", Run>(
        {
          restic: async () => {
            await fresh();
            return restic("backup", "--json", source);
          },
          apply: async () => {
            await fresh();
            return apply();
          },
          list: () => restic("snapshots", "--json"),
          noOp: async () => {
            const ran = await apply();
            if (JSON.parse(ran.stdout).operations.length > 0)
              throw new Error(`there was something to do: ${ran.stdout}`);
            return ran;
          },
        },
        rounds,
      );
      await rm(source, { recursive: true });
      const row = (name: string, hand: readonly Run[], ours: readonly Run[]) => {
        const [wall, cpu] = [median(hand.map((run) => run.wall)), median(hand.map((run) => run.cpu))];
        const [ourWall, ourCpu] = [median(ours.map((run) => run.wall)), median(ours.map((run) => run.cpu))];
        const own = medianUsage(ours.flatMap((run) => (run.own ? [{ wall: run.wall, ...run.own }] : [])));
        rows.push([
          name,
          `${seconds(wall)} (${seconds(cpu)})`,
          `${seconds(ourWall)} (${seconds(ourCpu)})`,
          `${ratio(ourWall / wall)} (${ratio(ourCpu / cpu)})`,
          `${seconds(own.cpu)}, ${percent(own.cpu / ourWall)}`,
          megabytes(own.memory),
        ]);
      };
      row(what, runs.restic, runs.apply);
      row("nothing to do after that", runs.list, runs.noOp);
    }
    return `## Backups with restic

The whole \`holdfast apply\` against \`restic backup\` of the same folder into an empty repository on the same disk, restic
${version}; and \`apply\` with nothing to do against \`restic snapshots\`. Wall clock, and in parentheses processor time with
that of every restic; medians of ${rounds} in turn. Holdfast's own is that of its process, also as a share of a core.

${table(["folder", "restic", "Holdfast", "ratio", "Holdfast's own", "peak memory"], rows)}`;
  });
}

/** Directories brought back into empty folders, by Holdfast and by restic alone. */
export async function fileRestores(rounds: number): Promise<string> {
  return inFolder(async (folder) => {
    const env = await environment(folder);
    await runAll(["restic", "init"], { cwd: folder, env });
    const rows: string[][] = [];
    let least = { hand: 0, ours: 0 };
    for (const { what, files, bytes } of [nearlyNothing, ...folders, large]) {
      const source = join(folder, `${files}-${bytes}`);
      const into = join(folder, "into");
      await fill(source, files, bytes);
      await writeManifest(folder, { [source]: { take: ["daily"], keep: { daily: 7 }, remotes: { usb: {} } } });
      await runHoldfast(["apply", "--yes", "--json", "--as", "nas"], { cwd: folder, env });
      const fresh = () => rm(into, { recursive: true, force: true });
      const runs = await inTurn<"restic" | "holdfast", Run>(
        {
          restic: async () => {
            await fresh();
            return runAll(["restic", "restore", "latest", "--target", into], { cwd: folder, env });
          },
          holdfast: async () => {
            await fresh();
            const asked = ["restore", source, "--to", into, "--yes", "--json", "--as", "nas"];
            return runHoldfast(asked, { cwd: folder, env });
          },
        },
        rounds,
      );
      await rm(source, { recursive: true });
      const [hand, ours] = [median(runs.restic.map(({ wall }) => wall)), median(runs.holdfast.map(({ wall }) => wall))];
      const beyond = [hand - least.hand, ours - least.ours] as const;
      const flow = bytes === nearlyNothing.bytes ? ["", "", ""] : flowOf(files * bytes, ...beyond);
      rows.push([what, seconds(hand), seconds(ours), ratio(hand / ours), ...flow]);
      if (least.hand === 0) least = { hand, ours };
    }
    return `## Restores with restic

The whole \`holdfast restore\` into an empty folder against \`restic restore\` of the same copy, restic ${version}; medians of
${rounds} in turn. Before it, Holdfast lists the copies, to choose and show one: what that costs, and whatever else does not grow
with the data, is in the first line. The last three columns are what a folder takes more than that.

${table(["folder", "restic", "Holdfast", "of that by hand", "restic's flow", "Holdfast's flow", "of that by hand"], rows)}`;
  });
}

const flowOf = (bytes: number, hand: number, ours: number): string[] => [
  `${megabytes(bytes / hand)}/s`,
  `${megabytes(bytes / ours)}/s`,
  ratio(hand / ours),
];

const directories = 200;
const copies = 50;

/** Planning over many copies in a repository, where nothing is to do, against a program that only parses the inventory. */
export async function copyPlans(rounds: number): Promise<string> {
  return inFolder(async (folder) => {
    const inventory = join(folder, "inventory.json");
    const now = Math.floor(Date.now() / 1000);
    await writeFile(inventory, JSON.stringify(manyCopies(now)));
    const planBy = async (name: string, keep: object) => {
      const within = join(folder, name);
      await mkdir(within);
      const entry = { take: ["daily"], ...keep, remotes: { usb: {} } };
      await writeManifest(within, Object.fromEntries(paths.map((path) => [path, entry])));
      return async () => {
        const ran = await runNode([holdfast, "plan", "--json", "--as", "nas", "--inventory", inventory], {
          cwd: within,
        });
        const { operations, kept, blocked } = JSON.parse(ran.stdout);
        if (operations.length + blocked.length > 0 || kept.length < directories)
          throw new Error(`not the plan that was to be measured: ${ran.stdout.slice(0, 500)}`);
        return ran;
      };
    };
    const parse = `JSON.parse(require("node:fs").readFileSync(${JSON.stringify(inventory)}, "utf8"))`;
    const runs = await inTurn(
      {
        parse: () => runNode(["-e", parse]),
        keep: await planBy("keep", { keep: { daily: copies } }),
        keepByTime: await planBy("keepByTime", { keepByTime: { last: 3, daily: copies, weekly: 8, monthly: 2 } }),
      },
      rounds,
    );
    const bare = medianUsage(runs.parse);
    const rows = (["keep", "keepByTime"] as const).map((name) => {
      const usage = medianUsage(runs[name]);
      return [
        `\`${name}\``,
        `${seconds(bare.wall)} (${seconds(bare.cpu)})`,
        `${seconds(usage.wall)} (${seconds(usage.cpu)})`,
        `${ratio(usage.wall / bare.wall)} (${ratio(usage.cpu / bare.cpu)})`,
        megabytes(usage.memory),
      ];
    });
    return `## Planning over copies

\`holdfast plan --inventory\` of ${directories} directories with ${copies} copies each, ${(directories * copies).toLocaleString("en")} in one repository, where nothing is to do; against a
Node that only parses that inventory (${megabytes((await readFile(inventory)).length)}). Wall clock, and in parentheses processor time; medians of ${rounds}.

${table(["retention", "parse", "Holdfast", "ratio", "peak memory"], rows)}`;
  });
}

const paths = Array.from({ length: directories }, (_, index) => `/srv/${index}`);

function manyCopies(now: number): Inventory {
  const today = Math.floor(now / DAY) * DAY;
  const all = paths.flatMap((path, index) =>
    Array.from({ length: copies }, (_, ago): RepositoryCopy => {
      const creation = (today + index - ago * DAY) as EpochSeconds;
      return {
        id: randomBytes(32).toString("hex"),
        time: new Date(creation * 1000).toISOString().replace(".000", ".123456789"),
        creation,
        tree: randomBytes(32).toString("hex"),
        host: "nas",
        paths: [path],
        tags: [...tagsOf({ source: `nas:${path}` as Address, types: [] }), "type=daily"],
      };
    }),
  );
  return {
    formatVersion: 1,
    observedAt: now as EpochSeconds,
    hosts: {},
    repositories: {
      ["usb@nas" as RepositoryKey]: {
        state: "observed",
        resticVersion: "0.19.1",
        id: "0".repeat(64),
        chunkerPolynomial: "25b468838dcb75",
        copies: all.sort((a, b) => a.creation - b.creation),
        locks: [],
      },
    },
    directories: Object.fromEntries(paths.map((path) => [`nas:${path}`, { state: "present" as const }])),
  };
}

/** For restic and Holdfast alike: one restic, one repository, and a home of their own. */
export async function environment(folder: string) {
  const build = fileURLToPath(new URL("../test/restic-tools/build", import.meta.url));
  const tools = execFileSync("bash", [build], { encoding: "utf8" }).trim();
  const bin = join(folder, "bin");
  await mkdir(bin);
  await symlink(join(tools, `restic-${version}`), join(bin, "restic"));
  return {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder,
    RESTIC_REPOSITORY: join(folder, "repository"),
    RESTIC_PASSWORD: PASSWORD,
  };
}

export async function writeManifest(folder: string, entries: object): Promise<void> {
  const usb = { type: "restic", repository: join(folder, "repository"), password: { env: "RESTIC_PASSWORD" } };
  await writeFile(
    join(folder, "holdfast.yaml"),
    JSON.stringify({ version: 1, timezone: "UTC", remotes: { usb }, directories: entries }),
  );
}

/** What cannot be compressed, a hundred files a folder. */
async function fill(folder: string, files: number, bytes: number): Promise<void> {
  for (let file = 0; file < files; file++) {
    const within = join(folder, `${Math.floor(file / 100)}`);
    if (file % 100 === 0) await mkdir(within, { recursive: true });
    await writeFile(join(within, `${file}`), randomBytes(bytes));
  }
}
