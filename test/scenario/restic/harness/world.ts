import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { test as base, expect } from "vitest";
import { stringify } from "yaml";
import type { Plan } from "../../../../src/model/plan.ts";
import type { Report } from "../../../../src/model/report.ts";
import { tools, type Version } from "../../../remotes/restic/tools.ts";
import { eventually } from "../../../transport/leftovers.ts";
import { controller, type Holdfast } from "../../harness/holdfast.ts";
import type { Result } from "../../harness/machine.ts";
import { Repository, type RepositoryOptions } from "./repository.ts";

export { VERSIONS, type Version } from "../../../remotes/restic/tools.ts";

/** How Holdfast calls this machine. */
export const host = hostname();

/** What every scenario gets, fresh; all of it is gone afterwards, and no secret of it was seen anywhere. */
export interface World {
  /** An empty folder, also the home of all that runs here. */
  readonly folder: string;
  path(name: string): string;
  /** Runs in `folder`, where the manifest lies. */
  readonly holdfast: Holdfast;
  /** A Holdfast with these in its own environment. */
  with(env: Readonly<Record<string, string>>): Holdfast;
  /** Puts a program in front of others of its name. */
  program(name: string, script: string): void;
  /** Writes the manifest; `version` need not be given. */
  manifest(content: object): void;
  /** A directory with these files in it; a number stands for so many random bytes. */
  source(name: string, files?: Readonly<Record<string, string | number>>): string;
  /** A secret in a file of its own, as the manifest refers to it. */
  secret(text?: string): { readonly file: string; readonly text: string };
  /** A repository that is there already, unless `absent`. */
  repository(name: string, options?: Partial<RepositoryOptions> & { readonly absent?: true }): Repository;
  /** Everything of this world that runs is gone at once, as in a crash. */
  crash(): Promise<void>;
  /** The command line of every restic that Holdfast started. */
  started(): readonly string[];
}

/** The folder of the real programs. */
export const programs = (): string => {
  if ("missing" in tools) throw new Error(`the real tools are missing: ${tools.missing}`);
  return tools.folder;
};

/** `test` with a `world` that has this version of restic. */
export const testOn = (version: Version) =>
  base.extend<{ world: World }>({
    // biome-ignore lint/correctness/noEmptyPattern: vitest wants the pattern
    world: async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), "holdfast-restic-"));
      const path = (name: string): string => join(folder, name);
      const bin = path("bin");
      const secrets: string[] = [];
      const said: Promise<Result>[] = [];
      const program = (name: string, script: string): void =>
        writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      mkdirSync(bin);
      // file modes hold for restic, also where the tests run as root
      const obeying = userInfo().uid === 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search " : "";
      const restic = `exec ${obeying}'${programs()}/restic-${version}' "$@"`;
      program("restic", `printf '%s\\n' "$*" >>'${path("restic.log")}'\n${restic}`);
      program("rclone", `exec '${programs()}/rclone' "$@"`);
      const recorded = (holdfast: Holdfast): Holdfast => {
        const spawn: Holdfast["spawn"] = (...args) => {
          const running = holdfast.spawn(...args);
          said.push(running.result);
          return running;
        };
        return Object.assign((...args: string[]) => spawn(...args).result, { spawn });
      };
      const started = (): string[] => {
        try {
          return readFileSync(path("restic.log"), "utf8").trimEnd().split("\n");
        } catch {
          return [];
        }
      };
      const holdfastWith = (env: Readonly<Record<string, string>> = {}) =>
        recorded(controller(folder, { tools: [bin], env }));
      const secret = (text = randomBytes(12).toString("hex")) => {
        secrets.push(text);
        const file = path(`secret-${secrets.length}`);
        writeFileSync(file, `${text}\n`, { mode: 0o600 });
        return { file, text };
      };
      const crash = async (): Promise<void> => {
        const killed = new Set<number>();
        await eventually(() => {
          const running = processesOf(folder);
          for (const pid of running) {
            killed.add(pid);
            kill(pid);
          }
          expect(running).toEqual([]);
        });
        // one that nobody has asked how it ended still counts as alive, to restic too
        await eventually(() => expect([...killed].filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]), 60_000);
      };

      await use({
        folder,
        path,
        holdfast: holdfastWith(),
        with: holdfastWith,
        program,
        manifest: (content) => writeFileSync(path("holdfast.yaml"), stringify({ version: 1, ...content })),
        source(name, files = {}) {
          for (const [file, content] of Object.entries(files)) {
            mkdirSync(dirname(join(path(name), file)), { recursive: true });
            writeFileSync(join(path(name), file), typeof content === "number" ? randomBytes(content) : content);
          }
          mkdirSync(path(name), { recursive: true });
          return path(name);
        },
        secret,
        repository(name, { absent, ...options } = {}) {
          const password = options.password ?? secret();
          const repository = new Repository({
            program: join(programs(), `restic-${version}`),
            home: folder,
            folder: path(name),
            ...options,
            password,
          });
          if (!absent) repository.make();
          return repository;
        },
        crash,
        started,
      });

      try {
        const outputs = (await Promise.all(said)).flatMap(({ stdout, stderr }) => [stdout, stderr]);
        const shown = [...outputs, ...started()].join("\n");
        for (const text of secrets) expect(shown, "a secret was shown").not.toContain(text);
        await eventually(() => expect(processesOf(folder).map(commandOf), "left running").toEqual([]));
      } finally {
        await crash();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  });

/** Known by their home, whoever started them. */
function processesOf(folder: string): number[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      // of a process that has ended there is none; restic by hand has a folder in there for its home
      return readFileSync(`/proc/${pid}/environ`, "latin1").includes(`HOME=${folder}`) ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // gone by itself
  }
}

/** The plan, whatever it says. */
export async function planOf(holdfast: Holdfast, ...args: string[]): Promise<Plan> {
  const { code, stdout, stderr } = await holdfast("plan", "--json", ...args);
  if (code !== 0 && code !== 3) throw new Error(`plan ended with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Plan;
}

/** Applies, and says how it went. */
export async function reportOf(holdfast: Holdfast, ...args: string[]): Promise<Report & { readonly code: number }> {
  const { code, stdout, stderr } = await holdfast("apply", "--yes", "--json", ...args);
  try {
    return { ...(JSON.parse(stdout) as Report), code };
  } catch {
    throw new Error(`apply ended with ${code}: ${stderr}${stdout}`);
  }
}

/** Applies, and everything that was planned is done. */
export async function applied(holdfast: Holdfast, ...args: string[]): Promise<Report> {
  const report = await reportOf(holdfast, ...args);
  expect(report.code, JSON.stringify(report.operations, null, 1)).toBe(0);
  return report;
}

/** `backup usb`, `forget usb 3`: what a plan or a report has, in short. */
export const kindsOf = ({ operations }: Plan): string[] =>
  operations.map((operation) => {
    const many = "copies" in operation ? ` ${operation.copies.length}` : "";
    return `${operation.kind} ${"remote" in operation ? operation.remote : "source"}${many}`;
  });

/** The end of every scenario: nothing is left to do. */
export async function expectDone(holdfast: Holdfast): Promise<void> {
  const { code, stdout, stderr } = await holdfast("plan", "--json", "--detailed-exitcode");
  expect(stdout, stderr).not.toBe("");
  const plan = JSON.parse(stdout) as Plan;
  expect(kindsOf(plan)).toEqual([]);
  expect(plan.blocked).toEqual([]);
  expect(plan.unobserved).toEqual([]);
  expect(code, stderr).toBe(0);
}
