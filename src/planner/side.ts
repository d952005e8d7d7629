import type { Retention, SnapshotType } from "../model/manifest.ts";
import type {
  At,
  AtRepository,
  DestroyOperation,
  ForgetOperation,
  KeptGroup,
  Operation,
  OperationId,
  Precondition,
  SnapshotGroup,
} from "../model/plan.ts";
import type { Address, Bytes, EpochSeconds, Guid, RemoteName, Seconds, Txg, TypeName } from "../model/units.ts";
import { clockDoubt } from "./clock.ts";
import type { PlanContext } from "./context.ts";
import { isCounted, retain, type Verdict, type Why } from "./retention.ts";
import { destroyed, refOf, type View } from "./view.ts";
import { writeLimit } from "./write.ts";

/** Which side of a source: its own, or a copy's; and what the guards look at. Outlives the plan of the source. */
export interface Place {
  readonly source: Address;
  readonly remote?: RemoteName;
  readonly at: At | AtRepository;
  /** Holdfast has managed it before; otherwise every deletion is withheld. */
  readonly adopted: boolean;
  /** The remote whose backups record it, for the mirrors that are filled from there too. */
  readonly adoptedBy?: RemoteName;
}
/** A side that is a dataset. */
export interface DatasetPlace extends Place {
  readonly at: At;
  /** Absent where this plan makes the dataset. */
  readonly guid?: Guid;
}

/** One side of a source as it will be after creates and transfers. */
export interface Side {
  readonly place: DatasetPlace;
  /** In order of this side's createtxg, what arrives last. */
  readonly views: readonly View[];
  readonly retention: Retention;
  /** Of the schedules by which the source is snapshotted; 0 without any. */
  readonly longestPeriod: Seconds;
  /** Reasons to keep beyond retention, by `View.key`. */
  readonly pins: ReadonlyMap<string, readonly Why[]>;
  /** Set where nothing is destroyed at all, whatever the counts say. */
  readonly untouched?: Why;
  readonly dependsOn: readonly OperationId[];
  /** What justifies deletions besides the quota and the newest that stays: common bases. */
  readonly justification: readonly Precondition[];
  /** What copies have once all is done, by `View.key`: a source may have it only on its way there. */
  readonly elsewhere: ReadonlySet<string>;
  readonly stops?: readonly Stop[];
  /** Where space is short, the side as it is: what is surplus even there goes first, whatever becomes of the rest. */
  readonly cramped?: Pick<Side, "views" | "pins" | "justification">;
  /** Makes the bookmark that a snapshot needs before it may go, where it has none. Absent: it needs none. */
  readonly beforeDestroy?: (view: View) => readonly Operation[];
}

/** Where a remote stopped: all that is newer piled up at the source since. */
export interface Stop {
  readonly txg: Txg;
  /** It is still away: this plan brings it no further. */
  readonly isAway: boolean;
}

/** Surplus snapshots or copies of one type on one side, before the guards looked at them. */
export interface Deletion {
  readonly place: Place;
  /** All that goes. */
  readonly operation: DestroyOperation | ForgetOperation;
  /** How it is done: what need not wait for creates and transfers, where that matters, and the rest. */
  readonly first?: DestroyOperation;
  readonly rest?: DestroyOperation | ForgetOperation;
  readonly before: readonly Operation[];
  /** Snapshots of the type that were there. */
  readonly existing: number;
  /** Created or arriving in this plan. */
  readonly arriving: number;
  /** Of the existing ones, those that are only there because nothing was destroyed while a remote was away. */
  readonly piledUp: number;
  /** The same in the next pass, when all is there that this plan brings, and remotes that are away are still away. */
  readonly piledUpThen: number;
  /** The rule counts none of the type, and not all of them are elsewhere: in the end none will be left. */
  readonly isEmptied: boolean;
  /** Creation of the newest N, where a number is asked for. */
  readonly counted: readonly EpochSeconds[];
  readonly oldestDestroyed: EpochSeconds;
  /** Why the ages it goes by are not to be trusted. */
  readonly clockDoubt?: string;
  /** Why what goes may be all that is left of something. */
  readonly unproven?: string;
  readonly type: SnapshotType;
}

export interface SidePlan {
  readonly kept: readonly KeptGroup[];
  readonly foreign: readonly SnapshotGroup[];
  readonly deletions: readonly Deletion[];
}

