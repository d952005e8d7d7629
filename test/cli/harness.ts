import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, vi } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunSettings {
  readonly env?: Readonly<Record<string, string>>;
  /** Goes to a disk that is full. */
  readonly full?: "stdout" | "stderr";
  /** Gets the process as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
  /** Called with everything that came on stderr so far. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
}

/** The program as it is shipped, in a folder of its own; one bundle for each test file. */
export function useHoldfast() {
  // below the project, so that packages are found
  const bundle = join(root, "node_modules/.cache/holdfast-test", String(process.pid));
  // several processes a test, on a machine that may be busy
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
  const folder = mkdtempSync(join(tmpdir(), "holdfast-cli-"));
  beforeAll(async () => {
    await build({
      absWorkingDir: root,
      entryPoints: { holdfast: "src/cli/main.ts" },
      outdir: bundle,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      packages: "external",
      format: "esm",
      platform: "node",
      target: "node20.19",
      logLevel: "warning",
    });
  });
  afterAll(() => {
    rmSync(bundle, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });
  const program = join(bundle, "holdfast.mjs");
  return {
    folder,
    program,
    path: (name: string): string => join(folder, name),
    write: (name: string, content: string | object): string => {
      const path = join(folder, name);
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
      return path;
    },
    run: (args: readonly string[], settings: RunSettings = {}): Promise<Ended> =>
      run(process.execPath, [program, ...args], folder, settings),
    /** In a terminal of its own; what it shows is all in `stdout`. */
    runInTerminal: (args: readonly string[], settings: RunSettings = {}): Promise<Ended> => {
      const words = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
      return run("script", ["-qec", `stty cols 100; ${words}`, "/dev/null"], folder, settings);
    },
  };
}

function run(command: string, args: readonly string[], cwd: string, settings: RunSettings): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { PATH = "", HOME = "", TMPDIR = "/tmp" } = process.env;
    const own = { HOLDFAST_STATE_DIR: join(cwd, "state"), HOLDFAST_LOCK_DIR: join(cwd, "locks") };
    const env = { PATH, HOME, TMPDIR, TERM: "xterm-256color", ...own, ...settings.env };
    const full = settings.full && openSync("/dev/full", "w");
    const to = (name: "stdout" | "stderr") => (settings.full === name ? full : "pipe");
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", to("stdout"), to("stderr")] });
    if (full !== undefined) closeSync(full);
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      settings.onStderr?.(stderr, child);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
    settings.onStart?.(child);
  });
}
