import { accountOn, hasReceiveAppend, lackingOn, propertyRight } from "../inventory/rights.ts";
import { UnobservedError, type Zfs } from "../inventory/zfs.ts";
import type { Scope } from "../manifest/scope.ts";
import type { Check } from "../model/diagnosis.ts";
import type { HostInventory } from "../model/inventory.ts";
import type { Host, Remedy } from "../model/manifest.ts";
import { type DatasetName, type HostName, poolOf } from "../model/units.ts";
import type { Copy, Source } from "../planner/sources.ts";
import { quote } from "../transport/shell.ts";
import { good, problem, TIMEOUT_MS } from "./check.ts";
import type { Patient } from "./index.ts";

/** Rights that `zfs allow` has to grant on a dataset, for itself and everything below. */
export interface Need {
  readonly host: HostName;
  readonly dataset: DatasetName;
  readonly rights: readonly string[];
}

/** What decides who needs what. */
export interface Circumstances {
  readonly scope: Scope;
  /** The remedy that somebody approved for a copy. */
  remedy(source: Source, copy: Copy): Remedy | undefined;
  /** Whether the OpenZFS there knows a right to receive that does not let anything be lost. */
  canAppendOnly(host: HostName): boolean;
}

/** The least that this process needs, where it has to be granted; nothing twice along one path. */
export function needsOf(sources: readonly Source[], circumstances: Circumstances): Need[] {
  const { scope } = circumstances;
  const wanted = new Map<HostName, Map<DatasetName, Set<string>>>();
  const want = (host: HostName, dataset: DatasetName, rights: readonly string[]): void => {
    const datasets = wanted.get(host) ?? new Map<DatasetName, Set<string>>();
    wanted.set(host, datasets);
    datasets.set(dataset, new Set([...(datasets.get(dataset) ?? []), ...rights]));
  };
  for (const source of sources) {
    const { host, dataset, copies } = source;
    const ours = copies.filter(({ remote }) => scope.copies(host, remote));
    const here = [
      ...(scope.sources(host) ? ["snapshot", "destroy", "mount", "userprop"] : []),
      // a range of snapshots is held while it is sent; without `mount`, `destroy` is for bookmarks only
      ...(ours.length > 0 ? ["send", "hold", "bookmark", "destroy"] : []),
      // what goes while a remote is away leaves its bookmark
      ...(scope.sources(host) && copies.some(({ remote }) => remote.whileAway === "thin") ? ["bookmark"] : []),
    ];
    if (here.length > 0) want(host, dataset, here);
    for (const copy of ours) want(copy.host, placeOf(source, copy), rightsAt(source, copy, circumstances));
  }
  return [...wanted].flatMap(([host, datasets]) =>
    [...datasets].flatMap(([dataset, rights]) => {
      const above = [...datasets].filter(([other]) => dataset.startsWith(`${other}/`));
      const left = [...rights].filter((right) => !above.some(([, granted]) => granted.has(right)));
      return left.length === 0 ? [] : [{ host, dataset, rights: left.sort() }];
    }),
  );
}

/** The remote's root, once for all its copies; a `target` may lie elsewhere. */
function placeOf({ host }: Source, { remote, target }: Copy): DatasetName {
  const root = remote.root.replaceAll("{host}", host) as DatasetName;
  return target.startsWith(`${root}/`) ? root : target;
}

function rightsAt(source: Source, copy: Copy, { canAppendOnly, remedy }: Circumstances): string[] {
  const { remote } = copy;
  const properties = [...Object.keys(remote.properties), ...remote.excludeProperties].map(propertyRight);
  const approved = remedy(source, copy);
  const remedies = { rollback: ["rollback"], replace: ["rename"] };
  const rights = ["create", "mount", "userprop", "canmount", ...properties, ...(approved ? remedies[approved] : [])];
  if (remote.deletions === "allow") return ["receive", "destroy", ...rights];
  return [canAppendOnly(copy.host) ? "receive:append" : "receive", ...rights];
}

export const canAppendOnly = (host: HostInventory | undefined): boolean =>
  host?.state === "observed" && hasReceiveAppend(host.zfsVersion);

export async function checkRights(patient: Patient, needs: readonly Need[]): Promise<Check[]> {
  const { name, manifest, hosts, signal } = patient;
  const zfs: Zfs = { host: name, hosts, options: { signal, timeoutMs: TIMEOUT_MS } };
  const host = manifest.hosts.get(name) as Host;
  const places = needs.map(({ dataset, rights }) => ({ place: placeFor(patient, dataset), rights }));
  const instead =
    places.length === 0
      ? []
      : [
          "an account without root needs no more than:",
          ...places.map(({ place, rights }) => `zfs allow -u USER ${rights.join(",")} ${quote(place)}`),
        ];
  if (host.sudo) return [good("rights", "zfs is run with sudo, as root", instead)];
  const account = await accountOn(zfs);
  if (account.isRoot) return [good("rights", "root", instead)];
  const checks = places.map(async ({ place, rights }) => {
    try {
      const missing = await lackingOn(zfs, account, rights, place, "tree");
      if (missing.length === 0) return good("rights", `${account.user} may do on ${place} all that is needed`);
      return problem(
        "rights",
        `${account.user} lacks ${missing.join(", ")} on ${place}`,
        `as root there: zfs allow -u ${account.user} ${missing.join(",")} ${quote(place)}`,
      );
    } catch (error) {
      if (!(error instanceof UnobservedError)) throw error;
      return problem("rights", `what is allowed on ${place} could not be asked: ${error.message}`);
    }
  });
  return [
    ...(await Promise.all(checks)),
    ...(await checkDelegation(
      zfs,
      places.map(({ place }) => poolOf(place)),
    )),
  ];
}

/** A pool can be told to disregard all that is allowed. */
async function checkDelegation({ host, hosts, options }: Zfs, pools: readonly string[]): Promise<Check[]> {
  if (pools.length === 0) return [];
  const argv = ["zpool", "get", "-H", "-o", "name,value", "delegation", ...new Set(pools)];
  const { stdout } = await hosts.run(host, argv, options);
  return stdout.split("\n").flatMap((line) => {
    const [pool, value] = line.split("\t");
    if (pool === undefined || value !== "off") return [];
    return [
      problem(
        "rights",
        `the pool ${pool} disregards all rights that zfs allow grants`,
        `as root there: zpool set delegation=on ${pool}`,
      ),
    ];
  });
}

/** The dataset, or the nearest one above it that exists. */
function placeFor({ found }: Patient, dataset: DatasetName): DatasetName {
  const existing = new Set<string>(found.datasets.map(({ name }) => name));
  const parts = dataset.split("/");
  for (let length = parts.length; length > 1; length--) {
    const path = parts.slice(0, length).join("/");
    if (existing.has(path)) return path as DatasetName;
  }
  return parts[0] as DatasetName;
}
