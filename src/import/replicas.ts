import type { Host, ZfsRemote } from "../manifest/generated/types.ts";
import type { Remark } from "../model/import.ts";
import { poolOf } from "../model/units.ts";
import { isWithin, nameFrom, parentOf } from "./names.ts";
import type { End, Transfer } from "./syncoid.ts";

/** A transfer with the names of the manifest's hosts and its remote. */
export interface Replica {
  readonly transfer: Transfer;
  /** Of the source; absent: this machine. */
  readonly host?: string;
  /** Of the copy; absent: this machine. */
  readonly targetHost?: string;
  readonly remote: string;
  readonly isBelowRoot: boolean;
}

export interface Replication {
  readonly hosts: Readonly<Record<string, Host>>;
  readonly remotes: Readonly<Record<string, ZfsRemote>>;
  readonly replicas: readonly Replica[];
  readonly remarks: readonly Remark[];
}

/** Hosts and remotes that these transfers need. `self`: this machine. `crontab`: the name of the file they are from. */
export function replicate(transfers: readonly Transfer[], self: string, crontab: string): Replication {
  const hosts = new Map<string, Host>();
  const remotes = new Map<string, ZfsRemote>();
  const remarks: Remark[] = [];
  const remark = (line: number, message: string, at: readonly string[]): void => {
    if (!remarks.some((other) => other.message === message && other.at?.[1] === at[1]))
      remarks.push({ file: crontab, line, message, at });
  };

  const hostOf = ({ host: address, user = "root" }: End, transfer: Transfer): string | undefined => {
    if (address === undefined) return undefined;
    const { port, identity } = transfer;
    const host: Host = {
      address,
      ...(port !== undefined && { port }),
      user,
      ...(identity !== undefined && { identity: { file: identity } }),
      knownHostsFile: "~/.ssh/known_hosts",
      ...(user !== "root" && transfer.sudo && { sudo: true }),
    };
    const name = named(hosts, nameFrom(address.split(".")[0] ?? address, "host"), host, [self]);
    if (identity === undefined)
      remark(transfer.line, "which key ssh takes is not said here: name it, as `identity: { file: /root/.ssh/… }`", [
        "hosts",
        name,
      ]);
    return name;
  };

  const replicas: Replica[] = [];
  for (const transfer of transfers) {
    const { source, target, line } = transfer;
    const [host, targetHost] = [hostOf(source, transfer), hostOf(target, transfer)];
    const isBelowRoot = target.dataset.endsWith(`/${source.dataset}`);
    const root = isBelowRoot ? target.dataset.slice(0, -source.dataset.length - 1) : rootAbove(target.dataset);
    const remote: ZfsRemote = {
      type: "zfs",
      ...(targetHost === undefined ? host !== undefined && { host: self } : { host: targetHost }),
      root,
      ...(host !== undefined && targetHost === undefined && { mode: "pull" }),
      ...(!transfer.raw && { raw: "never" }),
      ...(transfer.compress && { compress: "zstd" }),
      ...(transfer.limit !== undefined && { limit: { upload: transfer.limit } }),
      ...(Object.keys(transfer.set).length > 0 && {
        properties: { readonly: "on", canmount: "noauto", ...transfer.set },
      }),
      ...(transfer.unset.length > 0 && { excludeProperties: [...transfer.unset] }),
    };
    const inTheWay = replicas.filter((other) => other.host === host && isOtherPlace(other.transfer, transfer));
    const name = named(
      remotes,
      nameFrom(targetHost ?? poolOf(target.dataset), "copies"),
      remote,
      inTheWay.map((other) => other.remote),
    );
    if (!transfer.raw)
      remark(
        line,
        "without `w` in --sendoptions syncoid sends what is encrypted as plaintext, and so does `raw: never`: leave it out where no copy is there yet",
        ["remotes", name],
      );
    if (host !== undefined && targetHost !== undefined)
      remark(line, `here ${host} sends to ${targetHost} itself, and not through the machine that asks for it`, [
        "remotes",
        name,
      ]);
    replicas.push({
      transfer,
      ...(host !== undefined && { host }),
      ...(targetHost !== undefined && { targetHost }),
      remote: name,
      isBelowRoot,
    });
  }
  return {
    hosts: hosts.size > 0 ? { [self]: {}, ...Object.fromEntries(hosts) } : {},
    remotes: Object.fromEntries(remotes),
    replicas,
    remarks,
  };
}

/** A dataset has one copy on a remote: whether both transfers send some dataset, and not to one place. */
function isOtherPlace({ source: a, target: to }: Transfer, { source: b, target }: Transfer): boolean {
  const [longer, shorter] = a.dataset.length < b.dataset.length ? [b, a] : [a, b];
  if (!isWithin(longer.dataset, shorter.dataset)) return false;
  const rest = longer.dataset.slice(shorter.dataset.length);
  const [deep, high] = longer === b ? [target.dataset, to.dataset] : [to.dataset, target.dataset];
  return deep !== `${high}${rest}`;
}

/** Copies have targets of their own then; the root only says where others would go. */
const rootAbove = (dataset: string): string => parentOf(dataset) ?? `${dataset}/copies`;

/** The name under which just this is there, be it already or from now on. */
function named<Value>(all: Map<string, Value>, wish: string, value: Value, taken: readonly string[] = []): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? wish : `${wish}-${count}`;
    if (taken.includes(name)) continue;
    const there = all.get(name);
    if (there === undefined) all.set(name, value);
    if (there === undefined || JSON.stringify(there) === JSON.stringify(value)) return name;
  }
}
