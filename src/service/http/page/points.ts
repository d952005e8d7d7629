import type { Inventory, RepositoryCopy } from "../../../model/inventory.ts";
import type { AnyAt, KeptGroup, Plan } from "../../../model/plan.ts";
import { goneId } from "../../../model/plan.ts";
import type { SourceStatus } from "../../../model/status.ts";
import { type Address, isDirectory, type RemoteName } from "../../../model/units.ts";
import { snapshotName } from "../../../planner/types.ts";
import { identityOf, type Marks, marksOf } from "../../../remotes/restic/tags.ts";
import { keptWords } from "../../../render/kept.ts";

/** What exists of a source in one place: the line of a timeline. */
export interface Lane {
  /** `here`, or the remote's name. */
  readonly name: string;
  readonly remote?: RemoteName;
  readonly state: "observed" | "absent" | "unobserved";
  /** Oldest first. */
  readonly points: readonly Point[];
}

export interface Point {
  /** The same for one point in time wherever it is. */
  readonly key: string;
  readonly name: string;
  /** Seconds since 1970. */
  readonly creation: number;
  readonly id: string;
  readonly bytes?: number;
  readonly kind: "snapshot" | "bookmark" | "copy" | "partial";
  /** Why it stays, each in words. */
  readonly reasons: readonly string[];
  /** The pending plan takes it away. */
  readonly isLeaving: boolean;
  /** No type of the manifest: never touched. */
  readonly isForeign: boolean;
}

/** What of a plan concerns single sources, to be looked up by source and remote. */
export interface Fates {
  kept(source: Address, remote: RemoteName | undefined): ReadonlyMap<string, readonly string[]>;
  leaving(source: Address, remote: RemoteName | undefined): ReadonlySet<string>;
  foreign(source: Address, remote: RemoteName | undefined): ReadonlySet<string>;
}

const sideKey = (source: string, remote: string | undefined): string => `${source}\n${remote ?? ""}`;

export function fatesOf(plan: Plan | undefined): Fates {
  const kept = new Map<string, KeptGroup[]>();
  for (const group of plan?.kept ?? []) push(kept, sideKey(group.source, group.remote), group);
  const leaving = new Map<string, string[]>();
  for (const operation of plan?.operations ?? []) {
    const gone =
      operation.kind === "destroy" || operation.kind === "destroy-orphan"
        ? operation.snapshots
        : operation.kind === "forget"
          ? operation.copies
          : operation.kind === "rollback"
            ? operation.destroys
            : [];
    const remote = "remote" in operation ? operation.remote : undefined;
    for (const one of gone) push(leaving, sideKey(operation.source, remote), goneId(one));
  }
  const foreign = new Map((plan?.foreign ?? []).map((group) => [sideKey(group.source, group.remote), group.snapshots]));
  return {
    kept(source, remote) {
      const reasons = new Map<string, string[]>();
      for (const group of kept.get(sideKey(source, remote)) ?? [])
        for (const name of group.snapshots) addOnce(reasons, name, keptWords(group));
      return reasons;
    },
    leaving: (source, remote) => new Set(leaving.get(sideKey(source, remote))),
    foreign: (source, remote) => new Set(foreign.get(sideKey(source, remote))),
  };
}

function addOnce(reasons: Map<string, string[]>, name: string, words: string): void {
  if (!reasons.get(name)?.includes(words)) push(reasons, name, words);
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const there = map.get(key);
  if (there === undefined) map.set(key, [value]);
  else there.push(value);
}

/** The source itself, and each of its copies. */
export function lanesOf({ source, own, copies }: SourceStatus, inventory: Inventory | undefined, fates: Fates): Lane[] {
  const lanes: Lane[] = [];
  const datasets = datasetsOf(inventory);
  const names = new Map<string, string>();
  const lane = (name: string, at: AnyAt, remote?: RemoteName): void => {
    const found = "repository" in at ? inRepository(inventory, at.repository, source, names) : datasets(at);
    const [kept, leaving, foreign] = [
      fates.kept(source, remote),
      fates.leaving(source, remote),
      fates.foreign(source, remote),
    ];
    const points = found.points.map((point) => ({
      ...point,
      reasons: kept.get(point.name) ?? [],
      isLeaving: leaving.has(point.id),
      isForeign: foreign.has(point.name) && point.kind === "snapshot",
    }));
    if (remote === undefined) for (const { key, name: own } of points) names.set(key, own);
    lanes.push({ name, ...(remote === undefined ? {} : { remote }), state: found.state, points });
  };
  if (own !== undefined && !isDirectory(source)) lane("here", own.at);
  for (const { remote, at } of copies) lane(remote, at, remote);
  return lanes;
}

type Bare = Omit<Point, "reasons" | "isLeaving" | "isForeign">;
interface Found {
  readonly state: Lane["state"];
  readonly points: readonly Bare[];
}
const UNOBSERVED: Found = { state: "unobserved", points: [] };
const ABSENT: Found = { state: "absent", points: [] };

const datasetsOf =
  (inventory: Inventory | undefined) =>
  (at: AnyAt): Found => {
    const host = inventory?.hosts[at.host];
    if (host?.state !== "observed" || !("dataset" in at)) return UNOBSERVED;
    const found = host.datasets.find(({ name }) => name === at.dataset);
    if (found === undefined) return host.pools.includes(at.dataset.split("/", 1)[0] ?? "") ? ABSENT : UNOBSERVED;
    const there = new Set<string>(found.snapshots.map(({ guid }) => guid));
    const points: Bare[] = [
      ...found.snapshots.map(({ guid, name, creation, referenced }) => ({
        key: guid,
        id: guid,
        name,
        creation,
        bytes: referenced,
        kind: "snapshot" as const,
      })),
      ...found.bookmarks
        .filter(({ guid }) => !there.has(guid))
        .map(({ guid, name, creation }) => ({
          key: guid,
          id: guid,
          name: `#${name}`,
          creation,
          kind: "bookmark" as const,
        })),
    ];
    return { state: "observed", points: points.sort((a, b) => a.creation - b.creation) };
  };

/** Those that Holdfast made of the source; of a dataset's snapshot by the name it has there. */
function inRepository(
  inventory: Inventory | undefined,
  key: string,
  source: Address,
  names: ReadonlyMap<string, string>,
): Found {
  const there = Object.entries(inventory?.repositories ?? {}).find(([name]) => name === key)?.[1];
  if (there?.state === "absent") return ABSENT;
  if (there?.state !== "observed") return UNOBSERVED;
  const points = there.copies.flatMap((copy): Bare[] => {
    const marks = marksOf(copy);
    if (marks?.source !== source) return [];
    const identity = identityOf(copy);
    return [
      {
        key: identity,
        id: copy.id,
        name: names.get(identity) ?? nameOf(marks, copy),
        creation: copy.creation,
        kind: marks.isPartial ? "partial" : "copy",
        ...(copy.bytes === undefined ? {} : { bytes: copy.bytes }),
      },
    ];
  });
  return { state: "observed", points };
}

/** As plans call them where the source no longer has what they are copies of. */
function nameOf({ guid, types: [type] }: Marks, { id, creation }: RepositoryCopy): string {
  return guid !== undefined && type !== undefined ? snapshotName(type, creation) : id.slice(0, 8);
}
