import type { Entry, Keep, ManifestDocument, SnapshotType, ZfsRemote } from "../manifest/generated/types.ts";
import { adoptedName } from "../model/adopted.ts";
import type { Remark } from "../model/import.ts";
import { type Draft, type Given, type Machine, NothingToImport } from "./draft.ts";
import { patternsOf } from "./excluded.ts";
import { isWithin } from "./names.ts";
import { entriesFor, more, type Place, sameCopies, targetAt, type Wanted, type WantedCopy } from "./places.ts";
import { type Replica, replicate } from "./replicas.ts";
import { type Policy, readSanoid, type SanoidConfig } from "./sanoid.ts";
import { readSyncoid, type Transfer } from "./syncoid.ts";

/** Snapshots that other tools take where syncoid runs alone: copied along, as syncoid does, and destroyed by nobody here. */
const OTHERS = "others";
/** Of a call that does not say when it runs. */
const UNKNOWN_SCHEDULE = "0 * * * *";
const OTHER_NAMES = ["autosnap_*", "zfs-auto-snap*", "pyznap_*", "zrepl_*"];

/** What a sanoid.conf, a crontab with syncoid, or both together make of a machine. */
export function importSanoidSyncoid(
  files: { readonly sanoid?: Given; readonly syncoid?: Given },
  machine: Machine,
): Draft {
  const sanoid = files.sanoid && readSanoid(files.sanoid.name, files.sanoid.text);
  const syncoid = files.syncoid && readSyncoid(files.syncoid.name, files.syncoid.text);
  const remarks: Remark[] = [...(sanoid?.remarks ?? []), ...(syncoid?.remarks ?? [])];
  const replication = replicate(syncoid?.transfers ?? [], machine.name, files.syncoid?.name ?? "");
  const builder = new Builder(sanoid, replication.replicas, remarks, files);
  const hasHosts = Object.keys(replication.hosts).length > 0;
  const datasets = builder.datasets(hasHosts ? machine.name : undefined);
  if (Object.keys(datasets).length === 0)
    throw new NothingToImport(
      `there is nothing to take over in ${[files.sanoid, files.syncoid].flatMap((file) => file?.name ?? []).join(" and ")}`,
      remarks[0] === undefined
        ? "sanoid's is /etc/sanoid/sanoid.conf; syncoid's is a crontab or a script that calls it"
        : `${remarks[0].file}:${remarks[0].line}: ${remarks[0].message}`,
    );
  const document: ManifestDocument = {
    version: 1,
    timezone: machine.timezone,
    snapshotTypes: builder.snapshotTypes(),
    ...(hasHosts && { hosts: replication.hosts }),
    ...(replication.replicas.length > 0 && { remotes: builder.remotes(replication.remotes) }),
    datasets,
  };
  const prefix = hasHosts ? `${machine.name}:` : "";
  return {
    document,
    remarks: [...remarks, ...replication.remarks].map((remark) => placed(remark, prefix, datasets)),
  };
}

/** A remark about a dataset that has no entry of its own is about all. */
function placed({ at, ...remark }: Remark, prefix: string, datasets: Readonly<Record<string, Entry>>): Remark {
  const [section, key = ""] = at ?? [];
  if (section !== "datasets") return { ...remark, ...(at && { at }) };
  const found = [`${prefix}${key}`, `${prefix}${key}/*`].find((name) => name in datasets);
  return found === undefined ? remark : { ...remark, at: ["datasets", found] };
}

class Builder {
  readonly #sanoid: SanoidConfig | undefined;
  readonly #replicas: readonly Replica[];
  readonly #remarks: Remark[];
  readonly #crontab: string;
  /** Schedule → the type of syncoid's own snapshots that are taken by it. */
  readonly #syncTypes = new Map<string, string>();
  /** Copies on this machine. */
  readonly #targets: readonly string[];
  /** What sanoid's sections name, without copies. */
  readonly #ownDatasets: readonly string[];
  /** Types that sanoid takes or keeps of these. */
  readonly #types: ReadonlySet<string>;
  #usesOthers = false;
  readonly #undecided = new Set<string>();

