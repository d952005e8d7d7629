import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { EpochSeconds } from "../model/units.ts";
import type { Failures } from "./failures.ts";
import type { Told } from "./news.ts";
import type { Problems } from "./problems.ts";

/** What outlives a restart, so that nothing is told twice. Losing it means that what is the matter is told once more. */
export interface Memory {
  readonly problems: Problems;
  readonly failures: Failures;
  /** By `receiverOf`. */
  readonly told: Readonly<Record<string, Told>>;
}

export const NOTHING: Memory = { problems: {}, failures: {}, told: {} };

/** Each manifest has its own: what one does not speak of is not over. */
export function memoryFile(folder: string, manifestPath: string): string {
  const id = createHash("sha256").update(resolve(manifestPath)).digest("hex").slice(0, 12);
  return join(folder, `notifications-${id}.json`);
}

/** Undefined where there is none. Throws where there is one that cannot be read. */
export async function readMemory(file: string): Promise<Memory | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const { formatVersion, problems, failures, told } = JSON.parse(text) as Record<string, unknown>;
  if (formatVersion !== 1) throw new Error(`it has format version ${String(formatVersion)}`);
  return {
    problems: wellFormed(problems, isProblem) as Problems,
    failures: wellFormed(failures, isFailure) as Failures,
    told: Object.fromEntries(
      Object.entries(wellFormed(told, isObject)).map(([key, one]) => [key, wellFormed(one, isMoment) as Told]),
    ),
  };
}

type Entry = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Entry =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isMoment = (value: unknown): value is EpochSeconds => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): boolean => typeof value === "string";
const isFailure = (value: unknown): boolean =>
  isObject(value) &&
  isText(value.source) &&
  isText(value.message) &&
  (value.remote === undefined || isText(value.remote)) &&
  Array.isArray(value.remedies) &&
  value.remedies.every(isText);
const isProblem = (value: unknown): boolean =>
  isFailure(value) &&
  isObject(value) &&
  ["failed", "blocked", "overdue"].includes(value.matter as string) &&
  [value.since, value.tellFrom, value.over ?? 0].every(isMoment);

/** A file that somebody edited costs what was edited. */
const wellFormed = (value: unknown, is: (one: unknown) => boolean): Record<string, unknown> =>
  Object.fromEntries(Object.entries(isObject(value) ? value : {}).filter(([, one]) => is(one)));

/** All of the file or the one that was there before, also after a crash. */
export async function writeMemory(file: string, memory: Memory): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await mkdir(dirname(file), { recursive: true, mode: 0o755 });
  try {
    const opened = await open(temporary, "w", 0o600);
    try {
      await opened.writeFile(`${JSON.stringify({ formatVersion: 1, ...memory }, null, 2)}\n`);
      await opened.sync();
    } finally {
      await opened.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
