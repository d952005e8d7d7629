import { poolOf } from "../model/units.ts";
import { isWithin } from "../planner/observed.ts";

/** Where what comes back goes: beside its original, never over it; what is below another source stays below that. */
export function besideOf(place: string, all: readonly string[]): string {
  const top = topOf(place, all);
  const isPool = !top.startsWith("/") && poolOf(top) === top;
  return `${isPool ? `${top}/${top}` : top}-restored${place.slice(top.length)}`;
}

/** The outermost of them that it is in, or itself. */
export const topOf = (place: string, all: readonly string[]): string =>
  all.filter((one) => isWithin(place, one)).sort((a, b) => a.length - b.length)[0] ?? place;
