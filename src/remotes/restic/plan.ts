import type { RepositoryCopy, RepositoryInventory } from "../../model/inventory.ts";
import type { Repository, Retention } from "../../model/manifest.ts";
import type {
  AtRepository,
  BackupOperation,
  Blocked,
  CopyId,
  CopyOperation,
  KeptGroup,
  Note,
  OperationId,
  RepositoryOperation,
} from "../../model/plan.ts";
import type { Bytes, EpochSeconds, RemoteName, Seconds } from "../../model/units.ts";
import type { PlanContext } from "../../planner/context.ts";
import { isCounted, type Why } from "../../planner/retention.ts";
import type { Deletion } from "../../planner/side.ts";
import type { MirrorTarget, RepositoryTarget } from "../../planner/sources.ts";
import { suspendedByHand } from "../../planner/suspended.ts";
import { initId } from "./plan-repository.ts";
import { planRepositorySide, type RepositorySide, verdictOn } from "./plan-side.ts";
import { arrivingCopy, type CopyView, copiesOf, inOrder, type Known } from "./plan-views.ts";
import { ADOPTED, marksOf } from "./tags.ts";

/** A source as restic's rules see it: what there is to be kept, whatever kind of source it is. */
export interface BackupSource extends Known {
  readonly longestPeriod: Seconds;
  /** Whether this process makes and thins its copies. */
  readonly isOurs: boolean;
  readonly suspended: boolean;
  /** Why nothing can be read from it. */
  readonly obstacle?: Pick<Blocked, "reason" | "message" | "evidence" | "remedies" | "at">;
  /**
   * What can be backed up besides what the repository has already. A key of "" is that of the backup itself, which is made
   * whatever a retention counts.
   */
  candidates(there: readonly CopyView[], keep: Retention): readonly Omit<CopyView, "ref">[];
  /** Copies that must stay so that nothing is due again at once, by key. */
  pins(views: readonly CopyView[]): ReadonlyMap<string, Why>;
  /** What is particular to it in the operation that backs it up. */
  backup(
    view: CopyView,
  ): Pick<BackupOperation, "from" | "dependsOn" | "preconditions" | "tags"> & Partial<BackupOperation>;
}

/** What becomes of one source's copies on one restic remote and its mirrors. */
export interface BackupPlan {
  readonly target: RepositoryTarget;
  readonly state: "planned" | "blocked" | "away";
  readonly operations: readonly RepositoryOperation[];
  readonly blocked: readonly Blocked[];
  /** Snapshots of the source that must stay for this remote, by key. */
  readonly pins: ReadonlyMap<string, Why>;
  /** Keys of what the remote has afterwards. */
  readonly after: ReadonlySet<string>;
  readonly deletions: readonly Deletion[];
  readonly kept: readonly KeptGroup[];
  readonly notes: readonly Note[];
  /** Of the newest complete copy there is. */
  readonly newest?: EpochSeconds;
  /** The remote, then its mirrors. */
  readonly sides: readonly RepositoryPoints[];
}

/** What one repository has of the source, now and once all backups and copies are done. */
export interface RepositoryPoints {
  readonly repository: Repository;
  readonly at: AtRepository;
  readonly state: RepositoryInventory["state"];
  readonly existing: readonly CopyView[];
  readonly after: readonly CopyView[];
  /** What brings the difference. */
  readonly operations: readonly OperationId[];
}

/** A repository that can be worked on, now or once this plan has made it. */
type Usable = Extract<RepositoryInventory, { state: "observed" | "absent" }>;

const isUsable = (
  { mayInit }: Pick<PlanContext, "mayInit">,
  repository: Repository,
  there: RepositoryInventory,
): there is Usable => there.state === "observed" || (there.state === "absent" && repository.init && mayInit);

