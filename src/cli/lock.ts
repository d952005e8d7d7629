import type { Manifest } from "../model/manifest.ts";
import type { Lock } from "../transport/types.ts";
import type { GlobalOptions } from "./context.ts";

/**
 * One apply at a time on this machine for each host, whatever the manifest: two that work on one host would make each
 * other's plan stale. Taken in one order, so that two that want the same hosts never wait for each other.
 */
export async function lockHosts(
  manifest: Pick<Manifest, "hosts">,
  options: Pick<GlobalOptions, "lockTimeout">,
  signal: AbortSignal,
): Promise<Lock> {
  const [{ acquireLock }, { parseDuration }] = await Promise.all([
    import("../transport/index.ts"),
    import("../manifest/units.ts"),
  ]);
  const timeoutMs = (parseDuration(options.lockTimeout) ?? 0) * 1000;
  const locks: Lock[] = [];
  const release = (): void => {
    for (const lock of locks.reverse()) lock.release();
  };
  try {
    for (const name of lockNames(manifest))
      locks.push(await acquireLock({ name, env: process.env, command: "holdfast apply", timeoutMs, signal }));
  } catch (error) {
    release();
    throw error;
  }
  return { path: locks.map(({ path }) => path).join(", "), release };
}

/** Of one lock a host, in the order in which they are taken. */
export function lockNames({ hosts }: Pick<Manifest, "hosts">): string[] {
  const names = [...hosts.values()].map(({ local, address, port }) =>
    local ? "apply-local" : `apply-${address.replaceAll(/[^\w.-]/g, "_")}-${port}`,
  );
  return [...new Set(names)].sort();
}
