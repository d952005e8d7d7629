import { type At, type AtDirectory, isInPlace, type Note, type Plan, writePlace } from "../../model/plan.ts";
import type { EpochSeconds } from "../../model/units.ts";
import type { Observations } from "../observed.ts";
import { writeSeconds } from "../write.ts";
import type { Places, Point } from "./places.ts";
import type { RestoreRequest } from "./request.ts";
import type { AnySource } from "./sources.ts";

export interface RestoreFacts {
  readonly at: At | AtDirectory;
  readonly beside: boolean;
  readonly request: RestoreRequest;
  readonly restored: Pick<Plan, "operations" | "blocked">;
}

/** Where it comes from and why, which keys it takes, and what the next plan will make of it. */
export function notesOn(
  observations: Observations,
  source: AnySource,
  { points, unseen }: Places,
  facts: RestoreFacts,
): Note[] {
  const [point, ...others] = points;
  if (point === undefined) return [];
  const { now } = facts.request;
  const { operations, blocked } = facts.restored;
  const isThere = operations.length === 0 && blocked.length === 0;
  const messages = [
    `from ${point.place}: ${describe(point, now)}`,
    ...(others.length === 0
      ? []
      : [`also on ${others.map((other) => `${other.place} (${describe(other, now)})`).join(", ")}`]),
    ...unseen.map(({ place, reason }) => `${place} could not be seen: ${reason}`),
    ...(isThere ? [`${writePlace(facts.at)} has it already: there is nothing to do`] : []),
    ...keysFor(point),
    ...afterwards(observations, source, point, facts),
  ];
  return messages.map((message) => ({ kind: "restore", source: source.address, message }));
}

function describe(point: Point, now: EpochSeconds): string {
  const age = now - point.taken;
  const old = age < 60 ? "just now" : `${writeSeconds(rounded(age))} old`;
  const what = point.kind === "snapshot" ? `@${point.name}` : `copy ${point.name}`;
  return `${what}, ${old}${point.kind === "copy" ? ", files only" : ""}`;
}

/** To minutes, hours or days, by its size. */
const rounded = (seconds: number): number => {
  const unit = seconds >= 2 * 86_400 ? 86_400 : seconds >= 2 * 3600 ? 3600 : 60;
  return Math.round(seconds / unit) * unit;
};

function keysFor(point: Point): string[] {
  if (point.kind === "copy" || point.dataset.encryption === "off") return [];
  return ["it is encrypted, and comes back so: its own key is needed to read it (zfs load-key)"];
}

/** What a restore leaves for the next plan to do, or to ask about. */
function afterwards(
  observations: Observations,
  source: AnySource,
  point: Point,
  { at, beside, restored: { operations } }: RestoreFacts,
): string[] {
  if (!("dataset" in at) || !("dataset" in source)) return [];
  if (beside) return ["beside its original it is nobody's source: `holdfast plan` leaves it alone until it is renamed"];
  if (point.kind === "copy")
    return operations.some(isInPlace)
      ? []
      : ["a repository keeps files alone: set the dataset's properties (zfs set), then run holdfast plan"];
  return source.copies.flatMap(({ remote, host, target }) => {
    const there = observations.look(host, target);
    if (there.state !== "present") return [];
    const index = there.dataset.snapshots.findIndex(({ guid }) => guid === point.snapshot.guid);
    const later = there.dataset.snapshots.length - 1 - index;
    if (index < 0)
      return [`${remote.name} does not have @${point.name}: the next plan says what becomes of the copy there`];
    if (later === 0) return [];
    return [
      `${remote.name} has ${later === 1 ? "a later snapshot" : `${later} later snapshots`}: the next plan calls that diverged; \`holdfast apply --resolve ${remote.name}=rollback\` gives them up there, too`,
    ];
  });
}