/** Rule 4 for one source on one remote: what is backed up there, what goes on to its mirrors, what is forgotten. */
export function planBackups(context: PlanContext, source: BackupSource, target: RepositoryTarget): BackupPlan {
  const there = context.observations.repository(target.at.repository);
  const existing = copiesOf(context.manifest, { repository: target.remote, keep: target.keep }, there, source);
  if (source.suspended) return suspended(context, source, target, existing);
  const { wanted, whys } = wantedOn(context, source, target, existing);
  if (!isUsable(context, target.remote, there) || source.obstacle) {
    const state = there.state === "unobserved" ? "away" : "blocked";
    const blocked = source.obstacle && source.isOurs ? [obstacleTo(source, target, source.obstacle)] : [];
    const waiting = wanted.map(({ key }) => [key, waitingFor(target.remote, state)] as const);
    return {
      ...nothing(target),
      state,
      blocked,
      pins: new Map(waiting),
      after: new Set(existing.map(({ key }) => key)),
      sides: sidesAsTheyAre(context, source, target, existing),
    };
  }
  if (!source.isOurs) {
    const pins = wanted.map(({ key }) => [key, waitingFor(target.remote, "blocked")] as const);
    return { ...nothing(target), pins: new Map(pins), sides: sidesAsTheyAre(context, source, target, existing) };
  }
  const backups = inSeries(source, target, there, existing, wanted, whys);
  const after = [...existing, ...wanted].sort(inOrder);
  const adoption = adoptionOf(context, source, target, existing);
  const mirrors = target.mirrors.map((mirror) => planMirror(context, source, target, after, mirror, adoption));
  const operations = [...backups, ...mirrors.flatMap((mirror) => mirror.operations)];
  const side = planRepositorySide(context, {
    ...sideOf(source, target.remote, target.at, there),
    ...adoption,
    views: after,
    keep: target.keep,
    again: new Set(source.candidates([], target.keep).map(({ key }) => key)),
    pins: merged([source.pins(after), newestPin(after), ...mirrors.map(({ pins }) => pins)]),
    ...untouched(target.remote, mirrors),
    dependsOn: operations.map(({ id }) => id),
  });
  return {
    target,
    state: "planned",
    operations,
    blocked: [],
    pins: new Map(),
    after: new Set(after.map(({ key }) => key)),
    deletions: [...side.deletions, ...mirrors.flatMap(({ deletions }) => deletions)],
    kept: [...side.kept, ...mirrors.flatMap(({ kept }) => kept)],
    notes: mirrors.flatMap(({ notes }) => notes),
    ...newestOf(existing),
    sides: [
      { ...unchanged(target.remote, target.at, there, existing), after, operations: backups.map(({ id }) => id) },
      ...mirrors.map(({ points }) => points),
    ],
  };
}

interface Wanted {
  /** What is not there and is to be. */
  readonly wanted: readonly CopyView[];
  readonly whys: ReadonlyMap<CopyView, readonly Why[]>;
}

function wantedOn(
  context: PlanContext,
  source: BackupSource,
  target: RepositoryTarget,
  existing: readonly CopyView[],
): Wanted {
  const candidates = source.candidates(existing, target.keep).map((view) => planned(source, target, view));
  const { whys } = verdictOn(context, target.keep, [...existing, ...candidates].sort(inOrder));
  return { wanted: candidates.filter((view) => isItself(view) || isCounted(whys.get(view))), whys };
}

/** The mirror's own retention decides, so that nothing is copied to be forgotten again. */
function wantedOnMirror(
  context: PlanContext,
  keep: Retention,
  originals: readonly CopyView[],
  existing: readonly CopyView[],
): readonly CopyView[] {
  const has = new Set(existing.map(({ key }) => key));
  const candidates = originals.filter((view) => !view.isPartial && !has.has(view.key)).map(arrivingCopy);
  const { whys } = verdictOn(context, keep, [...existing, ...candidates].sort(inOrder));
  return candidates.filter((view) => isCounted(whys.get(view)));
}

/**
 * What one source's copies on a restic remote and on its mirrors lack of what they are to have, whoever brings it there. Of
 * a repository that cannot be listed nobody knows: nothing.
 */
