import { EXIT, type ExitCode } from "./exit.ts";
import { answerLost, fail } from "./failure.ts";
import { createProgram } from "./program.ts";
import { outliveStreams } from "./terminal.ts";

// a promise that never settles must not look like success
process.exitCode = EXIT.error;

const program = createProgram((code) => {
  process.exitCode = code;
});
const end = (error: unknown): ExitCode => {
  const { logLevel, color } = program.opts<{ readonly logLevel: string; readonly color: boolean }>();
  return fail(error, { debug: logLevel === "debug", color, askedForHelp: program.args[0] === "help" });
};
outliveStreams((error) => {
  const code = end(answerLost(error));
  // what else went wrong says more
  if (process.exitCode === EXIT.ok || process.exitCode === EXIT.changes) process.exitCode = code;
});
program.parseAsync().catch((error: unknown) => {
  process.exitCode = end(error);
});
