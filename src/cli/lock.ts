import type { Manifest } from "../model/manifest.ts";
import type { Lock } from "../transport/types.ts";
import type { GlobalOptions } from "./context.ts";

/**
 * One apply at a time on this machine for each host, whatever the manifest: two that work on one host would make each
 * other's plan stale. Taken in one order, so that two that want the same hosts never wait for each other.
 */
export async function lockHosts(
  manifest: Pick<Manifest, "hosts">,
  options: GlobalOptions,
  signal: AbortSignal,
): Promise<Lock> {
  const [{ acquireLock }, { parseDuration }] = await Promise.all([
    import("../transport/index.ts"),
    import("../manifest/units.ts"),
  ]);
  const timeoutMs = (parseDuration(options.lockTimeout) ?? 0) * 1000;
  const names = [...manifest.hosts.values()].map(({ local, address, port }) =>
    local ? "apply-local" : `apply-${address.replaceAll(/[^\w.-]/g, "_")}-${port}`,
  );
  const locks: Lock[] = [];
  const release = (): void => {
    for (const lock of locks.reverse()) lock.release();
  };
  try {
    for (const name of [...new Set(names)].sort())
      locks.push(await acquireLock({ name, env: process.env, command: "holdfast apply", timeoutMs, signal }));
  } catch (error) {
    release();
    throw error;
  }
  return { path: locks.map(({ path }) => path).join(", "), release };
}
