import type { Inventory } from "../../model/inventory.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { SimulatedDate } from "../../model/simulation.ts";
import type { EpochSeconds, Seconds, TypeName } from "../../model/units.ts";
import { Observations } from "../observed.ts";
import { repositoryCopies } from "../repository-copies.ts";
import { iso } from "../status-place.ts";
import type { Classify } from "../types.ts";
import type { AnySource, Place } from "./places.ts";

interface Held {
  readonly creation: EpochSeconds;
  readonly types: readonly TypeName[];
}

/** What each of the places has at a time; foreign snapshots, and copies that lack files, do not count. */
export function holdingsAt(
  now: EpochSeconds,
  { manifest, inventory, classify }: { manifest: Manifest; inventory: Inventory; classify: Classify },
  source: AnySource,
  places: readonly Place[],
): SimulatedDate[] {
  const observations = new Observations(inventory);
  const hasRepositories = places.some(({ at }) => "repository" in at);
  const copies = new Map(
    (hasRepositories ? repositoryCopies(manifest, inventory, source) : []).map(({ name, views }) => [name, views]),
  );
  return places.map(({ name, at }) => {
    if (!("dataset" in at))
      return summed(
        now,
        manifest,
        (copies.get(name) ?? []).filter(({ isPartial }) => !isPartial),
      );
    const there = observations.look(at.host, at.dataset);
    const snapshots = there.state === "present" ? there.dataset.snapshots : [];
    const held = snapshots.flatMap(({ name, creation }): Held[] => {
      const type = classify(name);
      return type === undefined ? [] : [{ creation, types: [type] }];
    });
    return summed(now, manifest, held);
  });
}

function summed(now: EpochSeconds, { snapshotTypes }: Manifest, held: readonly Held[]): SimulatedDate {
  const types = new Map<TypeName, { count: number; oldest: EpochSeconds }>();
  let oldest: EpochSeconds | undefined;
  for (const each of held) {
    if (oldest === undefined || each.creation < oldest) oldest = each.creation;
    for (const type of each.types) {
      const known = types.get(type);
      if (!known) types.set(type, { count: 1, oldest: each.creation });
      else {
        known.count++;
        if (each.creation < known.oldest) known.oldest = each.creation;
      }
    }
  }
  return {
    at: iso(now),
    count: held.length,
    types: [...snapshotTypes.keys()].flatMap((type) => {
      const found = types.get(type);
      return found ? [{ type, ...found }] : [];
    }),
    ...(oldest !== undefined && { oldest: { creation: oldest, age: Math.max(0, now - oldest) as Seconds } }),
  };
}
