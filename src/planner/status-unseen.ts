import { type Address, address, type DatasetName, type HostName, isDirectory } from "../model/units.ts";
import type { PlanContext } from "./context.ts";
import { isGlob, matcher } from "./patterns.ts";
import { type Source, sourceNamed } from "./sources.ts";

/**
 * Datasets on hosts, or in pools, that cannot be seen: those that the manifest names, and those that were seen before where
 * it has only a pattern, or a dataset above them.
 */
export function unseenSources(
  { manifest, observations }: Pick<PlanContext, "manifest" | "observations">,
  seenBefore: readonly Address[],
): Source[] {
  const hosts = [...manifest.hosts.keys()];
  const named = manifest.datasets.flatMap(({ pattern: { host, dataset } }) =>
    isGlob(dataset) ? [] : hosts.filter(matcher(host)).map((each) => [each, dataset as DatasetName] as const),
  );
  const known = seenBefore
    .filter((source) => !isDirectory(source))
    .map((source) => {
      const host = source.slice(0, source.indexOf(":")) as HostName;
      return [host, source.slice(host.length + 1) as DatasetName] as const;
    });
  const all = new Map([...named, ...known].map((each) => [address(...each), each]));
  return [...all.values()].flatMap(([host, dataset]) => {
    const isOne = manifest.hosts.has(host) && observations.look(host, dataset).state === "unobserved";
    return isOne ? (sourceNamed(manifest, host, dataset) ?? []) : [];
  });
}