/** Rule 3: what stays on one side and why; the rest is surplus. */
export function planSide(context: PlanContext, side: Side): SidePlan {
  const { retention } = side;
  const verdict = retain(retention, side.views, context.now, context.manifest.timezone);
  const kept = new Map<Why, string[]>();
  const foreign: string[] = [];
  const surplus = new Map<TypeName, View[]>();
  const staying: View[] = [];
  const untouched = side.untouched && [side.untouched];
  const keep = (whys: readonly Why[] | undefined, name: string) => {
    if (!whys) return;
    for (const why of whys) {
      const names = kept.get(why);
      if (names) names.push(name);
      else kept.set(why, [name]);
    }
  };
  side.views.forEach((view, index) => {
    const { name, type, key, snapshot, createdBy } = view;
    if (type === undefined) {
      if (snapshot) foreign.push(name);
      staying.push(view);
      return;
    }
    const counts = verdict[index];
    const pins = side.pins.get(key);
    const ties = snapshot?.holds || snapshot?.clones ? tied(view) : undefined;
    if (snapshot) {
      keep(counts, name);
      keep(pins, name);
      keep(ties, name);
    }
    if (counts || pins || ties || createdBy !== undefined) {
      staying.push(view);
      return;
    }
    if (untouched) {
      keep(untouched, name);
      return;
    }
    const views = surplus.get(type);
    if (views) views.push(view);
    else surplus.set(type, [view]);
  });
  const { source, remote } = side.place;
  const where = { source, ...(remote !== undefined && { remote }) };
  return {
    kept: mergeGroups(kept).map(([why, snapshots]) => ({ ...where, ...why, snapshots })),
    foreign: foreign.length === 0 ? [] : [{ ...where, snapshots: foreign }],
    deletions: [...surplus].map(([type, views]) => deletion(context, side, verdict, staying, type, views)),
  };
}

/** Held snapshots and those with clones cannot go, whoever wants them. */
function tied({ snapshot }: View): Why[] {
  return [
    ...(snapshot?.holds ?? []).map((tag): Why => ({ reason: "held", detail: `hold ${tag}` })),
    ...(snapshot?.clones ?? []).map((clone): Why => ({ reason: "cloned", detail: `clone ${clone}` })),
  ];
}

/** Reasons that were made apart but say the same become one group. */
function mergeGroups(kept: ReadonlyMap<Why, string[]>): [Why, string[]][] {
  const merged = new Map<string, [Why, string[]]>();
  for (const [why, names] of kept) {
    const key = `${why.reason}\0${why.detail}`;
    const group = merged.get(key);
    if (group) for (const name of names) group[1].push(name);
    else merged.set(key, [why, names]);
  }
  return [...merged.values()];
}

