import type {
  Audit,
  AuditedCopy,
  AuditedDataset,
  AuditedHold,
  AuditedRepository,
  Protection,
  Replica,
  SnapshotOwner,
} from "../model/audit.ts";
import type { Dataset, Inventory, RepositoryCopy, RepositoryInventory } from "../model/inventory.ts";
import { type EpochSeconds, type HostName, poolOf } from "../model/units.ts";
import { holderOf, isOfTransfer, ownersOf, toolOf } from "./owners.ts";
import { replicasIn } from "./replicas.ts";

/** A repository as it was observed, under the name it was given by. */
export interface KnownRepository {
  readonly name: string;
  readonly inventory: RepositoryInventory;
  readonly checked?: EpochSeconds;
}

/** An empty dataset that only holds others up is nothing to protect. */
const HARDLY_ANYTHING = 1024 ** 2;
const DAY = 86_400;

/** What protects a machine's data and what does not. Pure: the same inventory gives the same answer. */
export function audit(
  host: HostName,
  inventory: Inventory,
  repositories: readonly KnownRepository[],
  now: EpochSeconds,
): Audit {
  const there = inventory.hosts[host];
  const datasets = there?.state === "observed" ? there.datasets : [];
  const replicas = replicasIn(datasets);
  const owners = ownersOf(datasets, now);
  const isReplica = new Set(replicas.map(({ replica }) => replica));
  return {
    formatVersion: 1,
    host,
    now: new Date(now * 1000).toISOString(),
    datasets: datasets
      .filter((dataset) => !isReplica.has(dataset.name) && holdsData(dataset))
      .map((dataset) => examine(dataset, copiesOf(dataset, host, replicas, repositories)))
      .sort(byProtection),
    replicas,
    owners,
    holds: holdsIn(datasets, owners, now),
    repositories: repositories.flatMap(repositoryOf),
    unobserved: [
      ...(there?.state === "unobserved" ? [{ what: "zfs", ...split(there.reason) }] : []),
      ...repositories.flatMap(({ name, inventory: found }) => notSeen(name, found)),
    ],
  };
}

const holdsData = ({ type, referenced, snapshots }: Dataset): boolean =>
  type === "volume" || referenced > HARDLY_ANYTHING || snapshots.length > 0;

function examine(dataset: Dataset, copies: readonly AuditedCopy[]): AuditedDataset {
  const { name, type, referenced, snapshots, written } = dataset;
  const newest = snapshots.at(-1)?.creation;
  const newestCopy = copies[0]?.newest;
  const isChanged = newest === undefined || written > 0;
  const isBehind =
    newestCopy !== undefined && (isChanged || snapshots.some((each) => each.creation > newestCopy && each.written > 0));
  return {
    dataset: name,
    type,
    referenced,
    snapshots: snapshots.length,
    ...(newest !== undefined && { newest }),
    copies,
    protection: protectionOf(newest, newestCopy, isBehind),
    ...(isChanged && { unsnapshottedSince: newest ?? "ever" }),
    ...(newestCopy === undefined ? { uncopiedSince: "ever" } : isBehind ? { uncopiedSince: newestCopy } : {}),
  };
}

function protectionOf(
  newest: EpochSeconds | undefined,
  newestCopy: EpochSeconds | undefined,
  isBehind: boolean,
): Protection {
  if (newestCopy !== undefined) return isBehind ? "behind" : "copied";
  return newest === undefined ? "none" : "snapshots";
}

const ORDER: readonly Protection[] = ["none", "snapshots", "behind", "copied"];
const since = (time: EpochSeconds | "ever" | undefined): number => (time === "ever" ? 0 : (time ?? Number.MAX_VALUE));

const byProtection = (a: AuditedDataset, b: AuditedDataset): number =>
  ORDER.indexOf(a.protection) - ORDER.indexOf(b.protection) ||
  since(a.uncopiedSince) - since(b.uncopiedSince) ||
  b.referenced - a.referenced ||
  (a.dataset < b.dataset ? -1 : 1);

/** Copies on other pools, and in repositories: on its own pool it goes with the disk. */
function copiesOf(
  dataset: Dataset,
  host: HostName,
  replicas: readonly Replica[],
  repositories: readonly KnownRepository[],
): AuditedCopy[] {
  const onPools = replicas
    .filter(({ source, replica }) => source === dataset.name && poolOf(replica) !== poolOf(source))
    .map(({ replica, newestShared }) => ({ place: replica as string, newest: newestShared }));
  const inRepositories = repositories.flatMap(({ name, inventory }): AuditedCopy[] => {
    if (inventory.state !== "observed") return [];
    const newest = inventory.copies.findLast((copy) => isOf(copy, dataset, host));
    return newest ? [{ place: name, newest: newest.creation }] : [];
  });
  return [...onPools, ...inRepositories].sort((a, b) => b.newest - a.newest);
}

/** Of the dataset's mount point or what it lies in; Holdfast's own name the dataset. */
function isOf(copy: RepositoryCopy, { name, mountpoint }: Dataset, host: HostName): boolean {
  if (copy.tags.includes(`source=${host}:${name}`)) return true;
  if (copy.host !== host || mountpoint === undefined || !mountpoint.startsWith("/")) return false;
  return copy.paths.some((path) => path === "/" || mountpoint === path || mountpoint.startsWith(`${path}/`));
}

function holdsIn(datasets: readonly Dataset[], owners: readonly SnapshotOwner[], now: EpochSeconds): AuditedHold[] {
  const silent = new Set(owners.filter((owner) => owner.silent).map(({ tool }) => tool));
  return datasets
    .flatMap(({ name, snapshots }) =>
      snapshots.flatMap((snapshot): AuditedHold[] => {
        const { holds: tags = [], creation, used } = snapshot;
        if (tags.length === 0) return [];
        const isOver = now - creation > DAY && tags.some(isOfTransfer);
        const holders = tags.flatMap((tag) => holderOf(tag) ?? []);
        const isLeft =
          holders.some((tool) => silent.has(tool)) || (holders.length > 0 && silent.has(toolOf(snapshot.name)));
        return [{ snapshot: `${name}@${snapshot.name}`, creation, tags, used, leaked: isOver || isLeft }];
      }),
    )
    .sort((a, b) => Number(b.leaked) - Number(a.leaked) || a.creation - b.creation);
}

function repositoryOf({ name, inventory, checked }: KnownRepository): AuditedRepository[] {
  if (inventory.state !== "observed") return [];
  const sources = new Map<string, AuditedRepository["sources"][number]>();
  for (const { host, paths, creation } of inventory.copies)
    if (paths.length > 0) sources.set(`${host}\0${paths.join("\0")}`, { host, paths, newest: creation });
  const newest = inventory.copies.at(-1)?.creation;
  return [
    {
      repository: name,
      copies: inventory.copies.length,
      ...(newest !== undefined && { newest }),
      sources: [...sources.values()].sort((a, b) => a.newest - b.newest),
      ...(checked !== undefined && { checked }),
      staleLocks: inventory.locks.filter(({ stale }) => stale).length,
    },
  ];
}

function notSeen(what: string, found: RepositoryInventory): Audit["unobserved"] {
  if (found.state === "absent") return [{ what, reason: "there is no repository" }];
  if (found.state === "observed") return [];
  return [{ what, reason: found.reason, ...(found.hint !== undefined && { hint: found.hint }) }];
}

/** A reason may have what to do about it in its next line. */
function split(text: string): { readonly reason: string; readonly hint?: string } {
  const [reason = text, ...hint] = text.split("\n");
  return { reason, ...(hint.length > 0 && { hint: hint.join("\n") }) };
}
