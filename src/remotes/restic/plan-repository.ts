import { repositoryKey, type UsedRepository, usedRepositories } from "../../manifest/repositories.ts";
import type { RepositoryInventory } from "../../model/inventory.ts";
import type { Manifest, Scheduled, SnapshotType } from "../../model/manifest.ts";
import type {
  AtRepository,
  Blocked,
  CheckOperation,
  InitOperation,
  Note,
  Operation,
  OperationId,
  PruneOperation,
  UnlockOperation,
  Unobserved,
} from "../../model/plan.ts";
import type { Address, EpochSeconds, RemoteName, RepositoryKey, TypeName } from "../../model/units.ts";
import type { PlanContext } from "../../planner/context.ts";
import { type MaintenanceKind, maintenanceOf, marksOf, originOf, partialOf } from "./tags.ts";
import { lacks, parseVersion } from "./version.ts";

/** What is done to whole repositories, beside the backups of sources. */
export interface RepositoriesPlan {
  /** Before anything else there. */
  readonly first: readonly Operation[];
  readonly blocked: readonly Blocked[];
  readonly notes: readonly Note[];
  readonly unobserved: readonly Unobserved[];
  /** After what sources do there, `others`: prune, then check. */
  last(others: readonly Operation[]): readonly Operation[];
}

export const initId = (key: RepositoryKey): OperationId => `init ${key}`;

const wholeOf = ({ key, repository, host }: UsedRepository) => ({
  source: key as string as Address,
  remote: repository.name,
  at: { host, repository: key } satisfies AtRepository,
});

/** `known`: addresses of all sources. */
export function planRepositories(context: PlanContext, known: ReadonlySet<Address>): RepositoriesPlan {
  const used = usedRepositories(context.manifest, context.scope).map((each) => ({
    ...each,
    there: context.observations.repository(each.key),
  }));
  return {
    first: used.flatMap((each) => [...init(context, each), ...unlock(each)]),
    blocked: used.flatMap((each) => missing(context, each)),
    notes: [
      ...used.flatMap((each) => [...orphanNotes(each, known), ...chunkerNotes(context, each)]),
      ...versionNotes(used, context.manifest.datasets.length > 0),
    ],
    unobserved: used.flatMap(unobservedOf),
    last: (others) =>
      used.flatMap((each) => {
        const there = others.filter((operation) => isAt(operation, each.key)).map(({ id }) => id);
        const prune = pruneOf(context, each, there);
        return [...prune, ...checkOf(context, each, [...there, ...prune.map(({ id }) => id)])];
      }),
  };
}

type Looked = UsedRepository & { readonly there: RepositoryInventory };

const isAt = (operation: Operation, key: RepositoryKey): boolean =>
  ("repository" in operation.at && operation.at.repository === key) ||
  (operation.kind === "copy" && operation.from.repository === key);

/** While somebody on the same machine works in a repository no lock is removed there: what does waits until that is tried. */
export function afterUnlocks(first: readonly Operation[], operations: readonly Operation[]): Operation[] {
  const unlocks = first.filter((operation) => operation.kind === "unlock");
  if (unlocks.length === 0) return [...operations];
  return operations.map((operation) => {
    const ids = unlocks.filter(({ at }) => isAt(operation, at.repository)).map(({ id }) => id);
    return ids.length === 0 ? operation : { ...operation, after: [...ids, ...(operation.after ?? [])] };
  });
}

function init({ manifest, mayInit }: PlanContext, each: Looked): InitOperation[] {
  const { key, repository, there, host } = each;
  if (there.state !== "absent" || !repository.init || !mayInit) return [];
  const from = originalOf(manifest, each);
  return [
    {
      ...wholeOf(each),
      id: initId(key),
      kind: "init",
      reason: "there is no repository yet",
      // its parameters are those of a repository that may have to be made first
      dependsOn: [],
      ...(from && { chunkerOf: { host, repository: from }, after: [initId(from)] }),
      records: (["prune", "check"] as const).filter((kind) => repository.maintenance[kind]),
      preconditions: [],
    },
  ];
}

/** The repository that a mirror is filled from, as the mirror's host has it. */
function originalOf(manifest: Manifest, { repository, host }: Looked): RepositoryKey | undefined {
  const original = "of" in repository ? manifest.remotes.get(repository.of as RemoteName) : undefined;
  return original?.type === "restic" ? repositoryKey(original, host) : undefined;
}

function unlock(each: Looked): UnlockOperation[] {
  if (each.there.state !== "observed" || each.repository.deletions === "never") return [];
  const stale = each.there.locks.filter((lock) => lock.stale);
  if (stale.length === 0) return [];
  return [
    {
      ...wholeOf(each),
      id: `unlock ${each.key}`,
      kind: "unlock",
      reason: "left behind by what is gone",
      holders: stale.map(({ user, host, pid, since }) => `${user}@${host}, pid ${pid}, since ${iso(since)}`),
      dependsOn: [],
      preconditions: [],
    },
  ];
}

const iso = (at: EpochSeconds): string => new Date(at * 1000).toISOString().replace(/\.\d+/, "");

function missing({ mayInit }: PlanContext, each: Looked): Blocked[] {
  const { key, repository } = each;
  if (each.there.state !== "absent" || (repository.init && mayInit)) return [];
  const byManifest = `\`init: true\` at ${repository.name} in the manifest: the next apply creates it`;
  return [
    {
      ...wholeOf(each),
      reason: "no-repository",
      message: `there is no repository ${key} yet`,
      evidence: [],
      // a service makes none: where one was is not where one is made anew because a disk is not there
      remedies: [repository.init ? "holdfast apply: it creates it" : byManifest, "or restic init"],
    },
  ];
}

