import type { Hit, Unsearched, Wanted } from "../model/found.ts";
import type { Manifest } from "../model/manifest.ts";
import type { AtRepository } from "../model/plan.ts";
import type { Problem } from "../model/report.ts";
import type { Address, HostName } from "../model/units.ts";
import type { Content, Sighting } from "../planner/find/contents.ts";
import type { CopyPoint, SnapshotPoint } from "../planner/restore/places.ts";
import type { Outcome, Searchable } from "../remotes/zfs/find.ts";
import type { Hosts } from "../transport/types.ts";

/** A source, and all that can be searched of it. */
export interface Subject {
  readonly source: Address;
  readonly contents: readonly Content[];
}

export interface Searching {
  readonly manifest: Manifest;
  readonly hosts: Hosts;
  readonly signal: AbortSignal;
  /** How many snapshots of one host are searched at the same time. */
  readonly lanes: number;
  readonly wanted: Wanted;
  readonly take: (subject: Subject, index: number, hit: Hit) => void;
  /** So many points in time need not be looked into any more. */
  readonly done: (moments: number) => void;
}

/** Of one command: by then its start costs little, and no lane is the last one for long. */
const MOST_AT_ONCE = 16;

/** One content that is still to be searched, and where: the places before that one could not be. */
interface Task {
  readonly subject: Subject;
  readonly index: number;
  readonly places: readonly Sighting[];
  readonly failures: readonly Failed[];
}
interface Failed {
  readonly place: string;
  readonly problem: Pick<Problem, "message" | "hint">;
}

export interface Searched {
  readonly unsearched: readonly Unsearched[];
  readonly omitted: number;
  /** Found by another place that has the same: here it cannot be read. */
  readonly unreadable: ReadonlySet<Sighting>;
}

/** How many points in time they are, each counted once. */
export const momentsIn = (contents: Subject["contents"]): number =>
  new Set(contents.flatMap(({ sightings }) => sightings.map(({ moment }) => moment.key))).size;

/** Looks into each content where it is nearest, and elsewhere if it cannot be read there. Rejected when interrupted. */
export async function search(subjects: readonly Subject[], searching: Searching): Promise<Searched> {
  const search = new Search(searching);
  let tasks = subjects
    .flatMap((subject) =>
      subject.contents.map((content, index): Task => ({ subject, index, places: places(content), failures: [] })),
    )
    .sort((a, b) => newestOf(b) - newestOf(a));
  const unsearched: Task[] = [];
  const unreadable = new Set<Sighting>();
  while (tasks.length > 0) {
    const failed = await search.round(tasks);
    for (const task of failed) for (const sighting of sightingsIn(task)) unreadable.add(sighting);
    const again = failed.map((task) => ({ ...task, places: task.places.slice(1) }));
    for (const task of again.filter(({ places }) => places.length === 0)) {
      unsearched.push(task);
      searching.done(momentsOf(task));
    }
    tasks = again.filter((task) => task.places.length > 0);
  }
  return { unsearched: summed(unsearched), omitted: search.omitted, unreadable };
}

/** All that the task's first place has of its content. */
const sightingsIn = ({ subject, index, places: [first] }: Task): Sighting[] =>
  (subject.contents[index]?.sightings ?? []).filter(({ point }) => point.place === first?.point.place);

/** How many points in time have what the task looks into. */
const momentsOf = ({ subject, index }: Task): number => momentsIn(subject.contents.slice(index, index + 1));

const pointOf = (task: Task): SnapshotPoint => task.places[0]?.point as SnapshotPoint;

const searchable = (task: Task): Searchable => {
  const { from, dataset, snapshot } = pointOf(task);
  return { ...from, snapshot: snapshot.name, mountpoint: dataset.mountpoint ?? "" };
};

const newestOf = ({ subject, index }: Task): number => subject.contents[index]?.newest ?? 0;

/** The first sighting of each place. */
function places({ sightings }: Content): Sighting[] {
  const first = new Map(sightings.toReversed().map((sighting) => [sighting.point.place, sighting]));
  return sightings.filter((sighting) => first.get(sighting.point.place) === sighting);
}

