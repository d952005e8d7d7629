import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import type { Host, Repository } from "../../../src/model/manifest.ts";
import type { HostName } from "../../../src/model/units.ts";
import { openRepository, type Restic } from "../../../src/remotes/restic/restic.ts";
import { connectHosts, type Hosts } from "../../../src/transport/index.ts";
import { repositoryNamed } from "../../property/manifests.ts";

export const VERSIONS = ["0.14", "0.18", "0.19"] as const;
export type Version = (typeof VERSIONS)[number];

/** The folder of the real programs, or why there is none. In CI there must be. */
export const tools: { readonly folder: string } | { readonly missing: string } = (() => {
  const build = fileURLToPath(new URL("../../restic-tools/build", import.meta.url));
  try {
    return { folder: execFileSync("bash", [build], { encoding: "utf8" }).trim() };
  } catch (error) {
    if (process.env.CI === "true") throw error;
    return { missing: String(error) };
  }
})();
export const toolsAvailable = "folder" in tools;

export const host = "nas" as HostName;
export const PASSWORD = "correct horse";

/** What a test file has of its own: a folder, and restic in every version on this machine. */
export interface Bench {
  readonly folder: string;
  hosts(version: Version, options?: HostsEnvironment): Hosts;
  /** The arguments of every restic that was started, where they hold this word. */
  started(version: Version, word: string): string[];
  /** `location` absolute; the password is PASSWORD unless said otherwise. */
  open(version: Version, location: string, options?: OpenOptions): Restic;
}

export interface HostsEnvironment {
  readonly env?: Readonly<Record<string, string>>;
  /** File modes hold for restic, also where the tests run as root. */
  readonly obeysModes?: boolean;
  /** A folder of programs that come before others. */
  readonly programs?: string;
}

export interface OpenOptions extends Partial<Omit<Repository, "location">>, HostsEnvironment {
  readonly signal?: AbortSignal;
  readonly answerMs?: number;
}

/** Called while a test file is collected; everything goes when it has ended. */
export function startBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), "restic-"));
  const connected = new Map<string, Hosts>();
  afterAll(async () => {
    await Promise.all([...connected.values()].map((hosts) => hosts.close()));
    execFileSync("chmod", ["-R", "u+rwX", folder]); // what restic writes is read-only
    rmSync(folder, { recursive: true, force: true });
  });
  const hosts = (version: Version, { env = {}, obeysModes = false, programs }: HostsEnvironment = {}): Hosts => {
    const key = JSON.stringify([version, env, obeysModes, programs]);
    let there = connected.get(key);
    if (there === undefined) {
      const own = [...(programs === undefined ? [] : [programs]), binFolder(folder, version, obeysModes)];
      const path = [...own, process.env.PATH].join(":");
      const environment = { HOME: folder, ...env, PATH: path };
      there = connectHosts(new Map([[host, localHost]]), { env: environment });
      connected.set(key, there);
    }
    return there;
  };
  return {
    folder,
    hosts,
    started(version, word) {
      const log = join(folder, "bin", version, "restic.log");
      return existsSync(log)
        ? readFileSync(log, "utf8")
            .split("\n")
            .filter((line) => line.includes(word))
        : [];
    },
    open(version, location, { signal, env = {}, obeysModes, programs, answerMs, ...changes } = {}) {
      return openRepository(
        { host, repository: { ...repository, location, ...changes } },
        {
          hosts: hosts(version, {
            env,
            ...(obeysModes && { obeysModes }),
            ...(programs !== undefined && { programs }),
          }),
          env: { PASSWORD, ...env },
          signal: signal ?? new AbortController().signal,
          ...(answerMs !== undefined && { answerMs }),
        },
      );
    },
  };
}

/** restic by hand, to see what Holdfast does not look at. */
export async function run(bench: Bench, version: Version, location: string, args: readonly string[]): Promise<string> {
  const env = { RESTIC_REPOSITORY: location, RESTIC_PASSWORD: PASSWORD };
  const { code, stdout, stderr } = await bench.hosts(version).run(host, ["restic", "--no-lock", ...args], { env });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** A folder with just that program, as `restic`. */
function binFolder(folder: string, version: Version, obeysModes: boolean): string {
  const bin = join(folder, "bin", `${version}${obeysModes ? "-obeys" : ""}`);
  if (existsSync(bin)) return bin;
  mkdirSync(bin, { recursive: true });
  const program = join("folder" in tools ? tools.folder : "", `restic-${version}`);
  const without = obeysModes && userInfo().uid === 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search " : "";
  writeFileSync(join(bin, "restic"), `#!/bin/sh\necho "$*" >>"$0.log"\nexec ${without}${program} "$@"\n`, {
    mode: 0o755,
  });
  return bin;
}

export const localHost: Host = { name: host, local: true, address: "", port: 22, user: "", hostKeys: [], sudo: false };

export const repository: Repository = repositoryNamed("usb", { location: "", password: { env: "PASSWORD" } });
