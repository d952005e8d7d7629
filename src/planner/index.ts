import { scopeOf } from "../manifest/scope.ts";
import type { Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import type { Blocked, DestroyOperation, Operation, Plan, Unobserved } from "../model/plan.ts";
import type { EpochSeconds, TypeName } from "../model/units.ts";
import { consentsOf } from "./consent.ts";
import type { PlanContext } from "./context.ts";
import { createOperation } from "./create.ts";
import { blockedDeletions, type Guarded, guard } from "./guards.ts";
import { Observations, poolOf } from "./observed.ts";
import type { PlanOptions } from "./options.ts";
import { dependenciesFirst, linkParents } from "./order.ts";
import { noOrphans, planOrphans } from "./orphans.ts";
import { isGlob, matcher } from "./patterns.ts";
import { schedulesAt } from "./schedule.ts";
import { check } from "./simulate.ts";
import { isOverdue } from "./source-notes.ts";
import { planSource, type SourcePlan, scheduled } from "./source-plan.ts";
import { concerns, type ResolvedSources, resolveSources, type Source } from "./sources.ts";
import { summarize } from "./summary.ts";
import { classifier } from "./types.ts";
import { unmatchedNotes } from "./unmatched.ts";
import { unprotectedNotes } from "./unprotected.ts";

export type { PlanOptions } from "./options.ts";

/**
 * What would make the world as the manifest wants it. Pure and total: the same input gives the same plan, byte for
 * byte. The plan is checked before it is returned: each step works in a simulated world, and planning there again
 * finds nothing to do.
 */
export function plan(manifest: Manifest, inventory: Inventory, options: PlanOptions): Plan {
  const assembled = assemble(manifest, inventory, options);
  return check(assembled, inventory, (simulated) => assemble(manifest, simulated, options));
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
  const context = contextOf(manifest, inventory, rest);
  const resolved = selected(
    resolveSources(manifest, context.observations, context.scope),
    sources,
    undefined,
    manifest,
  );
  const declared = manifest.snapshotTypes.get(type);
  const operations: Operation[] = [];
  for (const source of resolved.sources) {
    const there = context.observations.look(source.host, source.dataset);
    if (!declared || !context.scope.sources(source.host) || source.keys.suspend || there.state !== "present") continue;
    const isTaken = (name: string) => there.dataset.snapshots.some((snapshot) => snapshot.name === name);
    const is = { host: source.host, dataset: source.dataset, kind: "dataset", guid: there.dataset.guid } as const;
    operations.push({ ...createOperation(context, source, declared, [is], isTaken), reason: "asked for" });
  }
  return toPlan(manifest, inventory, options.now, {
    operations,
    blocked: resolved.blocked,
    kept: [],
    foreign: [],
    notes: [],
    unobserved: unobserved(context, []),
  });
}

/** The sources that the manifest means in this inventory, with every key settled: for `explain` and `list`. */
export function sourcesOf(
  manifest: Manifest,
  inventory: Inventory,
  options: Pick<PlanOptions, "allHosts">,
): ResolvedSources {
  return resolveSources(
    manifest,
    new Observations(inventory),
    scopeOf(manifest, { allHosts: options.allHosts ?? false }),
  );
}

function contextOf(manifest: Manifest, inventory: Inventory, options: PlanOptions): PlanContext {
  return {
    manifest,
    now: options.now,
    observations: new Observations(inventory),
    scope: scopeOf(manifest, { allHosts: options.allHosts ?? false }),
    classify: classifier(manifest.snapshotTypes),
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

function assemble(manifest: Manifest, inventory: Inventory, options: PlanOptions): Plan {
  const given = contextOf(manifest, inventory, options);
  const resolved = resolveSources(manifest, given.observations, given.scope);
  const limited = options.target !== undefined || options.exclude !== undefined;
  const orphans = limited ? noOrphans : planOrphans(given, resolved);
  const context = { ...given, going: orphans.going, copies: copiesByTarget(resolved) };
  const chosen = selected(resolved, options.target, options.exclude, manifest);
  const plans = chosen.sources.flatMap((source) => {
    const there = context.observations.look(source.host, source.dataset);
    return there.state === "present"
      ? [planSource(context, source, there.dataset, scheduled(context, source, there.dataset))]
      : [];
  });
  const guarded = guard(
    context,
    plans.flatMap(({ deletions }) => deletions),
  );
  return toPlan(manifest, inventory, options.now, {
    operations: inOrder(plans, guarded, orphans.operations),
    blocked: [
      ...chosen.blocked,
      ...plans.flatMap(({ blocked }) => blocked),
      ...blockedDeletions(guarded.withheld),
      ...orphans.blocked,
    ],
    kept: [...plans.flatMap(({ kept }) => kept), ...keptBecauseWithheld(guarded)],
    foreign: plans.flatMap(({ foreign }) => foreign),
    notes: [
      ...plans.flatMap(({ notes }) => notes),
      ...orphans.notes,
      ...(limited ? [] : [...unprotectedNotes(context, resolved), ...unmatchedNotes(context)]),
      ...context.consents.notes,
    ],
    unobserved: unobserved(context, plans),
  });
}

const copiesByTarget = ({ sources }: ResolvedSources): PlanContext["copies"] =>
  new Map(
    sources.flatMap((source) =>
      source.copies.map((copy) => [`${copy.host}:${copy.target}`, { source, copy }] as const),
    ),
  );

/** What makes room, creates, then source by source: transfers, deletions, adoption, old bookmarks; what nobody owns last. */
function inOrder(plans: readonly SourcePlan[], guarded: Guarded, orphans: readonly Operation[]): Operation[] {
  const room: Operation[] = [];
  const creates: Operation[] = [];
  const rest: Operation[] = [];
  const through = new Set(guarded.through);
  const withheldAt = new Set(guarded.withheld.map(({ deletion }) => deletion.place));
  for (const plan of plans) {
    const deletions = plan.deletions.filter((deletion) => through.has(deletion));
    const first = deletions.flatMap((deletion) => (deletion.first ? [deletion.first] : []));
    room.push(...first);
    for (const operation of plan.operations) (operation.kind === "create" ? creates : rest).push(operation);
    for (const deletion of deletions) {
      rest.push(...deletion.before, ...(deletion.rest ? [after(first, deletion.rest)] : []));
    }
    for (const { operation, place } of plan.adoptions) if (!withheldAt.has(place)) rest.push(operation);
    rest.push(...plan.last);
  }
  return dependenciesFirst(linkParents([...room, ...creates, ...rest, ...orphans]));
}

/** What makes room goes before the rest of its side, which may destroy what justifies it. */
function after(first: readonly DestroyOperation[], rest: DestroyOperation): DestroyOperation {
  const sameSide = first.filter(({ at }) => at.host === rest.at.host && at.dataset === rest.at.dataset);
  return sameSide.length === 0 ? rest : { ...rest, dependsOn: [...rest.dependsOn, ...sameSide.map(({ id }) => id)] };
}

function keptBecauseWithheld({ withheld }: Guarded): Plan["kept"] {
  return withheld.map(({ deletion: { place, operation }, why }) => ({
    source: place.source,
    ...(place.remote !== undefined && { remote: place.remote }),
    reason: "withheld" as const,
    detail: why,
    snapshots: operation.snapshots.map(({ name }) => name),
  }));
}

/** The sources that `--target` and `--exclude` leave, with what is blocked among them. */
function selected(
  resolved: ResolvedSources,
  target: readonly string[] | undefined,
  exclude: readonly string[] | undefined,
  manifest: Manifest,
): { readonly sources: readonly Source[]; readonly blocked: readonly Blocked[] } {
  const any = (patterns: readonly string[]) => {
    const matchers = patterns.map(matcher);
    return (address: string) => {
      const [host] = address.split(":", 1) as [string];
      const dataset = address.slice(host.length + 1);
      const here = manifest.self === null || manifest.self === host;
      return matchers.some((matches) => matches(address) || (here && matches(dataset)));
    };
  };
  const wanted = target ? any(target) : () => true;
  const unwanted = exclude ? any(exclude) : () => false;
  const keep = (address: string) => wanted(address) && !unwanted(address);
  return {
    sources: resolved.sources.filter(({ address }) => keep(address)),
    blocked: resolved.blocked.filter(({ source }) => keep(source)),
  };
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
  parts: Pick<Plan, "operations" | "blocked" | "kept" | "foreign" | "notes" | "unobserved">,
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
