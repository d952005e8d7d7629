import type { ServiceView } from "../model/service.ts";
import {
  type Condition,
  type CopyStatus,
  HEALTHS,
  type PlaceStatus,
  type SourceStatus,
  type Status,
} from "../model/status.ts";

/** A side of a source as its series are labelled: `remote` is empty for the source's own snapshots. */
export interface Place {
  readonly labels: { readonly host: string; readonly source: string; readonly remote: string };
  readonly source: SourceStatus;
  readonly place: PlaceStatus;
  /** Absent for the source's own side. */
  readonly copy?: CopyStatus;
}

const known = new WeakMap<Status, readonly Place[]>();

/** All sides of all sources; none before the first look. Asked for once a metric: worked out once a status. */
export function placesOf({ status }: Pick<ServiceView, "status">): readonly Place[] {
  if (!status) return [];
  const places = known.get(status) ?? status.sources.flatMap(sidesOf);
  known.set(status, places);
  return places;
}

function sidesOf(status: SourceStatus): Place[] {
  const { host, source, own, copies } = status;
  return [
    ...(own ? [{ labels: { host, source, remote: "" }, source: status, place: own }] : []),
    ...copies.map((copy) => ({ labels: { host, source, remote: copy.remote }, source: status, place: copy, copy })),
  ];
}

/** As the service keeps them; where nobody does, as the health has them. */
export function hasCondition(
  { running }: Pick<ServiceView, "running">,
  { place, source, copy }: Place,
  type: Condition["type"],
): boolean {
  const kept = place.conditions?.find((condition) => condition.type === type);
  if (kept) return kept.status;
  switch (type) {
    case "Ready":
      return HEALTHS.indexOf(place.health) <= HEALTHS.indexOf("away") && place.health !== "suspended";
    case "Reconciling":
      return running.some((one) => one.source === source.source && one.remote === copy?.remote);
    case "Blocked":
      return place.blocked.length > 0;
    default:
      return place.health === "failed" || place.health === "unknown";
  }
}
