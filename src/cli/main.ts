import { EXIT } from "./exit.ts";
import { fail } from "./failure.ts";
import { createProgram } from "./program.ts";
import { ignoreClosedPipes } from "./terminal.ts";

// a promise that never settles must not look like success
process.exitCode = EXIT.error;
ignoreClosedPipes();

const program = createProgram((code) => {
  process.exitCode = code;
});
program.parseAsync().catch((error: unknown) => {
  const { logLevel, color } = program.opts<{ readonly logLevel: string; readonly color: boolean }>();
  process.exitCode = fail(error, { debug: logLevel === "debug", color, askedForHelp: program.args[0] === "help" });
});
