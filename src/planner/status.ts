import type { Dataset, Inventory, RepositoryInventory } from "../model/inventory.ts";
import type { Manifest, Repository, Retention, SnapshotType, ZfsRemote } from "../model/manifest.ts";
import type { Blocked, CreateOperation, Plan, Unobserved } from "../model/plan.ts";
import {
  type CopyStatus,
  type LastSeen,
  type PlaceStatus,
  type SourceStatus,
  type Status,
  worst,
} from "../model/status.ts";
import type { Address, Bytes, DatasetName, EpochSeconds, HostName, RemoteName } from "../model/units.ts";
import { type BackupSource, lackingOn } from "../remotes/restic/plan.ts";
import type { CopyView } from "../remotes/restic/plan-views.ts";
import { maintenanceOf } from "../remotes/restic/tags.ts";
import { lackingThere } from "../remotes/zfs/plan.ts";
import { datasetSource, directorySource } from "./backup-sources.ts";
import type { PlanContext } from "./context.ts";
import { takenTypes } from "./create.ts";
import type { DirectorySource } from "./directories.ts";
import { contextOf, sourcesOf } from "./index.ts";
import { type RepositoryPlace, repositoryCopies } from "./repository-copies.ts";
import { isOverdue, lastContact, waitingWhileAway } from "./source-notes.ts";
import type { Copy, RepositoryTarget, Source } from "./sources.ts";
import { dueBySchedule } from "./status-due.ts";
import { type Attempts, type FactsOf, factsOf, type PlaceFacts } from "./status-facts.ts";
import { iso, placeStatus, type Seen, sourceStatus } from "./status-place.ts";
import { TypeCounts } from "./status-types.ts";
import { unseenSources } from "./status-unseen.ts";
import { scheduledTypes } from "./types.ts";
import { type View, viewsOf } from "./view.ts";

export interface AssessOptions {
  readonly now: EpochSeconds;
  /** Also what other hosts are responsible for. */
  readonly allHosts?: boolean;
  /** Sources that were suspended at once, besides those whose `suspend` is true. */
  readonly suspended?: readonly Address[];
  /** The last attempts, the newest first: what failed the last time it was tried, and is still to be done, has failed. */
  readonly lastReports?: readonly Attempts[];
  /** What is known of sources and places that cannot be seen now. */
  readonly lastSeen?: readonly LastSeen[];
}

/** How every source and each of its copies is. `plan` is the whole plan for the same manifest, inventory and clock. */
export function assess(manifest: Manifest, inventory: Inventory, plan: Plan, options: AssessOptions): Status {
  return new Assessor(manifest, inventory, plan, options).status();
}

class Assessor {
  readonly #manifest: Manifest;
  readonly #inventory: Inventory;
  readonly #plan: Plan;
  readonly #context: PlanContext;
  readonly #facts: FactsOf;
  readonly #creates: ReadonlyMap<Address, readonly CreateOperation[]>;
  readonly #suspended: ReadonlySet<Address>;
  readonly #lastSeen: ReadonlyMap<Address, LastSeen>;
  readonly #options: Pick<AssessOptions, "allHosts">;

  constructor(manifest: Manifest, inventory: Inventory, plan: Plan, options: AssessOptions) {
    const { now, allHosts, suspended = [], lastReports = [], lastSeen = [] } = options;
    this.#manifest = manifest;
    this.#inventory = inventory;
    this.#plan = plan;
    this.#options = allHosts === undefined ? {} : { allHosts };
    this.#context = contextOf(manifest, inventory, { now, ...this.#options });
    this.#facts = factsOf(plan, lastReports);
    this.#suspended = new Set(suspended);
    this.#lastSeen = new Map(lastSeen.map((each) => [each.source, each]));
    const creates = plan.operations.filter((one): one is CreateOperation => one.kind === "create");
    this.#creates = bySource(creates);
  }

