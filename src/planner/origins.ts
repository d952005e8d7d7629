import { defaultOf } from "../manifest/inherited.ts";
import { type DatasetEntry, type Manifest, type SourceKeys, type ZfsRemote, zfsRemotes } from "../model/manifest.ts";
import type { DatasetName, HostName } from "../model/units.ts";
import { parentOf } from "./observed.ts";
import { isGlob, matcher } from "./patterns.ts";

/** What a dataset on a remote would be the copy of. */
export interface Origin {
  readonly remote: ZfsRemote;
  readonly from: HostName;
  /** Unknown below the `target` of a pattern. */
  readonly dataset?: DatasetName;
  /** The manifest sends something from that host to that place. */
  readonly isFilled: boolean;
}

/** A dataset below which copies lie, or which is one itself. */
interface Area extends Omit<Origin, "dataset"> {
  /** Names of sources end as those of their copies do; before it stands this. Undefined: unknown. */
  readonly source: string | undefined;
}

const known = new WeakMap<Manifest, Origins>();

/** Whose copies lie where, by the manifest alone: be the sources there or not. */
export function originsOf(manifest: Manifest): Origins {
  const origins = known.get(manifest) ?? new Origins(manifest);
  known.set(manifest, origins);
  return origins;
}

class Origins {
  /** By `HOST:DATASET`. */
  readonly #exact = new Map<string, Area[]>();
  readonly #below = new Map<string, Area[]>();

  constructor(manifest: Manifest) {
    const matching = (entry: DatasetEntry) => [...manifest.hosts.keys()].filter(matcher(entry.pattern.host));
    const filled = new Set<string>();
    for (const entry of manifest.datasets)
      for (const [name, keys] of remotesOf(manifest, entry) ?? [])
        for (const from of matching(entry)) {
          const remote = manifest.remotes.get(name);
          if (remote?.type !== "zfs") continue;
          if (keys.target === undefined) {
            filled.add(`${name} ${from}`);
            continue;
          }
          const { dataset } = entry.pattern;
          const area = { remote, from, isFilled: true, source: isGlob(dataset) ? undefined : dataset };
          add(this.#exact, remote, area, keys.target);
          add(this.#below, remote, area, keys.target);
        }
    for (const remote of zfsRemotes(manifest))
      for (const from of manifest.hosts.keys()) {
        const isFilled = filled.has(`${remote.name} ${from}`);
        add(this.#below, remote, { remote, from, isFilled, source: "" }, remote.root.replaceAll("{host}", from));
      }
  }

  /** Several where several hosts may fill one place; those that do come first, the remote's own host last. */
  of(host: HostName, dataset: DatasetName): readonly Origin[] {
    let areas = this.#exact.get(`${host}:${dataset}`);
    let top: string | undefined = dataset;
    while (areas === undefined) {
      top = parentOf(top);
      if (top === undefined) return [];
      areas = this.#below.get(`${host}:${top}`);
    }
    const rest = dataset.slice(top.length);
    return areas
      .map(({ source, ...origin }): Origin => {
        if (source === undefined) return origin;
        return { ...origin, dataset: (source === "" ? rest.slice(1) : `${source}${rest}`) as DatasetName };
      })
      .sort((a, b) => rank(a, host) - rank(b, host));
  }
}

const rank = ({ isFilled, from }: Origin, host: HostName): number => (isFilled ? 0 : from === host ? 2 : 1);

function add(areas: Map<string, Area[]>, remote: ZfsRemote, area: Area, top: string): void {
  const key = `${remote.host ?? area.from}:${top}`;
  const there = areas.get(key);
  if (there) there.push(area);
  else areas.set(key, [area]);
}

/** Those that an entry itself sets; one that it inherits stands at the entry that sets it. */
function remotesOf({ policies, ...manifest }: Manifest, { keys }: DatasetEntry): SourceKeys["remotes"] {
  const policy = keys.policy === undefined ? undefined : policies.get(keys.policy);
  return keys.remotes ?? policy?.remotes ?? defaultOf(manifest, "remotes");
}
