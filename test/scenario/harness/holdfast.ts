import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { type Child, identityInside, type Machine, type Result } from "./machine.ts";

const root = join(import.meta.dirname, "../../..");
const installed = "/opt/holdfast";

/** A Holdfast that runs, to be waited for, interrupted or killed. */
interface Running {
  /** What it ends with; a signal gives 128 and its number, as a shell says it. */
  readonly result: Promise<Result>;
  /** Resolves once standard output and error together match; rejects when it ends without. */
  printed(pattern: RegExp): Promise<void>;
  /** Sends a signal to Holdfast itself, wherever it runs. */
  kill(signal: "SIGHUP" | "SIGINT" | "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** One place from which the built command line is run. */
export interface Holdfast {
  /** Runs a command to its end. */
  (...args: string[]): Promise<Result>;
  /** Starts one and gives it back at once. */
  spawn(...args: string[]): Running;
}

function running(child: Child, kill: Running["kill"]): Running {
  let text = "";
  const watchers = new Set<() => void>();
  child.all.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    for (const watcher of watchers) watcher();
  });
  const result = Promise.resolve(child).then(({ exitCode, signal, stdout, stderr, originalMessage }) => {
    const signals: Record<string, number> = { SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };
    const code = exitCode ?? signals[signal ?? ""];
    if (code === undefined) throw new Error(originalMessage ?? "Holdfast could not be started");
    return { code, stdout, stderr };
  });
  return {
    result,
    kill,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(text)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
        result.then(() => reject(new Error(`ended without printing ${pattern}:\n${text}`)), reject);
      }),
  };
}

const callable = (spawn: Holdfast["spawn"]): Holdfast =>
  Object.assign((...args: string[]) => spawn(...args).result, { spawn });

const program = (): string => {
  const path = join(root, "dist/holdfast.js");
  if (!existsSync(path)) throw new Error("dist/holdfast.js is missing: npm run build");
  return path;
};

interface Surroundings {
  /** Folders of programs that come before all others. */
  readonly tools?: readonly string[];
  /** Of every command. */
  readonly options?: readonly string[];
  /** On top of what Holdfast needs. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Holdfast on this machine, which has no ZFS: it reaches every host of the manifest over SSH. Runs in `folder`. */
export function controller(folder: string, { tools = [], options = [], env: more = {} }: Surroundings = {}): Holdfast {
  return callable((...args) => {
    const child = execa(process.execPath, [program(), ...args, ...options], {
      cwd: folder,
      env: {
        PATH: [...tools, process.env.PATH].join(":"),
        HOME: folder,
        XDG_RUNTIME_DIR: folder,
        HOLDFAST_LOCK_DIR: folder,
        HOLDFAST_STATE_DIR: join(folder, "state"),
        LC_ALL: "C",
        NO_COLOR: "1",
        ...more,
      },
      extendEnv: false,
      stdin: "ignore",
      reject: false,
      all: true,
      // a service may take a minute to end what runs: no impatience of ours
      forceKillAfterDelay: 90_000,
    });
    return running(child, async (signal) => void child.kill(signal));
  });
}

/**
 * Holdfast on this machine as the host that a machine is, called `name` in the manifest: what it calls `zfs` is that
 * machine's, and what it keeps is its own. Node inside an emulated machine is many times slower.
 */
export async function actingAs(machine: Machine, folder: string, name: string = machine.name): Promise<Holdfast> {
  const tools = join(folder, `tools-${name}`);
  const own = join(folder, `own-${name}`);
  await mkdir(own, { recursive: true });
  await mkdir(tools, { recursive: true });
  const ssh = ["ssh", ...machine.sshArguments()].map((word) => `'${word}'`).join(" ");
  for (const tool of ["zfs", "zpool"]) {
    const script = `#!/bin/bash\nexec ${ssh} "$(printf '%q ' ${tool} "$@")"\n`;
    await writeFile(join(tools, tool), script, { mode: 0o755 });
  }
  const env = { HOLDFAST_LOCK_DIR: own, HOLDFAST_STATE_DIR: own };
  return controller(folder, { tools: [tools], options: ["--as", name], env });
}

let processes = 0;

/**
 * Holdfast inside a machine, with its own `zfs`; runs in `folder` there.
 * The key that opens the other machines lies at `identityInside`.
 */
export async function holdfastOn(machine: Machine, folder: string): Promise<Holdfast> {
  await install(machine);
  return callable((...args) => {
    const pidFile = `/run/holdfast-test-${process.pid}-${processes++}`;
    const words = ["node", `${installed}/holdfast.js`, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    const start = `mkdir -p '${folder}' && cd '${folder}' && echo $BASHPID > ${pidFile} && exec env LC_ALL=C NO_COLOR=1`;
    // A shell around it turns a signal into an exit code, which ssh alone does not.
    const child = machine.start(`(${start} ${words.join(" ")}); exit $?`);
    return running(child, async (signal) => void (await machine.sh(`kill -${signal.slice(3)} "$(cat ${pidFile})"`)));
  });
}

const installing = new Map<string, Promise<void>>();

/** Brings the built program and the key into a machine, once per test file. */
function install(machine: Machine): Promise<void> {
  const before = installing.get(machine.name);
  if (before !== undefined) return before;
  const now = (async () => {
    program();
    const { stdout: archive } = await execa("tar", ["-C", join(root, "dist"), "-cf", "-", "."], { encoding: "buffer" });
    await machine.sh(`rm -rf ${installed} && mkdir -p ${installed} && tar -C ${installed} -xf -`, { input: archive });
    const { stdout: key } = await execa("cat", [machine.address.identityFile], { stripFinalNewline: false });
    await machine.put(identityInside, key);
  })();
  installing.set(machine.name, now);
  return now;
}
