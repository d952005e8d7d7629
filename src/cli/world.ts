import type { Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import type { EpochSeconds } from "../model/units.ts";
import type { Hosts } from "../transport/types.ts";
import type { GlobalOptions } from "./context.ts";
import { EXIT, Failure } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
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
    return await observeWorld(manifest, hosts, { ...options, signal: interruption.signal });
  } finally {
    interruption.release();
    await hosts.close();
  }
}

export async function observeWorld(
  manifest: Manifest,
  hosts: Hosts,
  options: { readonly allHosts?: boolean; readonly signal: AbortSignal },
): Promise<World> {
  const { observe } = await import("../inventory/index.ts");
  const inventory = await observe(manifest, hosts, {
    allHosts: options.allHosts ?? false,
    now: clock(),
    signal: options.signal,
  });
  // a listing that was cut short by Ctrl-C is no answer
  if (options.signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
  return { inventory, now: clock() };
}

/** Connections to every host of the manifest; nothing is contacted before the first command. */
export async function connect(manifest: Pick<Manifest, "hosts">, options: GlobalOptions): Promise<Hosts> {
  const { connectHosts } = await import("../transport/index.ts");
  return withDebugLog(connectHosts(manifest.hosts, { env: process.env }), options);
}
