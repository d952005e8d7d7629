import type { Replica } from "../model/audit.ts";
import type { Dataset, Snapshot } from "../model/inventory.ts";
import type { Guid } from "../model/units.ts";

/** Pairs of datasets that share snapshots by guid: which is the copy of which, and whether they still fit. */
export function replicasIn(datasets: readonly Dataset[]): Replica[] {
  const holders = new Map<Guid, Dataset[]>();
  for (const dataset of datasets)
    for (const { guid } of dataset.snapshots) holders.set(guid, [...(holders.get(guid) ?? []), dataset]);
  const seen = new Set<string>();
  return [...holders.values()].flatMap((having) =>
    having.flatMap((first, index) =>
      having.slice(index + 1).flatMap((second): Replica[] => {
        const key = `${first.name}\0${second.name}`;
        if (seen.has(key)) return [];
        seen.add(key);
        const [source, replica] = inRoles(first, second);
        return [pair(source, replica)];
      }),
    ),
  );
}

/** The source is the one that goes on: the newer one, or the one that is mounted. */
function inRoles(first: Dataset, second: Dataset): readonly [source: Dataset, replica: Dataset] {
  const [a, b] = [newestOf(first), newestOf(second)];
  if (a !== b) return a > b ? [first, second] : [second, first];
  if (first.mounted !== second.mounted) return first.mounted ? [first, second] : [second, first];
  return first.written >= second.written ? [first, second] : [second, first];
}

const newestOf = ({ snapshots }: Dataset): number => snapshots.at(-1)?.creation ?? 0;

function pair(source: Dataset, replica: Dataset): Replica {
  const here = new Set(source.snapshots.map(({ guid }) => guid));
  const there = new Set(replica.snapshots.map(({ guid }) => guid));
  const shared = source.snapshots.filter(({ guid }) => there.has(guid));
  const [behind, ahead] = [since(source, there), since(replica, here)];
  return {
    source: source.name,
    replica: replica.name,
    shared: shared.length,
    newestShared: (shared.at(-1) as Snapshot).creation,
    behind,
    ahead,
    diverged: ahead > 0 && behind > 0,
    written: replica.written,
  };
}

/** Snapshots after the last one that is among these. */
const since = ({ snapshots }: Dataset, known: ReadonlySet<Guid>): number =>
  snapshots.length - 1 - snapshots.findLastIndex(({ guid }) => known.has(guid));
