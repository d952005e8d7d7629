import { SCRIPTS, type Shell } from "./completion/scripts.ts";
import type { GlobalOptions } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { answer } from "./terminal.ts";

export async function completion(_: GlobalOptions, shell: Shell): Promise<ExitCode> {
  answer(SCRIPTS[shell]);
  return EXIT.ok;
}
