import { type Scope, scopeOf } from "../manifest/scope.ts";
import type { Dataset, Features, HostInventory, Inventory, Need, ResumeState, Snapshot } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import { type DatasetName, type EpochSeconds, type HostName, poolOf } from "../model/units.ts";
import { type Hosts, TransportError } from "../transport/types.ts";
import { holdsOf, ownProperties } from "./extras.ts";
import { isDoubtful, needsOf, poolsOf } from "./features.ts";
import type { Listed } from "./listing.ts";
import { type AlsoListed, type ListingRoots, listingRoots, tokenSources } from "./roots.ts";
import { parseToken, tokenCommand } from "./token.ts";
import { list, reasonOf, UnobservedError, versionOf, type Zfs, type ZfsVersion } from "./zfs.ts";

export interface ObserveOptions {
  /** Everything in the manifest, not only what this process is responsible for. */
  readonly allHosts?: boolean;
  /** Instead: exactly this. */
  readonly scope?: Scope;
  /** Places that the manifest does not speak of. */
  readonly also?: readonly AlsoListed[];
  readonly now: EpochSeconds;
  readonly signal?: AbortSignal;
  /** Longest silence of a listing, in milliseconds; default 10 minutes. */
  readonly idleTimeoutMs?: number;
  /** For commands that answer at once when all is well, in milliseconds; default 1 minute. */
  readonly timeoutMs?: number;
}

/**
 * Asks every host that matters what it has, all at once; four processes a host when there is nothing special. Never throws
 * for a host: what could not be observed completely is `unobserved`, with the reason.
 */
export async function observe(manifest: Manifest, hosts: Hosts, options: ObserveOptions): Promise<Inventory> {
  const scope = options.scope ?? scopeOf(manifest, { allHosts: options.allHosts ?? false });
  const looks = [...listingRoots(manifest, scope, options.also)].map(async ([host, roots]) => {
    try {
      return [host, await look(host, roots, hosts, options)] as const;
    } catch (error) {
      return [host, { state: "unobserved", reason: reasonOf(error) }] as const;
    }
  });
  const looked = new Map<HostName, Look | HostInventory>(await Promise.all(looks));
  const [contents, needs] = await Promise.all([
    decodeTokens(manifest, scope, looked, hosts, options),
    askForNeeds(looked, hosts, options),
  ]);
  const entries = [...looked].map(
    ([host, found]) => [host, finished(host, found, contents, needs.get(host) ?? new Map())] as const,
  );
  return { formatVersion: 1, observedAt: options.now, hosts: Object.fromEntries(entries) };
}

/** A host's answers before its half-received streams are understood. */
interface Look {
  readonly state: "listed";
  readonly version: ZfsVersion;
  readonly pools: readonly string[];
  readonly features: ReadonlyMap<string, Features>;
  readonly roots: readonly DatasetName[];
  readonly datasets: readonly Listed[];
  readonly own: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly holds: ReadonlyMap<Snapshot, readonly string[]>;
}

async function look(host: HostName, wanted: ListingRoots, hosts: Hosts, options: ObserveOptions): Promise<Look> {
  // The first answer that fails ends the other questions.
  const failure = new AbortController();
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  const quick: Zfs = { host, hosts, options: { signal, timeoutMs: options.timeoutMs ?? 60_000 } };
  const slow: Zfs = { host, hosts, options: { signal, idleTimeoutMs: options.idleTimeoutMs ?? 600_000 } };
  try {
    const [version, features, listing, own] = await Promise.all([
      versionOf(quick),
      poolsOf(quick),
      list(slow, wanted.roots),
      ownProperties(slow, wanted.roots),
    ]).catch((error: unknown) => {
      failure.abort();
      throw error;
    });
    const poolNames = [...features.keys()];
    const roots = wanted.everything ? (poolNames as DatasetName[]) : wanted.roots;
    requireWhole(wanted, poolNames, listing.datasets);
    const { imported, above } = await confirmAbsent(slow, poolNames, listing.missing);
    const datasets = [...listing.datasets, ...above].sort((a, b) => (a.name < b.name ? -1 : 1));
    const holds = await holdsOf(slow, datasets);
    return { state: "listed", version, pools: imported, features, roots, datasets, own, holds };
  } finally {
    failure.abort();
  }
}

/** Without roots every pool is listed: those that `zpool get` knows and no other. */
function requireWhole({ everything }: ListingRoots, poolNames: readonly string[], datasets: readonly Listed[]): void {
  if (!everything) return;
  const listed = new Set(datasets.map(({ name }) => poolOf(name)));
  const odd = [...listed, ...poolNames].find(
    (name) => name === undefined || !listed.has(name) || !poolNames.includes(name),
  );
  if (odd !== undefined) {
    throw new UnobservedError(`pool ${odd} was imported or exported while it was listed`, "run again");
  }
}

/**
 * Missing and not imported look the same to `zfs list`. A root is absent only if its pool answers in one and the same
 * listing in which the root is missing; that listing also tells how far the way to it exists.
 */
