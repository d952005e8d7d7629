import { hostname } from "node:os";
import type { Audit } from "../model/audit.ts";
import type { Inventory } from "../model/inventory.ts";
import type { Manifest, Repository } from "../model/manifest.ts";
import type { EpochSeconds, HostName } from "../model/units.ts";
import type { Hosts } from "../transport/types.ts";
import { forStdout, type GlobalOptions } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { assumedManifest, GIVEN, type GivenRepository, givenName, givenRepository, passwordFileOf } from "./given.ts";
import { onInterrupt } from "./interrupt.ts";
import { answer, answerJson } from "./terminal.ts";
import { clock, connect } from "./world.ts";

export interface AuditOptions extends GlobalOptions, GivenRepository {
  readonly json?: true;
}

export async function audit(options: AuditOptions): Promise<ExitCode> {
  const found = await examine(options);
  if (options.json) answerJson(found);
  else {
    const [{ renderAudit }, { suggestManifest }] = await Promise.all([
      import("../render/audit.ts"),
      import("../audit/suggest.ts"),
    ]);
    answer(renderAudit(found, suggestManifest(found, passwordFileOf(options)), forStdout(options)));
  }
  const isWell = found.unobserved.length === 0 && found.datasets.every(({ protection }) => protection !== "none");
  return isWell ? EXIT.ok : EXIT.incomplete;
}

/** Looks at this machine's pools, and at the repository that is given, as restic is told of it. Changes nothing. */
export async function examine(options: AuditOptions): Promise<Audit> {
  const manifest = await everythingHere(options);
  const host = manifest.self as HostName;
  const repository = manifest.remotes.get(GIVEN) as Repository | undefined;
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    const now = clock();
    const hasZfs = await isInstalled(hosts, host, interruption.signal);
    if (!hasZfs && repository === undefined)
      throw new Failure("there is nothing to look at: no zfs on this machine, and no repository was given", {
        hint: "restic's: --repository REPO --password-file FILE, or RESTIC_REPOSITORY and RESTIC_PASSWORD_FILE",
      });
    const [inventory, repositories] = await Promise.all([
      hasZfs ? observed(manifest, hosts, now, interruption.signal) : nothing(now),
      Promise.all(repository === undefined ? [] : [known(repository, host, hosts, interruption.signal, options)]),
    ]);
    if (interruption.signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
    const pure = await import("../audit/index.ts");
    return pure.audit(host, inventory, repositories, now);
  } finally {
    interruption.release();
    await hosts.close();
  }
}

const nothing = (observedAt: EpochSeconds): Inventory => ({ formatVersion: 1, observedAt, hosts: {} });

/** A manifest that means every dataset of this machine, and the repository that was given. */
async function everythingHere(options: AuditOptions): Promise<Manifest> {
  const remote = await givenRepository(options);
  return assumedManifest(
    { datasets: { "**": { keep: { daily: 1 } } }, ...(remote && { remotes: { [GIVEN]: remote } }) },
    // without a manifest there is nothing to be a controller of
    options.as === undefined || options.as === "none" ? hostname() : options.as,
  );
}

async function isInstalled(hosts: Hosts, host: HostName, signal: AbortSignal): Promise<boolean> {
  const { TransportError } = await import("../transport/types.ts");
  try {
    await hosts.run(host, ["zfs", "version"], { signal, timeoutMs: 60_000 });
    return true;
  } catch (error) {
    if (error instanceof TransportError && error.kind === "not-found") return false;
    throw error;
  }
}

async function observed(manifest: Manifest, hosts: Hosts, now: EpochSeconds, signal: AbortSignal): Promise<Inventory> {
  const { observe } = await import("../inventory/index.ts");
  return observe(manifest, hosts, { now, signal });
}

async function known(
  repository: Repository,
  host: HostName,
  hosts: Hosts,
  signal: AbortSignal,
  options: AuditOptions,
): Promise<import("../audit/index.ts").KnownRepository> {
  const [{ openRepository }, { maintenanceOf }] = await Promise.all([
    import("../remotes/restic/restic.ts"),
    import("../remotes/restic/tags.ts"),
  ]);
  const inventory = await openRepository({ repository, host }, { hosts, env: process.env, signal }).list();
  const copies = inventory.state === "observed" ? inventory.copies : [];
  const checked = copies.findLast((copy) => maintenanceOf(copy)?.kinds.includes("check"))?.creation;
  return {
    name: await givenName(options),
    inventory,
    ...(checked !== undefined && { checked }),
  };
}