  status(): Status {
    const resolved = sourcesOf(this.#manifest, this.#inventory, this.#options);
    const sources = [
      ...resolved.sources.flatMap((source) => this.#dataset(source) ?? []),
      ...resolved.directories.map((directory) => this.#directory(directory)),
      ...this.#unresolved(resolved.blocked),
      ...unseenSources(this.#context, [...this.#lastSeen.keys()]).flatMap((source) => this.#dataset(source) ?? []),
    ].sort((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : 0));
    const { notes, summary } = this.#plan;
    const unobserved = this.#plan.unobserved.map((each) => ({
      ...each,
      expected: each.expected && !isMissed(each, sources),
    }));
    const complete = unobserved.every(({ expected }) => expected);
    return {
      formatVersion: 1,
      self: this.#manifest.self,
      manifestDigest: this.#manifest.digest,
      observedAt: iso(this.#inventory.observedAt),
      now: iso(this.#context.now),
      health: worst([...sources.map(({ health }) => health), ...(complete ? [] : (["unknown"] as const))]),
      complete,
      unobserved,
      sources,
      unprotected: notes.filter(({ kind }) => kind === "unprotected").length,
      pending: summary,
    };
  }

  /**
   * Nothing where neither it nor any copy of it is in this process's care; but what the plan says is in the way is said here,
   * too.
   */
  #dataset(source: Source): SourceStatus | undefined {
    const { scope, observations } = this.#context;
    const isOurs = scope.sources(source.host);
    const copies = source.copies.filter(
      ({ remote }) =>
        isOurs || scope.copies(source.host, remote) || this.#facts(source.address, remote.name).blocked.length > 0,
    );
    if (!isOurs && copies.length === 0) return undefined;
    const suspended = source.keys.suspend || this.#suspended.has(source.address);
    const there = observations.look(source.host, source.dataset);
    const dataset = there.state === "present" ? there.dataset : undefined;
    const here = dataset && {
      dataset,
      views: () => [...viewsOf(dataset, this.#context.classify), ...this.#planned(source.address)],
    };
    const taken = takenTypes(this.#context, source);
    return sourceStatus({
      ...of(source, "dataset", suspended),
      ...(isOurs && {
        own: placeStatus(this.#context.now, {
          at: { host: source.host, dataset: source.dataset },
          ...(there.state === "unobserved" && knownAs(this.#lastSeen.get(source.address)?.own)),
          ...this.#snapshots(dataset, source.keys.keep, taken),
          ...dueWithin(source.keys.maxAge ?? dueBySchedule(this.#context.schedules, taken)),
          facts: this.#facts(source.address),
          waiting: 0,
          ...(there.state === "unobserved" && {
            unseen: { expected: false, reason: there.reason, isAgeUnknown: true },
          }),
          suspended,
        }),
      }),
      copies: [
        ...copies.map((copy) => this.#drilled(source.address, this.#copy(source, here, taken, copy, suspended))),
        ...(isOurs && source.repositories.length > 0
          ? this.#backups(
              source,
              taken,
              suspended,
              here && datasetSource(this.#context, source, here.dataset, here.views()),
            )
          : []),
      ],
    });
  }

  #directory(source: DirectorySource): SourceStatus {
    const suspended = source.keys.suspend || this.#suspended.has(source.address);
    const taken = scheduledTypes(this.#manifest, source.keys.take);
    const known = directorySource(this.#context, source);
    return sourceStatus({
      ...of(source, "directory", suspended),
      copies: this.#backups(source, taken, suspended, known, source.keys.maxAge),
    });
  }

  /** What the plan creates, as it will be. */
  #planned(source: Address): View[] {
    const creation = this.#context.now;
    return (this.#creates.get(source) ?? []).map(({ id, name, type }) => ({
      key: id,
      name,
      type,
      creation,
      createdBy: id,
    }));
  }

  #snapshots(
    dataset: Dataset | undefined,
    keep: Retention,
    taken: readonly SnapshotType[],
  ): Pick<Seen, "newest" | "types"> {
    const counts = new TypeCounts();
    let newest: Seen["newest"];
    for (const { name, creation } of dataset?.snapshots ?? []) {
      const type = this.#context.classify(name);
      if (type === undefined) continue;
      counts.add(type, creation);
      if (newest === undefined || creation >= newest.creation) newest = { name, creation };
    }
    return { ...(newest && { newest }), types: counts.statuses(this.#manifest, keep, taken) };
  }

  #copy(
    source: Source,
    here: Here | undefined,
    taken: readonly SnapshotType[],
    copy: Copy,
    suspended: boolean,
  ): CopyStatus {
    const { now, observations, schedules } = this.#context;
    const { remote } = copy;
    const there = observations.look(copy.host, copy.target);
    const facts = this.#facts(source.address, remote.name);
    const contact = there.state === "unobserved" && here ? lastContact(here.dataset, copy) : undefined;
    const waiting = suspended || !here ? NOTHING : this.#waiting(source, here, copy, facts);
    const known = this.#snapshots(there.state === "present" ? there.dataset : undefined, copy.keep, taken);
    const marked = contact !== undefined && here ? markedBy(here.dataset, contact) : undefined;
    const place = placeStatus(now, {
      at: { host: copy.host, dataset: copy.target },
      ...(there.state === "unobserved" && this.#known(source.address, remote.name)),
      ...known,
      ...(marked && { newest: marked }),
      ...dueWithin(remote.maxAge ?? whereAlways(remote, dueBySchedule(schedules, taken, copy.keep))),
      facts,
      waiting: waiting.snapshots,
      ...(there.state === "unobserved" && {
        unseen: {
          expected: remote.removable && !isOverdue(now, contact, remote.maxAge),
          reason: there.reason,
          isAgeUnknown: !here,
        },
      }),
      suspended,
    });
    return { ...place, remote: remote.name, kind: "zfs", waiting };
  }

  #waiting(
    source: Source,
    { dataset, views }: Here,
    copy: Copy,
    { operations, blocked }: PlaceFacts,
  ): CopyStatus["waiting"] {
    const obstacle = blocked.find(({ waiting }) => waiting !== undefined)?.waiting;
    if (obstacle) return obstacle;
    if (this.#context.observations.look(copy.host, copy.target).state === "unobserved")
      return waitingWhileAway(this.#context, dataset, views(), copy);
    if (!this.#context.scope.copies(source.host, copy.remote)) {
      const creates = (this.#creates.get(source.address) ?? []).map(({ id }) => id);
      return amount(lackingThere(this.#context, source, { dataset, views: views(), creates }, copy));
    }
    let [snapshots, bytes] = [0, 0];
    for (const operation of operations) {
      if (operation.kind === "send") {
        snapshots += operation.snapshots.length;
        bytes += operation.estimate;
      } else if (operation.kind === "resume") {
        snapshots++;
        bytes += operation.remaining ?? 0;
      }
    }
    return { snapshots, bytes: bytes as Bytes };
  }

  /** `known` is absent while the source cannot be seen. */
  #backups(
    source: Source | DirectorySource,
    taken: readonly SnapshotType[],
    suspended: boolean,
    known: BackupSource | undefined,
    maxAge?: Seen["dueWithin"],
  ): CopyStatus[] {
    const places = new Map(
      repositoryCopies(this.#manifest, this.#inventory, source).map((place) => [place.name, place]),
    );
    return source.repositories.flatMap((target) => {
      const lacking = known && !suspended ? lackingOn(this.#context, known, target) : undefined;
      return inRepositories(target).flatMap(({ repository, kind, keep }): CopyStatus[] => {
        const place = places.get(repository.name);
        if (!place) return [];
        const due =
          repository.maxAge ?? maxAge ?? whereAlways(repository, dueBySchedule(this.#context.schedules, taken, keep));
        const missing = lacking?.get(repository.name) ?? [];
        const waiting = { snapshots: missing.length, bytes: this.#written(source, place, missing) };
        const status = this.#backup(source.address, {
          repository,
          keep,
          place,
          taken,
          due,
          waiting: missing.length,
          suspended,
        });
        const copy = { ...status, remote: repository.name, kind, waiting, ...verifiedIn(this.#repository(place)) };
        return [this.#drilled(source.address, copy)];
      });
    });
  }

  /** With how its drills went: the last good one has proved it to be readable as well as a check of its repository. */
  #drilled(source: Address, copy: CopyStatus): CopyStatus {
    const drill = this.#plan.verified?.find((one) => one.source === source && one.remote === copy.remote);
    if (drill === undefined) return copy;
    const { result, lastGood, lastTried, overdue } = drill;
    const verified = Math.max(copy.verified ?? 0, lastGood ?? 0) as EpochSeconds;
    return {
      ...copy,
      ...(verified > 0 && { verified }),
      verify: {
        result,
        ...(lastGood !== undefined && { lastGood }),
        ...(lastTried !== undefined && { lastTried }),
        overdue,
      },
    };
  }

  #repository({ at }: RepositoryPlace): RepositoryInventory {
    return this.#context.observations.repository(at.repository);
  }

  #backup(
    source: Address,
    {
      repository,
      keep,
      place,
      taken,
      due,
      ...rest
    }: {
      readonly repository: Repository;
      readonly keep: Retention;
      readonly place: RepositoryPlace;
      readonly taken: readonly SnapshotType[];
      readonly due: Seen["dueWithin"];
    } & Pick<Seen, "waiting" | "suspended">,
  ): PlaceStatus {
    const there = this.#repository(place);
    const counts = new TypeCounts();
    const complete = place.views.filter(({ isPartial }) => !isPartial);
    for (const { types, creation } of complete) for (const type of types) counts.add(type, creation);
    const newest = complete.at(-1);
    const known = there.state === "unobserved" ? this.#known(source, repository.name) : {};
    return placeStatus(this.#context.now, {
      at: place.at,
      ...known,
      ...(newest && { newest: { name: newest.name, creation: newest.creation } }),
      types: counts.statuses(this.#manifest, keep, taken),
      ...dueWithin(due),
      facts: together(
        this.#facts(source, repository.name),
        this.#facts(place.at.repository as string as Address, repository.name),
      ),
      ...(there.state === "unobserved" && {
        unseen: {
          // what was never seen to be young enough is not known to be so
          expected: repository.removable && !isOverdue(this.#context.now, known.newest?.creation, due),
          reason: there.reason,
          isAgeUnknown: true,
        },
      }),
      isPartial: place.views.at(-1)?.isPartial ?? false,
      ...rest,
    });
  }

  /** Of snapshots of a dataset; of a directory nobody knows before it is read. */
  #written(source: Source | DirectorySource, { views }: RepositoryPlace, missing: readonly CopyView[]): Bytes {
    if ("path" in source || missing.length === 0) return 0 as Bytes;
    const there = this.#context.observations.look(source.host, source.dataset);
    if (there.state !== "present") return 0 as Bytes;
    const byGuid = new Map(there.dataset.snapshots.map((snapshot) => [snapshot.guid as string, snapshot]));
    const found = missing.flatMap(({ key }) => byGuid.get(key) ?? []);
    const [first] = found;
    const whole = views.length === 0 && first ? first.referenced - first.written : 0;
    return (found.reduce((sum, { written }) => sum + written, 0) + whole) as Bytes;
  }

  /** Sources that are no sources as long as something is in the way. */
  #unresolved(blocked: readonly Blocked[]): SourceStatus[] {
    return [...bySource(blocked)].flatMap(([source, entries]): SourceStatus[] => {
      const host = source.slice(0, source.indexOf(":")) as HostName;
      const dataset = source.slice(host.length + 1) as DatasetName;
      const suspended = this.#suspended.has(source);
      const facts = { operations: [], blocked: entries };
      const own = placeStatus(this.#context.now, { at: { host, dataset }, types: [], facts, waiting: 0, suspended });
      return [sourceStatus({ ...of({ address: source, host }, "dataset", suspended), own, copies: [] })];
    });
  }

  /** What a copy that cannot be seen was last seen to have. */
  #known(source: Address, remote: RemoteName): Pick<Seen, "newest"> {
    return knownAs(this.#lastSeen.get(source)?.copies.find((copy) => copy.remote === remote));
  }
}

const knownAs = (place: Pick<PlaceStatus, "newest"> | undefined): Pick<Seen, "newest"> =>
  place?.newest === undefined ? {} : { newest: place.newest };

/** A repository that may be away as far as the plan knows, while one of the copies there is not known to be young enough. */
const isMissed = ({ repository }: Unobserved, sources: readonly SourceStatus[]): boolean =>
  sources.some(({ copies }) =>
    copies.some(
      ({ at, health }) =>
        "repository" in at && at.repository === repository && (health === "unknown" || health === "overdue"),
    ),
  );

/** A dataset that can be seen. A million snapshots are made into views only where somebody asks for them. */
interface Here {
  readonly dataset: Dataset;
  /** With what the plan creates. */
  views(): readonly View[];
}

const NOTHING = { snapshots: 0, bytes: 0 as Bytes };

const of = (
  { address: source, host }: Pick<Source, "address" | "host">,
  kind: SourceStatus["kind"],
  suspended: boolean,
) => ({
  source,
  host,
  kind,
  suspended,
});

function bySource<T extends { readonly source: Address }>(all: readonly T[]): ReadonlyMap<Address, readonly T[]> {
  const groups = new Map<Address, T[]>();
  for (const each of all) groups.set(each.source, [...(groups.get(each.source) ?? []), each]);
  return groups;
}

const dueWithin = (due: Seen["dueWithin"]): Pick<Seen, "dueWithin"> => (due === undefined ? {} : { dueWithin: due });

/** A disk that is not always there is not late by a schedule. */
const whereAlways = ({ removable }: ZfsRemote | Repository, due: Seen["dueWithin"]): Seen["dueWithin"] =>
  removable ? undefined : due;

function amount(views: readonly View[]): CopyStatus["waiting"] {
  const bytes = views.reduce((sum, { snapshot }) => sum + (snapshot?.written ?? 0), 0);
  return { snapshots: views.length, bytes: bytes as Bytes };
}

/** The bookmark of the newest that a remote is known to have goes by its snapshot's name, where that is still there. */
function markedBy(
  { snapshots, bookmarks }: Dataset,
  creation: EpochSeconds,
): NonNullable<PlaceStatus["newest"]> | undefined {
  const guid = bookmarks.findLast((bookmark) => bookmark.creation === creation)?.guid;
  const name = snapshots.find((snapshot) => snapshot.guid === guid)?.name;
  return { name: name ?? "", creation };
}

const inRepositories = ({ remote, keep, mirrors }: RepositoryTarget) => [
  { repository: remote as Repository, kind: "restic" as const, keep },
  ...mirrors.map(({ mirror, keep }) => ({ repository: mirror as Repository, kind: "mirror" as const, keep })),
];

const together = (own: PlaceFacts, whole: PlaceFacts): PlaceFacts => {
  const failure = own.failure ?? whole.failure;
  return {
    operations: [...own.operations, ...whole.operations],
    blocked: [...own.blocked, ...whole.blocked],
    ...(failure !== undefined && { failure }),
  };
};

function verifiedIn(there: RepositoryInventory): Pick<CopyStatus, "verified"> {
  if (there.state !== "observed") return {};
  const checked = there.copies.findLast((copy) => maintenanceOf(copy)?.kinds.includes("check"));
  return checked ? { verified: checked.creation } : {};
}
