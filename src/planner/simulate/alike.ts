import type { Dataset, Inventory } from "../../model/inventory.ts";
import type { Manifest } from "../../model/manifest.ts";
import { Observations } from "../observed.ts";
import { repositoryCopies } from "../repository-copies.ts";
import { writeRetention } from "../write.ts";
import { type AnySource, type Place, placesOf } from "./places.ts";

/**
 * Sources that will fare the same: their settings are the same, and so is what is there of them, by name, time and what
 * it shares with what. `together`: what else is told apart by, such as the sources that one is snapshotted with.
 */
export function alike(
  manifest: Manifest,
  inventory: Inventory,
  sources: readonly AnySource[],
  together: (source: AnySource) => string,
): AnySource[][] {
  const observations = new Observations(inventory);
  const groups = new Map<string, AnySource[]>();
  for (const source of sources) {
    const places = placesOf(observations, source);
    const key = JSON.stringify([
      "path" in source,
      source.keys.take,
      source.keys.suspend,
      "path" in source ? [] : source.keys.pin,
      "path" in source ? observations.directory(source.address).state : "",
      together(source),
      places.map(({ name, keep, unobserved }) => [name, writeRetention(keep), unobserved === undefined]),
      datasetsAt(observations, places),
      repositoryCopies(manifest, inventory, source).map(({ state, views }) => [
        state,
        views.map(({ name, creation, types, isPartial }) => [name, creation, types, isPartial]),
      ]),
    ]);
    const group = groups.get(key);
    if (group) group.push(source);
    else groups.set(key, [source]);
  }
  return [...groups.values()];
}

/** Guids by the order in which they turn up: two trees of the same shape have the same numbers. */
function datasetsAt(observations: Observations, places: readonly Place[]): unknown[] {
  const numbers = new Map<string, number>();
  const numberOf = (guid: string): number => {
    const known = numbers.get(guid) ?? numbers.size;
    numbers.set(guid, known);
    return known;
  };
  return places.map(({ at }) => {
    if (!("dataset" in at)) return 0;
    const there = observations.look(at.host, at.dataset);
    return there.state === "present" ? shapeOf(there.dataset, numberOf) : there.state;
  });
}

const shapeOf = (
  { type, written, encryption, keystatus, resume, own, snapshots, bookmarks, available }: Dataset,
  numberOf: (guid: string) => number,
): unknown => [
  [type, written > 0, encryption, keystatus, resume !== undefined, own.adopted, own.placeholder, available > 0],
  snapshots.map(({ name, guid, creation, holds, clones, redacted }) => [
    name,
    numberOf(guid),
    creation,
    holds !== undefined || clones !== undefined,
    redacted,
  ]),
  bookmarks.map(({ name, guid }) => [numberOf(guid), name.replace(guid, "")]),
];
