import type { Repository, Retention, SnapshotType } from "../../model/manifest.ts";
import type {
  AtRepository,
  ForgetOperation,
  ForgottenCopy,
  KeptGroup,
  OperationId,
  RepositoryPrecondition,
  StayingCopy,
} from "../../model/plan.ts";
import type { Address, EpochSeconds, RemoteName, Seconds, TypeName } from "../../model/units.ts";
import { clockDoubt } from "../../planner/clock.ts";
import type { PlanContext } from "../../planner/context.ts";
import { IN_UTC } from "../../planner/moment.ts";
import { isCounted, retain, type Why } from "../../planner/retention.ts";
import type { Deletion, Place } from "../../planner/side.ts";
import { writeLimit } from "../../planner/write.ts";
import { type CopyView, copyRefOf, inOrder } from "./plan-views.ts";

/** The copies of one source in one repository, as they will be once all backups and copies are done. */
export interface RepositorySide {
  readonly source: Address;
  readonly repository: Repository;
  readonly at: AtRepository;
  /** Of the repository; absent while it is not there. */
  readonly id?: string;
  readonly adopted: boolean;
  /** The remote whose backups record that. */
  readonly adoptedBy: RemoteName;
  /** In order; what arrives too. */
  readonly views: readonly CopyView[];
  readonly keep: Retention;
  /** Keys of what the source still has, so that it could be made again. */
  readonly again: ReadonlySet<string>;
  readonly longestPeriod: Seconds;
  /** Reasons to keep beyond retention, by key. */
  readonly pins: ReadonlyMap<string, readonly Why[]>;
  /** Set where nothing is forgotten at all. */
  readonly untouched?: Why;
  readonly dependsOn: readonly OperationId[];
}

export interface RepositorySidePlan {
  readonly kept: readonly KeptGroup[];
  readonly deletions: readonly Deletion[];
}

/** Which of a source's complete copies a retention keeps, and why. */
interface Verdict {
  readonly whys: ReadonlyMap<CopyView, readonly Why[]>;
  /** Those that it counts for a type; by time for whatever type. */
  countedFor(type: TypeName): { readonly view: CopyView; readonly whys: readonly Why[] }[];
}

/** Of equal snapshots the newest copy is judged. */
export function verdictOn(context: PlanContext, keep: Retention, views: readonly CopyView[]): Verdict {
  const latest = latestComplete(views);
  const complete = views.filter((view) => latest.has(view));
  const listed = (type: TypeName) => keep.by === "time" || keep.types.has(type);
  // one view for each type that is counted: a copy is kept by whichever of its types still calls for it
  const facets = complete.flatMap((view) => {
    const types = keep.by === "time" ? [view.types[0] ?? ADOPTED] : view.types.filter(listed);
    // Holdfast backs up with a clock in UTC
    return types.map((type) => ({ recorded: IN_UTC, ...view, type, view }));
  });
  const verdict = retain(keep, facets, context.now, context.manifest.timezone);
  const whys = new Map<CopyView, Why[]>();
  facets.forEach(({ view }, index) => {
    const own = verdict[index];
    if (own) whys.set(view, [...(whys.get(view) ?? []), ...own]);
  });
  for (const view of complete) {
    if (keep.by === "time" || view.types.some(listed)) continue;
    whys.set(view, [{ reason: "unlisted", detail: unlisted(view) }]);
  }
  const countedFor = (type: TypeName) =>
    facets.flatMap((facet, index) => {
      const own = verdict[index];
      const isOfType = keep.by === "time" || facet.type === type;
      return isOfType && own && isCounted(own) ? [{ view: facet.view, whys: own }] : [];
    });
  return { whys, countedFor };
}

function latestComplete(views: readonly CopyView[]): Set<CopyView> {
  const latest = new Map(views.filter(({ isPartial }) => !isPartial).map((view) => [view.key, view]));
  return new Set(latest.values());
}

/** What has no type is thinned by time like everything else that is ours or adopted. */
const ADOPTED = "adopted" as TypeName;

const unlisted = ({ types: [type] }: CopyView): string =>
  type === undefined ? "of no declared type" : `${type} is not in keep`;

/**
 * Whether complete copies make a partial one superfluous: one of the same snapshot, or newer ones of all its types, where
 * its snapshot would not be wanted again without it.
 */
function isOutdone(context: PlanContext, { keep, views, again }: RepositorySide, partial: CopyView): boolean {
  const complete = views.filter(({ isPartial }) => !isPartial);
  if (complete.some(({ key }) => key === partial.key)) return true;
  const isNewer = (type: TypeName) =>
    complete.some(({ types, creation }) => types.includes(type) && creation >= partial.creation);
  if (!partial.types.every(isNewer)) return false;
  if (!again.has(partial.key)) return true;
  const whole = { ...partial, isPartial: false };
  const verdict = verdictOn(context, keep, [...complete, whole].sort(inOrder));
  return !isCounted(verdict.whys.get(whole));
}

