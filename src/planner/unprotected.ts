import { zfsRemotes } from "../model/manifest.ts";
import type { Note } from "../model/plan.ts";
import { poolOf } from "../model/units.ts";
import type { PlanContext } from "./context.ts";
import { isBelow, isWithin } from "./observed.ts";
import { anyMatcher } from "./patterns.ts";
import type { ResolvedSources } from "./sources.ts";

/** What an empty dataset that only holds others refers to, at most. */
const CONTAINER = 1024 * 1024;

/** Datasets in the sources' pools that no entry speaks of and that are nobody's copy. */
export function unprotectedNotes(context: PlanContext, resolved: ResolvedSources): Note[] {
  const { manifest, observations, scope } = context;
  if (manifest.unprotected?.report !== "warn") return [];
  const ignored = anyMatcher(manifest.unprotected.ignore.map(({ host, dataset }) => `${host}:${dataset}`));
  const notes: Note[] = [];
  for (const host of [...manifest.hosts.keys()].sort()) {
    if (!scope.sources(host)) continue;
    const sources = resolved.sources.filter((source) => source.host === host).map(({ dataset }) => dataset);
    const pools = new Set(sources.map(poolOf));
    const copies = copyAreas(context, resolved, host);
    for (const { name, referenced } of observations.datasets(host).values()) {
      if (!pools.has(poolOf(name)) || resolved.isMentioned(host, name) || ignored(`${host}:${name}`)) continue;
      if (copies.some((area) => isWithin(name, area) || isBelow(area, name))) continue;
      if (referenced < CONTAINER && sources.some((source) => isBelow(source, name))) continue;
      notes.push({
        kind: "unprotected",
        at: { host, dataset: name },
        message: `${host}:${name} is in no entry of the manifest`,
      });
    }
  }
  return notes;
}

function copyAreas({ manifest }: PlanContext, resolved: ResolvedSources, host: string): string[] {
  const targets = resolved.sources.flatMap(({ copies }) =>
    copies.filter((copy) => copy.host === host).map(({ target }) => target as string),
  );
  const roots = zfsRemotes(manifest)
    .filter((remote) => (remote.host ?? host) === host)
    .flatMap((remote) => [...manifest.hosts.keys()].map((from) => remote.root.replaceAll("{host}", from)));
  return [...targets, ...roots];
}
