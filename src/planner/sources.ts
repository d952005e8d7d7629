import { defaultOf } from "../manifest/inherited.ts";
import { atRepository, mirrorsOf } from "../manifest/repositories.ts";
import type { Scope } from "../manifest/scope.ts";
import {
  type CopyKeys,
  type DatasetEntry,
  type DirectoryEntry,
  type Manifest,
  type Mirror,
  type ResticRemote,
  type Retention,
  type SourceKeys,
  type Verify,
  type ZfsRemote,
  zfsRemotes,
} from "../model/manifest.ts";
import type { AtRepository, Blocked } from "../model/plan.ts";
import {
  type Address,
  address,
  type DatasetName,
  type HostName,
  type RemoteName,
  type TypeName,
} from "../model/units.ts";
import { isWithin, type Observations, parentOf } from "./observed.ts";
import { originsOf } from "./origins.ts";
import { anyMatcher, isGlob, literalLength, type Matcher, matcher } from "./patterns.ts";
import { datasetProvenance, type Provenance } from "./provenance.ts";
import { besides } from "./restore/besides.ts";
import { isBeingRestored } from "./restore/marks.ts";
import { suspendedByHand } from "./suspended.ts";

/** One concrete dataset to protect, with every key settled. */
export interface Source {
  readonly address: Address;
  readonly host: HostName;
  readonly dataset: DatasetName;
  readonly keys: {
    readonly take: readonly TypeName[];
    /** `take: []`: somebody else fills it. */
    readonly takesNone?: true;
    readonly keep: Retention;
    readonly pin: readonly ("oldest" | "oldestShared")[];
    readonly suspend: boolean;
    readonly maxAge?: NonNullable<SourceKeys["maxAge"]>;
    readonly priority?: number;
    readonly verify?: Verify;
  } & ReadingKeys;
  readonly copies: readonly Copy[];
  readonly repositories: readonly RepositoryTarget[];
  /** Each key with its value and where it comes from, for `explain`. */
  readonly provenance: readonly Provenance[];
}

/** How a source's files are read. */
export type ReadingKeys = Pick<SourceKeys, "expect" | "files" | "hooks" | "requireMount">;

/** Where restic keeps copies of one source, and how many. */
export interface RepositoryTarget {
  readonly remote: ResticRemote;
  readonly at: AtRepository;
  readonly keep: Retention;
  readonly mirrors: readonly MirrorTarget[];
}
export interface MirrorTarget {
  readonly mirror: Mirror;
  readonly at: AtRepository;
  readonly keep: Retention;
}

/** A source's copies on a restic remote, and on the mirrors that are filled from there. */
export function repositoryTarget(
  manifest: Manifest,
  host: HostName,
  remote: ResticRemote,
  keep: Retention,
): RepositoryTarget {
  const mirrors = mirrorsOf(manifest, remote.name).map((mirror) => ({
    mirror,
    at: atRepository(mirror, host),
    keep: mirror.keep ?? keep,
  }));
  return { remote, at: atRepository(remote, host), keep, mirrors };
}

/** Where one source's copy on one ZFS remote lives, and how much of it stays. */
export interface Copy {
  readonly remote: ZfsRemote;
  readonly host: HostName;
  readonly target: DatasetName;
  readonly keep: Retention;
}

export interface ResolvedSources {
  /** Sorted by host and dataset, so that a parent comes before its children. */
  readonly sources: readonly Source[];
  readonly blocked: readonly Blocked[];
  /** Whether any entry speaks of this dataset, be it to leave it out. */
  readonly isMentioned: (host: HostName, dataset: DatasetName) => boolean;
}

/** An entry as it applies to a dataset: `base` is the dataset (or the ancestor) that its key matched. */
interface Link {
  readonly entry: DatasetEntry;
  readonly base: DatasetName;
}
/** A key's value, the link it comes from, and through which policy; without a link it is a default. */
export interface Found<T> {
  readonly value: T;
  readonly link?: { readonly entry: DatasetEntry | DirectoryEntry; readonly base?: DatasetName };
  readonly policy?: string;
  /** Not from the manifest: what was given to `holdfast suspend`. */
  readonly byHand?: string;
}