export function lackingOn(
  context: PlanContext,
  source: BackupSource,
  target: RepositoryTarget,
): ReadonlyMap<RemoteName, readonly CopyView[]> {
  const { manifest, observations } = context;
  const known = ({ remote: repository, at, keep }: Pick<RepositoryTarget, "at" | "keep"> & { remote: Repository }) => {
    const there = observations.repository(at.repository);
    return { isSeen: there.state !== "unobserved", existing: copiesOf(manifest, { repository, keep }, there, source) };
  };
  const { isSeen, existing } = known(target);
  const wanted = isSeen ? wantedOn(context, source, target, existing).wanted : [];
  const originals = [...existing, ...wanted].sort(inOrder);
  const mirrors = target.mirrors.map(({ mirror, at, keep }) => {
    const there = known({ remote: mirror, at, keep });
    return [mirror.name, there.isSeen ? wantedOnMirror(context, keep, originals, there.existing) : []] as const;
  });
  return new Map([[target.remote.name, wanted], ...mirrors]);
}

function sidesAsTheyAre(
  { manifest, observations }: PlanContext,
  source: BackupSource,
  { remote, at, mirrors }: RepositoryTarget,
  existing: readonly CopyView[],
): RepositoryPoints[] {
  const mirrored = mirrors.map(({ mirror, at, keep }) => {
    const there = observations.repository(at.repository);
    return unchanged(mirror, at, there, copiesOf(manifest, { repository: mirror, keep }, there, source));
  });
  return [unchanged(remote, at, observations.repository(at.repository), existing), ...mirrored];
}

const unchanged = (
  repository: Repository,
  at: AtRepository,
  { state }: RepositoryInventory,
  existing: readonly CopyView[],
): RepositoryPoints => ({ repository, at, state, existing, after: existing, operations: [] });

function planned({ address }: BackupSource, { remote }: RepositoryTarget, view: Omit<CopyView, "ref">): CopyView {
  const createdBy = `backup ${address}@${view.name} ${remote.name}`;
  const own = view.key === "" ? { key: createdBy, createdBy } : {};
  return { ...view, ...own, ref: { name: view.name, createdBy } };
}

/** Not counted where copies dated in the future fill the retention: what is due is made all the same. */
const isItself = ({ key, ref }: CopyView): boolean => "createdBy" in ref && ref.createdBy === key;

const nothing = (target: RepositoryTarget): BackupPlan => ({
  target,
  state: "planned",
  operations: [],
  blocked: [],
  pins: new Map(),
  after: new Set(),
  deletions: [],
  kept: [],
  notes: [],
  sides: [],
});

const newestOf = (views: readonly CopyView[]): { readonly newest?: EpochSeconds } => {
  const newest = views.findLast(({ isPartial }) => !isPartial);
  return newest ? { newest: newest.creation } : {};
};

const waitingFor = ({ name }: Repository, state: "away" | "blocked"): Why => ({
  reason: "waiting",
  detail: state === "away" ? `${name} is away` : `${name} has yet to get it`,
});

const obstacleTo = (
  { address }: BackupSource,
  { remote }: RepositoryTarget,
  obstacle: NonNullable<BackupSource["obstacle"]>,
): Blocked => ({ source: address, remote: remote.name, ...obstacle });

/** Oldest first, so that each is compared with the one before and only changes are read. */
function inSeries(
  source: BackupSource,
  target: RepositoryTarget,
  there: Usable,
  existing: readonly CopyView[],
  wanted: readonly CopyView[],
  whys: ReadonlyMap<CopyView, readonly Why[]>,
): BackupOperation[] {
  const { remote, at } = target;
  const init = there.state === "absent" ? [initId(at.repository)] : [];
  let parent = existing.findLast(({ isPartial }) => !isPartial);
  let before: OperationId | undefined;
  return wanted.map((view) => {
    const base = {
      id: "createdBy" in view.ref ? view.ref.createdBy : "",
      kind: "backup",
      source: source.address,
      remote: remote.name,
      at,
      name: view.name,
      types: view.types,
      reason: `${remote.name} keeps ${(whys.get(view) ?? []).map(({ detail }) => detail).join(", ")}`,
      parent: parent?.ref ?? null,
      ...(parent?.copy?.bytes !== undefined && { estimate: parent.copy.bytes }),
      ...beforeOf(parent?.copy),
      ...(before !== undefined && { after: [before] }),
    } as const;
    const own = source.backup(view);
    const operation: BackupOperation = { ...base, ...own, dependsOn: [...init, ...own.dependsOn] };
    before = operation.id;
    parent = view;
    return operation;
  });
}

