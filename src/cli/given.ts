import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Manifest } from "../model/manifest.ts";
import type { RemoteName } from "../model/units.ts";
import { Failure } from "./exit.ts";
import { clock } from "./world.ts";

/** What commands are given where there is no manifest: a repository, and what to take for a manifest. */

export interface GivenRepository {
  readonly repository?: string;
  readonly passwordFile?: string;
}

/** What the given repository is called. */
export const GIVEN = "repository" as RemoteName;

/** A manifest that nobody wrote; `self` is the host that this machine takes the place of. */
export async function assumedManifest(document: object, self = hostname()): Promise<Manifest> {
  const { parseManifest } = await import("../manifest/index.ts");
  const text = JSON.stringify({ version: 1, ...document });
  const { manifest, diagnostics } = parseManifest([{ name: "arguments", text }], {
    hostname: self,
    user: "root",
    folder: process.cwd(),
    now: clock(),
  });
  if (manifest) return manifest;
  const first = diagnostics.find(({ severity }) => severity === "error");
  throw new Failure(first?.message ?? "what was given is not understood");
}

/** A password in the environment is in no file. */
export function passwordFileOf({ passwordFile }: GivenRepository): string | undefined {
  const file = passwordFile ?? process.env.RESTIC_PASSWORD_FILE;
  return file ? resolve(file) : undefined;
}

/** As a remote of a manifest; undefined where none was given. restic's own variables name one as well as the options do. */
export async function givenRepository(given: GivenRepository): Promise<object | undefined> {
  const { env } = process;
  const { repository } = given;
  if (repository === undefined && !env.RESTIC_REPOSITORY) return undefined;
  const file = passwordFileOf(given);
  if (!file && !env.RESTIC_PASSWORD)
    throw new Failure("the repository needs a password", {
      hint: "--password-file FILE, or RESTIC_PASSWORD_FILE or RESTIC_PASSWORD in the environment",
    });
  const { hasPasswordInUrl } = await import("../manifest/text.ts");
  if (repository !== undefined && hasPasswordInUrl(repository))
    throw new Failure("--repository has a password in it, which everybody on this machine can see", {
      hint: "put it into RESTIC_REPOSITORY in the environment",
    });
  const names = Object.keys(env).filter((name) => BACKENDS.test(name));
  return {
    type: "restic",
    repository: repository === undefined ? { env: "RESTIC_REPOSITORY" } : placeOf(repository),
    password: file ? { file } : { env: "RESTIC_PASSWORD" },
    environment: Object.fromEntries(names.map((name) => [name, { env: name }])),
  };
}

/** Of a folder the whole path; anything else as it is. */
const placeOf = (repository: string): string => (/^[a-z0-9]+:/.test(repository) ? repository : resolve(repository));

/** Where restic and rclone take the credentials of storage from. */
const BACKENDS = /^(?:AWS|AZURE|B2|GOOGLE|OS|ST|RCLONE)_|^RESTIC_REST_/;

/** Without what may be secret in it. */
export async function givenName({ repository }: GivenRepository): Promise<string> {
  const { withoutPasswords } = await import("../manifest/text.ts");
  return withoutPasswords(placeOf(repository ?? process.env.RESTIC_REPOSITORY ?? ""));
}