/** Which datasets the manifest's entries mean on the hosts that were observed, and with which keys. */
export function resolveSources(manifest: Manifest, observations: Observations, scope: Scope): ResolvedSources {
  const found: Source[] = [];
  const blocked: Blocked[] = [];
  const resolvers = new Map<HostName, HostResolver>();
  for (const host of [...manifest.hosts.keys()].sort()) {
    const resolver = new HostResolver(manifest, host);
    resolvers.set(host, resolver);
    if (!concerns(manifest, host, scope)) continue;
    if (observations.host(host).state === "unobserved") continue;
    const isBeside = besides(observations, host);
    for (const name of [...observations.datasets(host).keys()].sort()) {
      if (!resolver.covers(name) || (isBeside(name) && !resolver.names(name))) continue;
      const dataset = observations.datasets(host).get(name);
      if (dataset && isBeingRestored(dataset)) {
        blocked.push(unfinished(host, name));
        continue;
      }
      const tie = resolver.tie(name);
      if (tie) blocked.push(ambiguous(host, name, tie));
      else found.push(resolver.source(name));
    }
    for (const entry of resolver.literals()) {
      const name = entry.pattern.dataset as DatasetName;
      if (observations.look(host, name).state === "absent") blocked.push(missing(host, name, entry));
    }
  }
  const copies = found.flatMap((source) => copyThatIsSource(manifest, source) ?? []);
  const isCopy = new Set<string>(copies.map(({ source }) => source));
  const { sources, conflicts } = withoutConflicts(found.filter(({ address }) => !isCopy.has(address)));
  return {
    sources,
    blocked: [...blocked, ...copies, ...conflicts],
    isMentioned: (host, dataset) => resolvers.get(host)?.mentions(dataset) ?? false,
  };
}

/** The source of that name, be it there or not; undefined where no entry means it. */
export function sourceNamed(manifest: Manifest, host: HostName, dataset: DatasetName): Source | undefined {
  const resolver = resolverOf(manifest, host);
  return resolver.covers(dataset) && resolver.tie(dataset) === undefined ? resolver.source(dataset) : undefined;
}

/** The source of an address as the manifest has it, be it there or not, and be it clear which entry it is of. */
export function sourceAt(manifest: Manifest, source: Address): Source {
  const host = source.slice(0, source.indexOf(":")) as HostName;
  return resolverOf(manifest, host).source(source.slice(host.length + 1) as DatasetName);
}

const resolvers = new WeakMap<Manifest, Map<HostName, HostResolver>>();
function resolverOf(manifest: Manifest, host: HostName): HostResolver {
  const known = resolvers.get(manifest) ?? new Map<HostName, HostResolver>();
  resolvers.set(manifest, known);
  const resolver = known.get(host) ?? new HostResolver(manifest, host);
  known.set(host, resolver);
  return resolver;
}

/** Whether anything on this host is this process's care. */
export const concerns = (manifest: Manifest, host: HostName, scope: Scope): boolean =>
  scope.sources(host) || zfsRemotes(manifest).some((remote) => scope.copies(host, remote));

class HostResolver {
  readonly #manifest: Manifest;
  readonly #host: HostName;
  readonly #literal = new Map<string, DatasetEntry[]>();
  readonly #globs: { readonly entry: DatasetEntry; readonly matches: Matcher }[] = [];
  readonly #chains = new Map<string, readonly Link[]>();
  readonly #covered = new Map<string, boolean>();
  readonly #skips = new Map<readonly string[], Matcher>();
  /** Roots of remotes here: what lies below is copies, of which only an entry that names them speaks. */
  readonly #copyRoots: readonly string[];

