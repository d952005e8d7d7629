import type { DatasetName, HostName } from "../model/units.ts";
import { type Hosts, type RunOptions, type RunResult, TransportError } from "../transport/types.ts";
import { COLUMNS, type Listed, ListingError, ListingParser } from "./listing.ts";

/** Nothing may be concluded about a host, and why; `hint` says what to do. */
export class UnobservedError extends Error {
  override readonly name = "UnobservedError";
  readonly hint: string | undefined;

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}

/** One host's `zfs` and `zpool`, asked and believed only when the whole answer makes sense. */
export interface Zfs {
  readonly host: HostName;
  readonly hosts: Hosts;
  readonly options: RunOptions;
}

/** What a listing found: roots that do not exist are not in `datasets`. */
export interface Listing {
  readonly datasets: readonly Listed[];
  readonly missing: readonly DatasetName[];
}

/**
 * `zfs list` over everything below the roots, or over all pools without a root; with `depth`, only so far down. Throws
 * unless the answer is complete: exit code, every row, the end of the last one, every root present or said not to exist.
 */
export async function list(
  { host, hosts, options }: Zfs,
  roots: readonly DatasetName[],
  depth?: { readonly below: 0 | 1; readonly types?: string },
): Promise<Listing> {
  const parser = new ListingParser();
  const types = depth?.types ?? "filesystem,volume,snapshot,bookmark";
  const reach = depth === undefined ? ["-r"] : ["-d", String(depth.below)];
  const argv = [
    "zfs",
    "list",
    "-Hp",
    "-t",
    types,
    "-o",
    COLUMNS.join(","),
    ...(roots.length === 0 ? [] : reach),
    ...roots,
  ];
  let broken: ListingError | undefined;
  const result = await hosts.read(
    host,
    argv,
    (chunk) => {
      try {
        if (broken === undefined) parser.push(chunk);
      } catch (error) {
        if (!(error instanceof ListingError)) throw error;
        broken = error;
      }
    },
    options,
  );
  // The command's own error explains more than the row it broke off in.
  const missing = missingRoots(argv, result, roots);
  if (broken !== undefined) throw notUnderstood(broken);
  try {
    const datasets = parser.finish();
    const seen = new Set<string>(datasets.map(({ name }) => name));
    const lost = roots.find((root) => !seen.has(root) && !missing.includes(root));
    if (lost !== undefined) throw new UnobservedError(`zfs list ended well but says nothing about ${lost}`);
    return { datasets, missing };
  } catch (error) {
    throw error instanceof ListingError ? notUnderstood(error) : error;
  }
}

const notUnderstood = (error: ListingError): UnobservedError =>
  new UnobservedError(
    `the output of zfs list makes no sense: ${error.message}`,
    "look at it: zfs list -Hp -t all",
    error,
  );

/** The roots that the command says do not exist; any other complaint means that nothing is known. */
export function missingRoots(argv: readonly string[], result: RunResult, roots: readonly DatasetName[]): DatasetName[] {
  const known = new Set<string>(roots);
  const missing: DatasetName[] = [];
  const others: string[] = [];
  for (const line of result.stderr.split("\n")) {
    if (line === "") continue;
    const name = /^cannot open '(.*)': dataset does not exist$/.exec(line)?.[1];
    if (name !== undefined && known.has(name)) missing.push(name as DatasetName);
    else if (!(roots.length === 0 && line === "no datasets available")) others.push(line);
  }
  const expected = missing.length === 0 ? 0 : 1;
  if (others.length > 0 || result.code !== expected) throw failed(argv, result, others);
  return missing;
}

/** A command that must end with 0 and say nothing on stderr. */
export async function ask({ host, hosts, options }: Zfs, argv: readonly string[]): Promise<string> {
  const result = await hosts.run(host, argv, options);
  if (result.code !== 0 || result.stderr !== "") throw failed(argv, result, result.stderr.split("\n"));
  if (result.stdout !== "" && !result.stdout.endsWith("\n")) {
    throw new UnobservedError(`the output of ${argv.slice(0, 2).join(" ")} ends in the middle of a line`);
  }
  return result.stdout;
}

export interface ZfsVersion {
  /** `unknown` where it could not be told. */
  readonly tools: string;
  readonly kernel?: string;
}

export async function versionOf({ host, hosts, options }: Zfs): Promise<ZfsVersion> {
  const { stdout } = await hosts.run(host, ["zfs", "version"], options);
  const kernel = /^zfs-kmod-(\S+)/m.exec(stdout)?.[1];
  return { tools: /^zfs-(\S+)/m.exec(stdout)?.[1] ?? "unknown", ...(kernel !== undefined && { kernel }) };
}

/** Rows of tab-separated columns; the last column may hold tabs. */
export function rows(output: string, columns: number, what: string): string[][] {
  return output.split("\n").flatMap((line) => {
    if (line === "") return [];
    const fields = line.split("\t");
    if (fields.length < columns) {
      throw new UnobservedError(`the output of ${what} makes no sense: ${JSON.stringify(line.slice(0, 120))}`);
    }
    return [[...fields.slice(0, columns - 1), fields.slice(columns - 1).join("\t")]];
  });
}

export function failed(argv: readonly string[], result: RunResult, said: readonly string[]): UnobservedError {
  const command = argv.slice(0, 2).join(" ");
  const how = result.signal === undefined ? `exit code ${result.code}` : `ended by ${result.signal}`;
  const text = said
    .filter((line) => line !== "")
    .join("; ")
    .slice(0, 500);
  return new UnobservedError(`${command} failed (${how})${text === "" ? "" : `: ${text}`}`, hintFor(text));
}

function hintFor(text: string): string | undefined {
  if (/modprobe|ZFS modules|\/dev\/zfs/i.test(text)) return "load the module: modprobe zfs";
  if (/permission denied/i.test(text)) return "run as root, or set `sudo: true` for the host";
  return undefined;
}

/** The reason as people read it: what happened, then what to do. */
export function reasonOf(error: unknown): string {
  if (error instanceof UnobservedError || error instanceof TransportError) {
    return error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
  }
  throw error;
}
