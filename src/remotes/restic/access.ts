import type { Repository, Text } from "../../model/manifest.ts";
import type { HostName } from "../../model/units.ts";
import { readSecret, type Secret } from "../../transport/secret.ts";
import type { RunOptions } from "../../transport/types.ts";
import { isAtLeast, type ResticVersion } from "./version.ts";

/** A repository as restic on one host reaches it, secrets still unread. */
export interface RepositoryPlace {
  readonly repository: Repository;
  readonly host: HostName;
  /** The host whose repository it is, where its location has `{host}` in it; default: the same. */
  readonly of?: HostName;
}

export type Variables = NonNullable<RunOptions["env"]>;

/** All that it takes to open a repository. */
export interface Access {
  readonly location: string | Secret;
  readonly password: Secret;
  /** The repository's own variables. */
  readonly own: Variables;
}

/** Reads what the manifest only refers to; `env` is the caller's environment. Throws a `TransportError` of kind `secret`. */
export async function readAccess(
  { repository, host, of = host }: RepositoryPlace,
  options: { readonly env: Readonly<Record<string, string | undefined>>; readonly signal: AbortSignal },
): Promise<Access> {
  const read = async (text: Text, what: string): Promise<string | Secret> =>
    typeof text === "string" ? text : readSecret(text, { ...options, what: `${what} of ${repository.name}` });
  const { location } = repository;
  const own: Record<string, string | Secret> = {};
  for (const [name, text] of repository.environment) own[name] = await read(text, name);
  return {
    location: typeof location === "string" ? location.replaceAll("{host}", of) : await read(location, "repository"),
    password: await readSecret(repository.password, { ...options, what: `password of ${repository.name}` }),
    own,
  };
}

/**
 * An account reached over SSH may have any of these set. Empty is unset to restic; `RESTIC_HOST`, say, would silently
 * empty every listing.
 */
const STRAYS = [
  "RESTIC_HOST",
  "RESTIC_REPOSITORY_FILE",
  "RESTIC_PASSWORD_FILE",
  "RESTIC_PASSWORD_COMMAND",
  "RESTIC_KEY_HINT",
  "RESTIC_COMPRESSION",
  "RESTIC_PACK_SIZE",
  "RESTIC_READ_CONCURRENCY",
  "RESTIC_FEATURES",
  "RESTIC_FROM_REPOSITORY",
  "RESTIC_FROM_REPOSITORY_FILE",
  "RESTIC_FROM_PASSWORD",
  "RESTIC_FROM_PASSWORD_FILE",
  "RESTIC_FROM_PASSWORD_COMMAND",
  "RESTIC_FROM_KEY_HINT",
];

/** The environment of every restic, on top of what the transport gives any command. */
export const variablesFor = (access: Access, version: ResticVersion, cacheFolder: string | undefined): Variables => ({
  ...Object.fromEntries(STRAYS.map((name) => [name, ""])),
  TZ: "UTC",
  // otherwise the ids of devices, which differ from one ZFS snapshot to the next, make every folder a new one
  ...(isAtLeast(version, "0.17") && { RESTIC_FEATURES: "device-id-for-hardlinks=true" }),
  RESTIC_PROGRESS_FPS: "0.016666", // of what nobody watches one line a minute
  ...(cacheFolder !== undefined && { RESTIC_CACHE_DIR: cacheFolder }),
  ...access.own,
  RESTIC_REPOSITORY: access.location,
  RESTIC_PASSWORD: access.password,
});
