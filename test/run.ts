/**
 * `make test`: every part, and one true count at the end. What real OpenZFS takes runs beside the rest, since it mostly
 * keeps one processor busy, and is shown after it.
 *
 *   tsx test/run.ts [PART...]    default: all of them
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { PassThrough, type Writable } from "node:stream";
import { execa, execaSync } from "execa";

const root = join(import.meta.dirname, "..");
const isCi = process.env.CI === "true";
const results = mkdtempSync(join(tmpdir(), "holdfast-results-"));

interface Outcome {
  readonly passed: number;
  /** What failed, by name: the end of a long output is all that many a CI shows. */
  readonly failed: readonly string[];
}

async function run(out: Writable, ...[program = "", ...words]: string[]): Promise<boolean> {
  const direct = out === process.stdout;
  const child = execa(program, words, {
    cwd: root,
    preferLocal: true,
    localDir: root,
    stdin: "ignore",
    stdout: direct ? "inherit" : "pipe",
    stderr: direct ? "inherit" : "pipe",
    all: true,
    buffer: false,
    reject: false,
  });
  child.all?.pipe(out, { end: false });
  return (await child).exitCode === 0;
}

type Part = (out: Writable) => Promise<Outcome>;

/** A part that is one check: a program that succeeds or does not. */
const check =
  (...command: string[]): Part =>
  async (out) =>
    (await run(out, ...command)) ? { passed: 1, failed: [] } : { passed: 0, failed: [command.join(" ")] };

/** A part that is a vitest project, counted by vitest's own report. */
async function project(name: string, out: Writable): Promise<Outcome> {
  const file = join(results, `${name}.json`);
  const succeeded = await run(
    out,
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
    testResults: { name: string; status: string; assertionResults: { status: string; fullName: string }[] }[];
  };
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: [`the project ${name}: it ended before it could report`] };
  }
  const failed = report.testResults.flatMap(({ name, status, assertionResults }) => {
    const tests = assertionResults.filter((test) => test.status === "failed").map(({ fullName }) => ` > ${fullName}`);
    // A file that could not even be loaded has no tests that could fail.
    const what = status === "failed" && tests.length === 0 ? [", as a whole"] : tests;
    return what.map((text) => `${relative(root, name)}${text}`);
  });
  return {
    passed: report.numPassedTests,
    failed: succeeded || failed.length > 0 ? failed : [`the project ${name}, outside of its tests`],
  };
}

/** Real OpenZFS; where it cannot run, a skip that nobody overlooks, and in CI a failure. */
async function zfs(out: Writable): Promise<Outcome> {
  const tool = join(root, "test/zfs-vm/build");
  const { exitCode, all: obstacle } = execaSync(tool, ["--check"], { reject: false, all: true });
  if (exitCode === 0) return (await run(out, tool)) ? project("zfs", out) : { passed: 0, failed: [tool] };
  out.write(`\n${isCi ? "FAILED" : "SKIPPED"}: the tests on real OpenZFS did not run.\n${obstacle}\n\n`);
  return { passed: 0, failed: isCi ? ["real OpenZFS: skipped"] : [] };
}

const parts: Record<string, Part> = {
  types: check("tsc", "--noEmit"),
  lint: check("npm", "run", "--silent", "lint"),
  unused: check("npm", "run", "--silent", "unused"),
  fast: (out) => project("fast", out),
  zfs,
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts);
let passedAll = 0;
const failures: string[] = [];

async function runParts(names: readonly string[], out: Writable): Promise<void> {
  for (const name of names) {
    const part = parts[name];
    if (part === undefined) throw new Error(`no part ${name}; there are ${Object.keys(parts).join(", ")}`);
    const started = Date.now();
    out.write(`== ${name}\n`);
    const { passed, failed } = await part(out);
    passedAll += passed;
    failures.push(...failed);
    out.write(
      `== ${name}: ${passed} passed, ${failed.length} failed, ${Math.round((Date.now() - started) / 1000)} s\n`,
    );
  }
}

const [beside, rest] = [wanted.filter((name) => name === "zfs"), wanted.filter((name) => name !== "zfs")];
const held = new PassThrough({ highWaterMark: 2 ** 26 });
const both = runParts(beside, rest.length === 0 ? process.stdout : held);
await runParts(rest, process.stdout);
held.pipe(process.stdout, { end: false });
await both;
rmSync(results, { recursive: true, force: true });
process.stdout.write(
  `\n${passedAll} passed, ${failures.length} failed\n${failures.map((what) => `  ${what}\n`).join("")}`,
);
process.exitCode = failures.length === 0 ? 0 : 1;