function unobservedOf({ key, repository, host, there }: Looked): Unobserved[] {
  if (there.state !== "unobserved") return [];
  const { reason, hint } = there;
  const why = { reason, ...(hint !== undefined && { hint }) };
  return [{ host, repository: key, remote: repository.name, ...why, expected: repository.removable }];
}

/** Copies that Holdfast made of sources the manifest does not have. */
function orphanNotes(each: Looked, known: ReadonlySet<Address>): Note[] {
  if (each.there.state !== "observed") return [];
  const counts = new Map<Address, number>();
  for (const copy of each.there.copies) {
    const source = marksOf(copy)?.source;
    if (source !== undefined && !known.has(source)) counts.set(source, (counts.get(source) ?? 0) + 1);
  }
  return [...counts].map(([source, count]) => ({
    kind: "orphan" as const,
    source,
    remote: each.repository.name,
    at: wholeOf(each).at,
    message: `${each.key} has ${count} ${count === 1 ? "copy" : "copies"} of ${source}, which is no source of the manifest: left alone`,
  }));
}

function chunkerNotes({ manifest, observations }: PlanContext, each: Looked): Note[] {
  const { repository, there } = each;
  const from = originalOf(manifest, each);
  if (from === undefined || there.state !== "observed") return [];
  const original = observations.repository(from);
  if (original.state !== "observed" || original.chunkerPolynomial === there.chunkerPolynomial) return [];
  return [
    {
      kind: "chunker",
      remote: repository.name,
      at: wholeOf(each).at,
      message: `${each.key} cuts files differently from ${from}: what both have is not recognised, and a mirror made anew by \`init: true\` would need less space`,
    },
  ];
}

/** What a host's restic cannot do of what is wanted of its repositories, said once for all of them. */
function versionNotes(used: readonly Looked[], hasSnapshots: boolean): Note[] {
  const losses = new Map<string, Set<string>>();
  for (const { repository, host, there } of used) {
    const version = there.state === "observed" ? parseVersion(`restic ${there.resticVersion}`) : undefined;
    if (version === undefined) continue;
    const who = `restic ${version.text} on ${host}`;
    losses.set(who, new Set([...(losses.get(who) ?? []), ...lacks(version, repository, hasSnapshots)]));
  }
  return [...losses].flatMap(([who, phrases]) =>
    phrases.size === 0 ? [] : [{ kind: "restic-version" as const, message: `${who}: ${[...phrases].join("; ")}` }],
  );
}

/** Due when a tick has passed since it was last done, and where nothing says that it ever was. */
function isDue(context: PlanContext, each: Looked, kind: "prune" | "check", scheduled: Scheduled): boolean {
  if (each.there.state !== "observed") return false;
  const { copies } = each.there;
  const done = copies.findLast((copy) => maintenanceOf(copy)?.kinds.includes(kind));
  const tick = context.schedules.latestTick(scheduleOf(kind, scheduled));
  return tick !== undefined && (done === undefined || done.creation < tick);
}

/** Records of nothing but this work, which the one that follows makes superfluous. */
function outdated({ there, repository }: Looked, kind: MaintenanceKind): string[] {
  if (there.state !== "observed" || repository.deletions === "never") return [];
  return there.copies.filter((copy) => `${maintenanceOf(copy)?.kinds}` === kind).map(({ id }) => id);
}

/** Records of partial copies that are gone. */
function pointless({ there }: Looked): string[] {
  const copies = there.state === "observed" ? there.copies : [];
  const origins = new Set(copies.map(originOf));
  const isPointless = (id: string | undefined): boolean => id !== undefined && !origins.has(id);
  return copies.filter((copy) => isPointless(partialOf(copy))).map(({ id }) => id);
}

const scheduleOf = (kind: "prune" | "check", { schedule, timezone }: Scheduled): SnapshotType => ({
  name: kind as TypeName,
  schedule,
  timezone,
  adopt: [],
});

function pruneOf(context: PlanContext, each: Looked, others: readonly OperationId[]): PruneOperation[] {
  const { maintenance, deletions } = each.repository;
  if (!maintenance.prune || deletions === "never" || !isDue(context, each, "prune", maintenance.prune)) return [];
  const { maxUnused } = maintenance.prune;
  return [
    {
      ...wholeOf(each),
      id: `prune ${each.key}`,
      kind: "prune",
      reason: `prune is due since ${context.schedules.dueSince(scheduleOf("prune", maintenance.prune))}`,
      ...(maxUnused !== undefined && { maxUnused }),
      outdated: [...outdated(each, "prune"), ...pointless(each)],
      dependsOn: [],
      after: others,
      preconditions: [],
    },
  ];
}

function checkOf(context: PlanContext, each: Looked, others: readonly OperationId[]): CheckOperation[] {
  const { check } = each.repository.maintenance;
  if (!check || !isDue(context, each, "check", check)) return [];
  const subset = check.readData === undefined ? undefined : nextSubset(each, check.readData);
  return [
    {
      ...wholeOf(each),
      id: `check ${each.key}`,
      kind: "check",
      reason: `check is due since ${context.schedules.dueSince(scheduleOf("check", check))}`,
      ...(subset && { subset }),
      outdated: outdated(each, "check"),
      dependsOn: [],
      after: others,
      preconditions: [],
    },
  ];
}

/** The part after the one that was read last, so that in turn all data are. */
function nextSubset({ there }: Looked, percent: number): { readonly part: number; readonly of: number } {
  const of = Math.ceil(100 / percent);
  const records = there.state === "observed" ? there.copies.map(maintenanceOf) : [];
  const last = records.findLast((record) => record?.subset?.of === of)?.subset;
  return { part: last ? (last.part % of) + 1 : 1, of };
}
