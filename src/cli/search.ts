import type { Hit, Unsearched, Wanted } from "../model/found.ts";
import type { Manifest } from "../model/manifest.ts";
import type { AtRepository } from "../model/plan.ts";
import type { Problem } from "../model/report.ts";
import type { Address, HostName } from "../model/units.ts";
import type { Content, Sighting } from "../planner/find/contents.ts";
import type { CopyPoint, SnapshotPoint } from "../planner/restore/places.ts";
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
}

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
    unsearched.push(...again.filter((task) => task.places.length === 0));
    tasks = again.filter((task) => task.places.length > 0);
  }
  return { unsearched: summed(unsearched), omitted: search.omitted, unreadable };
}

/** All that the task's first place has of its content. */
const sightingsIn = ({ subject, index, places: [first] }: Task): Sighting[] =>
  (subject.contents[index]?.sightings ?? []).filter(({ point }) => point.place === first?.point.place);

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
    const left = tasks.values();
    const lane = async (): Promise<void> => {
      for (const task of left) {
        const problem = await this.#inSnapshot(task, task.places[0]?.point as SnapshotPoint);
        if (problem !== undefined) failed.push(failing(task, problem));
      }
    };
    await Promise.all(Array.from({ length: this.#searching.lanes }, lane));
    return failed;
  }

  async #inSnapshot(
    { subject, index }: Task,
    { from, dataset, snapshot }: SnapshotPoint,
  ): Promise<Failed["problem"] | undefined> {
    const { hosts, signal, wanted, take } = this.#searching;
    const closed = this.#closed.get(from.host) ?? this.#closed.get(`${from.host}:${from.dataset}`);
    if (closed !== undefined) return closed;
    if (dataset.keystatus === "unavailable")
      return {
        message: "its key is not loaded",
        hint: `on ${from.host}: zfs load-key ${dataset.encryptionroot ?? from.dataset}`,
      };
    const { findInSnapshot } = await import("../remotes/zfs/find.ts");
    const at = { ...from, snapshot: snapshot.name, mountpoint: dataset.mountpoint ?? "" };
    try {
      const unread = await findInSnapshot(at, wanted, (hit) => take(subject, index, hit), { hosts, signal });
      return unread === undefined ? undefined : { message: `not all of it can be read: ${unread}` };
    } catch (error) {
      const problem = this.#problemOf(error);
      if (isOfHost(error)) this.#closed.set(from.host, problem);
      if (!isOfDataset(error)) return problem;
      const message = problem.message.replace(`@${snapshot.name}`, "");
      this.#closed.set(`${from.host}:${from.dataset}`, { ...problem, message });
      return { ...problem, message };
    }
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
        for (const [id, message] of result.failed) {
          const task = byId.get(id);
          if (task !== undefined) failed.push(failing(task, { message }));
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
  for (const { subject, index, failures } of tasks) {
    const moments = new Set(subject.contents[index]?.sightings.map(({ moment }) => moment.key)).size;
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
