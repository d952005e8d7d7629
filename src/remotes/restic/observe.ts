import { isLocal, type UsedRepository, usedRepositories } from "../../manifest/repositories.ts";
import type { Scope } from "../../manifest/scope.ts";
import type { DirectoryInventory, Inventory, RepositoryInventory } from "../../model/inventory.ts";
import type { DirectoryEntry, Manifest } from "../../model/manifest.ts";
import type { Problem } from "../../model/report.ts";
import { type Address, address, type HostName, type RemoteName, type RepositoryKey } from "../../model/units.ts";
import { TransportError } from "../../transport/types.ts";
import type { ListOptions } from "./list.ts";
import { openRepository } from "./restic.ts";
import type { ResticOptions } from "./session.ts";

/** What there is in every repository that matters, one listing each, and which directories are there. Never throws. */
export async function observeRepositories(
  manifest: Manifest,
  scope: Scope,
  options: ResticOptions &
    ListOptions & {
      readonly unavailable?: ReadonlyMap<RepositoryKey, Problem>;
      /** What was just seen of some; they are not looked at again. */
      readonly seen?: ReadonlyMap<RemoteName, RepositoryInventory>;
      /** Whose restic looks, where a repository is on no host's own disk; default: that of the host it is of. */
      readonly reader?: HostName;
    },
): Promise<Required<Pick<Inventory, "repositories" | "directories">>> {
  const repositories = usedRepositories(manifest, scope).map(async (used): Promise<Looked> => {
    const { repository, key, host, of } = used;
    const seen = options.seen?.get(repository.name);
    if (seen) return { used, there: seen };
    const reader = options.reader === undefined || isLocal(repository) ? host : options.reader;
    const place = { repository, host: reader, of };
    const there = await listed(options.unavailable?.get(key), () => openRepository(place, options).list(options));
    return { used, there };
  });
  const directories = manifest.directories
    .filter(({ host, keys }) => scope.sources(host) && keys.stdin === undefined)
    .map(
      async (entry): Promise<[Address, DirectoryInventory]> => [
        address(entry.host, entry.path),
        await lookAt(entry, options).catch(unobserved),
      ],
    );
  return {
    repositories: Object.fromEntries(withoutDoubles(await Promise.all(repositories))),
    directories: Object.fromEntries(await Promise.all(directories)),
  };
}

interface Looked {
  readonly used: UsedRepository;
  readonly there: RepositoryInventory;
}

/**
 * Two names for one repository would forget each other's copies, and addresses do not always show it. One that began as a
 * copy of the other's files has its id as well, and is another one as soon as they differ.
 */
function withoutDoubles(all: readonly Looked[]): [RepositoryKey, RepositoryInventory][] {
  return all.map(({ used: { key, repository }, there }, index) => {
    const others = all.slice(0, index).filter(({ used }) => used.repository.name !== repository.name);
    const same = others.find((other) => isSame(other.there, there))?.used.repository.name;
    if (same === undefined || there.state !== "observed") return [key, there];
    const reason = `${repository.name} is ${same} under another name: both are ${there.id.slice(0, 8)}, with the same copies`;
    return [key, { state: "unobserved", reason, hint: "give it another place, or leave one of the two out" }];
  });
}

const isSame = (one: RepositoryInventory, other: RepositoryInventory): boolean =>
  one.state === "observed" &&
  other.state === "observed" &&
  one.id !== "" &&
  one.id === other.id &&
  one.copies.length === other.copies.length &&
  one.copies.every(({ id }, index) => id === other.copies[index]?.id);

/** What could not be made ready is not asked. */
async function listed(
  problem: Problem | undefined,
  list: () => Promise<RepositoryInventory>,
): Promise<RepositoryInventory> {
  if (problem === undefined) return list().catch(unobserved);
  const { message, hint } = problem;
  return { state: "unobserved", reason: message, ...(hint !== undefined && { hint }) };
}

const PATIENCE_MS = 60_000;

/** `test -d` follows a link, as restic does with the folder it is started in. */
async function lookAt({ host, path }: DirectoryEntry, { hosts, signal }: ResticOptions): Promise<DirectoryInventory> {
  const { code, stderr } = await hosts.run(host, ["test", "-d", path], { signal, timeoutMs: PATIENCE_MS });
  if (code === 0) return { state: "present" };
  return code === 1 ? { state: "absent" } : { state: "unobserved", reason: stderr.trim() || `test ended with ${code}` };
}

function unobserved(error: unknown): { readonly state: "unobserved"; readonly reason: string; readonly hint?: string } {
  if (!(error instanceof TransportError)) throw error;
  return { state: "unobserved", reason: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
}
