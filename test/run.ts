/**
 * `make test`: every part, one after the other since each keeps the machine busy, and one true count at the end.
 *
 *   tsx test/run.ts [PART...]    default: all of them
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { execa, execaSync } from "execa";

const root = join(import.meta.dirname, "..");
const isCi = process.env.CI === "true";
const results = mkdtempSync(join(tmpdir(), "holdfast-results-"));

interface Outcome {
  readonly passed: number;
  /** What failed, by name: the end of a long output is all that many a CI shows. */
  readonly failed: readonly string[];
}

async function run(...[program = "", ...words]: string[]): Promise<boolean> {
  const options = { cwd: root, preferLocal: true, localDir: root, stdin: "ignore", reject: false } as const;
  return (await execa(program, words, { ...options, stdout: "inherit", stderr: "inherit" })).exitCode === 0;
}

type Part = () => Promise<Outcome>;

/** A part that is one check: a program that succeeds or does not. */
const check =
  (...command: string[]): Part =>
  async () =>
    (await run(...command)) ? { passed: 1, failed: [] } : { passed: 0, failed: [command.join(" ")] };

/** A part that is a vitest project, counted by vitest's own report. */
async function project(name: string): Promise<Outcome> {
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

/** A project on real tools; where those cannot be had, a skip that nobody overlooks, and in CI a failure. */
const onReal =
  (what: string, name: string, builder: string): Part =>
  async () => {
    const tool = join(root, builder);
    const { exitCode, all: obstacle } = execaSync("bash", [tool, "--check"], { reject: false, all: true });
    if (exitCode === 0) return (await run("bash", tool)) ? project(name) : { passed: 0, failed: [builder] };
    process.stdout.write(`\n${isCi ? "FAILED" : "SKIPPED"}: the tests on ${what} did not run.\n${obstacle}\n\n`);
    return { passed: 0, failed: isCi ? [`${what}: skipped`] : [] };
  };

const parts: Record<string, Part> = {
  types: check("npm", "run", "--silent", "typecheck"),
  lint: check("npm", "run", "--silent", "lint"),
  unused: check("npm", "run", "--silent", "unused"),
  fast: () => project("fast"),
  restic: onReal("real restic", "restic", "test/restic-tools/build"),
  prometheus: onReal("a real Prometheus", "prometheus", "test/prometheus-tools/build"),
  packaging: onReal("systemd's own checks", "packaging", "test/packaging-tools/build"),
  shells: onReal("real shells", "shells", "test/shell-tools/build"),
  page: onReal("a real browser", "page", "test/browser/build"),
  zfs: onReal("real OpenZFS", "zfs", "test/zfs-vm/build"),
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts);
let passedAll = 0;
const failures: string[] = [];

for (const name of wanted) {
  const part = parts[name];
  if (part === undefined) throw new Error(`no part ${name}; there are ${Object.keys(parts).join(", ")}`);
  const started = Date.now();
  process.stdout.write(`== ${name}\n`);
  const { passed, failed } = await part();
  passedAll += passed;
  failures.push(...failed);
  const seconds = Math.round((Date.now() - started) / 1000);
  process.stdout.write(`== ${name}: ${passed} passed, ${failed.length} failed, ${seconds} s\n`);
}
rmSync(results, { recursive: true, force: true });
process.stdout.write(
  `\n${passedAll} passed, ${failures.length} failed\n${failures.map((what) => `  ${what}\n`).join("")}`,
);
process.exitCode = failures.length === 0 ? 0 : 1;
