import type { CopyKeys, DatasetEntry, Manifest, Remote, SourceKeys, ZfsRemote } from "../../model/manifest.ts";
import type { HostName } from "../../model/units.ts";
import { isGlob, literalLength, type Matcher, matcher } from "../../planner/patterns.ts";
import { defaultOf } from "../inherited.ts";
import type { Path } from "../tree.ts";

/** Keys that hold for a source, and the dataset (or ancestor) they were written for. */
interface Layer {
  readonly keys: SourceKeys;
  readonly path: Path;
  readonly base: string;
}

export interface Inherited<T> {
  readonly value: T;
  /** Where the keys stand that set it: an entry, a policy, or `defaults`. */
  readonly path: Path;
  readonly base: string;
}

/** A copy as far as it is known without an inventory. */
export interface StaticCopy {
  readonly remote: Remote;
  readonly keys: CopyKeys;
  /** Of the entry or policy, up to the remote's name. */
  readonly path: Path;
}

export interface StaticZfsCopy extends StaticCopy {
  readonly remote: ZfsRemote;
  readonly host: HostName;
  /** The dataset, or the ancestor, whose entry names the remote: what `keys.target` is for. */
  readonly base: string;
  /** Absent where the source is a pattern. */
  readonly target?: string;
}

/** An entry on one host: one dataset, or a pattern of them, with the keys it inherits as far as entries tell. */
export class StaticSource {
  readonly host: HostName;
  readonly dataset: string;
  readonly isPattern: boolean;
  readonly path: Path;
  readonly #manifest: Manifest;
  readonly #chain: readonly Layer[];
  readonly #isBroken: (path: Path) => boolean;

  constructor(all: StaticSources, entry: Pick<DatasetEntry, "key" | "pattern">, host: HostName) {
    this.host = host;
    this.dataset = entry.pattern.dataset;
    this.isPattern = isGlob(this.dataset);
    this.path = ["datasets", entry.key];
    this.#manifest = all.manifest;
    this.#chain = all.chain(host, this.dataset, entry.key);
    this.#isBroken = all.isBroken;
  }

  get address(): string {
    return `${this.host}:${this.dataset}`;
  }

  /** True where any entry speaks of it. */
  get isCovered(): boolean {
    return this.#chain.length > 0;
  }

