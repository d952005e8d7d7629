import type { Dataset } from "../model/inventory.ts";
import type { Manifest, ZfsRemote } from "../model/manifest.ts";
import {
  type At,
  type Blocked,
  type DestroyOrphanOperation,
  type Note,
  type OperationId,
  writePlace,
} from "../model/plan.ts";
import { size } from "../model/size.ts";
import { address, type Bytes } from "../model/units.ts";
import type { PlanContext } from "./context.ts";
import { isBelow } from "./observed.ts";
import { type Origin, originsOf } from "./origins.ts";
import { type Copy, type ResolvedSources, type Source, sourceAt } from "./sources.ts";

interface Orphan {
  readonly remote: ZfsRemote;
  readonly at: At;
  readonly dataset: Dataset;
  /** What its source would be called. */
  readonly source: ReturnType<typeof address>;
}

export interface OrphanPlan {
  readonly operations: readonly DestroyOrphanOperation[];
  readonly blocked: readonly Blocked[];
  readonly notes: readonly Note[];
  /** What is destroyed, `HOST:DATASET`, and by which operation. */
  readonly going: ReadonlyMap<string, OperationId>;
}

export const noOrphans: OrphanPlan = { operations: [], blocked: [], notes: [], going: new Map() };

/** Copies whose source is gone: reported, and destroyed only by an approval that names them. */
export function planOrphans(context: PlanContext, resolved: ResolvedSources): OrphanPlan {
  const operations: DestroyOrphanOperation[] = [];
  const blocked: Blocked[] = [];
  const notes: Note[] = [];
  const going = new Map<string, OperationId>();
  const renamed = new Renamed(context, resolved);
  // children first: what goes in this plan no longer holds its parent back
  const deepestFirst = findOrphans(context, resolved).sort((a, b) => b.at.dataset.length - a.at.dataset.length);
  for (const orphan of deepestFirst) {
    const { at, dataset, source, remote } = orphan;
    const count = dataset.snapshots.length;
    if (!context.consents.orphan(at.host, at.dataset)) {
      const message = `${at.host}:${at.dataset} (${count} snapshots) is a copy of ${source}, which is no source any more; it is left alone`;
      const hint = renamed.hint(orphan);
      notes.push({ kind: "orphan", source, remote: remote.name, at, message: hint ? `${message}. ${hint}` : message });
      continue;
    }
    const problems = obstacles(context, orphan, going);
    if (problems.length > 0) {
      blocked.push(refusal(orphan, problems));
      continue;
    }
    const below = [...going].filter(([key]) => isBelow(key, `${at.host}:${at.dataset}`)).map(([, id]) => id);
    const operation = destruction(orphan, below);
    operations.push(operation);
    going.set(`${at.host}:${at.dataset}`, operation.id);
  }
  return { operations, blocked, notes, going };
}

function findOrphans(context: PlanContext, resolved: ResolvedSources): Orphan[] {
  const { manifest, observations, scope } = context;
  const used = inUse(manifest, resolved);
  const origins = originsOf(manifest);
  // of a host or a pool that was not observed nothing can be said to be gone
  const isGone = ({ from, dataset }: Origin): boolean => {
    if (dataset === undefined || observations.host(from).state === "unobserved") return false;
    const there = observations.look(from, dataset);
    return there.state !== "unobserved" || there.pool === undefined;
  };
  return [...manifest.hosts.keys()].flatMap((host) =>
    [...observations.datasets(host).values()].flatMap((dataset): Orphan[] => {
      if (dataset.snapshots.length === 0 || used.has(`${host}:${dataset.name}`)) return [];
      const all = origins.of(host, dataset.name);
      const fillers = all.filter(({ isFilled }) => isFilled);
      const origin = fillers.length > 0 ? fillers.every(isGone) && fillers[0] : all.find(isGone);
      if (!origin || origin.dataset === undefined || !scope.copies(origin.from, origin.remote)) return [];
      const at = { host, dataset: dataset.name };
      return [{ remote: origin.remote, at, dataset, source: address(origin.from, origin.dataset) }];
    }),
  );
}

