import { observe } from "../inventory/index.ts";
import { scopeOf } from "../manifest/scope.ts";
import type { Check, Diagnosis } from "../model/diagnosis.ts";
import type { HostInventory, Inventory } from "../model/inventory.ts";
import type { Host, Manifest } from "../model/manifest.ts";
import type { Problem } from "../model/report.ts";
import type { EpochSeconds, HostName, RepositoryKey } from "../model/units.ts";
import { consentsOf } from "../planner/consent.ts";
import { sourcesOf } from "../planner/index.ts";
import type { Source } from "../planner/sources.ts";
import { type Hosts, TransportError } from "../transport/types.ts";
import { problem } from "./check.ts";
import { checkClock, checkHostKey, checkMounts, checkPools, checkPrograms, checkReach, checkZfs } from "./checks.ts";
import { checkRepositories } from "./repositories.ts";
import { canAppendOnly, checkRights, type Need, needsOf } from "./rights.ts";

export interface ExamineOptions {
  /** Everything in the manifest, not only what this process is responsible for. */
  readonly allHosts: boolean;
  readonly now: EpochSeconds;
  /** The caller's environment, for secrets that are kept there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Repositories that are not asked, and why. */
  readonly unavailable?: ReadonlyMap<RepositoryKey, Problem>;
  readonly signal: AbortSignal;
}

/** One host, and what is asked of it. */
export interface Patient {
  readonly name: HostName;
  readonly manifest: Manifest;
  readonly hosts: Hosts;
  readonly signal: AbortSignal;
  readonly found: Extract<HostInventory, { state: "observed" }>;
  /** Of the whole manifest: those with a copy on this host concern it, too. */
  readonly sources: readonly Source[];
}

/** Looks at every host that matters for what would go wrong later. Never throws for a host. */
export async function examine(manifest: Manifest, hosts: Hosts, options: ExamineOptions): Promise<Diagnosis> {
  const inventory = await observe(manifest, hosts, options);
  const { sources } = sourcesOf(manifest, inventory, { allHosts: options.allHosts });
  const consents = consentsOf(manifest, { now: options.now, allowDestroy: 0, resolve: new Map() });
  const needs = needsOf(sources, {
    scope: scopeOf(manifest, { allHosts: options.allHosts }),
    remedy: ({ address }, { remote }) => consents.remedy(address, remote.name, ["rollback", "replace"]),
    canAppendOnly: (host) => canAppendOnly(inventory.hosts[host]),
  });
  const hasRestic = [...manifest.remotes.values()].some(({ type }) => type === "restic");
  const repositories = hasRestic
    ? await checkRepositories(manifest, { ...options, hosts })
    : new Map<HostName, readonly Check[]>();
  const names = new Set([...(Object.keys(inventory.hosts) as HostName[]), ...repositories.keys()]);
  const examined = [...names].map(async (name) => ({
    host: name,
    checks: [
      ...(name in inventory.hosts
        ? await checksOf(name, manifest, hosts, inventory, sources, needs, options.signal)
        : []),
      ...(repositories.get(name) ?? []),
    ],
  }));
  return { formatVersion: 1, hosts: await Promise.all(examined) };
}

async function checksOf(
  name: HostName,
  manifest: Manifest,
  hosts: Hosts,
  { hosts: all }: Inventory,
  sources: readonly Source[],
  needs: readonly Need[],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const found = all[name];
  const hostKey = checkHostKey(manifest.hosts.get(name) as Host);
  try {
    const reach = await checkReach(name, hosts, signal);
    const clock = await checkClock(name, hosts, signal);
    if (found === undefined || found.state === "unobserved") {
      const message = `its datasets could not be listed: ${found?.reason ?? "nobody asked"}`;
      return [reach, ...hostKey, clock, problem("zfs", message)];
    }
    const patient: Patient = { name, manifest, hosts, signal, found, sources };
    const [rights, pools, mounts, programs] = await Promise.all([
      checkRights(
        patient,
        needs.filter(({ host }) => host === name),
      ),
      checkPools(patient),
      checkMounts(patient),
      checkPrograms(patient),
    ]);
    return [reach, ...hostKey, checkZfs(patient), clock, ...rights, ...pools, ...mounts, ...programs];
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const about = error.kind === "host-key" ? "host-key" : "reach";
    return [problem(about, error.message, ...(error.hint === undefined ? [] : [error.hint]))];
  }
}
