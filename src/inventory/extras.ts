import type { Snapshot } from "../model/inventory.ts";
import type { DatasetName } from "../model/units.ts";
import type { Listed } from "./listing.ts";
import { failed, missingRoots, rows, type Zfs } from "./zfs.ts";

/** What `zfs list` cannot tell: properties set on the dataset itself, and the tags of holds. */

const PREFIX = "holdfast:";
const OWN = ["adopted", "placeholder", "restoring", "restored", "replaced", "verified", "verified-copies"].map(
  (name) => `${PREFIX}${name}`,
);

/**
 * `holdfast:` properties by dataset, without the prefix: only those set locally. As columns of `zfs list` they would be
 * inherited into children, and come along with a received stream.
 */
export async function ownProperties(
  { host, hosts, options }: Zfs,
  roots: readonly DatasetName[],
  depth: readonly string[] = ["-r"],
): Promise<Map<string, Record<string, string>>> {
  const argv = ["zfs", "get", "-Hp", "-s", "local", "-t", "filesystem,volume", "-o", "name,property,value"];
  const command = [...argv, ...(roots.length === 0 ? [] : depth), OWN.join(","), ...roots];
  const result = await hosts.run(host, command, options);
  missingRoots(command, result, roots);
  const found = new Map<string, Record<string, string>>();
  for (const [dataset = "", property = "", value = ""] of rows(result.stdout, 3, "zfs get")) {
    const own = found.get(dataset) ?? {};
    own[property.slice(PREFIX.length)] = value;
    found.set(dataset, own);
  }
  return found;
}

/** Well below the 128 KiB that Linux allows for one argument: over SSH the whole command is one. */
const MOST_BYTES = 60_000;
const MOST_NAMES = 500;

/** Tags by snapshot, asked only for those that have any (`userrefs`). */
export async function holdsOf(zfs: Zfs, datasets: readonly Listed[]): Promise<Map<Snapshot, string[]>> {
  const byName = new Map<string, Snapshot>();
  for (const { name, held } of datasets) for (const snapshot of held) byName.set(`${name}@${snapshot.name}`, snapshot);
  const tags = new Map<Snapshot, string[]>();
  for (const batch of batches([...byName.keys()])) {
    // No -p: 2.1 does not know it.
    const argv = ["zfs", "holds", "-H", ...batch];
    const result = await zfs.hosts.run(zfs.host, argv, zfs.options);
    const others = result.stderr.split("\n").filter((line) => line !== "" && !gone(line, byName));
    if (others.length > 0 || (result.code !== 0 && result.stderr === "")) throw failed(argv, result, others);
    for (const [name = "", tag = ""] of rows(result.stdout, 3, "zfs holds")) {
      const snapshot = byName.get(name);
      if (snapshot !== undefined) tags.set(snapshot, [...(tags.get(snapshot) ?? []), tag]);
    }
  }
  return tags;
}

/** Destroyed since it was listed. */
function gone(line: string, names: ReadonlyMap<string, unknown>): boolean {
  const name = /^cannot (?:open|access) '(.*)': (?:dataset|snapshot) does not exist$/.exec(line)?.[1];
  return name !== undefined && names.has(name);
}

function batches(names: readonly string[]): string[][] {
  const all: string[][] = [];
  let batch: string[] = [];
  let size = 0;
  for (const name of names) {
    if (batch.length === MOST_NAMES || size + name.length > MOST_BYTES) {
      all.push(batch);
      batch = [];
      size = 0;
    }
    batch.push(name);
    size += name.length + 12; // quotes, twice
  }
  return batch.length === 0 ? all : [...all, batch];
}
