import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

export interface StateOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly home: string;
}

/**
 * Where the service keeps what is only history, and what was suspended: HOLDFAST_STATE_DIR, what systemd gives the unit,
 * /var/lib/holdfast for root, otherwise the user's own.
 */
export function stateDirectory({ env, uid, home }: StateOptions): string {
  const ofUnit = env.STATE_DIRECTORY?.split(":", 1)[0];
  if (env.HOLDFAST_STATE_DIR) return env.HOLDFAST_STATE_DIR;
  if (ofUnit) return ofUnit;
  if (uid === 0) return "/var/lib/holdfast";
  return join(env.XDG_STATE_HOME || join(home, ".local", "state"), "holdfast");
}

/** Writes all of it or nothing, whenever the machine stops: the file is on disk before it has its name. */
export function writeJson(path: string, value: unknown): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const fresh = join(folder, `.${randomBytes(6).toString("hex")}.new`);
  const fd = openSync(fresh, "wx", 0o644);
  try {
    writeFileSync(fd, `${JSON.stringify(value)}\n`);
    fsyncSync(fd);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  try {
    // whoever runs the service reads what root has written, whatever root's umask
    chmodSync(fresh, 0o644);
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  const directory = openSync(folder, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** What is in a file; undefined where there is none. Throws for one that cannot be read, or is no JSON. */
export function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  return JSON.parse(text);
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
