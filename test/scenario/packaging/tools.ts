import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execaSync } from "execa";

const root = join(import.meta.dirname, "../../..");
const tools = execaSync("bash", [join(root, "test/packaging-tools/build")]).stdout;

export const packaged = (path: string): string => join(root, "packaging", path);
export const textOf = (path: string): string => readFileSync(packaged(path), "utf8");

/** Runs a program; all that it says is in `all`. */
const run = (program: string, args: readonly string[], input = "") =>
  execaSync(join(tools, program), args, { all: true, reject: false, input, env: { LC_ALL: "C.UTF-8" } });

export const shellcheck = (...args: readonly string[]) => run("shellcheck", args);
export const shellcheckText = (text: string, ...args: readonly string[]) =>
  run("shellcheck", ["--shell=sh", ...args, "-"], text);
/** Whatever would not be shown as it is meant; lines may be of any length. */
export const mandoc = (text: string) => run("mandoc", ["-T", "lint", "-W", "warning"], text);
export const systemdAnalyze = (...args: readonly string[]) => run("systemd-analyze", args);

/** A machine's files, as far as systemd looks at them, with these units and drop-ins: text by path below /etc/systemd/system. */
export function machineWith(units: Readonly<Record<string, string>>): { readonly root: string; remove(): void } {
  const machine = mkdtempSync(join(tmpdir(), "holdfast-units-"));
  for (const part of ["usr/lib/systemd", "usr/bin/sh", "usr/bin/dash", "bin", "lib"])
    cpSync(join(tools, "root", part), join(machine, part), { recursive: true, verbatimSymlinks: true });
  const write = (path: string, text: string, mode: number): void => {
    mkdirSync(dirname(join(machine, path)), { recursive: true });
    writeFileSync(join(machine, path), text, { mode });
  };
  write("usr/local/bin/holdfast", "#!/bin/sh\n", 0o755);
  for (const [path, text] of Object.entries(units)) write(join("etc/systemd/system", path), text, 0o644);
  return { root: machine, remove: () => rmSync(machine, { recursive: true, force: true }) };
}