/** What stays of one source in one repository and why; the rest is surplus. */
export function planRepositorySide(context: PlanContext, side: RepositorySide): RepositorySidePlan {
  const { keep, views } = side;
  const verdict = verdictOn(context, keep, views);
  const kept = new Map<string, { readonly why: Why; readonly names: string[] }>();
  const staying: CopyView[] = [];
  const surplus = new Map<TypeName, CopyView[]>();
  const latest = latestComplete(views);
  for (const view of views) {
    const whys = [...(verdict.whys.get(view) ?? []), ...(latest.has(view) ? (side.pins.get(view.key) ?? []) : [])];
    if (view.isPartial && !isOutdone(context, side, view))
      whys.push({ reason: "partial", detail: "no complete copy takes its place" });
    if (whys.length === 0 && side.untouched) whys.push(side.untouched);
    if (whys.length > 0 || !view.copy) {
      staying.push(view);
      if (view.copy) for (const why of whys) note(kept, why, view.name);
      continue;
    }
    const type = groupOf(context, keep, view);
    surplus.set(type, [...(surplus.get(type) ?? []), view]);
  }
  const where = { source: side.source, remote: side.repository.name };
  return {
    kept: [...kept.values()].map(({ why, names }) => ({ ...where, ...why, snapshots: names })),
    deletions: [...surplus].map(([type, gone]) => deletion(context, side, verdict, staying, type, gone)),
  };
}
function note(kept: Map<string, { readonly why: Why; readonly names: string[] }>, why: Why, name: string): void {
  const key = `${why.reason}\0${why.detail}`;
  const group = kept.get(key) ?? { why, names: [] };
  kept.set(key, group);
  group.names.push(name);
}

/** Of several types the one that would have kept it longest. */
function groupOf({ manifest, schedules }: PlanContext, keep: Retention, { types }: CopyView): TypeName {
  const counted = keep.by === "time" ? types : types.filter((type) => keep.types.has(type));
  const period = (name: TypeName) => {
    const type = manifest.snapshotTypes.get(name);
    return type?.schedule === undefined ? Number.POSITIVE_INFINITY : schedules.longestPeriod(type);
  };
  return [...counted].sort((a, b) => period(b) - period(a))[0] ?? types[0] ?? ADOPTED;
}

function deletion(
  context: PlanContext,
  side: RepositorySide,
  verdict: Verdict,
  staying: readonly CopyView[],
  name: TypeName,
  gone: readonly CopyView[],
): Deletion {
  const { keep, views, source, repository, at } = side;
  // a copy of several types goes with one of them, and is weighed with that one only
  const grouped = views.filter((view) => groupOf(context, keep, view) === name);
  const fills = verdict.countedFor(name);
  const rule = keep.by === "type" ? keep.types.get(name) : undefined;
  const ageBased = keep.by === "time" || rule?.within !== undefined;
  const doubt = ageBased ? clockDoubt(gone, staying, side.longestPeriod, context.now) : undefined;
  const newest = views.findLast(({ isPartial }) => !isPartial);
  // whatever type of it still called for one of them
  const counted = new Set([name, ...gone.flatMap(({ types }) => types)]);
  const filling = [...counted].flatMap((type) => verdict.countedFor(type).map(({ view }) => view));
  const needed = new Set([...filling, ...(newest ? [newest] : [])]);
  const operation: ForgetOperation = {
    id: `forget ${source} ${repository.name} ${name}`,
    kind: "forget",
    source,
    remote: repository.name,
    at,
    reason: `beyond ${writeLimit(keep, name)}`,
    dependsOn: side.dependsOn,
    preconditions: [
      {
        ...at,
        kind: "copies",
        id: side.id ?? "",
        copies: [...needed].map(stayingCopy),
      } satisfies RepositoryPrecondition,
    ],
    type: name,
    copies: gone.flatMap(({ copy, name }): ForgottenCopy[] =>
      copy ? [{ id: copy.id, name, creation: copy.creation }] : [],
    ),
  };
  const place: Place = { source, remote: repository.name, at, adopted: side.adopted, adoptedBy: side.adoptedBy };
  return {
    place,
    operation,
    rest: operation,
    before: [],
    existing: grouped.filter(({ copy }) => copy).length,
    arriving: grouped.filter(({ copy }) => !copy).length,
    piledUp: 0,
    piledUpThen: 0,
    isEmptied: keep.by === "type" && fills.length === 0,
    counted: fills.filter(({ whys }) => whys.some(({ reason }) => reason === "count")).map(({ view }) => view.creation),
    oldestDestroyed: Math.min(...gone.map(({ creation }) => creation)) as EpochSeconds,
    ...(doubt !== undefined && { clockDoubt: doubt }),
    type: typeOf(context, name),
  };
}

const stayingCopy = (view: CopyView): StayingCopy => ({ ...copyRefOf(view), ...(view.copy && { id: view.copy.id }) });

const typeOf = ({ manifest }: PlanContext, name: TypeName): SnapshotType =>
  manifest.snapshotTypes.get(name) ?? { name, timezone: manifest.timezone, adopt: [] };
