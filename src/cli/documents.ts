import { open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ErrorObject } from "ajv";
import type { HostInventory, Inventory } from "../model/inventory.ts";
import type { Plan } from "../model/plan.ts";
import type { EpochSeconds, HostName } from "../model/units.ts";
import { visible } from "../render/text.ts";
import { Failure } from "./exit.ts";

/** A plan that `plan --out` wrote. */
export async function readPlan(path: string): Promise<Plan> {
  const { default: validate } = await import("../model/generated/plan.v1.js");
  return (await readDocument(path, "plan", validate, "holdfast plan --out FILE")) as Plan;
}

/** What `list --json` wrote: one file, or a folder with one file for each machine. */
export async function readInventory(path: string): Promise<Inventory> {
  const files = (await isFolder(path)) ? await inventoriesIn(path) : [path];
  const { default: validate } = await import("../model/generated/inventory.v1.js");
  const read = files.map(async (file) => ({
    file,
    inventory: (await readDocument(file, "inventory", validate, "holdfast list --json")) as Inventory,
  }));
  return merged(await Promise.all(read));
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function inventoriesIn(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  if (files.length === 0)
    throw new Failure(`${folder} holds no *.json`, { hint: "write one there: holdfast list --json" });
  return files.map((name) => join(folder, name));
}

/**
 * A host may be unobserved in all files but one; the newest observation is the clock. A repository that several have
 * listed is as the newest of them saw it.
 */
function merged(read: readonly { readonly file: string; readonly inventory: Inventory }[]): Inventory {
  const hosts = bare<HostInventory>();
  const origin = new Map<string, string>();
  let observedAt = 0;
  for (const { file, inventory } of read) {
    observedAt = Math.max(observedAt, inventory.observedAt);
    for (const [name, state] of Object.entries(inventory.hosts) as [HostName, HostInventory][]) {
      const known = hosts[name];
      if (known?.state === "observed" && state.state === "unobserved") continue;
      if (known?.state === "observed")
        throw new Failure(`${name} is in two inventories: ${origin.get(name)} and ${file}`, {
          hint: "take one of them out",
        });
      hosts[name] = state;
      origin.set(name, file);
    }
  }
  const inOrder = read.map(({ inventory }) => inventory).sort((a, b) => a.observedAt - b.observedAt);
  return {
    formatVersion: 1,
    observedAt: observedAt as EpochSeconds,
    hosts,
    ...lastSeen("repositories", inOrder),
    ...lastSeen("directories", inOrder),
  };
}

/** Without the members that every object has: names are what somebody chose. */
const bare = <Value>(): Record<string, Value> => Object.create(null);

function lastSeen<Key extends "repositories" | "directories">(
  key: Key,
  inventories: readonly Inventory[],
): Pick<Inventory, Key> {
  const found = bare<{ readonly state: string }>();
  for (const inventory of inventories)
    for (const [name, state] of Object.entries<{ readonly state: string }>(inventory[key] ?? {}))
      if (found[name] === undefined || state.state !== "unobserved") found[name] = state;
  return (Object.keys(found).length === 0 ? {} : { [key]: found }) as Pick<Inventory, Key>;
}

interface Validator {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

async function readDocument(path: string, kind: string, validate: Validator, origin: string): Promise<unknown> {
  const hint = `a file that \`${origin}\` wrote is expected`;
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, error);
  });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new Failure(`${path} is not JSON: ${(error as Error).message}`, { hint, cause: error });
  }
  if (validate(document)) return document;
  const version = (document as { formatVersion?: unknown } | null)?.formatVersion;
  if (version !== undefined && version !== 1)
    throw new Failure(`${path} has format version ${JSON.stringify(version)}; this Holdfast reads version 1`, { hint });
  throw new Failure(`${path} is no ${kind}: ${reason(validate.errors?.[0], document)}`, { hint });
}

/** `operations[3].kind: must be equal to one of …, but is "format"`. */
function reason(error: ErrorObject | undefined, document: unknown): string {
  if (error === undefined) return "it has another structure";
  const steps = error.instancePath
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  let value = document;
  for (const step of steps) value = (value as Record<string, unknown> | undefined)?.[step];
  const where = steps
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
  const extra = (error.params as { additionalProperty?: string }).additionalProperty;
  const is = value === null || typeof value !== "object" ? `, but is ${JSON.stringify(value)}` : "";
  return `${where === "" ? "" : `${where}: `}${error.message ?? "is not allowed"}${extra === undefined ? is : ` (${extra})`}`;
}

const unreadable = (path: string, error: unknown): Failure =>
  new Failure(`cannot read ${path}: ${(error as Error).message}`, { cause: error });

export const writeDocument = (path: string, value: unknown): Promise<void> =>
  writeWhole(path, `${JSON.stringify(value, null, 2)}\n`);

/** All of the file or the one that was there before, also after a crash. `mode`: default what the umask leaves of 0666. */
export async function writeWhole(path: string, text: string, mode?: number): Promise<void> {
  const temporary = join(dirname(path), `.${process.pid}.holdfast.tmp`);
  try {
    const file = await open(temporary, "w", mode);
    try {
      // one that a crash left behind keeps its own
      if (mode !== undefined) await file.chmod(mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw cannotWrite(path, error);
  }
}

/** Never over a file that is there: `otherwise` is what to do then. */
export async function writeNew(path: string, text: string, otherwise: string): Promise<void> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(text).finally(() => file.close());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new Failure(`${visible(path)} is there already; nothing was written`, { hint: otherwise });
    throw cannotWrite(path, error);
  }
}

const OBSTACLES: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ["its folder does not exist", "make the folder first, or name another file"],
  ENOTDIR: ["a file is where its folder should be", "name another file"],
  EISDIR: ["it is a folder", "name a file in it"],
  EACCES: ["permission denied", "name another file, or run it as who may write there"],
  EROFS: ["what it is on can only be read", "name another file"],
  ENOSPC: ["there is no room left", "make room, or name another file"],
};

/** Whatever name it had on the way there. */
function cannotWrite(path: string, error: unknown): Failure {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const [reason, hint] = OBSTACLES[code] ?? [message, undefined];
  return new Failure(`cannot write ${visible(path)}: ${reason}`, { ...(hint && { hint }), cause: error });
}