/** Sources, their copies, and what is in dispute. */
function inUse(manifest: Manifest, { sources, blocked }: ResolvedSources): ReadonlySet<string> {
  const placesOf = ({ address, copies }: Pick<Source, "address" | "copies">): string[] => [
    address,
    ...copies.map((copy) => `${copy.host}:${copy.target}`),
  ];
  return new Set([
    ...sources.flatMap(placesOf),
    ...blocked.flatMap(({ source, at }) => [writePlace(at), ...placesOf(sourceAt(manifest, source))]),
  ]);
}

/** Sources without a copy yet, by what they have: one that shares snapshots with an orphan was renamed. */
class Renamed {
  readonly #context: PlanContext;
  readonly #resolved: ResolvedSources;
  #byGuid: ReadonlyMap<string, { readonly source: Source; readonly copy: Copy }> | undefined;

  constructor(context: PlanContext, resolved: ResolvedSources) {
    this.#context = context;
    this.#resolved = resolved;
  }

  hint({ at, dataset, remote }: Orphan): string | undefined {
    this.#byGuid ??= this.#index();
    for (const { guid } of dataset.snapshots.toReversed()) {
      const found = this.#byGuid.get(`${remote.name} ${at.host} ${guid}`);
      if (found)
        return `It looks like ${found.source.address} under its old name: zfs rename -p ${at.dataset} ${found.copy.target} there, before the next apply, saves sending it again`;
    }
    return undefined;
  }

  #index(): Map<string, { readonly source: Source; readonly copy: Copy }> {
    const { observations } = this.#context;
    const found = new Map<string, { readonly source: Source; readonly copy: Copy }>();
    for (const source of this.#resolved.sources) {
      for (const copy of source.copies) {
        if (observations.look(copy.host, copy.target).state !== "absent") continue;
        const there = observations.look(source.host, source.dataset);
        const snapshots = there.state === "present" ? there.dataset.snapshots : [];
        for (const { guid } of snapshots) found.set(`${copy.remote.name} ${copy.host} ${guid}`, { source, copy });
      }
    }
    return found;
  }
}

function obstacles(
  context: PlanContext,
  { remote, at, dataset }: Orphan,
  going: ReadonlyMap<string, OperationId>,
): string[] {
  const { total } = context.manifest.guards.destroyAtMost;
  const count = dataset.snapshots.length;
  const children = [...context.observations.datasets(at.host).keys()].filter(
    (name) => isBelow(name, dataset.name) && !going.has(`${at.host}:${name}`),
  );
  return [
    ...(remote.deletions === "never" ? [`${remote.name} is append-only (deletions: never)`] : []),
    ...children.map((child) => `${child} is below it`),
    ...(dataset.written > 0 ? [`${size(dataset.written)} were written there since its newest snapshot`] : []),
    ...dataset.snapshots.flatMap(({ name, holds, clones }) => [
      ...(holds ?? []).map((tag) => `@${name} is held (${tag})`),
      ...(clones ?? []).map((clone) => `@${name} has the clone ${clone}`),
    ]),
    ...(count > total && count > context.consents.allowDestroy
      ? [`it has ${count} snapshots, more than guards.destroyAtMost.total (${total}): add --allow-destroy ${count}`]
      : []),
  ];
}

function refusal({ remote, at, source }: Orphan, problems: readonly string[]): Blocked {
  return {
    source,
    remote: remote.name,
    at,
    reason: "orphan",
    message: `the approved destruction of the orphan ${at.host}:${at.dataset} cannot be done`,
    evidence: problems,
    remedies: ["take away what is in the way, or the approval"],
  };
}

function destruction({ remote, at, dataset, source }: Orphan, after: readonly OperationId[]): DestroyOrphanOperation {
  const snapshots = dataset.snapshots.map(({ name, guid, used }) => ({ name, guid, used }));
  return {
    id: `destroy-orphan ${at.host}:${at.dataset}`,
    kind: "destroy-orphan",
    source,
    remote: remote.name,
    at,
    reason: `an approval names it; ${source} is no source any more`,
    dependsOn: after,
    preconditions: [
      { ...at, kind: "dataset", guid: dataset.guid },
      ...snapshots.map(({ name, guid }) => ({ ...at, kind: "snapshot" as const, snapshot: { name, guid } })),
      { ...at, kind: "follows", base: null, extras: snapshots.map(({ guid }) => guid) },
    ],
    snapshots,
    bytes: dataset.used as Bytes,
  };
}
