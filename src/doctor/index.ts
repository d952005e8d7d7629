import { observe } from "../inventory/index.ts";
import type { Check, Diagnosis } from "../model/diagnosis.ts";
import type { HostInventory, Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import type { EpochSeconds, HostName } from "../model/units.ts";
import { sourcesOf } from "../planner/index.ts";
import type { Source } from "../planner/sources.ts";
import { type Hosts, TransportError } from "../transport/types.ts";
import { checkClock, checkMounts, checkPools, checkPrograms, checkReach, checkRights, checkZfs } from "./checks.ts";
import { hasReceiveAppend, needsOf } from "./rights.ts";

export interface ExamineOptions {
  /** Everything in the manifest, not only what this process is responsible for. */
  readonly allHosts: boolean;
  readonly now: EpochSeconds;
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
  const names = Object.keys(inventory.hosts) as HostName[];
  const examined = names.map(async (name) => ({
    host: name,
    checks: await checksOf(name, manifest, hosts, inventory, sources, options.signal),
  }));
  return { formatVersion: 1, hosts: await Promise.all(examined) };
}

async function checksOf(
  name: HostName,
  manifest: Manifest,
  hosts: Hosts,
  { hosts: all }: Inventory,
  sources: readonly Source[],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const found = all[name];
  try {
    const reach = await checkReach(name, hosts, signal);
    const clock = await checkClock(name, hosts, signal);
    if (found === undefined || found.state === "unobserved") {
      const message = `its datasets could not be listed: ${found?.reason ?? "nobody asked"}`;
      return [reach, clock, { about: "zfs", result: "problem", message, advice: [] }];
    }
    const patient: Patient = { name, manifest, hosts, signal, found, sources };
    const needs = needsOf(sources, (host) => canAppendOnly(all[host])).filter(({ host }) => host === name);
    const [zfs, rights, pools, mounts, programs] = await Promise.all([
      checkZfs(patient),
      checkRights(patient, needs),
      checkPools(patient),
      checkMounts(patient),
      checkPrograms(patient),
    ]);
    return [reach, zfs, clock, ...rights, ...pools, ...mounts, ...programs];
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const advice = error.hint === undefined ? [] : [error.hint];
    return [{ about: "reach", result: "problem", message: error.message, advice }];
  }
}

const canAppendOnly = (host: HostInventory | undefined): boolean =>
  host?.state === "observed" && hasReceiveAppend(host.zfsVersion);
