/**
 * `make test`: every part after the other, and one true count at the end.
 *
 *   tsx test/run.ts [PART...]    default: all of them
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, execaSync } from "execa";

const root = join(import.meta.dirname, "..");
const isCi = process.env.CI === "true";
const results = mkdtempSync(join(tmpdir(), "holdfast-results-"));

interface Count {
  readonly passed: number;
  readonly failed: number;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function run(...[program = "", ...words]: string[]): Promise<boolean> {
  const { exitCode } = await execa(program, words, {
    cwd: root,
    preferLocal: true,
    localDir: root,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    reject: false,
  });
  return exitCode === 0;
}

/** A part that is one check: a program that succeeds or does not. */
const check = async (...command: string[]): Promise<Count> =>
  (await run(...command)) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };

/** A part that is a vitest project, counted by vitest's own report. */
async function project(name: string): Promise<Count> {
  const file = join(results, `${name}.json`);
  const succeeded = await run(
    "vitest",
    "run",
    "--project",
    name,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
  );
  let report: {
    numPassedTests: number;
    numFailedTests: number;
    testResults: { status: string; assertionResults: { status: string }[] }[];
  };
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 1 }; // it ended before it could report
  }
  // A file that could not even be loaded has no tests that could fail.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  const failed = report.numFailedTests + broken.length;
  return { passed: report.numPassedTests, failed: succeeded ? failed : Math.max(failed, 1) };
}

const tool = join(root, "test/zfs-vm/build");

/** Begins to build the machines: mostly one process at a time, so that the parts before lose little by it. */
function buildMachines(): { readonly obstacle?: string; readonly built: Promise<boolean> } {
  const { exitCode, all } = execaSync(tool, ["--check"], { reject: false, all: true });
  if (exitCode !== 0) return { obstacle: all, built: Promise.resolve(false) };
  const building = execa(tool, { stdin: "ignore", reject: false, all: true });
  return {
    built: building.then((result) => {
      say(result.all);
      return result.exitCode === 0;
    }),
  };
}

/** Real OpenZFS; where it cannot run, a skip that nobody overlooks, and in CI a failure. */
async function zfs({ obstacle, built } = buildMachines()): Promise<Count> {
  if (obstacle === undefined) return (await built) ? project("zfs") : { passed: 0, failed: 1 };
  say(`\n${isCi ? "FAILED" : "SKIPPED"}: the tests on real OpenZFS did not run.\n${obstacle}\n`);
  return { passed: 0, failed: isCi ? 1 : 0 };
}

const parts: Record<string, () => Promise<Count>> = {
  types: () => check("tsc", "--noEmit"),
  lint: () => check("npm", "run", "--silent", "lint"),
  unused: () => check("npm", "run", "--silent", "unused"),
  fast: () => project("fast"),
  zfs: () => zfs(machines),
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts);
const machines = wanted.includes("zfs") ? buildMachines() : undefined;
const total = { passed: 0, failed: 0 };
for (const name of wanted) {
  const part = parts[name];
  if (part === undefined) throw new Error(`no part ${name}; there are ${Object.keys(parts).join(", ")}`);
  const started = Date.now();
  say(`== ${name}`);
  const { passed, failed } = await part();
  total.passed += passed;
  total.failed += failed;
  say(`== ${name}: ${passed} passed, ${failed} failed, ${Math.round((Date.now() - started) / 1000)} s`);
}
rmSync(results, { recursive: true, force: true });
say(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
