import { scopeOf } from "../../manifest/scope.ts";
import type { Inventory } from "../../model/inventory.ts";
import type { Manifest, SnapshotType } from "../../model/manifest.ts";
import type { SimulatedGroup, SimulatedPlace, Simulation } from "../../model/simulation.ts";
import type { EpochSeconds } from "../../model/units.ts";
import { withoutRemedies } from "../consent.ts";
import { groupsOf } from "../groups.ts";
import { contextOf, plan, sourcesOf } from "../index.ts";
import { Observations } from "../observed.ts";
import type { PlanOptions } from "../options.ts";
import { schedulesAt } from "../schedule.ts";
import { selected } from "../selected.ts";
import type { Source } from "../sources.ts";
import { iso } from "../status-place.ts";
import { scheduledTypes } from "../types.ts";
import { writeRetention } from "../write.ts";
import { alike } from "./alike.ts";
import { passesOf } from "./dates.ts";
import { type Part, partOf } from "./part.ts";
import { type AnySource, type Place, placesOf } from "./places.ts";
import { play } from "./play.ts";

export interface SimulateOptions extends Pick<PlanOptions, "target" | "exclude" | "allHosts"> {
  /** Ascending: the first is the clock at the start, the last the end. */
  readonly dates: readonly EpochSeconds[];
  readonly from: Simulation["from"];
  /** Of all groups together. */
  readonly mostPasses: number;
}

/** It would take too long. */
export class TooManyPasses extends Error {
  override readonly name = "TooManyPasses";
  readonly passes: number;
  readonly groups: number;

  constructor(passes: number, groups: number) {
    super(`at least ${passes} passes of ${groups} groups`);
    this.passes = passes;
    this.groups = groups;
  }
}

interface Prepared {
  readonly alike: readonly AnySource[];
  readonly source: AnySource;
  readonly places: readonly Place[];
  readonly part: Part;
  readonly types: readonly SnapshotType[];
  readonly passes: readonly EpochSeconds[];
}

/**
 * Plays a manifest forward from an inventory, date by date. Pure: the same input gives the same answer. Nothing of the
 * retention is known here; each pass is a plan, carried out in a world.
 */
export function simulate(manifest: Manifest, inventory: Inventory, options: SimulateOptions): Simulation {
  const { dates, from } = options;
  const [start = 0 as EpochSeconds, end = start] = [dates[0], dates.at(-1)];
  const { target, exclude, allHosts } = options;
  const given = {
    ...(target && { target }),
    ...(exclude && { exclude }),
    ...(allHosts !== undefined && { allHosts }),
  };
  const first = plan(manifest, inventory, { now: start, ...given });
  const blocked = first.blocked.filter(({ withheld }) => withheld === undefined);
  // what stands in the way of a remedy may be about other sources, and not in their part
  const groups = prepare(withoutRemedies(manifest, blocked), inventory, { ...options, start });
  const looks = new Set(dates);
  return {
    formatVersion: 1,
    self: manifest.self,
    manifestDigest: manifest.digest,
    timezone: manifest.timezone,
    from,
    start: iso(start),
    end: iso(end),
    complete: first.complete,
    unobserved: first.unobserved,
    blocked,
    withheld: first.blocked.filter(({ withheld }) => withheld !== undefined),
    groups: groups.map((group) => playedGroup(group, looks, end)),
  };
}

function prepare(
  manifest: Manifest,
  inventory: Inventory,
  { target, exclude, allHosts, dates, mostPasses, start }: SimulateOptions & { readonly start: EpochSeconds },
): Prepared[] {
  const all = sourcesOf(manifest, inventory, allHosts === undefined ? {} : { allHosts });
  const chosen = selected(all, target, exclude, manifest);
  const scope = scopeOf(manifest, { allHosts: allHosts ?? false });
  const isOurs = ({ host, copies }: Source) =>
    scope.sources(host) || copies.some(({ remote }) => scope.copies(host, remote));
  const sources: AnySource[] = [
    ...chosen.sources.filter(isOurs),
    ...all.directories.filter(({ address }) => chosen.includes(address)),
  ];
  const groups = groupsOf(contextOf(manifest, inventory, { now: start, allHosts: true }), all.sources);
  const groupOf = ({ address }: AnySource): string => groups.get(address)?.group ?? "";
  const observations = new Observations(inventory);
  const together = alike(manifest, inventory, sources, groupOf);
  const prepared: Prepared[] = [];
  let count = 0;
  for (const same of together) {
    const [source] = same;
    if (!source) continue;
    const mates = groupOf(source) === "" ? [source] : all.sources.filter((one) => groupOf(one) === groupOf(source));
    const types = mates.filter(({ keys }) => !keys.suspend).flatMap(({ keys }) => scheduledTypes(manifest, keys.take));
    const passes = passesOf(types, dates, mostPasses);
    count += passes.length;
    if (count > mostPasses) throw new TooManyPasses(count, together.length);
    const places = placesOf(observations, source);
    prepared.push({ alike: same, source, places, part: partOf(manifest, inventory, mates), types, passes });
  }
  return prepared;
}

function playedGroup(
  { alike, source, places, part, types, passes }: Prepared,
  dates: ReadonlySet<EpochSeconds>,
  end: EpochSeconds,
): SimulatedGroup {
  const seen = places.filter(({ unobserved }) => unobserved === undefined);
  // where nothing is known, nothing comes of it
  const played = seen.length === 0 ? undefined : play(part, source, seen, { passes, dates });
  const schedules = schedulesAt(end);
  // until the rarest type has come round once more nobody can tell
  const longest = Math.max(0, ...types.map((type) => schedules.longestPeriod(type)));
  return {
    sources: alike.map(({ address }) => address),
    suspended: source.keys.suspend,
    places: places.map(({ keep, ...place }): SimulatedPlace => {
      const index = seen.findIndex(({ name }) => name === place.name);
      return {
        ...place,
        keep: writeRetention(keep),
        dates: played?.dates.flatMap((all) => all[index] ?? []) ?? [],
        firstDestroyed: played?.firstDestroyed.get(place.name) ?? [],
      };
    }),
    ...(played && end - played.changedAt > longest && { steadySince: iso(played.changedAt) }),
  };
}
