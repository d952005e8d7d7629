import { join } from "node:path";
import { isRecord, readJson, writeJson } from "./state.ts";

/** A source, or a pattern of them, that was suspended on this machine without a commit. */
export interface Suspension {
  /** `[HOST:]DATASET` or `[HOST:]/PATH`, patterns allowed. */
  readonly source: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

const fileIn = (folder: string): string => join(folder, "suspended.json");

/**
 * What is suspended. Throws for a file that cannot be made out: to go on as if nothing were suspended is what nobody
 * asked for.
 */
export function readSuspensions(folder: string): readonly Suspension[] {
  const path = fileIn(folder);
  let value: unknown;
  try {
    value = readJson(path);
  } catch (error) {
    throw new SuspensionsError(path, error instanceof Error ? error.message : String(error));
  }
  if (value === undefined) return [];
  if (!isRecord(value) || !Array.isArray(value.suspended) || !value.suspended.every(isSuspension))
    throw new SuspensionsError(path, "it is not what `holdfast suspend` writes");
  return value.suspended;
}

export class SuspensionsError extends Error {
  override readonly name = "SuspensionsError";
  readonly hint: string;

  constructor(path: string, reason: string) {
    super(`cannot tell what is suspended: ${path}: ${reason}`);
    this.hint = `remove it, and suspend again what has to be: rm ${path}`;
  }
}

const isSuspension = (value: unknown): value is Suspension =>
  isRecord(value) && typeof value.source === "string" && value.source !== "" && typeof value.since === "string";

/** With some more, each once. Returns those that are new. */
export function suspend(folder: string, sources: readonly string[], now: string): readonly string[] {
  const known = readSuspensions(folder);
  const fresh = [...new Set(sources)].filter((source) => !known.some((one) => one.source === source));
  if (fresh.length > 0) write(folder, [...known, ...fresh.map((source) => ({ source, since: now }))]);
  return fresh;
}

/** Without those that `isMeant` says. Returns what they were. */
export function resume(folder: string, isMeant: (source: string) => boolean): readonly Suspension[] {
  const known = readSuspensions(folder);
  const ended = known.filter(({ source }) => isMeant(source));
  if (ended.length > 0)
    write(
      folder,
      known.filter((one) => !ended.includes(one)),
    );
  return ended;
}

const write = (folder: string, suspended: readonly Suspension[]): void =>
  writeJson(fileIn(folder), { formatVersion: 1, suspended });