class Search {
  readonly #searching: Searching;
  /** What cannot be read, whatever is asked of it: datasets, and hosts. */
  readonly #closed = new Map<string, Failed["problem"]>();
  omitted = 0;

  constructor(searching: Searching) {
    this.#searching = searching;
  }

  /** Every task in its first place; those that could not be done, each with the reason. */
  async round(tasks: readonly Task[]): Promise<Task[]> {
    const onHosts = new Map<HostName, Task[]>();
    const inRepositories = new Map<string, Task[]>();
    for (const task of tasks) {
      const [sighting] = task.places;
      if (sighting === undefined) continue;
      const { point } = sighting;
      if (point.kind === "snapshot") append(onHosts, point.from.host, task);
      else append(inRepositories, `${point.at.host} ${point.at.repository}`, task);
    }
    const done = await Promise.all([
      ...[...onHosts.values()].map((all) => this.#inSnapshots(all)),
      ...[...inRepositories.values()].map((all) => this.#inCopies(all)),
    ]);
    return done.flat();
  }

  async #inSnapshots(tasks: readonly Task[]): Promise<Task[]> {
    const failed: Task[] = [];
    const left = tasks.toReversed();
    const most = Math.min(MOST_AT_ONCE, Math.ceil(tasks.length / this.#searching.lanes));
    const next = (): Promise<Task[]> => this.#next(left, most, failed);
    const lane = async (): Promise<void> => {
      for (let some = await next(); some.length > 0; some = await next())
        left.push(...(await this.#inSome(some, failed)).reverse());
    };
    await Promise.all(Array.from({ length: this.#searching.lanes }, lane));
    return failed;
  }

  /** Takes off the end what one command is to search. */
  async #next(left: Task[], most: number, failed: Task[]): Promise<Task[]> {
    const { fitting } = await import("../remotes/zfs/find.ts");
    const some: Task[] = [];
    while (some.length < most) {
      const task = left.pop();
      if (task === undefined) break;
      const problem = this.#closedTo(task);
      if (problem === undefined) some.push(task);
      else failed.push(failing(task, problem));
    }
    left.push(...some.splice(fitting(some.map(searchable))).reverse());
    return some;
  }

  /** What need not be tried. */
  #closedTo(task: Task): Failed["problem"] | undefined {
    const { from, dataset } = pointOf(task);
    const closed = this.#closed.get(from.host) ?? this.#closed.get(`${from.host}:${from.dataset}`);
    if (closed !== undefined || dataset.keystatus !== "unavailable") return closed;
    return {
      message: "its key is not loaded",
      hint: `on ${from.host}: zfs load-key ${dataset.encryptionroot ?? from.dataset}`,
    };
  }

  /** One command; gives back what it did not come to. */
  async #inSome(tasks: readonly Task[], failed: Task[]): Promise<Task[]> {
    const { hosts, signal, wanted, take } = this.#searching;
    const [first] = tasks;
    if (first === undefined) return [];
    const { findInSnapshots } = await import("../remotes/zfs/find.ts");
    const left = new Set(tasks);
    const end = (task: Task, problem: Failed["problem"] | undefined): void => {
      left.delete(task);
      if (problem === undefined) this.#searching.done(momentsOf(task));
      else failed.push(failing(task, problem));
    };
    const listener = {
      take: (index: number, hit: Hit): void => {
        const task = tasks[index];
        if (task !== undefined) take(task.subject, task.index, hit);
      },
      ended: (index: number, outcome: Outcome): void => {
        const task = tasks[index];
        if (task !== undefined) end(task, this.#problemIn(task, outcome));
      },
    };
    try {
      await findInSnapshots(pointOf(first).from.host, tasks.map(searchable), wanted, listener, { hosts, signal });
    } catch (error) {
      const [lost] = left;
      const problem = this.#noted(pointOf(lost ?? first), error);
      if (lost !== undefined) end(lost, problem);
    }
    return [...left];
  }

  #problemIn(task: Task, outcome: Outcome): Failed["problem"] | undefined {
    if ("error" in outcome) return this.#noted(pointOf(task), outcome.error);
    const { unread } = outcome;
    return unread === undefined ? undefined : { message: `not all of it can be read: ${unread}` };
  }

  /** What an error says of a snapshot; where it says the same of all of its dataset or host, that is remembered. */
  #noted({ from, snapshot }: SnapshotPoint, error: unknown): Failed["problem"] {
    const problem = this.#problemOf(error);
    if (isOfHost(error)) this.#closed.set(from.host, problem);
    if (!isOfDataset(error)) return problem;
    const ofAll = { ...problem, message: problem.message.replace(`@${snapshot.name}`, "") };
    this.#closed.set(`${from.host}:${from.dataset}`, ofAll);
    return ofAll;
  }

  /** restic has an index to read before it finds anything: it is started as rarely as can be. */
  async #inCopies(tasks: readonly Task[]): Promise<Task[]> {
    const withins = new Map<string, Map<string, Task>>();
    let at: AtRepository | undefined;
    for (const task of tasks) {
      const point = task.places[0]?.point as CopyPoint;
      at ??= point.at;
      const byId = withins.get(point.within) ?? new Map<string, Task>();
      withins.set(point.within, byId.set(point.id, task));
    }
    if (at === undefined) return [];
    const [{ openRepository }, { placeOf }] = await Promise.all([
      import("../remotes/restic/restic.ts"),
      import("../remotes/restic/run-context.ts"),
    ]);
    const { manifest, hosts, signal, wanted, take } = this.#searching;
    const repository = openRepository(placeOf({ manifest }, at), { hosts, env: process.env, signal });
    const failed: Task[] = [];
    for (const [within, byId] of withins) {
      try {
        const result = await repository.find({ ids: [...byId.keys()], within, wanted }, (id, hit) => {
          const task = byId.get(id);
          if (task !== undefined) take(task.subject, task.index, hit);
        });
        this.omitted += result.omitted;
        for (const [id, task] of byId) {
          const message = result.failed.get(id);
          if (message === undefined) this.#searching.done(momentsOf(task));
          else failed.push(failing(task, { message }));
        }
      } catch (error) {
        const problem = this.#problemOf(error);
        failed.push(...[...byId.values()].map((task) => failing(task, problem)));
      }
    }
    return failed;
  }

  /** Both kinds of remotes, and the way to them, tell what went wrong in the same way; anything else is a bug. */
  #problemOf(error: unknown): Failed["problem"] {
    if (!(error instanceof Error) || this.#searching.signal.aborted) throw error;
    if ("problem" in error) return error.problem as Problem;
    if (error.name !== "TransportError") throw error;
    const { hint } = error as { readonly hint?: string };
    return { message: error.message, ...(hint !== undefined && { hint }) };
  }
}

const isOfHost = (error: unknown): boolean =>
  error instanceof Error && "kind" in error && ["unreachable", "host-key", "authentication"].includes(`${error.kind}`);

const isOfDataset = (error: unknown): boolean =>
  error instanceof Error && "meaning" in error && ["key", "permission"].includes(`${error.meaning}`);

const failing = (task: Task, problem: Failed["problem"]): Task => ({
  ...task,
  failures: [...task.failures, { place: task.places[0]?.point.place ?? "", problem }],
});

function append<K>(groups: Map<K, Task[]>, key: K, task: Task): void {
  const group = groups.get(key) ?? [];
  if (group.push(task) === 1) groups.set(key, group);
}

/** Of each source and place how much for which reason. */
function summed(tasks: readonly Task[]): Unsearched[] {
  const found = new Map<string, Unsearched & { readonly snapshots: number }>();
  for (const task of tasks) {
    const { subject, failures } = task;
    const moments = momentsOf(task);
    for (const { place, problem } of failures) {
      const key = JSON.stringify([subject.source, place, problem.message]);
      found.set(key, {
        source: subject.source,
        place,
        reason: problem.message,
        ...(problem.hint !== undefined && { hint: problem.hint }),
        snapshots: (found.get(key)?.snapshots ?? 0) + moments,
      });
    }
  }
  return [...found.values()];
}
