import type { Repository } from "../../model/manifest.ts";

/** `0.18.0`, as numbers too. */
export interface ResticVersion {
  readonly text: string;
  readonly numbers: readonly [number, number, number];
}

export const OLDEST = "0.14";

/** Of what `restic version` prints; undefined for anything else. */
export function parseVersion(printed: string): ResticVersion | undefined {
  const found = /^restic (\d+)\.(\d+)\.(\d+)/m.exec(printed);
  if (found === null) return undefined;
  const [major = 0, minor = 0, patch = 0] = found.slice(1).map(Number);
  return { text: `${major}.${minor}.${patch}`, numbers: [major, minor, patch] };
}

/** `least` as `0.17` or `0.17.1`. */
export function isAtLeast({ numbers }: ResticVersion, least: string): boolean {
  const wanted = least.split(".").map(Number);
  const index = wanted.findIndex((number, at) => number !== numbers[at]);
  return index === -1 || (numbers[index] ?? 0) > (wanted[index] ?? 0);
}

/** What `compression` becomes with this version, which refuses what it does not know. */
function compressionFor(version: ResticVersion, { compression }: Repository): Repository["compression"] {
  if (isAtLeast(version, "0.19") || compression === "auto" || compression === "off") return compression;
  if (compression === "fastest") return "auto";
  return compression === "better" ? "max" : compression;
}

/** How what is written is stored: for every command that writes data, as restic remembers none of it. */
export function storageFlags(version: ResticVersion, repository: Repository): string[] {
  const compression = compressionFor(version, repository);
  const { packSize } = repository;
  return [
    ...(compression === undefined ? [] : [`--compression=${compression}`]),
    ...(packSize === undefined ? [] : [`--pack-size=${Math.ceil(packSize / 1024 ** 2)}`]),
  ];
}

/**
 * What a version cannot do of what is wanted of a repository, and from which one on that works; a phrase each.
 * `hasSnapshots`: whether those of datasets may be kept there.
 */
export function lacks(version: ResticVersion, repository: Repository, hasSnapshots: boolean): string[] {
  const { compression, retryLock, init } = repository;
  const known = compressionFor(version, repository);
  return before(version, [
    ["0.19", known !== compression, `\`compression: ${compression}\` becomes \`${known}\``],
    ["0.16", retryLock !== undefined, "`retryLock` starts it again and again instead of having it wait"],
    ["0.17", hasSnapshots, "unchanged folders are stored anew for every ZFS snapshot"],
    ["0.17", init, "an absent repository is told from an unreachable one by words only"],
  ]);
}

/** What it cannot do whatever is wanted. */
export const lacksAnyway = (version: ResticVersion): string[] =>
  before(version, [["0.17", true, "copies do not record how many files and bytes they have"]]);

type Loss = readonly [since: string, isWanted: boolean, loss: string];

const before = (version: ResticVersion, losses: readonly Loss[]): string[] =>
  losses.flatMap(([since, isWanted, loss]) =>
    isWanted && !isAtLeast(version, since) ? [`${loss} (before ${since})`] : [],
  );