const beforeOf = (copy: RepositoryCopy | undefined): Pick<BackupOperation, "before"> =>
  copy?.files === undefined || copy.bytes === undefined ? {} : { before: { files: copy.files, bytes: copy.bytes } };

interface MirrorPlan {
  readonly operations: readonly CopyOperation[];
  /** Copies that must stay where the mirror takes them from, by key. */
  readonly pins: ReadonlyMap<string, Why>;
  readonly frozen?: Why;
  readonly points: RepositoryPoints;
  readonly deletions: readonly Deletion[];
  readonly kept: readonly KeptGroup[];
  readonly notes: readonly Note[];
}

/** Copies exactly what the mirror's own retention keeps. */
function planMirror(
  context: PlanContext,
  source: BackupSource,
  from: RepositoryTarget,
  originals: readonly CopyView[],
  { mirror, at, keep }: MirrorTarget,
  adoption: Adoption,
): MirrorPlan {
  const there = context.observations.repository(at.repository);
  const existing = copiesOf(context.manifest, { repository: mirror, keep }, there, source);
  const wanted = wantedOnMirror(context, keep, originals, existing);
  if (!isUsable(context, mirror, there)) {
    const state = there.state === "unobserved" ? "away" : "blocked";
    return {
      operations: [],
      pins: new Map(wanted.map(({ key }) => [key, waitingFor(mirror, state)])),
      ...(mirror.whileAway === "freeze" && {
        frozen: { reason: "frozen", detail: `${mirror.name} cannot be observed` } satisfies Why,
      }),
      points: unchanged(mirror, at, there, existing),
      deletions: [],
      kept: [],
      notes: [],
    };
  }
  const after = [...existing, ...wanted].sort(inOrder);
  const operations = wanted.length === 0 ? [] : [copy(source, from, { mirror, at, keep }, there, wanted)];
  const side = planRepositorySide(context, {
    ...sideOf(source, mirror, at, there),
    ...adoption,
    views: after,
    keep,
    again: new Set(),
    pins: merged([newestPin(after)]),
    ...untouched(mirror, []),
    dependsOn: operations.map(({ id }) => id),
  });
  const points = { ...unchanged(mirror, at, there, existing), after, operations: operations.map(({ id }) => id) };
  return { operations, pins: new Map(), ...side, points, notes: driftNotes(source, mirror, originals, existing) };
}

function copy(
  { address }: BackupSource,
  from: RepositoryTarget,
  { mirror, at }: MirrorTarget,
  there: Usable,
  wanted: readonly CopyView[],
): CopyOperation {
  const planned = wanted.flatMap(({ ref }) => ("createdBy" in ref ? [ref.createdBy] : []));
  return {
    id: `copy ${address} ${mirror.name}`,
    kind: "copy",
    source: address,
    remote: mirror.name,
    at,
    from: from.at,
    copies: wanted.map(({ ref }): CopyId => ref),
    estimate: wanted.reduce((sum, { copy }) => sum + (copy?.added ?? 0), 0) as Bytes,
    reason: `${mirror.name} keeps what ${from.remote.name} has`,
    dependsOn: there.state === "absent" ? [initId(at.repository)] : [],
    // a backup that fails is no reason not to copy the others
    after: planned,
    preconditions: [],
  };
}

