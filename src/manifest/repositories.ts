import type { Manifest, Repository, ResticRemote } from "../model/manifest.ts";
import type { AtRepository } from "../model/plan.ts";
import type { HostName, RemoteName, RepositoryKey } from "../model/units.ts";
import { matcher } from "../planner/patterns.ts";
import type { Scope } from "./scope.ts";

/** A repository that something in the manifest uses, and who uses it. */
export interface UsedRepository {
  readonly repository: Repository;
  readonly key: RepositoryKey;
  /** Whose restic lists it and looks after it. */
  readonly host: HostName;
  /** Whose copies it has, or those of one of them. */
  readonly of: HostName;
}

/** A path of the host's own disks. */
export const isLocal = ({ location }: Pick<Repository, "location">): boolean =>
  typeof location === "string" && /^(local:)?\//.test(location);

/** One for all hosts, or one a host: a path of its own disk, or a location with its name in it. */
export function repositoryKey({ name, location }: Repository, host: HostName): RepositoryKey {
  const isOfHost = isLocal({ location }) || (typeof location === "string" && location.includes("{host}"));
  return (isOfHost ? `${name}@${host}` : name) as RepositoryKey;
}

/** Where a host's restic works on a repository. */
export const atRepository = (repository: Repository, host: HostName): AtRepository => ({
  host,
  repository: repositoryKey(repository, host),
});

export const mirrorsOf = ({ mirrors }: Pick<Manifest, "mirrors">, remote: RemoteName) =>
  [...mirrors.values()].filter(({ of }) => of === remote);

/** Every repository that matters to what this process is responsible for, once each, in the manifest's order. */
export function usedRepositories(manifest: Manifest, scope: Scope): UsedRepository[] {
  const hosts = [...manifest.hosts.keys()].filter((host) => scope.sources(host)).sort();
  // this machine's own restic needs no connection
  const own = hosts.filter((host) => host === manifest.self);
  const used = new Map<RepositoryKey, UsedRepository>();
  for (const remote of manifest.remotes.values()) {
    if (remote.type !== "restic") continue;
    for (const host of [...own, ...hosts]) {
      if (!uses(manifest, host, remote)) continue;
      for (const repository of [remote, ...mirrorsOf(manifest, remote.name)]) {
        const key = repositoryKey(repository, host);
        if (!used.has(key)) used.set(key, { repository, key, host, of: host });
      }
    }
  }
  return [...used.values()];
}

/** Whether any entry that speaks of this host has copies there; which keys a source ends up with is not asked. */
function uses(manifest: Manifest, host: HostName, { name }: ResticRemote): boolean {
  const entries = [
    ...manifest.datasets.filter(({ pattern }) => matcher(pattern.host)(host)),
    ...manifest.directories.filter((entry) => entry.host === host),
  ];
  return entries.some(({ keys }) => {
    const policy = keys.policy === undefined ? undefined : manifest.policies.get(keys.policy);
    return keys.remotes?.has(name) || policy?.remotes?.has(name);
  });
}