  constructor(manifest: Manifest, host: HostName) {
    this.#manifest = manifest;
    this.#host = host;
    for (const entry of manifest.datasets) {
      if (!matcher(entry.pattern.host)(host)) continue;
      const { dataset } = entry.pattern;
      if (isGlob(dataset)) this.#globs.push({ entry, matches: matcher(dataset) });
      else this.#literal.set(dataset, [...(this.#literal.get(dataset) ?? []), entry]);
    }
    this.#copyRoots = zfsRemotes(manifest)
      .filter((remote) => remote.host === undefined || remote.host === host)
      .flatMap((remote) => [...manifest.hosts.keys()].map((from) => remote.root.replaceAll("{host}", from)));
  }

  /** Entries that name a dataset outright on this host. */
  literals(): readonly DatasetEntry[] {
    return [...this.#literal.values()].flat().filter((entry) => !isGlob(entry.pattern.host));
  }

  /** Whether an entry names it outright. */
  names(dataset: string): boolean {
    return this.#literal.has(dataset);
  }

  covers(dataset: string): boolean {
    let covered = this.#covered.get(dataset);
    if (covered === undefined) {
      covered = this.#direct(dataset).length > 0 || this.#recursed(dataset);
      this.#covered.set(dataset, covered);
    }
    return covered;
  }

  mentions(dataset: string): boolean {
    if (this.covers(dataset)) return true;
    const parent = parentOf(dataset);
    if (parent === undefined || !this.mentions(parent)) return false;
    return this.#find(this.#chain(dataset), "recursive")?.value ?? false;
  }

  #recursed(dataset: string): boolean {
    const parent = parentOf(dataset);
    if (parent === undefined || !this.covers(parent) || this.#isCopy(dataset)) return false;
    const chain = this.#chain(dataset);
    return (this.#find(chain, "recursive")?.value ?? false) && !this.#skipped(chain, dataset);
  }

  #isCopy(dataset: string): boolean {
    const root = this.#copyRoots.find((candidate) => isWithin(dataset, candidate));
    return root !== undefined && !this.#chain(dataset).some(({ entry }) => isWithin(entry.pattern.dataset, root));
  }

  #skipped(chain: readonly Link[], dataset: string): boolean {
    const skip = this.#find(chain, "skip")?.value;
    if (!skip) return false;
    let matches = this.#skips.get(skip);
    if (!matches) {
      matches = anyMatcher(skip);
      this.#skips.set(skip, matches);
    }
    return matches(dataset);
  }

