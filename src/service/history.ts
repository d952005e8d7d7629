import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { OperationReport } from "../model/report.ts";
import type { Run } from "../model/service.ts";
import type { Condition, LastSeen, PlaceStatus } from "../model/status.ts";
import type { Address } from "../model/units.ts";
import type { Attempts } from "../planner/status-facts.ts";
import type { Conditions } from "./conditions.ts";
import { isRecord, readJson, writeJson } from "./state.ts";

/** What the service remembers beyond its own life. Nothing is decided by it. */
export interface History {
  /** Newest first. */
  readonly runs: readonly Run[];
  readonly conditions: Conditions;
  /** What failed the last time it was tried, newest first. */
  readonly lastAttempts: readonly Attempts[];
  /** What is known of what cannot be seen the next time. */
  readonly lastSeen: readonly LastSeen[];
}

export interface HistoryFile {
  readonly path: string;
  /** What was written last; nothing where that cannot be made out. */
  load(): History;
  save(history: History): void;
}

const MOST_RUNS = 200;
const MOST_OPERATIONS = 100;
const EMPTY: History = { runs: [], conditions: new Map(), lastAttempts: [], lastSeen: [] };

/** One file for each manifest: several services may share the folder. */
export function historyFile(folder: string, manifest: string): HistoryFile {
  const path = join(folder, `history-${createHash("sha256").update(manifest).digest("hex").slice(0, 12)}.json`);
  return {
    path,
    load: () => read(path),
    save: ({ runs, conditions, lastAttempts, lastSeen }) =>
      writeJson(path, {
        formatVersion: 1,
        runs,
        conditions: Object.fromEntries(conditions),
        lastAttempts,
        lastSeen: lastSeen.map(({ source, own, copies }) => ({
          source,
          ...(own && { own: newestOf(own) }),
          copies: copies.map(({ remote, ...place }) => ({ remote, ...newestOf(place) })),
        })),
      }),
  };
}

type Newest = Pick<PlaceStatus, "newest">;

const newestOf = ({ newest }: Newest): Newest => (newest === undefined ? {} : { newest });

/** What ran on this machine, by whichever manifest; nothing where that cannot be made out. */
export const runsIn = (folder: string): Run[] => historiesIn(folder).flatMap(({ runs }) => runs);

/** What was seen last from this machine, by whichever manifest; of two that saw the same place, what has the newer. */
export function lastSeenIn(folder: string): LastSeen[] {
  const known = new Map<Address, LastSeen>();
  for (const each of historiesIn(folder).flatMap(({ lastSeen }) => lastSeen)) {
    const other = known.get(each.source);
    known.set(each.source, other ? newerOf(other, each) : each);
  }
  return [...known.values()];
}

function newerOf(one: LastSeen, other: LastSeen): LastSeen {
  const copies = new Map(one.copies.map((copy) => [copy.remote, copy]));
  for (const copy of other.copies) copies.set(copy.remote, { ...copy, ...newer(copies.get(copy.remote), copy) });
  const own = one.own || other.own ? newer(one.own, other.own) : undefined;
  return { source: one.source, ...(own && { own }), copies: [...copies.values()] };
}

const newer = (one: Newest = {}, other: Newest = {}): Newest =>
  newestOf((one.newest?.creation ?? 0) > (other.newest?.creation ?? 0) ? one : other);

function historiesIn(folder: string): History[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.filter((name) => /^history-[0-9a-f]+\.json$/.test(name)).map((name) => read(join(folder, name)));
}

/** With one more, and as much of them as is kept. */
export const withRun = (runs: readonly Run[], run: Run): Run[] => [shortened(run), ...runs].slice(0, MOST_RUNS);

/** What did not go well, before what did. */
function shortened(run: Run): Run {
  if (run.operations.length <= MOST_OPERATIONS) return run;
  const isGood = ({ outcome }: OperationReport): boolean => outcome === "done";
  const operations = [...run.operations.filter((one) => !isGood(one)), ...run.operations.filter(isGood)];
  return { ...run, operations: operations.slice(0, MOST_OPERATIONS) };
}

function read(path: string): History {
  try {
    return readHistory(readJson(path));
  } catch {
    return EMPTY;
  }
}

function readHistory(value: unknown): History {
  if (!isRecord(value) || value.formatVersion !== 1) return EMPTY;
  const runs = Array.isArray(value.runs) ? value.runs.filter(isRun) : [];
  const conditions = isRecord(value.conditions)
    ? Object.entries(value.conditions).flatMap(([key, list]): [string, Condition[]][] =>
        Array.isArray(list) ? [[key, list.filter(isCondition)]] : [],
      )
    : [];
  const lastAttempts = Array.isArray(value.lastAttempts) ? value.lastAttempts.filter(isAttempt) : [];
  const lastSeen = Array.isArray(value.lastSeen) ? value.lastSeen.filter(isLastSeen) : [];
  return { runs, conditions: new Map(conditions), lastAttempts, lastSeen };
}

const isRun = (value: unknown): value is Run =>
  isRecord(value) &&
  ["id", "startedAt", "finishedAt", "trigger", "result"].every((key) => typeof value[key] === "string") &&
  Array.isArray(value.sources) &&
  isAttempt(value);

const isAttempt = (value: unknown): value is Attempts =>
  isRecord(value) &&
  Array.isArray(value.operations) &&
  value.operations.every((one) => isRecord(one) && typeof one.id === "string" && typeof one.outcome === "string");

const isCondition = (value: unknown): value is Condition =>
  isRecord(value) &&
  typeof value.status === "boolean" &&
  ["type", "reason", "message", "since"].every((key) => typeof value[key] === "string");

const isLastSeen = (value: unknown): value is LastSeen =>
  isRecord(value) &&
  typeof value.source === "string" &&
  (value.own === undefined || isPlace(value.own)) &&
  Array.isArray(value.copies) &&
  value.copies.every((copy) => isPlace(copy) && typeof copy.remote === "string");

const isPlace = (value: unknown): value is Record<string, unknown> =>
  isRecord(value) &&
  (value.newest === undefined ||
    (isRecord(value.newest) && typeof value.newest.name === "string" && typeof value.newest.creation === "number"));
