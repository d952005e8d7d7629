import { renderDiagnosis } from "../render/diagnosis.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { withRemotes } from "./remotes.ts";
import { answer, answerJson } from "./terminal.ts";
import { clock, connect } from "./world.ts";

interface DoctorOptions extends GlobalOptions {
  readonly json?: true;
  readonly allHosts?: true;
}

export async function doctor(options: DoctorOptions): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const { examine } = await import("../doctor/index.ts");
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    const diagnosis = await withRemotes(manifest, hosts, options, interruption, ({ unavailable }) =>
      examine(manifest, hosts, {
        allHosts: options.allHosts ?? false,
        now: clock(),
        env: process.env,
        unavailable,
        signal: interruption.signal,
      }),
    );
    // hosts that were given up because of Ctrl-C are not ill
    if (interruption.signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
    if (options.json) answerJson(diagnosis);
    else answer(renderDiagnosis(diagnosis, forStdout(options)));
    const isWell = diagnosis.hosts.every(({ checks }) => checks.every(({ result }) => result !== "problem"));
    return isWell ? EXIT.ok : EXIT.incomplete;
  } finally {
    interruption.release();
    await hosts.close();
  }
}
