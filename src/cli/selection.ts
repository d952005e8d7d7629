import type { HostInventory, Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import { type Address, type DatasetName, type HostName, poolOf } from "../model/units.ts";
import { isGlob, matcher } from "../planner/patterns.ts";
import { visible } from "../render/text.ts";
import { EXIT, Failure } from "./exit.ts";

/** Whether a pattern of `[HOST:]DATASET` means this source; without a host it means this machine, for a controller any. */
export function selects(manifest: Pick<Manifest, "self">, pattern: string): (source: Address) => boolean {
  const matches = matcher(pattern);
  return (source) => {
    const colon = source.indexOf(":");
    const here = manifest.self === null || manifest.self === source.slice(0, colon);
    return matches(source) || (here && matches(source.slice(colon + 1)));
  };
}

/** All that can be named: what is in the way of a source is said by whoever is asked for it. */
export const nameable = ({
  sources,
  directories,
  blocked,
}: Pick<
  ReturnType<typeof import("../planner/index.ts").sourcesOf>,
  "sources" | "directories" | "blocked"
>): Address[] => [
  ...[...sources, ...directories].map(({ address }) => address),
  ...blocked.map(({ source }) => source),
];

/** A place of which nobody knows now what is there, and why. */
export interface Unseen {
  readonly place: string;
  /** What is meant there is only known of hosts. */
  readonly host?: HostName;
  readonly pool?: string;
  readonly reason: string;
}

/** Hosts, and of those that were seen the pools that the manifest names and that are not imported there. */
export const unseenHosts = (manifest: Pick<Manifest, "datasets">, { hosts }: Pick<Inventory, "hosts">): Unseen[] =>
  (Object.entries(hosts) as [HostName, HostInventory][]).flatMap(([host, there]): Unseen[] => {
    if (there.state === "unobserved") return [{ place: host, host, reason: there.reason }];
    const named = manifest.datasets
      .filter(({ pattern }) => matcher(pattern.host)(host))
      .map(({ pattern }) => poolOf(pattern.dataset as DatasetName));
    return [...new Set(named)]
      .filter((pool) => !isGlob(pool) && !there.pools.includes(pool))
      .map((pool) => ({ place: `${host}:${pool}`, host, pool, reason: `pool ${pool} is not imported` }));
  });

/** Those on which what is named could be; which directories there are, the manifest tells. */
export function couldHave({ self }: Pick<Manifest, "self">, pattern: string, unseen: readonly Unseen[]): Unseen[] {
  const [, named, rest = ""] = /^(?:([^/:]+):)?(.*)$/s.exec(pattern) ?? [];
  if (rest === "" || rest.startsWith("/")) return [];
  const isMeant = named === undefined ? (host: string) => self === null || host === self : matcher(named);
  const isIn = matcher(poolOf(rest as DatasetName));
  return unseen.filter(({ host = "", pool }) => isMeant(host) && (pool === undefined || isIn(pool)));
}

/** That something is not there is only said where all was seen; otherwise nobody can tell. */
export function notFound(failure: Failure, doubt: string, unseen: readonly Unseen[]): Failure {
  if (unseen.length === 0) return failure;
  const reasons = unseen.map(({ place, reason }) => `${visible(place)} was not observed: ${reason}`);
  return new Failure([`cannot tell ${doubt}`, ...new Set(reasons)].join("\n"), {
    code: EXIT.incomplete,
    hint: "put that right first; `holdfast doctor` says more",
  });
}

/** A typo must not look like a source that is in order. */
export function requireMatches(
  manifest: Pick<Manifest, "self">,
  sources: readonly Address[],
  patterns: readonly string[],
  unseen: readonly Unseen[],
): void {
  for (const pattern of patterns) {
    if (sources.some(selects(manifest, pattern))) continue;
    const what = pattern === "" ? '""' : visible(pattern);
    const none = new Failure(`no source matches ${what}`, {
      hint: sources.length === 0 ? "no dataset of the manifest was found" : "`holdfast list` shows all sources",
    });
    throw notFound(none, `which sources ${what} means`, couldHave(manifest, pattern, unseen));
  }
}
