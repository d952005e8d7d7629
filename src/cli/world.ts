import type { AlsoListed } from "../inventory/index.ts";
import { type Scope, scopeOf } from "../manifest/scope.ts";
import type { Inventory, RepositoryInventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import type { EpochSeconds, HostName, RemoteName } from "../model/units.ts";
import type { Hosts } from "../transport/types.ts";
import type { GlobalOptions } from "./context.ts";
import { EXIT, Failure } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { type Unavailable, withRemotes } from "./remotes.ts";
import { withDebugLog } from "./trace.ts";

/** What exists, and the clock that it is judged by. */
export interface World {
  readonly inventory: Inventory;
  readonly now: EpochSeconds;
}

export const clock = (): EpochSeconds => Math.floor(Date.now() / 1000) as EpochSeconds;

/** Asks every host what it has; a recorded inventory is read instead where one is given, with the clock of then. */
export async function lookAround(
  manifest: Manifest,
  options: GlobalOptions & { readonly inventory?: string; readonly allHosts?: boolean },
): Promise<World> {
  if (options.inventory !== undefined) {
    const { readInventory } = await import("./documents.ts");
    const inventory = await readInventory(options.inventory);
    return { inventory, now: inventory.observedAt };
  }
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    return await withRemotes(manifest, hosts, options, interruption, ({ unavailable }) =>
      observeWorld(manifest, hosts, { ...options, unavailable, signal: interruption.signal }),
    );
  } finally {
    interruption.release();
    await hosts.close();
  }
}

export async function observeWorld(
  manifest: Manifest,
  hosts: Hosts,
  options: Omit<Looking, "scope"> & { readonly allHosts?: boolean; readonly scope?: Scope },
): Promise<World> {
  const scope = options.scope ?? scopeOf(manifest, { allHosts: options.allHosts ?? false });
  const [datasets, repositories] = await Promise.all([
    observeDatasets(manifest, hosts, { ...options, scope }),
    options.copies ?? observeCopies(manifest, hosts, { ...options, scope }),
  ]);
  const inventory = { ...repositories, ...datasets };
  // a listing that was cut short by Ctrl-C is no answer
  if (options.signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
  return { inventory, now: clock() };
}

interface Looking {
  readonly scope: Scope;
  readonly unavailable: Unavailable;
  readonly signal: AbortSignal;
  /** Places that the manifest does not speak of. */
  readonly also?: readonly AlsoListed[];
  /** Whose restic looks into repositories. */
  readonly reader?: HostName;
  /** Of repositories their copies are enough. */
  readonly copiesOnly?: true;
  /** What was just seen of some repositories; they are not looked at again. */
  readonly seen?: ReadonlyMap<RemoteName, RepositoryInventory>;
  /** The same of all repositories and directories. */
  readonly copies?: Pick<Inventory, "repositories" | "directories">;
}

async function observeDatasets(manifest: Manifest, hosts: Hosts, options: Looking): Promise<Inventory> {
  const { observe } = await import("../inventory/index.ts");
  return observe(manifest, hosts, { ...options, now: clock() });
}

/** Nothing is loaded for a manifest that only has ZFS. */
async function observeCopies(
  manifest: Manifest,
  hosts: Hosts,
  { scope, unavailable, signal, reader, copiesOnly, seen }: Looking,
): Promise<Pick<Inventory, "repositories" | "directories">> {
  const hasRestic = [...manifest.remotes.values()].some(({ type }) => type === "restic");
  if (!hasRestic) return {};
  const { observeRepositories } = await import("../remotes/restic/observe.ts");
  return observeRepositories(manifest, scope, {
    ...(reader !== undefined && { reader }),
    ...(copiesOnly && { copiesOnly }),
    ...(seen && { seen }),
    hosts,
    env: process.env,
    unavailable,
    signal,
  });
}

/** Connections to every host of the manifest; nothing is contacted before the first command. */
export async function connect(manifest: Pick<Manifest, "hosts">, options: GlobalOptions): Promise<Hosts> {
  const { connectHosts } = await import("../transport/index.ts");
  return withDebugLog(connectHosts(manifest.hosts, { env: process.env }), options);
}
