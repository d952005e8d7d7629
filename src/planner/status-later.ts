import { type PlaceStatus, type SourceStatus, type Status, worst } from "../model/status.ts";
import type { EpochSeconds } from "../model/units.ts";
import { ageIn, iso, overdueMessage, sourceStatus } from "./status-place.ts";

/**
 * The same status by a later clock: what was young enough when it was looked at may not be any more. So whoever reads an
 * old answer sees that it is one.
 */
export function asOf(status: Status, now: EpochSeconds): Status {
  const sources = status.sources.map((source): SourceStatus => {
    const { own, copies, ...rest } = source;
    const [aged] = own ? [agedPlace(own, now)] : [];
    return sourceStatus({ ...rest, ...(aged && { own: aged }), copies: copies.map((copy) => agedPlace(copy, now)) });
  });
  const all = [...sources.map(({ health }) => health), ...(status.complete ? [] : (["unknown"] as const))];
  return { ...status, now: iso(now), health: worst(all), sources };
}

function agedPlace<Place extends PlaceStatus>(place: Place, now: EpochSeconds): Place {
  const { newest, dueWithin, health } = place;
  if (!newest) return place;
  const age = ageIn(now, newest.creation);
  const overdue = dueWithin !== undefined && age > dueWithin && health !== "suspended";
  if (!overdue || worst([health, "overdue"]) !== "overdue" || health === "overdue") return { ...place, age, overdue };
  return { ...place, age, overdue, health: "overdue", message: overdueMessage(now, newest.creation, dueWithin) };
}
