import { usedRepositories } from "../manifest/repositories.ts";
import { scopeOf } from "../manifest/scope.ts";
import type { Check } from "../model/diagnosis.ts";
import type { DirectoryInventory, RepositoryInventory } from "../model/inventory.ts";
import type { Manifest, Repository } from "../model/manifest.ts";
import { address, type HostName } from "../model/units.ts";
import { observeRepositories } from "../remotes/restic/observe.ts";
import { lacks, lacksAnyway, parseVersion } from "../remotes/restic/version.ts";
import { good, problem, warning } from "./check.ts";

/** Repositories by the host whose restic works on them, and the directories that are kept there. */
export async function checkRepositories(
  manifest: Manifest,
  options: Parameters<typeof observeRepositories>[2] & { readonly allHosts: boolean },
): Promise<ReadonlyMap<HostName, readonly Check[]>> {
  const scope = scopeOf(manifest, options);
  const found = await observeRepositories(manifest, scope, options);
  const checks = new Map<HostName, Check[]>();
  const add = (host: HostName, more: readonly Check[]) => checks.set(host, [...(checks.get(host) ?? []), ...more]);
  for (const { repository, key, host } of usedRepositories(manifest, scope)) {
    const there = found.repositories[key];
    if (there !== undefined) add(host, checkRepository(repository, there, manifest.datasets.length > 0));
  }
  for (const { host, path, keys } of manifest.directories)
    if (scope.sources(host) && keys.stdin === undefined)
      add(host, checkDirectory(path, found.directories[address(host, path)]));
  return checks;
}

function checkRepository(repository: Repository, there: RepositoryInventory, hasSnapshots: boolean): Check[] {
  const { name, init, removable } = repository;
  switch (there.state) {
    case "absent":
      return init
        ? [good("repository", `${name} is not there yet: the next apply creates it`)]
        : [problem("repository", `there is no repository ${name} yet`, "`init: true` in the manifest, or restic init")];
    case "unobserved": {
      const advice = there.hint === undefined ? [] : [there.hint];
      return [
        removable ? warning("repository", there.reason, ...advice) : problem("repository", there.reason, ...advice),
      ];
    }
    case "observed": {
      const version = parseVersion(`restic ${there.resticVersion}`);
      const missing =
        version === undefined ? [] : [...lacks(version, repository, hasSnapshots), ...lacksAnyway(version)];
      const stale = there.locks.filter((lock) => lock.stale).length;
      const what = `${name}: ${counted(there.copies.length, "copy", "copies")}, restic ${there.resticVersion}`;
      return [
        missing.length === 0 ? good("repository", what) : warning("repository", what, ...missing),
        ...(stale === 0
          ? []
          : [
              warning(
                "repository",
                `${name}: ${counted(stale, "stale lock", "stale locks")}`,
                "the next apply removes what was left behind",
              ),
            ]),
      ];
    }
  }
}

function checkDirectory(path: string, there: DirectoryInventory | undefined): Check[] {
  if (there === undefined || there.state === "present") return [];
  if (there.state === "unobserved") return [problem("directory", `${path}: ${there.reason}`)];
  return [problem("directory", `there is no directory ${path}`, "create or mount it, or take it out of the manifest")];
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
