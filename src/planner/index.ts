import { scopeOf } from "../manifest/scope.ts";
import type { Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import { type Operation, type OperationId, type Plan, type Unobserved, writePlace } from "../model/plan.ts";
import { type EpochSeconds, poolOf, type TypeName } from "../model/units.ts";
import { afterUnlocks, planRepositories, type RepositoriesPlan } from "../remotes/restic/plan-repository.ts";
import { consentsOf } from "./consent.ts";
import type { PlanContext } from "./context.ts";
import { createOperation } from "./create.ts";
import { type DirectorySource, resolveDirectories } from "./directories.ts";
import { backUpNow, planDirectory } from "./directory-plan.ts";
import { blockedByGroup, groupsOf, inGroupOrder, isSnapshotDue, noGroups, withGroups } from "./groups.ts";
import { blockedDeletions, type Guarded, guard, rolledBackBeyondTotal } from "./guards.ts";
import { withHooks } from "./hooks.ts";
import { isBelow, Observations } from "./observed.ts";
import type { PlanOptions } from "./options.ts";
import { inOrder, makesTarget } from "./order.ts";
import { noOrphans, planOrphans } from "./orphans.ts";
import { isGlob, matcher } from "./patterns.ts";
import { schedulesAt } from "./schedule.ts";
import { selected } from "./selected.ts";
import { check } from "./self-check.ts";
import { goneIn } from "./side.ts";
import { isOverdue } from "./source-notes.ts";
import { planSource, type SourcePlan, scheduled } from "./source-plan.ts";
import { concerns, type ResolvedSources, resolveSources } from "./sources.ts";
import { summarize } from "./summary.ts";
import { classifier } from "./types.ts";
import { unmatchedNotes } from "./unmatched.ts";
import { unprotectedNotes } from "./unprotected.ts";
import { type AskedDrills, afterAll } from "./verify.ts";

export type { PlanOptions } from "./options.ts";

/**
 * What would make the world as the manifest wants it. Pure and total: the same input gives the same plan, byte for
 * byte. The plan is checked before it is returned: each step works in a simulated world, and planning there again
 * finds nothing to do.
 */
export function plan(manifest: Manifest, inventory: Inventory, options: PlanOptions): Plan {
  const assembled = assemble(manifest, inventory, options);
  const checked = check(assembled, inventory, (simulated) => assemble(manifest, simulated, options));
  return hooked(checked, manifest, inventory, options);
}

/**
 * The same before it is checked, without hooks: for a world that it is tried in at once, which refuses what could not
 * work. Half as much to do where it is asked for thousands of times.
 */
export const uncheckedPlan = (manifest: Manifest, inventory: Inventory, options: PlanOptions): Plan =>
  assemble(manifest, inventory, options);

/** With the hooks of the sources that something is done with. */
function hooked(made: Plan, manifest: Manifest, inventory: Inventory, options: Pick<PlanOptions, "allHosts">): Plan {
  if (made.operations.length === 0) return made;
  const { sources, directories } = sourcesOf(manifest, inventory, options);
  const operations = withHooks(made.operations, [...inGroupOrder(manifest, sources), ...directories]);
  return operations.length === made.operations.length
    ? made
    : { ...made, operations, summary: summarize({ ...made, operations }) };
}

/** Takes a snapshot of one type now, whether it is due or not, and does nothing else. */
export function planSnapshot(
  manifest: Manifest,
  inventory: Inventory,
  options: {
    readonly now: EpochSeconds;
    readonly type: TypeName;
    readonly sources?: readonly string[];
    readonly allHosts?: boolean;
  },
): Plan {
  const { type, sources, ...rest } = options;
  const given = contextOf(manifest, inventory, rest);
  const all = resolveSources(manifest, given.observations, given.scope);
  const resolved = selected(all, sources, undefined, manifest);
  const context = { ...given, groups: groupsOf(given, all.sources) };
  const chosen = withGroups(context.groups, resolved.sources, all.sources);
  const declared = manifest.snapshotTypes.get(type);
  const operations: Operation[] = [];
  for (const source of chosen) {
    const there = context.observations.look(source.host, source.dataset);
    if (!declared || !context.scope.sources(source.host) || source.keys.suspend || there.state !== "present") continue;
    if (context.groups.get(source.address)?.hindrance !== undefined) continue;
    const isTaken = (name: string) => there.dataset.snapshots.some((snapshot) => snapshot.name === name);
    const is = { host: source.host, dataset: source.dataset, kind: "dataset", guid: there.dataset.guid } as const;
    operations.push({ ...createOperation(context, source, declared, [is], isTaken), reason: "asked for" });
  }
  const directories = resolveDirectories(manifest).filter(
    ({ address, host, keys }) => context.scope.sources(host) && !keys.suspend && resolved.includes(address),
  );
  const backups = declared ? directories.flatMap((directory) => backUpNow(context, directory, declared)) : [];
  const repositories = planRepositories(context, new Set());
  const used = new Set(directories.flatMap((each) => each.repositories.map(({ at }) => at.repository)));
  operations.push(...backups.flatMap((backup) => backup.operations.filter(({ kind }) => kind === "backup")));
  const needed = new Set(operations.flatMap(({ dependsOn }) => dependsOn));
  const made = toPlan(manifest, inventory, options.now, {
    operations: [...repositories.first.filter(({ id }) => needed.has(id)), ...operations],
    blocked: [
      ...resolved.blocked,
      ...backups.flatMap(({ blocked }) => blocked),
      ...chosen.flatMap((source) => blockedByGroup(context, source)),
    ],
    kept: [],
    foreign: [],
    notes: [],
    unobserved: [
      ...unobserved(context, []),
      ...repositories.unobserved.filter(({ repository }) => repository !== undefined && used.has(repository)),
      ...unobservedDirectories(context, directories),
    ],
  });
  return hooked(made, manifest, inventory, rest);
}

/** Verifies copies as they are now, whether a drill is due or not, and does nothing else. */
export function planVerify(
  manifest: Manifest,
  inventory: Inventory,
  options: AskedDrills & {
    readonly now: EpochSeconds;
    readonly sources?: readonly string[];
    readonly allHosts?: boolean;
  },
): Plan {
  const { sources, remotes, sample, ...rest } = options;
  const asked = { ...(remotes && { remotes }), ...(sample !== undefined && { sample }) };
  const context = contextOf(manifest, inventory, rest);
  const resolved = selected(
    resolveSources(manifest, context.observations, context.scope),
    sources,
    undefined,
    manifest,
  );
  const directories = resolveDirectories(manifest).filter(
    ({ address, host }) => context.scope.sources(host) && resolved.includes(address),
  );
  const plans = [
    ...resolved.sources.flatMap((source) => {
      const there = context.observations.look(source.host, source.dataset);
      return there.state === "present" ? [planSource(context, source, there.dataset, () => [], asked)] : [];
    }),
    ...directories.map((directory) => planDirectory(context, directory, asked)),
  ];
  const places = [...resolved.sources, ...directories].flatMap(({ repositories }) =>
    repositories.flatMap(({ remote, at, mirrors }) => [
      { name: remote.name, at },
      ...mirrors.map((each) => ({ name: each.mirror.name, at: each.at })),
    ]),
  );
  const used = new Set(places.flatMap(({ name, at }) => (remotes?.has(name) === false ? [] : [at.repository])));
  const copies = unobservedCopies(context, plans).filter(({ remote }) => remote && remotes?.has(remote) !== false);
  return toPlan(manifest, inventory, options.now, {
    operations: plans.flatMap(({ drills }) => drills.operations),
    blocked: resolved.blocked,
    kept: [],
    foreign: [],
    notes: [],
    ...assessed(plans.map((plan) => ({ ...plan, shortfalls: [] }))),
    unobserved: [
      ...unobservedSources(context),
      ...copies,
      ...planRepositories(context, new Set()).unobserved.filter(
        ({ repository }) => repository !== undefined && used.has(repository),
      ),
    ],
  });
}

/** The sources that the manifest means in this inventory, with every key settled: for `explain` and `list`. */
export function sourcesOf(
  manifest: Manifest,
  inventory: Inventory,
  options: Pick<PlanOptions, "allHosts">,
): ResolvedSources & { readonly directories: readonly DirectorySource[] } {
  const scope = scopeOf(manifest, { allHosts: options.allHosts ?? false });
  return {
    ...resolveSources(manifest, new Observations(inventory), scope),
    directories: resolveDirectories(manifest).filter(({ host }) => scope.sources(host)),
  };
}

/** What every rule is given, but what only the whole of a plan tells. */
export function contextOf(manifest: Manifest, inventory: Inventory, options: PlanOptions): PlanContext {
  return {
    manifest,
    now: options.now,
    observations: new Observations(inventory),
    scope: scopeOf(manifest, { allHosts: options.allHosts ?? false }),
    classify: classifier(manifest.snapshotTypes),
    retryPartial: options.retryPartial ?? false,
    mayInit: options.mayInit ?? true,
    groups: noGroups,
    schedules: schedulesAt(options.now),
    going: noOrphans.going,
    copies: new Map(),
    consents: consentsOf(manifest, {
      now: options.now,
      allowDestroy: options.allowDestroy ?? 0,
      resolve: options.resolve ?? new Map(),
    }),
  };
}

/** What only a first attempt at the whole plan tells, and what makes another one. */
interface Foreseen {
  readonly rolledBackInAll?: number;
  readonly discarded?: ReadonlyMap<string, OperationId>;
}

function assemble(manifest: Manifest, inventory: Inventory, options: PlanOptions, foreseen: Foreseen = {}): Plan {
  const { rolledBackInAll, discarded } = foreseen;
  const given = {
    ...contextOf(manifest, inventory, options),
    ...(rolledBackInAll !== undefined && { rolledBackInAll }),
  };
  const resolved = resolveSources(manifest, given.observations, given.scope);
  const limited = options.target !== undefined || options.exclude !== undefined;
  const orphans = limited ? noOrphans : planOrphans(given, resolved);
  const going = new Map([...orphans.going, ...(discarded ?? [])]);
  const known = { ...given, going, copies: copiesByTarget(resolved) };
  const chosen = selected(resolved, options.target, options.exclude, manifest);
  const context = { ...known, groups: groupsOf(known, chosen.sources) };
  const directories = resolveDirectories(manifest).filter(({ host }) => context.scope.sources(host));
  const repositories = planRepositories(
    context,
    new Set([...resolved.sources, ...directories].map((source) => source.address)),
  );
  const plans = [
    ...chosen.sources.flatMap((source) => {
      const there = context.observations.look(source.host, source.dataset);
      return there.state === "present"
        ? [planSource(context, source, there.dataset, scheduled(context, source, there.dataset))]
        : [];
    }),
    ...directories
      .filter(({ address }) => chosen.includes(address))
      .map((directory) => planDirectory(context, directory)),
  ];
  const tooMany = rolledBackInAll === undefined ? rolledBackBeyondTotal(context, plans) : undefined;
  if (tooMany !== undefined) return assemble(manifest, inventory, options, { ...foreseen, rolledBackInAll: tooMany });
  const inTheWay = discarded === undefined ? discardedBelowRemedies(plans) : undefined;
  if (inTheWay !== undefined) return assemble(manifest, inventory, options, { ...foreseen, discarded: inTheWay });
  const guarded = guard(
    context,
    plans.flatMap(({ deletions }) => deletions),
  );
  const operations = withRepositories(inOrder(plans, guarded, orphans.operations), repositories, limited);
  const drills = plans.flatMap((plan) => plan.drills.operations);
  return toPlan(manifest, inventory, options.now, {
    operations: [
      ...operations,
      ...afterAll(
        drills,
        operations.map(({ id }) => id),
      ),
    ],
    blocked: [
      ...repositories.blocked,
      ...chosen.blocked,
      ...plans.flatMap(({ blocked }) => blocked),
      ...blockedDeletions(guarded.withheld),
      ...orphans.blocked,
      ...chosen.sources.flatMap((source) => (isSnapshotDue(context, source) ? blockedByGroup(context, source) : [])),
    ],
    kept: [...plans.flatMap(({ kept }) => kept), ...keptBecauseWithheld(guarded)],
    foreign: plans.flatMap(({ foreign }) => foreign),
    notes: [
      ...plans.flatMap(({ notes }) => notes),
      ...orphans.notes,
      ...(limited ? [] : [...unprotectedNotes(context, resolved), ...unmatchedNotes(context)]),
      ...repositories.notes,
      ...context.consents.notes,
    ],
    ...assessed(plans),
    unobserved: [
      ...unobserved(context, plans),
      ...repositories.unobserved,
      ...unobservedDirectories(context, directories),
    ],
  });
}

/** Datasets that go with their half-received streams, below copies whose remedy was refused, maybe because of them. */
function discardedBelowRemedies(plans: readonly SourcePlan[]): Foreseen["discarded"] {
  const refused = plans.flatMap(({ blocked }) => blocked.filter(({ reason }) => reason === "remedy"));
  if (refused.length === 0) return undefined;
  const operations = plans.flatMap((plan) => plan.operations);
  const made = new Set(operations.filter(makesTarget).map(({ at }) => writePlace(at)));
  const gone = operations.filter(
    (operation) =>
      operation.kind === "discard" &&
      operation.removesDataset &&
      !made.has(writePlace(operation.at)) &&
      refused.some(({ at }) => isBelow(writePlace(operation.at), writePlace(at))),
  );
  return gone.length === 0 ? undefined : new Map(gone.map(({ at, id }) => [writePlace(at), id]));
}

/** What is done to whole repositories stands around what sources do there; `--target` leaves only what those need. */
function withRepositories(
  operations: readonly Operation[],
  { first, last }: RepositoriesPlan,
  limited: boolean,
): Operation[] {
  const needed = new Set(operations.flatMap(({ dependsOn }) => dependsOn));
  const before = first.filter(({ id }) => !limited || needed.has(id));
  return [...before, ...afterUnlocks(before, operations), ...(limited ? [] : last(operations))];
}

/** How copies are, where the manifest asks. */
function assessed(plans: readonly SourcePlan[]): Pick<Plan, "verified" | "shortfalls"> {
  const verified = plans.flatMap(({ drills }) => drills.verified);
  const shortfalls = plans.flatMap((plan) => plan.shortfalls);
  return { ...(verified.length > 0 && { verified }), ...(shortfalls.length > 0 && { shortfalls }) };
}

const copiesByTarget = ({ sources }: ResolvedSources): PlanContext["copies"] =>
  new Map(
    sources.flatMap((source) =>
      source.copies.map((copy) => [`${copy.host}:${copy.target}`, { source, copy }] as const),
    ),
  );

function keptBecauseWithheld({ withheld }: Guarded): Plan["kept"] {
  return withheld.map(({ deletion: { place, operation }, why }) => ({
    source: place.source,
    ...(place.remote !== undefined && { remote: place.remote }),
    reason: "withheld" as const,
    detail: why,
    snapshots: goneIn(operation).map(({ name }) => name),
  }));
}

/** Hosts and pools that matter and could not be observed. */
function unobserved(context: PlanContext, plans: readonly SourcePlan[]): Unobserved[] {
  return [...unobservedSources(context), ...unobservedCopies(context, plans)];
}

function unobservedSources({ manifest, observations, scope }: PlanContext): Unobserved[] {
  return [...manifest.hosts.keys()].flatMap((host): Unobserved[] => {
    const entries = manifest.datasets.filter(({ pattern }) => matcher(pattern.host)(host));
    if (entries.length === 0 || !concerns(manifest, host, scope)) return [];
    const observed = observations.host(host);
    if (observed.state === "unobserved") return [{ host, reason: observed.reason, expected: false }];
    const pools = new Set(entries.map(({ pattern }) => poolOf(pattern.dataset)));
    return [...pools]
      .filter((pool) => !isGlob(pool) && !observed.pools.includes(pool))
      .map((pool) => ({ host, pool, reason: `pool ${pool} is not imported`, expected: false }));
  });
}

function unobservedDirectories({ observations }: PlanContext, directories: readonly DirectorySource[]): Unobserved[] {
  return directories.flatMap(({ address, host, keys }) => {
    const observed = observations.directory(address);
    if (keys.stdin || observed.state !== "unobserved") return [];
    return [{ host, reason: `${address}: ${observed.reason}`, expected: false }];
  });
}

function unobservedCopies({ observations, now }: PlanContext, plans: readonly SourcePlan[]): Unobserved[] {
  const found = new Map<string, Unobserved>();
  for (const { away, lastContact } of plans) {
    for (const { host, target, remote } of away) {
      const there = observations.look(host, target);
      if (there.state !== "unobserved") continue;
      const key = `${host} ${there.pool ?? ""} ${remote.name}`;
      const expected = remote.removable && !isOverdue(now, lastContact.get(remote.name), remote.maxAge);
      found.set(key, {
        host,
        ...(there.pool !== undefined && { pool: there.pool }),
        remote: remote.name,
        reason: there.reason,
        expected: expected && (found.get(key)?.expected ?? true),
      });
    }
  }
  return [...found.values()];
}

function toPlan(
  manifest: Manifest,
  inventory: Inventory,
  now: EpochSeconds,
  parts: Pick<Plan, "operations" | "blocked" | "kept" | "foreign" | "notes" | "verified" | "shortfalls" | "unobserved">,
): Plan {
  const iso = (at: EpochSeconds) => new Date(at * 1000).toISOString().replace(/\.\d+/, "");
  return {
    formatVersion: 1,
    manifestDigest: manifest.digest,
    self: manifest.self,
    observedAt: iso(inventory.observedAt),
    now: iso(now),
    complete: parts.unobserved.every(({ expected }) => expected),
    ...parts,
    summary: summarize(parts),
  };
}
