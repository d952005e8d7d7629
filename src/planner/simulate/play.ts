import type { Inventory } from "../../model/inventory.ts";
import type { DestroyOperation, ForgetOperation } from "../../model/plan.ts";
import type { FirstDestroyed, SimulatedDate } from "../../model/simulation.ts";
import type { EpochSeconds, RemoteName, TypeName } from "../../model/units.ts";
import { uncheckedPlan } from "../index.ts";
import { iso } from "../status-place.ts";
import { classifier } from "../types.ts";
import { World } from "../world.ts";
import { holdingsAt } from "./holdings.ts";
import type { Part } from "./part.ts";
import { type AnySource, OWN, type Place } from "./places.ts";

/** More deletions than there are: all of them are agreed to. */
const ALL = Number.MAX_SAFE_INTEGER;
/** Stands for itself in a pattern. */
const literally = (name: string): string => name.replace(/[*?[\]{}\\]/g, "\\$&");

export interface Played {
  /** For each of the dates what each of the places has. */
  readonly dates: readonly (readonly SimulatedDate[])[];
  readonly firstDestroyed: ReadonlyMap<RemoteName, readonly FirstDestroyed[]>;
  /** When the number of any type last changed in any of the places. */
  readonly changedAt: EpochSeconds;
}

/**
 * Passes, one after the other, each planned and done in a world of its own: everything can be reached and works, and all
 * deletions are agreed to. What a pass would have to do is what `holdfast apply` would do then.
 */
export function play(
  part: Part,
  source: AnySource,
  places: readonly Place[],
  when: { readonly passes: readonly EpochSeconds[]; readonly dates: ReadonlySet<EpochSeconds> },
): Played {
  const { manifest } = part;
  const classify = classifier(manifest.snapshotTypes);
  const target = part.members.map(({ address }) => literally(address));
  const dates: SimulatedDate[][] = [];
  const firstDestroyed = new Map<RemoteName, Map<TypeName, FirstDestroyed>>();
  let inventory = part.inventory;
  let changedAt = when.passes[0] as EpochSeconds;
  let before = "";
  for (const now of when.passes) {
    const { operations } = uncheckedPlan(manifest, inventory, { now, target, allHosts: true, allowDestroy: ALL });
    if (operations.length > 0) {
      const world = new World(inventory, now);
      for (const operation of operations) {
        world.run(operation);
        if (operation.source === source.address && (operation.kind === "destroy" || operation.kind === "forget"))
          noteFirst(firstDestroyed, operation, inventory, now);
      }
      inventory = world.inventory();
    }
    const isDate = when.dates.has(now);
    if (operations.length === 0 && !isDate) continue;
    const held = holdingsAt(now, { manifest, inventory, classify }, source, places);
    const counts = JSON.stringify(
      held.map(({ count, types }) => [count, types.map(({ type, count }) => [type, count])]),
    );
    if (counts !== before) [before, changedAt] = [counts, now];
    if (isDate) dates.push(held);
  }
  return {
    dates,
    firstDestroyed: new Map([...firstDestroyed].map(([name, all]) => [name, [...all.values()]])),
    changedAt,
  };
}

function noteFirst(
  first: Map<RemoteName, Map<TypeName, FirstDestroyed>>,
  operation: DestroyOperation | ForgetOperation,
  before: Inventory,
  now: EpochSeconds,
): void {
  const { type, remote = OWN } = operation;
  const there = first.get(remote) ?? new Map<TypeName, FirstDestroyed>();
  first.set(remote, there);
  if (!there.has(type)) there.set(type, { type, creation: oldestIn(operation, before, now), at: iso(now) });
}

/** Of what an operation takes away; what was made in the same pass was taken now. */
function oldestIn(
  operation: DestroyOperation | ForgetOperation,
  { hosts, repositories }: Inventory,
  now: EpochSeconds,
): EpochSeconds {
  let creations: number[];
  if (operation.kind === "destroy") {
    const { at, snapshots } = operation;
    const host = hosts[at.host];
    const dataset = host?.state === "observed" ? host.datasets.find(({ name }) => name === at.dataset) : undefined;
    const gone = new Set(snapshots.map(({ guid }) => guid));
    creations = (dataset?.snapshots ?? []).flatMap(({ guid, creation }) => (gone.has(guid) ? [creation] : []));
  } else {
    const { at, copies } = operation;
    const repository = repositories?.[at.repository];
    const gone = new Set(copies.map(({ id }) => id));
    const all = repository?.state === "observed" ? repository.copies : [];
    creations = all.flatMap(({ id, creation }) => (gone.has(id) ? [creation] : []));
  }
  return Math.min(now, ...creations) as EpochSeconds;
}