/** A copy whose tags were changed on one side only is stored twice by the next `restic copy` of another tool. */
function driftNotes(
  { address }: BackupSource,
  mirror: Repository,
  originals: readonly CopyView[],
  copies: readonly CopyView[],
): Note[] {
  const byKey = new Map(originals.map((view) => [view.key, view.copy]));
  const drifted = copies.filter(({ key, copy }) => {
    const original = byKey.get(key);
    return (
      original && copy && (original.tree !== copy.tree || `${[...original.tags].sort()}` !== `${[...copy.tags].sort()}`)
    );
  });
  if (drifted.length === 0) return [];
  const names = drifted.slice(0, 3).map(({ name }) => name);
  const more = drifted.length > 3 ? ` and ${drifted.length - 3} more` : "";
  return [
    {
      kind: "drift",
      source: address,
      remote: mirror.name,
      message: `${names.join(", ")}${more}: tags or content differ from what ${mirror.name} has a copy of; somebody changed one of the two`,
    },
  ];
}

function sideOf(
  source: BackupSource,
  repository: Repository,
  at: AtRepository,
  there: Usable,
): Pick<RepositorySide, "source" | "repository" | "at" | "longestPeriod"> & { readonly id?: string } {
  return {
    source: source.address,
    repository,
    at,
    ...(there.state === "observed" && { id: there.id }),
    longestPeriod: source.longestPeriod,
  };
}

type Adoption = Pick<RepositorySide, "adopted" | "adoptedBy">;

/** Every copy is Holdfast's own, there and on its mirrors, or one was made since what others made was dealt with. */
function adoptionOf(
  context: PlanContext,
  source: BackupSource,
  { remote, mirrors }: RepositoryTarget,
  existing: readonly CopyView[],
): Adoption {
  const mirrored = mirrors.flatMap(({ mirror, at, keep }) =>
    copiesOf(context.manifest, { repository: mirror, keep }, context.observations.repository(at.repository), source),
  );
  const marks = [...existing, ...mirrored].map(({ copy }) => copy && marksOf(copy));
  const adopted = marks.every((each) => each !== undefined) || marks.some((each) => each?.isAdopted);
  return { adopted, adoptedBy: remote.name };
}

/** The tag that says so from this backup on. */
export const withAdoption = (operation: BackupOperation): BackupOperation =>
  operation.tags.includes(ADOPTED) ? operation : { ...operation, tags: [...operation.tags, ADOPTED] };

function untouched(repository: Repository, mirrors: readonly MirrorPlan[]): { readonly untouched?: Why } {
  if (repository.deletions === "never") return { untouched: { reason: "append-only", detail: "deletions: never" } };
  const frozen = mirrors.find((mirror) => mirror.frozen)?.frozen;
  return frozen ? { untouched: frozen } : {};
}

function newestPin(views: readonly CopyView[]): ReadonlyMap<string, Why> {
  const newest = views.findLast(({ isPartial }) => !isPartial);
  return new Map(newest ? [[newest.key, { reason: "newest", detail: "newest copy" }]] : []);
}

function merged(maps: readonly ReadonlyMap<string, Why>[]): ReadonlyMap<string, readonly Why[]> {
  const all = new Map<string, Why[]>();
  for (const [key, why] of maps.flatMap((map) => [...map])) all.set(key, [...(all.get(key) ?? []), why]);
  return all;
}

/** Observed and shown, never changed. */
function suspended(
  context: PlanContext,
  source: BackupSource,
  target: RepositoryTarget,
  existing: readonly CopyView[],
): BackupPlan {
  const isByHand = suspendedByHand(context.manifest, source.address) !== undefined;
  const why: Why = { reason: "suspended", detail: isByHand ? "holdfast suspend" : "suspend: true" };
  const side = planRepositorySide(context, {
    source: source.address,
    repository: target.remote,
    at: target.at,
    adopted: true,
    adoptedBy: target.remote.name,
    longestPeriod: source.longestPeriod,
    views: existing,
    keep: { by: "type", types: new Map() },
    again: new Set(),
    pins: new Map(existing.map(({ key }) => [key, [why]])),
    untouched: why,
    dependsOn: [],
  });
  return { ...nothing(target), kept: side.kept.filter(({ reason }) => reason === "suspended"), ...newestOf(existing) };
}
