import { failed, type Zfs } from "./zfs.ts";

/** What `zfs allow` has granted to the account that commands run as. */

export interface Account {
  readonly user: string;
  readonly groups: readonly string[];
  readonly isRoot: boolean;
}

/** An account or a group without a name is its number, as `zfs allow` takes it. */
export async function accountOn({ host, hosts, options }: Zfs): Promise<Account> {
  const { stdout } = await hosts.run(host, ["sh", "-c", "id -u; id -un || id -u; id -Gn"], options);
  const [uid, user = "", groups = ""] = stdout.split("\n");
  return { user, groups: groups.split(" "), isRoot: uid === "0" };
}

/** A dataset and all below it, or the dataset alone. */
export type Reach = "tree" | "dataset";

/** Of `wanted`, what the account lacks on a dataset that exists. */
export async function lackingOn(
  { host, hosts, options }: Zfs,
  account: Account,
  wanted: readonly string[],
  dataset: string,
  reach: Reach,
): Promise<readonly string[]> {
  const argv = ["zfs", "allow", dataset];
  const result = await hosts.run(host, argv, options);
  if (result.code !== 0) throw failed(argv, result, result.stderr.split("\n"));
  return missingRights(wanted, result.stdout, dataset, account, reach);
}

/** What setting a property takes: of user properties one right for all of them. */
export const propertyRight = (name: string): string => (name.includes(":") ? "userprop" : name);

/** `receive:append` came with 2.3.2. */
export function hasReceiveAppend(zfsVersion: string): boolean {
  const [major = 0, minor = 0, patch = 0] = zfsVersion.split(/[.-]/).map(Number);
  return major > 2 || (major === 2 && (minor > 3 || (minor === 3 && patch >= 2)));
}

/** Of `wanted`, what `zfs allow DATASET` (its output) does not grant to the account. */
export function missingRights(
  wanted: readonly string[],
  allowed: string,
  dataset: string,
  account: Pick<Account, "user" | "groups">,
  reach: Reach,
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
  for (const right of here.local) if (reach === "dataset" || here.descendent.has(right)) granted.add(right);
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

const isMeant = (who: string, { user, groups }: Pick<Account, "user" | "groups">): boolean =>
  who === "everyone" || who === `user ${user}` || groups.some((group) => who === `group ${group}`);

/** Sets may name sets. */
function expand(right: string, sets: ReadonlyMap<string, readonly string[]>, seen: readonly string[] = []): string[] {
  if (!right.startsWith("@")) return [right];
  if (seen.includes(right)) return [];
  return (sets.get(right) ?? []).flatMap((name) => expand(name, sets, [...seen, right]));
}
