import type { Dataset } from "../model/inventory.ts";
import type { Retention } from "../model/manifest.ts";
import type {
  AdoptOperation,
  At,
  Blocked,
  CreateOperation,
  KeptGroup,
  Note,
  Operation,
  Precondition,
  Shortfall,
  SnapshotGroup,
  UnbookmarkOperation,
} from "../model/plan.ts";
import type { EpochSeconds, RemoteName, Seconds } from "../model/units.ts";
import { type BackupPlan, planBackups } from "../remotes/restic/plan.ts";
import { type CopyPlan, planCopy } from "../remotes/zfs/plan.ts";
import { datasetSource } from "./backup-sources.ts";
import { bookmarkForAway, stopsOf, unbookmark } from "./bookmarks.ts";
import type { PlanContext } from "./context.ts";
import { dueCreates, newestOf, takenTypes } from "./create.ts";
import { shortfallsOf } from "./require.ts";
import { countedOf, retain, type Why } from "./retention.ts";
import { type DatasetPlace, type Deletion, type Place, planSide, type Side, type SidePlan } from "./side.ts";
import { backupNotes, lastContact, notesOf } from "./source-notes.ts";
import type { Copy, Source } from "./sources.ts";
import { isFull, shortage } from "./space.ts";
import { suspendedByHand, untilResumed } from "./suspended.ts";
import {
  type AskedDrills,
  type DrillsPlan,
  datasetDrillable,
  noDrills,
  planDrills,
  repositoryDrillables,
} from "./verify.ts";
import { refOf, type View, viewsOf } from "./view.ts";

/** All about one source and its copies but what the guards decide over the whole plan. */
export interface SourcePlan {
  readonly operations: readonly Operation[];
  readonly deletions: readonly Deletion[];
  /** Go with the deletions of their side: the side is adopted once none of them is withheld. */
  readonly adoptions: readonly { readonly operation: AdoptOperation; readonly place: Place }[];
  /** Run last, after everything else of the source. */
  readonly last: readonly Operation[];
  readonly blocked: readonly Blocked[];
  readonly kept: readonly KeptGroup[];
  readonly foreign: readonly SnapshotGroup[];
  readonly notes: readonly Note[];
  readonly drills: DrillsPlan;
  readonly shortfalls: readonly Shortfall[];
  readonly away: readonly Copy[];
  /** Creation of the newest snapshot that a remote which is away is known to have. */
  readonly lastContact: ReadonlyMap<RemoteName, EpochSeconds | undefined>;
}

/** `asked`: only these drills are wanted, of what is there now. */
export function planSource(
  context: PlanContext,
  source: Source,
  dataset: Dataset,
  creates: (views: readonly View[], isTaken: (name: string) => boolean) => readonly CreateOperation[],
  asked?: AskedDrills,
): SourcePlan {
  return new SourcePlanner(context, source, dataset).plan(creates, asked);
}

/** The creates that rule 1 calls for. */
export const scheduled =
  (context: PlanContext, source: Source, dataset: Dataset) =>
  (views: readonly View[], isTaken: (name: string) => boolean): readonly CreateOperation[] =>
    dueCreates(
      context,
      source,
      [{ host: source.host, dataset: source.dataset, kind: "dataset", guid: dataset.guid }],
      views,
      isTaken,
    );

class SourcePlanner {
  readonly #context: PlanContext;
  readonly #source: Source;
  readonly #dataset: Dataset;
  readonly #at: At;
  readonly #managed: boolean;
  readonly #longestPeriod: Seconds;

  constructor(context: PlanContext, source: Source, dataset: Dataset) {
    this.#context = context;
    this.#source = source;
    this.#dataset = dataset;
    this.#at = { host: source.host, dataset: source.dataset };
    this.#managed = context.scope.sources(source.host);
    const periods = takenTypes(context, source).map((type) => context.schedules.longestPeriod(type));
    this.#longestPeriod = Math.max(0, ...periods) as Seconds;
  }

