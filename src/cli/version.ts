import type { Version } from "../model/answers.ts";
import type { GlobalOptions } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { VERSION } from "./package.ts";
import { answer, answerJson } from "./terminal.ts";

export async function version(options: GlobalOptions & { readonly json?: true }): Promise<ExitCode> {
  const versions: Version = {
    formatVersion: 1,
    holdfast: VERSION,
    node: process.versions.node,
    formats: { plan: 1, report: 1, inventory: 1, manifest: 1 },
  };
  if (options.json) answerJson(versions);
  else answer(`holdfast ${VERSION}\n`);
  return EXIT.ok;
}
