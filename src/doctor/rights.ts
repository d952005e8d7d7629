import type { ZfsRemote } from "../model/manifest.ts";
import type { DatasetName, HostName } from "../model/units.ts";
import type { Source } from "../planner/sources.ts";

/** Rights that `zfs allow` has to grant on a dataset, for itself and everything below. */
export interface Need {
  readonly host: HostName;
  readonly dataset: DatasetName;
  readonly rights: readonly string[];
}

/** The least that a manifest's sources and copies need, where it has to be granted; nothing twice along one path. */
export function needsOf(sources: readonly Source[], canAppendOnly: (host: HostName) => boolean): Need[] {
  const wanted = new Map<HostName, Map<DatasetName, Set<string>>>();
  const want = (host: HostName, dataset: DatasetName, rights: readonly string[]): void => {
    const datasets = wanted.get(host) ?? new Map<DatasetName, Set<string>>();
    wanted.set(host, datasets);
    datasets.set(dataset, new Set([...(datasets.get(dataset) ?? []), ...rights]));
  };
  for (const { host, dataset, copies } of sources) {
    // a range of snapshots is held while it is sent
    const forCopies = copies.length === 0 ? [] : ["send", "hold", "bookmark"];
    want(host, dataset, [...forCopies, "snapshot", "destroy", "mount", "userprop"]);
    for (const { remote, host: at } of copies) {
      want(at, remote.root.replaceAll("{host}", host) as DatasetName, rightsAt(remote, canAppendOnly(at)));
    }
  }
  return [...wanted].flatMap(([host, datasets]) =>
    [...datasets].flatMap(([dataset, rights]) => {
      const above = [...datasets].filter(([other]) => dataset.startsWith(`${other}/`));
      const left = [...rights].filter((right) => !above.some(([, granted]) => granted.has(right)));
      return left.length === 0 ? [] : [{ host, dataset, rights: left.sort() }];
    }),
  );
}

/** A user property is set with one right for all of them. */
const propertyRight = (name: string): string => (name.includes(":") ? "userprop" : name);

function rightsAt(remote: ZfsRemote, canAppendOnly: boolean): string[] {
  const properties = [...Object.keys(remote.properties), ...remote.excludeProperties].map(propertyRight);
  const receive = ["create", "mount", "userprop", "canmount", ...properties];
  if (remote.deletions === "allow") return ["receive", "destroy", "rollback", ...receive];
  return [canAppendOnly ? "receive:append" : "receive", ...receive];
}

/** `receive:append` came with 2.3.2. */
export function hasReceiveAppend(zfsVersion: string): boolean {
  const [major = 0, minor = 0, patch = 0] = zfsVersion.split(/[.-]/).map(Number);
  return major > 2 || (major === 2 && (minor > 3 || (minor === 3 && patch >= 2)));
}

export interface Account {
  readonly user: string;
  readonly groups: readonly string[];
}

/** Of `wanted`, what `zfs allow DATASET` (its output) does not grant to the account, for the dataset and all below. */
export function missingRights(
  wanted: readonly string[],
  allowed: string,
  dataset: string,
  account: Account,
): readonly string[] {
  const granted = new Set<string>();
  const sets = new Map<string, readonly string[]>();
  const here = { local: new Set<string>(), descendent: new Set<string>() };
  for (const { on, kind, who, rights } of parse(allowed)) {
    if (kind === "sets") sets.set(who, rights);
    if (kind === "sets" || !isMeant(who, account)) continue;
    const both = kind === "both" || (kind === "descendent" && on !== dataset);
    for (const right of rights.flatMap((name) => expand(name, sets))) {
      if (both) granted.add(right);
      else if (on === dataset) here[kind === "local" ? "local" : "descendent"].add(right);
    }
  }
  for (const right of here.local) if (here.descendent.has(right)) granted.add(right);
  const has = (right: string): boolean => granted.has(right) || (right === "receive:append" && granted.has("receive"));
  return wanted.filter((right) => !has(right));
}

interface Grant {
  readonly on: string;
  readonly kind: "sets" | "local" | "descendent" | "both";
  /** `user NAME`, `group NAME`, `everyone`; of a set its name. */
  readonly who: string;
  readonly rights: readonly string[];
}

const KINDS: Readonly<Record<string, Grant["kind"]>> = {
  "Permission sets:": "sets",
  "Local permissions:": "local",
  "Descendent permissions:": "descendent",
  "Local+Descendent permissions:": "both",
};

/** Sets are told before what uses them, of every dataset on the way up. */
function parse(allowed: string): Grant[] {
  const grants: Grant[] = [];
  let on = "";
  let kind: Grant["kind"] | undefined;
  for (const line of allowed.split("\n")) {
    const header = /^---- Permissions on (.+?) -*$/.exec(line);
    if (header?.[1] !== undefined) {
      on = header[1];
      kind = undefined;
    } else if (!line.startsWith("\t")) kind = KINDS[line.trim()];
    else if (kind !== undefined) {
      const words = line.trim().split(" ");
      grants.push({ on, kind, who: words.slice(0, -1).join(" "), rights: (words.at(-1) ?? "").split(",") });
    }
  }
  return grants.sort((a, b) => Number(b.kind === "sets") - Number(a.kind === "sets"));
}

const isMeant = (who: string, { user, groups }: Account): boolean =>
  who === "everyone" || who === `user ${user}` || groups.some((group) => who === `group ${group}`);

/** Sets may name sets. */
function expand(right: string, sets: ReadonlyMap<string, readonly string[]>, seen: readonly string[] = []): string[] {
  if (!right.startsWith("@")) return [right];
  if (seen.includes(right)) return [];
  return (sets.get(right) ?? []).flatMap((name) => expand(name, sets, [...seen, right]));
}
