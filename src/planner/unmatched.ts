import type { DatasetEntry } from "../model/manifest.ts";
import type { Note } from "../model/plan.ts";
import { poolOf } from "../model/units.ts";
import type { PlanContext } from "./context.ts";
import { isGlob, matcher } from "./patterns.ts";
import { concerns } from "./sources.ts";

/** Entries with a pattern that no dataset has: mostly a slip of the finger. A name in full is blocked instead. */
export function unmatchedNotes(context: PlanContext): Note[] {
  return context.manifest.datasets
    .filter((entry) => isGlob(entry.pattern.dataset) && matchesNothing(context, entry))
    .map(({ key, place }) => ({
      kind: "unmatched",
      message: `no dataset matches ${key} (${place.file}:${place.line})`,
    }));
}

function matchesNothing({ manifest, observations, scope }: PlanContext, { pattern }: DatasetEntry): boolean {
  const hosts = [...manifest.hosts.keys()]
    .filter(matcher(pattern.host))
    .filter((host) => concerns(manifest, host, scope));
  const matches = matcher(pattern.dataset);
  const pool = poolOf(pattern.dataset);
  return (
    hosts.length > 0 &&
    hosts.every((host) => {
      const observed = observations.host(host);
      if (observed.state === "unobserved" || (!isGlob(pool) && !observed.pools.includes(pool))) return false;
      return ![...observations.datasets(host).keys()].some(matches);
    })
  );
}