function deletion(
  context: PlanContext,
  side: Side,
  verdict: Verdict,
  staying: readonly View[],
  type: TypeName,
  views: readonly View[],
): Deletion {
  const { retention, place } = side;
  const { source, remote, at, guid } = place;
  const fills: View[] = [];
  const counted: EpochSeconds[] = [];
  let existing = 0;
  let arriving = 0;
  const txgs: number[] = [];
  side.views.forEach((view, index) => {
    const isOfType = view.type === type;
    if (isOfType && view.snapshot) {
      existing++;
      txgs.push(view.snapshot.createtxg);
    } else if (isOfType) arriving++;
    const whys = verdict[index];
    if ((retention.by === "time" || isOfType) && isCounted(whys)) fills.push(view);
    if (isOfType && whys?.some(({ reason }) => reason === "count")) counted.push(view.creation);
  });
  const isEmptied = retention.by === "type" && fills.length === 0 && views.some(({ key }) => !side.elsewhere.has(key));
  const before = views.flatMap((view) => side.beforeDestroy?.(view) ?? []);
  const snapshots = views.map(destroyed);
  const rule = retention.by === "type" ? retention.types.get(type) : undefined;
  const operation: DestroyOperation = {
    id: `destroy ${remote === undefined ? source : `${source} ${remote}`} ${type}`,
    kind: "destroy",
    source,
    ...(remote !== undefined && { remote }),
    at,
    reason: `beyond ${writeLimit(retention, type)}`,
    dependsOn: [...side.dependsOn, ...before.map(({ id }) => id)],
    preconditions: [
      ...(guid === undefined ? [] : [{ ...at, kind: "dataset", guid } as const]),
      ...side.justification,
      ...newestPresent(at, staying),
      ...(side.beforeDestroy ? [{ ...at, kind: "bookmarked", guids: snapshots.map(({ guid }) => guid) } as const] : []),
      quotaOf(at, fills),
    ],
    type,
    snapshots,
    bytes: snapshots.reduce((sum, { used }) => sum + used, 0) as Bytes,
  };
  const ageBased = retention.by === "time" || rule?.within !== undefined;
  const doubt = ageBased ? clockDoubt(views, staying, side.longestPeriod, context.now) : undefined;
  const declared = context.manifest.snapshotTypes.get(type);
  const left = existing + arriving - snapshots.length;
  const piledUp = (stops: readonly Stop[], existing: number): number =>
    stops.reduce((most, stop) => {
      const before = txgs.filter((txg) => txg <= stop.txg).length;
      // as many as will be left were there before: those that came since are what went on without thinning
      return before >= left ? Math.max(most, existing - before) : most;
    }, 0);
  const { stops = [] } = side;
  return {
    place,
    operation,
    ...inParts(context, side, operation, type),
    before,
    existing,
    arriving,
    piledUp: piledUp(stops, existing),
    piledUpThen: piledUp(
      stops.filter(({ isAway }) => isAway),
      existing + arriving,
    ),
    isEmptied,
    counted,
    oldestDestroyed: views.reduce<number>(
      (least, { creation }) => Math.min(least, creation),
      Number.POSITIVE_INFINITY,
    ) as EpochSeconds,
    ...(doubt !== undefined && { clockDoubt: doubt }),
    type: declared ?? { name: type, timezone: context.manifest.timezone, adopt: [] },
  };
}

/** The newest of what stays is there: nothing else of this plan destroys it, in whatever order. */
function newestPresent(at: At, staying: readonly View[]): Precondition[] {
  const newest = staying.at(-1);
  return newest ? [{ ...at, kind: "present", snapshot: refOf(newest), bookmark: false }] : [];
}

/** Two lists rather than many small objects: there may be a million snapshots. */
const quotaOf = (at: At, fills: readonly View[]): Precondition => ({
  ...at,
  kind: "quota",
  snapshots: fills.map(({ key }) => key),
  names: fills.map(({ name }) => name),
});

/** What goes without waiting for anything: surplus now, and still when all that this plan does has been done. */
function inParts(
  context: PlanContext,
  side: Side,
  whole: DestroyOperation,
  type: TypeName,
): { readonly first?: DestroyOperation; readonly rest?: DestroyOperation } {
  const { cramped, retention } = side;
  // a deletion that waits for bookmarks is no help
  if (!cramped || side.beforeDestroy) return { rest: whole };
  const verdict = retain(retention, cramped.views, context.now, context.manifest.timezone);
  const needed = new Set<string>(cramped.pins.keys());
  const fills: View[] = [];
  cramped.views.forEach((view, index) => {
    if (verdict[index]) needed.add(view.key);
    if ((retention.by === "time" || view.type === type) && isCounted(verdict[index])) fills.push(view);
  });
  const part = (id: string, isIn: (guid: Guid) => boolean): DestroyOperation => {
    const snapshots = whole.snapshots.filter(({ guid }) => isIn(guid));
    return { ...whole, id, snapshots, bytes: snapshots.reduce((sum, { used }) => sum + used, 0) as Bytes };
  };
  const first: DestroyOperation = {
    ...part(`${whole.id} first`, (guid) => !needed.has(guid)),
    reason: `${whole.reason}; space is short, and it need not wait`,
    dependsOn: [],
    preconditions: [
      ...whole.preconditions.filter(({ kind }) => kind === "dataset"),
      ...cramped.justification,
      // what the rest of this plan may destroy is still there: the rest waits for this
      ...newestPresent(
        side.place.at,
        cramped.views.filter(({ key }) => needed.has(key)),
      ),
      quotaOf(side.place.at, fills),
    ],
  };
  if (first.snapshots.length === 0) return { rest: whole };
  const rest = part(whole.id, (guid) => needed.has(guid));
  return rest.snapshots.length === 0 ? { first } : { first, rest };
}

/** What a deletion takes. */
export const goneIn = (operation: DestroyOperation | ForgetOperation) =>
  operation.kind === "forget" ? operation.copies : operation.snapshots;