  /**
   * The value that holds: of the nearest entry that sets the key, of the policy, of `defaults`. `broken` where something
   * refused earlier could have set it, so that nothing can be said.
   */
  find<K extends keyof SourceKeys>(key: K): Inherited<NonNullable<SourceKeys[K]>> | "broken" | undefined {
    for (const { keys, path, base } of this.#layers()) {
      const value = keys[key];
      if (value !== undefined) return { value, path, base };
      if (this.#isBroken(path)) return "broken";
    }
    const fallback = defaultOf(this.#manifest, key);
    if (fallback !== undefined) return { value: fallback, path: ["defaults"], base: this.dataset };
    return this.#isBroken(["defaults"]) ? "broken" : undefined;
  }

  *#layers(): Generator<Layer> {
    yield* this.#chain;
    const through = this.#chain.find(({ keys }) => keys.policy !== undefined);
    const policy = through?.keys.policy;
    if (through === undefined || policy === undefined) return;
    yield { keys: this.#manifest.policies.get(policy) ?? {}, path: ["policies", policy], base: through.base };
  }

  get isRecursive(): boolean {
    const recursive = this.find("recursive");
    return typeof recursive === "object" && recursive.value;
  }

  copies(): readonly StaticCopy[] {
    const remotes = this.find("remotes");
    if (typeof remotes !== "object") return [];
    return [...remotes.value].flatMap(([name, keys]) => {
      const remote = this.#manifest.remotes.get(name);
      return remote ? [{ remote, keys, path: [...remotes.path, "remotes", name] }] : [];
    });
  }

  zfsCopies(): readonly StaticZfsCopy[] {
    const remotes = this.find("remotes");
    const base = typeof remotes === "object" ? remotes.base : this.dataset;
    return this.copies().flatMap(({ remote, keys, path }) => {
      if (remote.type !== "zfs") return [];
      const copy = { remote, keys, path, host: remote.host ?? this.host, base };
      return [this.isPattern ? copy : { ...copy, target: this.#target(remote, keys, base) }];
    });
  }

  #target(remote: ZfsRemote, keys: CopyKeys, base: string): string {
    return keys.target === undefined
      ? `${remote.root.replaceAll("{host}", this.host)}/${this.dataset}`
      : `${keys.target}${this.dataset.slice(base.length)}`;
  }
}

/** Every entry on every host it matches. */
export class StaticSources {
  readonly manifest: Manifest;
  /** True where something below the path was refused. */
  readonly isBroken: (path: Path) => boolean;
  readonly #literal = new Map<string, DatasetEntry[]>();
  readonly #globs: { readonly entry: DatasetEntry; readonly host: Matcher; readonly dataset: Matcher }[] = [];
  readonly #hosts: readonly HostName[];

  constructor(manifest: Manifest, isBroken: (path: Path) => boolean) {
    this.manifest = manifest;
    this.isBroken = isBroken;
    this.#hosts = [...manifest.hosts.keys()];
    for (const entry of manifest.datasets) {
      const { host, dataset } = entry.pattern;
      if (isGlob(dataset)) this.#globs.push({ entry, host: matcher(host), dataset: matcher(dataset) });
      else for (const name of this.hostsOf(entry)) this.#add(name, entry);
    }
  }

  #add(host: HostName, entry: DatasetEntry): void {
    const key = `${host}:${entry.pattern.dataset}`;
    this.#literal.set(key, [...(this.#literal.get(key) ?? []), entry]);
  }

  hostsOf({ pattern }: Pick<DatasetEntry, "pattern">): readonly HostName[] {
    if (!isGlob(pattern.host)) return [pattern.host as HostName];
    const matches = matcher(pattern.host);
    return this.#hosts.filter((host) => matches(host));
  }

  all(): readonly StaticSource[] {
    return this.manifest.datasets.flatMap((entry) =>
      this.hostsOf(entry).map((host) => new StaticSource(this, entry, host)),
    );
  }

  /** Any dataset as if it had an entry without keys. */
  at(host: HostName, dataset: string): StaticSource {
    return new StaticSource(this, { key: "", pattern: { host, dataset } }, host);
  }

  /** Entries that match the dataset, the most specific first, then those that match its ancestors, nearest first. */
  chain(host: HostName, dataset: string, key: string): readonly Layer[] {
    const isPattern = isGlob(dataset);
    const own = isPattern ? this.manifest.datasets.filter((entry) => entry.key === key) : [];
    const chain = own.map((entry) => layer(entry, dataset));
    // a pattern stands for names nobody knows yet; an example of one finds the patterns around it
    for (
      let name: string | undefined = isPattern ? exampleOf(dataset) : dataset;
      name !== undefined;
      name = parentOf(name)
    ) {
      const base = name;
      chain.push(
        ...this.#direct(host, base)
          .filter((entry) => !own.includes(entry))
          .map((entry) => layer(entry, base)),
      );
    }
    return chain;
  }

  #direct(host: HostName, dataset: string): readonly DatasetEntry[] {
    const literal = this.#literal.get(`${host}:${dataset}`) ?? [];
    const globs = this.#globs.filter((glob) => glob.dataset(dataset) && glob.host(host)).map(({ entry }) => entry);
    return [...literal, ...globs].sort((a, b) => specificity(b) - specificity(a));
  }
}

const layer = (entry: DatasetEntry, base: string): Layer => ({ keys: entry.keys, path: ["datasets", entry.key], base });

const specificity = ({ pattern: { host, dataset } }: DatasetEntry): number =>
  (isGlob(dataset) ? 0 : 1e6) + literalLength(dataset) * 1e3 + (isGlob(host) ? 0 : 500) + literalLength(host);

const exampleOf = (pattern: string): string =>
  pattern
    .replace(/\[[!^]?(.)[^\]]*\]/g, "$1")
    .replace(/\{([^,}]*)[^}]*\}/g, "$1")
    .replace(/\*+|\?/g, "x");

export function parentOf(dataset: string): string | undefined {
  const slash = dataset.lastIndexOf("/");
  return slash === -1 ? undefined : dataset.slice(0, slash);
}

/** The dataset itself or one below it. */
export const isWithin = (dataset: string, root: string): boolean => dataset === root || dataset.startsWith(`${root}/`);
