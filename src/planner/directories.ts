import type { DirectoryEntry, DirectoryKeys, Manifest, Retention, SourceKeys } from "../model/manifest.ts";
import { type Address, address, type DirectoryPath, type HostName, type TypeName } from "../model/units.ts";
import { directoryProvenance, type Provenance } from "./provenance.ts";
import { keepsType } from "./retention.ts";
import { type Found, type ReadingKeys, type RepositoryTarget, repositoryTarget } from "./sources.ts";
import { suspendedByHand } from "./suspended.ts";

/** One directory to protect, with every key settled. */
export interface DirectorySource {
  readonly address: Address;
  readonly host: HostName;
  readonly path: DirectoryPath;
  readonly keys: ReadingKeys &
    Pick<DirectoryKeys, "stdin" | "maxAge" | "priority" | "verify"> & {
      readonly take: readonly TypeName[];
      /** `take: []`: somebody else fills it. */
      readonly takesNone?: true;
      readonly suspend: boolean;
    };
  readonly repositories: readonly RepositoryTarget[];
  /** Each key with its value and where it comes from, for `explain`. */
  readonly provenance: readonly Provenance[];
}

/** Sorted by address. */
export const resolveDirectories = (manifest: Manifest): DirectorySource[] =>
  manifest.directories
    .map((entry) => resolve(manifest, entry))
    .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));

/** The entry's own keys, then its policy's. */
function resolve(manifest: Manifest, entry: DirectoryEntry): DirectorySource {
  const { host, path, keys } = entry;
  const policy = keys.policy === undefined ? undefined : manifest.policies.get(keys.policy);
  const link = { entry };
  const find = <K extends keyof SourceKeys & keyof DirectoryKeys>(
    key: K,
  ): Found<NonNullable<DirectoryKeys[K]>> | undefined => {
    const own = keys[key];
    if (own !== undefined) return { value: own, link };
    const named = policy?.[key] as DirectoryKeys[K];
    return named === undefined ? undefined : { value: named, link, ...(keys.policy && { policy: keys.policy }) };
  };
  const defaults = manifest.defaults.keep;
  const keep = find("keep") ?? (defaults && { value: defaults });
  const own = keep?.value ?? { by: "type", types: new Map() };
  const remotes = find("remotes");
  const repositories = [...(remotes?.value ?? [])].flatMap(([name, copy]) => {
    const remote = manifest.remotes.get(name);
    if (remote?.type !== "restic") return [];
    return [repositoryTarget(manifest, host, remote, copy.keep ?? remote.keep ?? own)];
  });
  const [take, priority, maxAge] = [find("take"), find("priority"), find("maxAge")];
  const byHand = suspendedByHand(manifest, address(host, path));
  const suspend = byHand === undefined ? find("suspend") : { value: true, byHand };
  const everywhere = manifest.defaults.verify;
  const verify = find("verify") ?? (everywhere && { value: everywhere });
  const [expect, files, hooks, requireMount] = [find("expect"), find("files"), find("hooks"), find("requireMount")];
  const taken = take?.value ?? scheduledIn(manifest, repositories);
  return {
    address: address(host, path),
    host,
    path,
    keys: {
      take: taken,
      ...(take?.value.length === 0 && { takesNone: true as const }),
      suspend: suspend?.value ?? false,
      ...(keys.stdin && { stdin: keys.stdin }),
      ...(maxAge && { maxAge: maxAge.value }),
      ...(priority && { priority: priority.value }),
      ...(verify && { verify: verify.value }),
      ...(expect && { expect: expect.value }),
      ...(files && { files: files.value }),
      ...(hooks && { hooks: hooks.value }),
      ...(requireMount && { requireMount: requireMount.value }),
    },
    repositories,
    provenance: directoryProvenance({
      policy: keys.policy === undefined ? undefined : { value: keys.policy, link },
      take,
      taken,
      keep,
      maxAge,
      suspend,
      priority,
      verify,
      stdin: keys.stdin && { value: keys.stdin, link },
      expect,
      files,
      hooks,
      requireMount,
      remotes,
      repositories,
    }),
  };
}

/** The scheduled types that any of the copies keeps by count. */
function scheduledIn(manifest: Manifest, repositories: readonly RepositoryTarget[]): TypeName[] {
  const keeps = repositories.flatMap(({ keep, mirrors }): Retention[] => [keep, ...mirrors.map((each) => each.keep)]);
  return [...manifest.snapshotTypes.values()]
    .filter(({ schedule }) => schedule !== undefined)
    .map(({ name }) => name)
    .filter((name) => keeps.some((keep) => keep.by === "type" && keepsType(keep, name)));
}