  /** Entries whose key matches this dataset itself, the most specific first. */
  #direct(dataset: string): readonly DatasetEntry[] {
    const globs = this.#globs.filter(({ entry, matches }) => matches(dataset) && !this.#globIntoCopies(entry, dataset));
    const literal = this.#literal.get(dataset) ?? [];
    if (globs.length === 0 && literal.length < 2) return literal;
    return [...literal, ...globs.map(({ entry }) => entry)].sort((a, b) => compareSpecificity(b, a));
  }

  #globIntoCopies(entry: DatasetEntry, dataset: string): boolean {
    const prefix = entry.pattern.dataset.split(/[*?[{\\]/, 1)[0] ?? "";
    return this.#copyRoots.some((root) => isWithin(dataset, root) && !isWithin(prefix.replace(/\/$/, ""), root));
  }

  /** Two entries of equal specificity that both name this dataset. */
  tie(dataset: string): readonly [DatasetEntry, DatasetEntry] | undefined {
    const [first, second] = this.#direct(dataset);
    return first && second && compareSpecificity(first, second) === 0 ? [first, second] : undefined;
  }

  /** Entries that match the dataset, then those that match its ancestors: nearest first. */
  #chain(dataset: string): readonly Link[] {
    let chain = this.#chains.get(dataset);
    if (!chain) {
      const parent = parentOf(dataset);
      const direct = this.#direct(dataset);
      const around = parent === undefined ? [] : this.#chain(parent);
      chain =
        direct.length === 0 ? around : [...direct.map((entry) => ({ entry, base: dataset as DatasetName })), ...around];
      this.#chains.set(dataset, chain);
    }
    return chain;
  }

  /** The nearest entry that sets the key, then the policy, then `defaults`. */
  #find<K extends keyof SourceKeys>(chain: readonly Link[], key: K): Found<NonNullable<SourceKeys[K]>> | undefined {
    for (const link of chain) {
      const value = link.entry.keys[key];
      if (value !== undefined) return { value, link };
    }
    const through = chain.find(({ entry }) => entry.keys.policy !== undefined);
    const policy = through?.entry.keys.policy;
    const fromPolicy = policy === undefined ? undefined : this.#manifest.policies.get(policy)?.[key];
    if (through && policy !== undefined && fromPolicy !== undefined)
      return { value: fromPolicy, link: through, policy };
    const fromDefaults = defaultOf(this.#manifest, key);
    return fromDefaults === undefined ? undefined : { value: fromDefaults };
  }

  source(dataset: DatasetName): Source {
    const chain = this.#chain(dataset);
    const find = <K extends keyof SourceKeys>(key: K) => this.#find(chain, key);
    const keep = find("keep");
    // without any `keep` nothing is counted, so nothing is destroyed
    const retention: Retention = keep?.value ?? { by: "type", types: new Map() };
    const take = find("take");
    const remotes = find("remotes");
    const maxAge = find("maxAge");
    const pin = find("pin");
    const byHand = suspendedByHand(this.#manifest, address(this.#host, dataset));
    const suspend = byHand === undefined ? find("suspend") : { value: true, byHand };
    const priority = find("priority");
    const verify = find("verify");
    const taken = take?.value ?? this.#scheduledIn(retention);
    const copies = [...(remotes?.value ?? [])].flatMap(([name, keys]) =>
      this.#copy(dataset, name, keys, remotes?.link, retention),
    );
    const repositories = [...(remotes?.value ?? [])].flatMap(([name, keys]) => {
      const remote = this.#manifest.remotes.get(name);
      if (remote?.type !== "restic") return [];
      return [repositoryTarget(this.#manifest, this.#host, remote, keys.keep ?? remote.keep ?? retention)];
    });
    const reading = { expect: find("expect"), files: find("files"), hooks: find("hooks"), mount: find("requireMount") };
    return {
      address: address(this.#host, dataset),
      host: this.#host,
      dataset,
      keys: {
        take: taken,
        ...(take?.value.length === 0 && { takesNone: true as const }),
        keep: retention,
        pin: pin?.value ?? [],
        suspend: suspend?.value ?? false,
        ...(maxAge && { maxAge: maxAge.value }),
        ...(priority && { priority: priority.value }),
        ...(verify && { verify: verify.value }),
        ...(reading.expect && { expect: reading.expect.value }),
        ...(reading.files && { files: reading.files.value }),
        ...(reading.hooks && { hooks: reading.hooks.value }),
        ...(reading.mount && { requireMount: reading.mount.value }),
      },
      copies,
      repositories,
      provenance: datasetProvenance({
        recursive: find("recursive"),
        skip: find("skip"),
        policy: find("policy"),
        take,
        taken,
        keep,
        pin,
        maxAge,
        suspend,
        priority,
        verify,
        expect: reading.expect,
        files: reading.files,
        hooks: reading.hooks,
        requireMount: reading.mount,
        remotes,
        copies,
        repositories,
      }),
    };
  }

  #scheduledIn(retention: Retention): TypeName[] {
    if (retention.by === "time") return [];
    return [...retention.types.keys()].filter((name) => this.#manifest.snapshotTypes.get(name)?.schedule !== undefined);
  }

  #copy(dataset: DatasetName, name: RemoteName, keys: CopyKeys, link: Found<unknown>["link"], own: Retention): Copy[] {
    const remote = this.#manifest.remotes.get(name);
    if (remote?.type !== "zfs") return [];
    const rest = link?.base !== undefined && keys.target !== undefined ? dataset.slice(link.base.length) : "";
    const target = keys.target ?? `${remote.root.replaceAll("{host}", this.#host)}/${dataset}`;
    return [
      {
        remote,
        host: remote.host ?? this.#host,
        target: `${target}${rest}` as DatasetName,
        keep: keys.keep ?? remote.keep ?? own,
      },
    ];
  }
}

/** Negative when `a` is less specific. A literal beats a glob; then more literal characters; the dataset before the host. */
function compareSpecificity(a: DatasetEntry, b: DatasetEntry): number {
  const rank = ({ pattern: { dataset, host } }: DatasetEntry) => [
    isGlob(dataset) ? 0 : 1,
    literalLength(dataset),
    isGlob(host) ? 0 : 1,
    literalLength(host),
  ];
  const [left, right] = [rank(a), rank(b)];
  return left.map((value, index) => value - (right[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

const where = ({ place }: DatasetEntry) => `${place.file}:${place.line}`;

function ambiguous(
  host: HostName,
  dataset: DatasetName,
  [first, second]: readonly [DatasetEntry, DatasetEntry],
): Blocked {
  return {
    source: address(host, dataset),
    at: { host, dataset },
    reason: "ambiguous",
    message: `two entries claim this dataset and neither is closer: ${first.key} and ${second.key}`,
    evidence: [`${first.key} at ${where(first)}`, `${second.key} at ${where(second)}`],
    remedies: [`name it in an entry of its own: "${host}:${dataset}"`],
  };
}

function unfinished(host: HostName, dataset: DatasetName): Blocked {
  return {
    source: address(host, dataset),
    at: { host, dataset },
    reason: "restoring",
    message: "it is being restored, and not all of it is there yet",
    evidence: [],
    remedies: [
      `go on with it: holdfast restore ${host}:${dataset} --in-place`,
      `or take it as it is: zfs inherit holdfast:restoring ${dataset}`,
    ],
  };
}

function missing(host: HostName, dataset: DatasetName, entry: DatasetEntry): Blocked {
  return {
    source: address(host, dataset),
    at: { host, dataset },
    reason: "source-missing",
    message: `there is no dataset ${dataset} on ${host}`,
    evidence: [`named at ${where(entry)}`],
    remedies: [
      "create, restore or rename it",
      `or take ${entry.key} out of the manifest; its copies stay where they are`,
    ],
  };
}

/** What comes and goes there is its own source's to say: two plans for one dataset would destroy each other's bases. */
function copyThatIsSource(manifest: Manifest, { address: own, host, dataset }: Source): Blocked | undefined {
  for (const { from, dataset: name } of originsOf(manifest).of(host, dataset)) {
    const source = name !== undefined && sourceNamed(manifest, from, name);
    if (!source || source.address === own) continue;
    const copy = source.copies.find((one) => one.host === host && one.target === dataset);
    if (copy === undefined) continue;
    return {
      source: own,
      at: { host, dataset },
      reason: "ambiguous",
      message: `${own} is the copy of ${source.address} on ${copy.remote.name}, and cannot be a source as well`,
      evidence: [],
      remedies: [
        `give ${source.address} itself the remotes that its copy was to have`,
        `or take ${own} out of the manifest`,
      ],
    };
  }
  return undefined;
}

/** Sources that would write into one dataset, or into themselves, are none of them planned for. */
function withoutConflicts(found: readonly Source[]): { sources: Source[]; conflicts: Blocked[] } {
  const byTarget = new Map<string, Source[]>();
  for (const source of found) {
    for (const { host, target } of source.copies) {
      const key = `${host}:${target}`;
      byTarget.set(key, [...(byTarget.get(key) ?? []), source]);
    }
  }
  const conflicts: Blocked[] = [];
  const sources = found.filter((source) => {
    for (const copy of source.copies) {
      const target = { host: copy.host, dataset: copy.target };
      const others = byTarget.get(`${copy.host}:${copy.target}`) ?? [];
      const self = copy.host === source.host && copy.target === source.dataset;
      if (others.length < 2 && !self) continue;
      conflicts.push({
        source: source.address,
        remote: copy.remote.name,
        at: target,
        reason: "ambiguous",
        message: self
          ? `${source.address} would be its own copy`
          : `${others.length} copies have one target, ${copy.host}:${copy.target}`,
        evidence: [...new Set(others.map((other) => other.address))].map((other) => `written by ${other}`),
        remedies: ["give each its own `target`, or put {host} into the remote's root"],
      });
      return false;
    }
    return true;
  });
  return { sources, conflicts };
}
