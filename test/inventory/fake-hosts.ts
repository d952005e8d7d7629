import type { HostName } from "../../src/model/units.ts";
import type { Hosts, RunOptions, RunResult } from "../../src/transport/types.ts";

/** What one machine's zfs would print; rows as `zfs list -o COLUMNS` has them. */
export interface Machine {
  readonly pools: readonly string[];
  /** States of every pool's features. */
  readonly features?: Readonly<Record<string, string>>;
  /** What `zfs get` prints of settings such as `recordsize`. */
  readonly settings?: string;
  readonly rows: string;
  readonly own?: string;
  readonly holds?: string;
  readonly tokens?: Readonly<Record<string, RunResult>>;
}

/** Changes an answer, to see what a fault leads to; undefined leaves it as it is. */
export type Fault = (
  host: string,
  argv: readonly string[],
  answer: RunResult,
  options: RunOptions | undefined,
) => RunResult | Promise<RunResult> | Error | undefined;

/** Machines that answer as real ones do, so that single answers can be spoilt. Everything that was asked is in `asked`. */
export function fakeHosts(
  machines: Readonly<Record<string, Machine>>,
  fault?: Fault,
): Hosts & { readonly asked: string[] } {
  const asked: string[] = [];
  const run = async (host: HostName, argv: readonly string[], options?: RunOptions): Promise<RunResult> => {
    asked.push(`${host}: ${argv.slice(0, 2).join(" ")}`);
    const machine = machines[host];
    if (machine === undefined) throw new Error(`nobody is ${host}`);
    const answer = answerOf(machine, argv);
    const spoilt = await fault?.(host, argv, answer, options);
    if (spoilt instanceof Error) throw spoilt;
    return spoilt ?? answer;
  };
  return {
    asked,
    run,
    async read(host, argv, onBytes, options) {
      const result = await run(host, argv, options);
      const bytes = Buffer.from(result.stdout);
      for (let at = 0; at < bytes.length; at += 1000) onBytes(bytes.subarray(at, at + 1000));
      return { ...result, stdout: "" };
    },
    pipe: () => Promise.reject(new Error("an inventory sends nothing")),
    close: () => Promise.resolve(),
  };
}

const well = (stdout: string): RunResult => ({ code: 0, stdout, stderr: "" });

function answerOf(machine: Machine, argv: readonly string[]): RunResult {
  const [program, verb] = argv;
  if (program === "zpool") return well(poolRows(machine));
  if (verb === "version") return well("zfs-2.3.2-1\nzfs-kmod-2.3.2-1\n");
  if (verb === "send")
    return machine.tokens?.[argv.at(-1) ?? ""] ?? { code: 255, stdout: "", stderr: "cannot resume send\n" };
  if (verb === "holds") {
    return well(
      lines(machine.holds ?? "")
        .filter((line) => argv.includes(line.split("\t")[0] ?? ""))
        .join(""),
    );
  }
  const roots = rootsIn(argv);
  const names = new Set(lines(machine.rows).map(nameOf));
  const missing = roots.filter((root) => !names.has(root));
  const depth = argv.includes("-d") ? Number(argv[argv.indexOf("-d") + 1]) : Number.POSITIVE_INFINITY;
  const got = argv.some((word) => word.includes("holdfast:")) ? machine.own : machine.settings;
  const found = lines(verb === "get" ? (got ?? "") : machine.rows).filter(
    (line) => roots.length === 0 || roots.some((root) => reaches(distance(root, nameOf(line)), depth)),
  );
  return {
    code: missing.length === 0 ? 0 : 1,
    stdout: found.join(""),
    stderr: missing.map((root) => `cannot open '${root}': dataset does not exist\n`).join(""),
  };
}

function poolRows({ pools, features = {} }: Machine): string {
  const states = Object.entries(features).map(([feature, state]) => [`feature@${feature}`, state]);
  const rows = [["guid", "1"], ...states].map((row) => row.join("\t"));
  return pools.flatMap((pool) => rows.map((row) => `${pool}\t${row}\n`)).join("");
}

const lines = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `${line}\n`);
const nameOf = (line: string): string => line.split("\t")[0] ?? "";

/** What comes after the options and their values. */
function rootsIn(argv: readonly string[]): string[] {
  const last = argv.findLastIndex((word, index) => word.startsWith("-") || /^-[otsd]$/.test(argv[index - 1] ?? ""));
  return argv.slice(last + 1).filter((word) => !/holdfast:|recordsize/.test(word));
}

/** How many levels a dataset, snapshot or bookmark is below a root; Infinity where it is not. */
function distance(root: string, name: string): number {
  if (name === root) return 0;
  if (!/^[/@#]/.test(name.slice(root.length)) || !name.startsWith(root)) return Number.POSITIVE_INFINITY;
  return name.slice(root.length).split(/[/@#]/).length - 1;
}

const reaches = (levels: number, depth: number): boolean => Number.isFinite(levels) && levels <= depth;
