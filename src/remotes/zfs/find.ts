import type { FoundType, Hit, Wanted } from "../../model/found.ts";
import type { At } from "../../model/plan.ts";
import type { HostName } from "../../model/units.ts";
import { quote } from "../../transport/shell.ts";
import type { OperationFailed } from "./context.ts";
import { Complaints, Records } from "./find-output.ts";
import { RUN_SEARCH, SEARCH } from "./find-scripts.ts";
import { type LookOptions, unreadable } from "./look.ts";

/** A snapshot, and where its dataset is usually mounted. */
export type Searchable = At & { readonly snapshot: string; readonly mountpoint: string };

/** What came of a snapshot: nothing more to say, what could not be read of it, or why nothing of it could. */
export type Outcome = { readonly unread?: string } | { readonly error: OperationFailed };

interface Listener {
  /** While it is found; by the snapshot's place in the list. */
  readonly take: (index: number, hit: Hit) => void;
  readonly ended: (index: number, outcome: Outcome) => void;
}

/** What `find` calls them. */
const LETTERS: Readonly<Record<FoundType, string>> = { file: "f", folder: "d", link: "l" };

/** After the folder to start in. */
function argumentsFor({ parts, ignoreCase, type }: Wanted): string[] {
  const name = parts.at(-1) ?? "*";
  return [
    ...["-xdev", "-mindepth", "1"],
    ...(parts.includes(undefined) ? [] : ["-maxdepth", `${parts.length}`]),
    ...["-path", "./.zfs", "-prune", "-o"],
    ...(name === "*" ? [] : [ignoreCase ? "-iname" : "-name", name]),
    ...(type === undefined ? [] : ["-type", LETTERS[type]]),
    ...["-printf", "%y\\0%s\\0%T@\\0%p\\0"],
  ];
}

const wordsOf = ({ dataset, snapshot, mountpoint }: Searchable): string[] => [dataset, snapshot, mountpoint];

/** Linux takes words of 128 KiB, and over SSH a command is one word, quoted twice; the scripts and a pattern are in it, too. */
const MOST_BYTES = 64 * 1024;

/** How many of them, the first ones, fit into one command; one at least. */
export function fitting(snapshots: readonly Searchable[]): number {
  let bytes = 0;
  let count = 0;
  for (const snapshot of snapshots) {
    for (const word of wordsOf(snapshot)) bytes += Buffer.byteLength(quote(quote(word))) + 1;
    if (bytes > MOST_BYTES && count > 0) break;
    count += 1;
  }
  return count;
}

/**
 * Tells of every file and folder of these snapshots of one host that is wanted, and how each snapshot ended. One command
 * searches them in turn: it may end before it has reached all. Throws a `TransportError` when it is lost; the first snapshot
 * whose end was not told is then the one it was about.
 */
export async function findInSnapshots(
  host: HostName,
  snapshots: readonly Searchable[],
  wanted: Wanted,
  { take, ended }: Listener,
  { hosts, signal }: LookOptions,
): Promise<void> {
  const start = [".", ...wanted.under].join("/");
  const which = [`${snapshots.length}`, ...snapshots.flatMap(wordsOf)];
  const argv = ["sh", "-c", RUN_SEARCH, "sh", SEARCH, start, ...which, ...argumentsFor(wanted)];
  const begun = new Set<number>();
  const codes = new Map<number, number>();
  const complaints = new Complaints();
  const records = new Records({
    hit: (index, hit, path) => {
      if (wanted.matches(path)) take(index, hit);
    },
    begun: (index) => begun.add(index),
    ended: (index, code) => {
      codes.set(index, code);
      if (code === 0) ended(index, {});
    },
  });
  const failing = (index: number, code: number | null | undefined): Outcome => {
    const end = `ended with ${code ?? "a signal"}`;
    if (begun.has(index)) return { unread: complaints.summary(index) ?? `find ${end}` };
    const { dataset, snapshot } = snapshots[index] as Searchable;
    const said = complaints.about(index) || `the search ${end}`;
    return { error: unreadable(`${host}:${dataset}@${snapshot}`, start, said) };
  };
  try {
    const onBytes = (chunk: Buffer): void => records.add(chunk);
    const { code } = await hosts.read(host, argv, onBytes, { signal, onErrorLine: complaints.add });
    const cut = snapshots.findIndex((_, index) => !codes.has(index));
    if (cut !== -1) ended(cut, failing(cut, code));
  } finally {
    // what was said of one is known to be all of it only now
    for (const [index, code] of codes) if (code !== 0) ended(index, failing(index, code));
  }
}
