import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { execa } from "execa";

/** What one run took: seconds of wall clock and of processor, bytes of memory at the peak. */
export interface Usage {
  readonly wall: number;
  readonly cpu: number;
  readonly memory: number;
}

interface Ran extends Usage {
  readonly stdout: string;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The command line as it is built. */
export const holdfast = here("../dist/holdfast.js");

/** Runs a Node program to its end; what it used, children not counted, comes from itself. A failing one throws. */
export async function runNode(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  return inFolder(async (folder) => {
    const file = join(folder, "usage");
    const start = performance.now();
    const { stdout } = await execa(process.execPath, ["--require", here("usage.cjs"), ...args], {
      ...options,
      env: { ...options.env, NO_COLOR: "1", BENCH_USAGE: file },
      stdin: "ignore",
      maxBuffer: 1e9,
    });
    const wall = (performance.now() - start) / 1000;
    return { wall, stdout, ...(JSON.parse(await readFile(file, "utf8")) as Omit<Usage, "wall">) };
  });
}

/** Runs any program to its end; processor time is that of all it started too. A failing one throws. */
export async function runAll(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Omit<Ran, "memory">> {
  const start = performance.now();
  const { stdout, stdio } = await execa(
    "bash",
    ["-c", 'TIMEFORMAT="%U %S"; { time "$@" 2>&4; } 4>&2 2>&3', "time", ...argv],
    {
      ...options,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      maxBuffer: 1e9,
    },
  );
  const wall = (performance.now() - start) / 1000;
  const [user = Number.NaN, system = Number.NaN] = String(stdio[3]).split(" ").map(Number);
  return { wall, stdout, cpu: user + system };
}

/** The same of Holdfast's command line, and what its own process used. */
export async function runHoldfast(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Omit<Ran, "memory"> & { readonly own: Omit<Usage, "wall"> }> {
  return inFolder(async (folder) => {
    const file = join(folder, "usage");
    const env = { ...options.env, NO_COLOR: "1", BENCH_USAGE: file };
    const ran = await runAll([process.execPath, "--require", here("usage.cjs"), holdfast, ...args], {
      ...options,
      env,
    });
    return { ...ran, own: JSON.parse(await readFile(file, "utf8")) };
  });
}

/** A program of this folder in one file, as the command line is bundled. */
export async function bundle(name: string, folder: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [here(`${name}.ts`)],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    external: ["*.node", "cpu-features"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  return outfile;
}

/** Gives work a folder of its own, gone afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs the contenders in turn, A B A B, so that a noisy machine disturbs them alike; the first round only warms up. */
export async function inTurn<Name extends string, T>(
  contenders: Readonly<Record<Name, () => Promise<T>>>,
  rounds: number,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(contenders) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<Name, T[]>;
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const result = await contenders[name]();
      if (round > 0) results[name].push(result);
    }
  }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The median run of several, measure by measure. */
export const medianUsage = (runs: readonly Usage[]): Usage => ({
  wall: median(runs.map(({ wall }) => wall)),
  cpu: median(runs.map(({ cpu }) => cpu)),
  memory: median(runs.map(({ memory }) => memory)),
});

export const seconds = (value: number): string =>
  value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`;
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
export const ratio = (value: number): string => `${value.toFixed(2)} ×`;
export const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** A table in Markdown; what is aligned right are numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return line(head) + line(head.map((_, column) => (column === 0 ? "---" : "---:"))) + rows.map(line).join("");
}