async function confirmAbsent(
  zfs: Zfs,
  poolNames: readonly string[],
  missing: readonly DatasetName[],
): Promise<{ readonly imported: readonly string[]; readonly above: readonly Listed[] }> {
  const inPools = missing.filter((root) => poolNames.includes(poolOf(root)));
  if (inPools.length === 0) return { imported: poolNames, above: [] };
  const paths = new Set(inPools.flatMap((root) => [...ancestors(root), root]));
  const { datasets } = await list(zfs, [...paths], { below: 0, types: "filesystem,volume" });
  const seen = new Set<string>(datasets.map(({ name }) => name));
  const appeared = inPools.find((root) => seen.has(root));
  if (appeared !== undefined) throw new UnobservedError(`${appeared} was created while it was listed`, "run again");
  const gone = new Set(inPools.map(poolOf).filter((pool) => !seen.has(pool)));
  return { imported: poolNames.filter((pool) => !gone.has(pool)), above: datasets };
}

function ancestors(dataset: DatasetName): DatasetName[] {
  const parts = dataset.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/") as DatasetName);
}

/** Tokens are decoded where their sources are: only there is it known whether they can still be sent. */
async function decodeTokens(
  manifest: Manifest,
  scope: Scope,
  looked: ReadonlyMap<HostName, Look | HostInventory>,
  hosts: Hosts,
  options: ObserveOptions,
): Promise<ReadonlyMap<string, ResumeState>> {
  const run = { timeoutMs: options.timeoutMs ?? 60_000, ...(options.signal && { signal: options.signal }) };
  const found = [...looked].flatMap(([host, at]) =>
    at.state === "listed"
      ? at.datasets.flatMap(({ name, token }) => (token === undefined ? [] : [{ host, name, token }]))
      : [],
  );
  const decoded = found.map(async ({ host, name, token }) => {
    const candidates = tokenSources(manifest, scope, host, name, options.also).filter(
      (each) => looked.get(each)?.state === "listed",
    );
    return [`${host}:${name}`, await decodeToken(hosts, candidates, token, run)] as const;
  });
  return new Map(await Promise.all(decoded));
}

/** Asked only where the pools differ in a way that can matter; a host that does not tell is as if it had not been asked. */
async function askForNeeds(
  looked: ReadonlyMap<HostName, Look | HostInventory>,
  hosts: Hosts,
  options: ObserveOptions,
): Promise<ReadonlyMap<HostName, ReadonlyMap<DatasetName, readonly Need[]>>> {
  const listed = [...looked].flatMap(([host, found]) => (found.state === "listed" ? [{ host, ...found }] : []));
  if (!isDoubtful(listed.flatMap(({ features }) => [...features.values()]))) return new Map();
  const run = { idleTimeoutMs: options.idleTimeoutMs ?? 600_000, ...(options.signal && { signal: options.signal }) };
  const asked = listed.map(async ({ host, roots, datasets, features }) => {
    const there = new Set(datasets.map(({ name }) => name));
    const present = roots.filter((root) => there.has(root));
    try {
      return [host, await needsOf({ host, hosts, options: run }, present, features)] as const;
    } catch (error) {
      reasonOf(error); // anything else is a bug, and thrown
      return [host, new Map()] as const;
    }
  });
  return new Map(await Promise.all(asked));
}

/** Asks the candidates in turn until one can go on with the stream. */
async function decodeToken(
  hosts: Hosts,
  candidates: readonly HostName[],
  token: string,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
): Promise<ResumeState> {
  let best: ResumeState = { token };
  for (const host of candidates) {
    try {
      const content = parseToken(await hosts.run(host, tokenCommand(token), options));
      if (content === undefined) continue;
      if (content.usable) return { token, content };
      if (best.content === undefined) best = { token, content };
    } catch (error) {
      // Not decoded is a state of its own: the plan leaves such a dataset alone.
      if (!(error instanceof TransportError)) throw error;
    }
  }
  return best;
}

function finished(
  host: HostName,
  found: Look | HostInventory,
  contents: ReadonlyMap<string, ResumeState>,
  needs: ReadonlyMap<DatasetName, readonly Need[]>,
): HostInventory {
  if (found.state !== "listed") return found;
  const { version, pools: imported, features, roots, datasets, own, holds } = found;
  return {
    state: "observed",
    zfsVersion: version.tools,
    ...(version.kernel !== undefined && { kernelVersion: version.kernel }),
    pools: imported,
    features: Object.fromEntries(features),
    roots,
    datasets: datasets.map((dataset) => {
      const needed = needs.get(dataset.name);
      const resume = contents.get(`${host}:${dataset.name}`);
      return {
        ...completed(dataset, own.get(dataset.name) ?? {}, holds, resume),
        ...(needed !== undefined && { needs: needed }),
      };
    }),
  };
}

/** The dataset as the model has it. The snapshots' array is handed on, not copied: there may be millions. */
export function completed(
  { token, held, snapshots, ...dataset }: Listed,
  own: Readonly<Record<string, string>>,
  holds: ReadonlyMap<Snapshot, readonly string[]>,
  resume: ResumeState | undefined,
): Dataset {
  const withHolds = held.some((snapshot) => (holds.get(snapshot)?.length ?? 0) > 0)
    ? snapshots.map((snapshot) => {
        const tags = holds.get(snapshot);
        return tags === undefined || tags.length === 0 ? snapshot : { ...snapshot, holds: tags };
      })
    : snapshots;
  const state = resume ?? (token === undefined ? undefined : { token });
  return { ...dataset, own, ...(state !== undefined && { resume: state }), snapshots: withHolds };
}
