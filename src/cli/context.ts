import { homedir, hostname, userInfo } from "node:os";
import type { Manifest } from "../model/manifest.ts";
import { renderDiagnostics } from "../render/diagnostics.ts";
import type { TextOptions } from "../render/text.ts";
import { EXIT, Failure } from "./exit.ts";
import type { Format, Level, Log } from "./log.ts";
import { tell, textOptions } from "./terminal.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly file?: string;
  readonly as?: string;
  readonly logLevel: Level;
  readonly logFormat: Format;
  readonly color: boolean;
  readonly concurrency: number;
  /** `5m` */
  readonly lockTimeout: string;
}

/** How answers on stdout, and everything else on stderr, may look. */
export const forStdout = (options: GlobalOptions): TextOptions => textOptions(process.stdout, options.color);
export const forStderr = (options: GlobalOptions): TextOptions => textOptions(process.stderr, options.color);

export async function openLog(options: GlobalOptions): Promise<Log> {
  const { createLog } = await import("./log.ts");
  return createLog(options.logLevel, options.logFormat);
}

/** How manifests are looked up and who this process is; the same for the manifest itself and for one it is compared with. */
export const lookup = (options: Pick<GlobalOptions, "as">) => ({
  ...(options.as === undefined ? {} : { as: options.as }),
  cwd: process.cwd(),
  env: process.env,
  hostname: hostname(),
});

/** The manifest, or the end of the command with everything that is wrong with it. Warnings go to stderr. */
export async function requireManifest(options: GlobalOptions, path = options.file): Promise<Manifest> {
  const { loadManifest } = await import("../manifest/index.ts");
  const loaded = await loadManifest({ ...(path === undefined ? {} : { path }), ...lookup(options) });
  const manifest = settled(loaded, options);
  // of one that is only compared with, nothing is done
  if (path !== options.file) return manifest;
  const { forbiddenHere } = await import("./here.ts");
  settled({ manifest, diagnostics: forbiddenHere(manifest), secretFiles: [] }, options);
  return withSuspended(manifest, await suspendedHere());
}

/** Where this machine's own decisions, and the service's history, are kept. */
export async function stateFolder(): Promise<string> {
  const { stateDirectory } = await import("../service/state.ts");
  return stateDirectory({ env: process.env, uid: userInfo().uid, home: process.env.HOME ?? homedir() });
}

/** Patterns of what is suspended on this machine without the manifest saying so. */
export async function suspendedHere(): Promise<readonly string[]> {
  const { readSuspensions, SuspensionsError } = await import("../service/suspensions.ts");
  try {
    return readSuspensions(await stateFolder()).map(({ source }) => source);
  } catch (error) {
    if (error instanceof SuspensionsError) throw new Failure(error.message, { hint: error.hint, cause: error });
    throw error;
  }
}

export const withSuspended = (manifest: Manifest, suspended: readonly string[]): Manifest =>
  suspended.length === 0 ? manifest : { ...manifest, suspended };

export function settled(
  { manifest, diagnostics }: Awaited<ReturnType<typeof import("../manifest/index.ts").loadManifest>>,
  options: GlobalOptions,
): Manifest {
  if (diagnostics.length > 0) tell(renderDiagnostics(diagnostics, forStderr(options)));
  const isWrong = diagnostics.some(({ severity }) => severity === "error");
  if (manifest === undefined || isWrong) throw new Failure("the manifest is not valid", { code: EXIT.invalidManifest });
  return manifest;
}