  constructor(
    sanoid: SanoidConfig | undefined,
    replicas: readonly Replica[],
    remarks: Remark[],
    files: { readonly syncoid?: Given },
  ) {
    this.#sanoid = sanoid;
    this.#replicas = replicas;
    this.#remarks = remarks;
    this.#crontab = files.syncoid?.name ?? "";
    this.#targets = replicas.flatMap(({ transfer, targetHost }) =>
      targetHost === undefined ? [transfer.target.dataset] : [],
    );
    this.#ownDatasets = (sanoid?.datasets ?? []).filter(
      (dataset) => !this.#targets.some((target) => isWithin(dataset, target)),
    );
    const policies = this.#ownDatasets.flatMap((one) => [sanoid?.policyOf(one), sanoid?.policyBelow(one)]);
    this.#types = new Set(policies.flatMap((policy) => Object.keys(policy?.keep ?? {})));
    for (const { transfer } of replicas)
      if (transfer.sync) {
        const { schedule } = transfer.sync;
        if (schedule === undefined)
          this.#remark(
            transfer.line,
            "when this call runs is not said here: its snapshots are taken every hour, by `schedule` of their type",
            ["snapshotTypes", this.#syncType(UNKNOWN_SCHEDULE)],
          );
        else this.#syncType(schedule);
      }
  }

  #remark(line: number, message: string, at?: readonly string[]): void {
    this.#remarks.push({ file: this.#crontab, line, message, ...(at && { at }) });
  }

  #syncType(schedule: string): string {
    const known = this.#syncTypes.get(schedule);
    if (known !== undefined) return known;
    const name = this.#syncTypes.size === 0 ? "syncoid" : `syncoid-${this.#syncTypes.size + 1}`;
    this.#syncTypes.set(schedule, name);
    return name;
  }

  /** Remotes as the transfers need them, without deletions where these are in doubt. */
  remotes(remotes: Readonly<Record<string, ZfsRemote>>): Record<string, ZfsRemote> {
    return Object.fromEntries(
      Object.entries(remotes).map(([name, remote]) => [
        name,
        this.#undecided.has(name) ? { ...remote, deletions: "never" } : remote,
      ]),
    );
  }

  snapshotTypes(): Record<string, SnapshotType> {
    const types: Record<string, SnapshotType> = {};
    for (const [type, schedule] of this.#sanoid?.schedules ?? []) {
      if (!this.#types.has(type)) continue;
      const adopted = adoptedName("sanoid", type);
      types[type] = { schedule, ...(adopted !== undefined && { adopt: [adopted] }) };
    }
    for (const [schedule, type] of this.#syncTypes) types[type] = { schedule };
    if (this.#usesOthers) types[OTHERS] = { adopt: OTHER_NAMES };
    return types;
  }

  /** `self`: the name of this machine where hosts have one. */
  datasets(self: string | undefined): Readonly<Record<string, Entry>> {
    const hosts = [undefined, ...new Set(this.#replicas.flatMap(({ host }) => host ?? []))];
    const all = hosts.map((host) => {
      const places = this.#places(host);
      const scheduled = new Set([...this.#types, ...this.#syncTypes.values()]);
      const prefix = host === undefined ? (self === undefined ? "" : `${self}:`) : `${host}:`;
      return { ...entriesFor(places, prefix, scheduled), ...this.#exclusions(host, prefix) };
    });
    return Object.assign({}, ...all);
  }

  #places(host: string | undefined): Place[] {
    const replicas = this.#replicas.filter((replica) => replica.host === host);
    const named = new Set([
      ...(host === undefined ? this.#ownDatasets : []),
      ...replicas.map(({ transfer }) => transfer.source.dataset),
    ]);
    const sources = [...named].map((dataset): Place => {
      const own = this.#wanted(host, dataset, replicas, false);
      const below = this.#wanted(host, dataset, replicas, true);
      return this.#alike(dataset, own, below);
    });
    // a copy is its source's to say, also where a recursion would reach it
    const copies = host === undefined ? this.#targets.filter((target) => !named.has(target)) : [];
    const all = [...sources, ...copies.map((dataset): Place => ({ dataset }))];
    return all.filter(
      ({ dataset, own, below }) =>
        own || below || all.some((other) => other.below && dataset.startsWith(`${other.dataset}/`)),
    );
  }

  /** `DATASET/*` has its targets from DATASET, and what is kept of its copies with them: that has to fit both. */
  #alike(dataset: string, own: Wanted | undefined, below: Wanted | undefined): Place {
    const isInherited = below?.copies.some(({ isBelowRoot }) => !isBelowRoot) === true;
    if (!own || !below || !isInherited || sameCopies(own, below)) return { dataset, own, below };
    for (const { remote } of own.copies)
      this.#undecidedAt(
        remote,
        `what is kept of the copies of ${dataset} and of those below it cannot be told apart here, so all of them stay`,
      );
    const asSource = (wanted: Wanted): Wanted => ({
      ...wanted,
      copies: own.copies.map((copy) => ({ ...copy, keep: wanted.keep })),
    });
    return { dataset, own: asSource(own), below: asSource(below) };
  }

  /** Of these copies none is destroyed, until somebody says how many stay. */
  #undecidedAt(remote: string, reason: string): void {
    const line = this.#replicas.find((replica) => replica.remote === remote)?.transfer.line ?? 1;
    const message = `${reason}: write \`keep\` in the place of \`deletions: never\``;
    this.#undecided.add(remote);
    if (!this.#remarks.some((other) => other.message === message && other.at?.[1] === remote))
      this.#remark(line, message, ["remotes", remote]);
  }

  /** `isBelow`: for the datasets below it, so that transfers have to be recursive. */
  #wanted(
    host: string | undefined,
    dataset: string,
    replicas: readonly Replica[],
    isBelow: boolean,
  ): Wanted | undefined {
    const policy = host === undefined ? this.#sanoid?.[isBelow ? "policyBelow" : "policyOf"](dataset) : undefined;
    const mine = replicas.filter(({ transfer }) => sends(transfer, dataset, isBelow));
    const syncs = mine.flatMap(({ transfer: { sync } }) =>
      sync ? [[this.#syncType(sync.schedule ?? UNKNOWN_SCHEDULE), sync.keepsAll ? ("all" as const) : 1] as const] : [],
    );
    const keep: Keep = {
      ...(policy?.keep ?? (mine.length > 0 ? this.#everything() : {})),
      ...Object.fromEntries(syncs),
    };
    if (Object.keys(keep).length === 0) return undefined;
    const take = [...new Set([...(policy?.take ?? []), ...syncs.map(([type]) => type)])];
    const copies = mine.map((replica) => this.#copy(replica, dataset, policy, { keep, take }));
    return {
      keep,
      take,
      copies: copies.filter(({ remote }, index) => copies.findIndex((other) => other.remote === remote) === index),
    };
  }

  /** Who takes snapshots there is said elsewhere: all of them stay. */
  #everything(): Keep {
    this.#usesOthers = true;
    return Object.fromEntries([OTHERS, ...this.#types].map((type) => [type, "all"]));
  }

  #copy(
    replica: Replica,
    dataset: string,
    policy: Policy | undefined,
    { keep, take }: Omit<Wanted, "copies">,
  ): WantedCopy {
    const { transfer, remote, isBelowRoot, targetHost } = replica;
    const [base, target] = [transfer.source.dataset, transfer.target.dataset];
    const copy = { remote, base, target, isBelowRoot };
    const sync = transfer.sync && this.#syncType(transfer.sync.schedule ?? UNKNOWN_SCHEDULE);
    const there = targetHost === undefined ? this.#keptAt(targetAt(copy, dataset), transfer.recursive) : undefined;
    const kept = Object.keys(policy?.keep ?? {}).flatMap((type) => {
      const rule = there?.[type];
      return rule === undefined ? [] : [[type, rule] as const];
    });
    const synced = sync === undefined ? [] : [[sync, keep[sync] ?? 1] as const];
    // sanoid does not take them, and something else is taken: then nothing says where they come from
    const isFromElsewhere = take.length > 0 && kept.some(([type]) => !take.includes(type));
    if (there !== undefined && policy !== undefined && kept.length > 0 && !isFromElsewhere)
      return { ...copy, keep: Object.fromEntries([...kept, ...synced]) };
    this.#undecidedAt(
      remote,
      there === undefined
        ? "how many copies stay there is not said here, so all do"
        : "what sanoid keeps of these copies does not fit what is taken at their source, so all of them stay",
    );
    return { ...copy, keep };
  }

  /** What sanoid keeps of a copy on this machine, and of what lies below it: the more of each. Undefined: it leaves some alone. */
  #keptAt(target: string, isRecursive: boolean): Keep | undefined {
    const sanoid = this.#sanoid;
    if (sanoid === undefined) return undefined;
    const below = sanoid.datasets.filter((dataset) => dataset.startsWith(`${target}/`));
    const policies = [
      sanoid.policyOf(target),
      ...(isRecursive ? [target, ...below].map(sanoid.policyBelow) : []),
      ...(isRecursive ? below.map(sanoid.policyOf) : []),
    ];
    const keeps = policies.flatMap((policy) => (policy ? [policy.keep] : []));
    const [first, ...others] = keeps;
    if (first === undefined || keeps.length < policies.length) return undefined;
    return others.reduce<Keep>((sofar, keep) => more(sofar, keep), first);
  }

  /** What --exclude-datasets leaves out, where a pattern can say so. */
  #exclusions(host: string | undefined, prefix: string): Record<string, Entry> {
    const entries: Record<string, Entry> = {};
    for (const { transfer } of this.#replicas.filter((replica) => replica.host === host))
      for (const expression of transfer.excluded) {
        const { dataset } = transfer.source;
        const patterns = transfer.recursive ? patternsOf(expression, dataset) : [];
        // a pattern means what no recursion reaches, too, and has one list of remotes for all that it means
        const isAlone =
          this.#replicas.every((other) => other.host !== host || other.transfer === transfer) &&
          !(host === undefined && this.#ownDatasets.some((own) => own !== dataset && isWithin(own, dataset)));
        if (patterns === undefined || !isAlone)
          this.#remark(
            transfer.line,
            `--exclude-datasets=${expression} is not taken over: what it means is copied, too, until an entry for it says \`remotes: {}\``,
            ["datasets", `${dataset}`],
          );
        else for (const pattern of patterns) entries[`${prefix}${pattern}`] = { remotes: {} };
      }
    return entries;
  }
}

/** Whether a transfer is of this dataset, or of those below it. */
function sends({ source, recursive, excluded }: Transfer, dataset: string, isBelow: boolean): boolean {
  const isSent = source.dataset === dataset ? !isBelow || recursive : recursive && isWithin(dataset, source.dataset);
  return isSent && !excluded.some((expression) => matches(expression, isBelow ? `${dataset}/any` : dataset));
}

function matches(expression: string, dataset: string): boolean {
  try {
    return new RegExp(expression).test(dataset);
  } catch {
    return false;
  }
}
