import { homedir, userInfo } from "node:os";
import type { EpochSeconds } from "../model/units.ts";
import { type ManifestFiles, readManifestFiles } from "./files.ts";
import { type ParsedManifest, parseManifest } from "./parse.ts";

export interface LoadOptions {
  /** A file or a folder, as the user gave it. Default: `holdfast.yaml` in `cwd`, then in the system's folder, then that folder. */
  readonly path?: string;
  /** `--as`; without it HOLDFAST_AS of `env` holds. */
  readonly as?: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostname: string;
  /** Default: the system's clock. */
  readonly now?: EpochSeconds;
  /** Default: /etc/holdfast. */
  readonly systemFolder?: string;
  /** A pipe or device is not read: whoever asks must not wait for it. */
  readonly filesOnly?: boolean;
}

/** Reads the manifest from disk. What cannot be read is a diagnostic too. */
export async function loadManifest(options: LoadOptions): Promise<ParsedManifest> {
  const read = await readManifestFiles(options);
  return "diagnostics" in read ? read : parseManifestFiles(read, options);
}

/** The manifest that files make, as this machine and this user read it. */
export function parseManifestFiles({ files, folder }: ManifestFiles, options: LoadOptions): ParsedManifest {
  const { env, hostname } = options;
  const as = options.as ?? env.HOLDFAST_AS;
  return parseManifest(files, {
    ...(as ? { as } : {}),
    hostname,
    user: currentUser(env),
    home: env.HOME ?? homedir(),
    folder,
    now: options.now ?? (Math.floor(Date.now() / 1000) as EpochSeconds),
  });
}

function currentUser(env: LoadOptions["env"]): string {
  try {
    return userInfo().username;
  } catch {
    // a user id that has no name, as in containers
    return env.USER ?? env.LOGNAME ?? "root";
  }
}