  plan(
    creates: (views: readonly View[], isTaken: (name: string) => boolean) => readonly CreateOperation[],
    asked?: AskedDrills,
  ): SourcePlan {
    if (this.#source.keys.suspend) return this.#suspended();
    const existing = viewsOf(this.#dataset, this.#context.classify);
    const created = this.#managed ? creates(existing, (name) => this.#isTaken(name)) : [];
    const views = [...existing, ...created.map((operation) => this.#createdView(operation))];
    const local = { dataset: this.#dataset, views, creates: created.map(({ id }) => id) };
    const copies = this.#source.copies.map((copy) => planCopy(this.#context, this.#source, local, copy));
    const away = copies.filter(({ state }) => state === "away").map(({ copy }) => copy);
    const backups = this.#backups(views);

    const here = this.#sourceSide(views, created, copies, away, backups);
    const sides = [...(this.#managed ? [here] : []), ...copies.flatMap((copy) => this.#copySide(copy, created) ?? [])];
    const plans = sides.map((side) => planSide(this.#context, side));
    const drills = this.#drills(views, copies, backups, asked);
    return {
      operations: [...created, ...[...copies, ...backups].flatMap(({ operations }) => operations)],
      deletions: withDoubt(
        drills,
        [...plans, ...backups].flatMap(({ deletions }) => deletions),
      ),
      adoptions: sides
        .filter(({ place, untouched }) => !place.adopted && !untouched)
        .map(({ place }) => this.#adoption(place)),
      last: away.length === 0 ? this.#unbookmarks(copies) : [],
      blocked: [...[...copies, ...backups].flatMap(({ blocked }) => blocked ?? []), ...drills.blocked],
      kept: [...plans, ...backups].flatMap(({ kept }) => kept),
      foreign: plans.flatMap(({ foreign }) => foreign),
      notes: [
        ...notesOf(this.#context, this.#source, this.#dataset, views, copies),
        ...backups.flatMap((plan) => backupNotes(this.#context, this.#source.address, plan)),
        ...drills.notes,
      ],
      drills,
      shortfalls: shortfallsOf(this.#context, this.#source, { dataset: this.#dataset, copies, backups }, drills),
      // what another host makes of another host's source is none of this one's business
      away: away.filter((copy) => this.#managed || this.#isOurs(copy)),
      lastContact: new Map(away.map((copy) => [copy.remote.name, lastContact(this.#dataset, copy)])),
    };
  }

  #drills(
    views: readonly View[],
    copies: readonly CopyPlan[],
    backups: readonly BackupPlan[],
    asked: AskedDrills | undefined,
  ): DrillsPlan {
    const when = asked ? "now" : "after";
    const keys = new Set(views.map(({ key }) => key));
    return planDrills(
      this.#context,
      this.#source,
      [
        ...copies.flatMap((copy) => datasetDrillable(this.#context, this.#source, this.#dataset, copy, when)),
        ...backups.flatMap((plan) =>
          repositoryDrillables(this.#context, this.#source, plan, when, ({ key }) => keys.has(key)),
        ),
      ],
      asked,
    );
  }

  #backups(views: readonly View[]): BackupPlan[] {
    if (this.#source.repositories.length === 0) return [];
    const source = datasetSource(this.#context, this.#source, this.#dataset, views);
    return this.#source.repositories.map((target) => planBackups(this.#context, source, target));
  }

  /** Observed and shown, never changed. */
  #suspended(): SourcePlan {
    const byHand = suspendedByHand(this.#context.manifest, this.#source.address);
    const why: Why = { reason: "suspended", detail: byHand === undefined ? "suspend: true" : "holdfast suspend" };
    const side = (at: At, dataset: Dataset, remote?: RemoteName): SidePlan =>
      planSide(this.#context, {
        place: {
          source: this.#source.address,
          ...(remote !== undefined && { remote }),
          at,
          guid: dataset.guid,
          adopted: true,
        },
        views: viewsOf(dataset, this.#context.classify),
        retention: {
          by: "type",
          types: new Map([...this.#context.manifest.snapshotTypes.keys()].map((type) => [type, { count: 0 }])),
        },
        longestPeriod: this.#longestPeriod,
        pins: new Map(),
        untouched: why,
        dependsOn: [],
        justification: [],
        elsewhere: new Set(),
      });
    const plans = [
      side(this.#at, this.#dataset),
      ...this.#source.copies.flatMap((copy) => {
        const there = this.#context.observations.look(copy.host, copy.target);
        const at = { host: copy.host, dataset: copy.target };
        return there.state === "present" ? [side(at, there.dataset, copy.remote.name)] : [];
      }),
    ];
    return {
      operations: [],
      deletions: [],
      adoptions: [],
      last: [],
      blocked: [],
      kept: [...plans, ...this.#backups(viewsOf(this.#dataset, this.#context.classify))].flatMap(({ kept }) => kept),
      foreign: plans.flatMap(({ foreign }) => foreign),
      notes: [
        {
          kind: "suspended",
          source: this.#source.address,
          message: `suspended: nothing is changed here or on its copies${untilResumed(byHand)}`,
        },
      ],
      drills: noDrills,
      shortfalls: [],
      away: [],
      lastContact: new Map(),
    };
  }

  /** A new name must be free on every side it may reach. */
  #isTaken(name: string): boolean {
    const uses = ({ snapshots }: Dataset) => snapshots.some((snapshot) => snapshot.name === name);
    return (
      uses(this.#dataset) ||
      this.#source.copies.some((copy) => {
        const there = this.#context.observations.look(copy.host, copy.target);
        return there.state === "present" && uses(there.dataset);
      })
    );
  }

  #createdView({ id, name, type }: CreateOperation): View {
    return { key: id, name, type, creation: this.#context.now, createdBy: id };
  }

  #sourceSide(
    views: readonly View[],
    created: readonly CreateOperation[],
    copies: readonly CopyPlan[],
    away: readonly Copy[],
    backups: readonly BackupPlan[],
  ): Side {
    const { keys } = this.#source;
    const pins = new PinBoard();
    for (const { pins: own } of [...copies, ...backups]) for (const [key, why] of own) pins.add(key, why);
    const newest = views.at(-1);
    if (newest) pins.add(newest.key, { reason: "newest", detail: "newest snapshot of the source" });
    for (const type of takenTypes(this.#context, this.#source)) {
      const newest = newestOf(type, views, this.#context.now);
      if (newest) pins.add(newest.key, { reason: "newest-of-type", detail: `newest ${type.name}` });
    }
    const thinning = away.filter(({ remote }) => remote.whileAway === "thin");
    for (const { remote, keep } of thinning) {
      for (const { key } of this.#counted(keep, views)) {
        pins.add(key, { reason: "waiting", detail: `${remote.name} is away` });
      }
    }
    this.#pinOldest(pins, views, copies);
    const unseen = [...away, ...backups.filter(({ state }) => state === "away").map(({ target }) => target)];
    const frozenBy = unseen.find(({ remote }) => remote.whileAway === "freeze");
    return {
      place: {
        source: this.#source.address,
        at: this.#at,
        guid: this.#dataset.guid,
        adopted: this.#dataset.own.adopted === "on",
      },
      views,
      retention: keys.keep,
      longestPeriod: this.#longestPeriod,
      pins: pins.all,
      ...(frozenBy && {
        untouched: { reason: "frozen", detail: `${frozenBy.remote.name} cannot be observed` } satisfies Why,
      }),
      dependsOn: [
        ...created.map(({ id }) => id),
        ...[...copies, ...backups].flatMap(({ operations }) => operations.map(({ id }) => id)),
      ],
      justification: copies.flatMap((copy) => this.#basePresent(copy)),
      elsewhere: new Set([
        // what a copy lets go in this plan is not there any more in the next one
        ...copies.flatMap(({ copy, after }) => this.#retained(copy.keep, after).map(({ key }) => key)),
        ...backups.flatMap(({ after }) => [...after]),
      ]),
      stops: stopsOf(this.#dataset, copies),
      ...(isFull(this.#dataset) && { cramped: this.#crampedSource(pins.all, copies, backups) }),
      ...(thinning.length > 0 && {
        beforeDestroy: (view: View) =>
          thinning.flatMap(({ remote }) => bookmarkForAway(this.#source, this.#dataset, remote.name, view)),
      }),
    };
  }

  #copySide(plan: CopyPlan, created: readonly CreateOperation[]): Side | undefined {
    const { copy, dataset, state } = plan;
    if (!dataset || state === "away" || plan.after.length === 0) return undefined;
    const pins = new PinBoard();
    if (plan.base) pins.add(plan.base.view.key, { reason: "base", detail: "newest shared with the source" });
    const at = { host: copy.host, dataset: copy.target };
    this.#pinOldest(pins, plan.after, [plan]);
    const untouched = this.#untouchedCopy(plan);
    const cramped = shortage(this.#context, at, plan.operations) && this.#crampedCopy(plan, pins.all);
    return {
      place: {
        source: this.#source.address,
        remote: copy.remote.name,
        at,
        // what this plan makes is adopted as it is made
        ...(!plan.made && { guid: dataset.guid }),
        adopted: plan.made || dataset.own.adopted === "on",
      },
      views: plan.after,
      retention: copy.keep,
      longestPeriod: this.#longestPeriod,
      pins: pins.all,
      ...(untouched && { untouched }),
      dependsOn: [...created.map(({ id }) => id), ...plan.operations.map(({ id }) => id)],
      justification: this.#basePresent(plan),
      elsewhere: new Set(),
      ...(cramped && { cramped }),
    };
  }

  /** As it is, the source has to keep all from the oldest base on, and what is to be backed up: it has yet to go somewhere. */
  #crampedSource(
    pins: Side["pins"],
    copies: readonly CopyPlan[],
    backups: readonly BackupPlan[],
  ): NonNullable<Side["cramped"]> {
    const views = viewsOf(this.#dataset, this.#context.classify);
    const oldest = Math.min(...copies.map(({ shared }) => shared?.txg ?? 0));
    const newer = views.filter(({ snapshot }) => (snapshot?.createtxg ?? 0) >= oldest);
    const newestOfType = new Map(views.map((view) => [view.type, view]));
    const read = new Set(backups.flatMap(({ operations }) => operations.flatMap(backedUp)));
    const needed = [...newer, ...newestOfType.values(), ...views.filter(({ key }) => read.has(key))];
    const why: Why = { reason: "waiting", detail: "needed until this plan is done" };
    return {
      views,
      pins: new Map([...pins, ...needed.map(({ key }) => [key, [why]] as const)]),
      justification: copies.flatMap((copy) => this.#sharedPresent(copy)),
    };
  }

  #crampedCopy(plan: CopyPlan, pins: Side["pins"]): Side["cramped"] | undefined {
    const { dataset, operations, shared } = plan;
    const isPlain = operations.every(({ kind }) => kind === "send" || kind === "resume" || kind === "bookmark");
    const views = viewsOf(dataset, this.#context.classify);
    if (!isPlain || !shared) return undefined;
    const why: Why = { reason: "base", detail: "newest shared with the source" };
    return {
      views,
      pins: new Map([...pins, [shared.view.key, [why]]]),
      justification: this.#sharedPresent(plan),
    };
  }

  #isOurs({ remote }: Copy): boolean {
    return this.#context.scope.copies(this.#source.host, remote);
  }

  #untouchedCopy({ copy, state }: CopyPlan): Why | undefined {
    if (state === "blocked") return { reason: "blocked", detail: `${copy.remote.name} is blocked` };
    if (copy.remote.deletions === "never") return { reason: "append-only", detail: "deletions: never" };
    if (!this.#isOurs(copy)) {
      return {
        reason: "elsewhere",
        detail: `thinned by ${copy.remote.mode === "pull" ? copy.host : this.#source.host}`,
      };
    }
    return undefined;
  }

  #retained(retention: Retention, views: readonly View[]): readonly View[] {
    const verdict = retain(retention, views, this.#context.now, this.#context.manifest.timezone);
    return views.filter((_, index) => verdict[index] !== undefined);
  }

  #counted(retention: Retention, views: readonly View[]): readonly View[] {
    return countedOf(views, retain(retention, views, this.#context.now, this.#context.manifest.timezone));
  }

  #pinOldest(pins: PinBoard, views: readonly View[], copies: readonly CopyPlan[]): void {
    const { pin } = this.#source.keys;
    const oldest = pin.includes("oldest") ? views.find(({ type }) => type !== undefined) : undefined;
    if (oldest) pins.add(oldest.key, { reason: "oldest", detail: "pin: oldest" });
    if (!pin.includes("oldestShared")) return;
    const here = new Set(this.#dataset.snapshots.map(({ guid }) => guid as string));
    for (const { copy, after } of copies) {
      const shared = after.find(({ key, type }) => type !== undefined && here.has(key));
      if (shared)
        pins.add(shared.key, { reason: "oldest-shared", detail: `pin: oldestShared, with ${copy.remote.name}` });
    }
  }

  /** What is the newest shared snapshot in the end is there on both sides. */
  #basePresent(plan: CopyPlan): Precondition[] {
    return this.#onBothSides(plan, plan.base);
  }

  /** What is the newest shared snapshot now still is, on both sides. */
  #sharedPresent(plan: CopyPlan): Precondition[] {
    return this.#onBothSides(plan, plan.shared);
  }

  #onBothSides({ copy, state }: CopyPlan, base: CopyPlan["base"]): Precondition[] {
    if (!base || state === "away") return [];
    const snapshot = refOf(base.view);
    return [
      { ...this.#at, kind: "present", snapshot, bookmark: true },
      { host: copy.host, dataset: copy.target, kind: "present", snapshot, bookmark: false },
    ];
  }

  #unbookmarks(copies: readonly CopyPlan[]): UnbookmarkOperation[] {
    const mine = copies.filter(({ copy }) => this.#managed || this.#isOurs(copy));
    // all bases: should one of the others have been lost meanwhile, an old bookmark may be the last that it shares
    const preconditions = copies.flatMap((each) => this.#basePresent(each));
    return mine.flatMap((plan) => unbookmark(this.#source, this.#dataset, plan, copies, preconditions));
  }

  #adoption(place: DatasetPlace): SourcePlan["adoptions"][number] {
    const { source, remote, at, guid } = place;
    return {
      place,
      operation: {
        id: `adopt ${remote === undefined ? source : `${source} ${remote}`}`,
        kind: "adopt",
        source,
        ...(remote !== undefined && { remote }),
        at,
        reason: "first contact: from now on deletions are planned here",
        dependsOn: [],
        preconditions: guid === undefined ? [] : [{ ...at, kind: "dataset", guid }],
      },
    };
  }
}

/** What is bad in one place may be needed from another: nothing of the source goes unless somebody agrees. */
export const withDoubt = ({ unproven }: DrillsPlan, deletions: readonly Deletion[]): readonly Deletion[] =>
  unproven === undefined ? deletions : deletions.map((deletion) => ({ ...deletion, unproven }));

/** Guid of the snapshot that an operation reads files from. */
const backedUp = (operation: Operation): string[] =>
  operation.kind === "backup" && operation.snapshot && "guid" in operation.snapshot ? [operation.snapshot.guid] : [];

/** Collects reasons to keep, several a snapshot. */
class PinBoard {
  readonly all = new Map<string, Why[]>();

  add(key: string, why: Why): void {
    const whys = this.all.get(key);
    if (whys) whys.push(why);
    else this.all.set(key, [why]);
  }
}
