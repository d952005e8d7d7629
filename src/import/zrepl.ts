import { LineCounter, parseDocument } from "yaml";
import type { Host, Keep, ManifestDocument, SnapshotType, ZfsRemote } from "../manifest/generated/types.ts";
import { datasetFault } from "../manifest/names.ts";
import { longestGap, scheduleFault } from "../manifest/units.ts";
import type { Remark } from "../model/import.ts";
import { poolOf } from "../model/units.ts";
import { type Draft, type Given, type Machine, NothingToImport } from "./draft.ts";
import { isBelow, machineFault, nameFrom } from "./names.ts";
import { entriesFor, more, type Place, type Wanted, type WantedCopy } from "./places.ts";
import { keepOf, type Rhythm, secondsOf, type ZreplRule } from "./zrepl-keep.ts";

type Path = readonly (string | number)[];
type Values = Readonly<Record<string, unknown>>;

/** Snapshots that zrepl took: all of them stay, because its grids have no equal here. */
const ZREPL = "zrepl";
const KNOWN = new Set([
  ...["type", "name", "connect", "serve", "filesystems", "send", "recv", "snapshotting", "pruning", "replication"],
  ...["conflict_resolution", "root_fs", "interval"],
]);
/** Stands for what only the configuration of another machine says; there is no such pool, so nothing goes there. */
const UNKNOWN_ROOT = "root-fs-of-the-sink/client-identity";
const SCHEDULED = ["hourly", "daily", "weekly", "monthly", "yearly"];

/** One job that takes or sends snapshots of datasets here. */
interface Job {
  readonly path: Path;
  readonly name: string;
  readonly type: "snap" | "push" | "source";
  readonly values: Values;
  readonly filter: ReadonlyMap<string, boolean>;
  readonly rhythm?: Rhythm;
}

/** What a zrepl.yml makes of a machine. */
export function importZrepl({ name, text }: Given, machine: Machine): Draft {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines });
  const [error] = yaml.errors;
  if (error)
    throw new NothingToImport(
      `${name}:${error.linePos?.[0].line ?? 1}: ${error.message.split("\n")[0]?.replace(/ at line \d+.*$/, "")}`,
      "zrepl's file is /etc/zrepl/zrepl.yml; `zrepl configcheck` checks it",
    );
  const lineOf = (path: Path): number => {
    const node = yaml.getIn(path, true) as { readonly range?: readonly number[] | null } | undefined;
    return node?.range ? lines.linePos(node.range[0] ?? 0).line : 1;
  };
  let values: unknown;
  try {
    values = yaml.toJS({ maxAliasCount: 100 });
  } catch (fault) {
    // an alias of nothing, or of too much
    throw new NothingToImport(`${name}: ${(fault as Error).message}`, "`zrepl configcheck` checks it");
  }
  return new Reader(name, valuesOf(values), lineOf, machine).draft();
}

class Reader {
  readonly #remarks: Remark[] = [];
  readonly #file: string;
  readonly #config: Values;
  readonly #lineOf: (path: Path) => number;
  readonly #machine: Machine;
  readonly #types = new Map<string, SnapshotType>();
  readonly #prefixes = new Set<string>();
  /** Jobs whose rules are in the manifest. */
  readonly #ruled = new Set<Job>();
  readonly #hosts = new Map<string, Host>();
  readonly #remotes = new Map<string, ZfsRemote>();

  constructor(file: string, config: Values, lineOf: (path: Path) => number, machine: Machine) {
    this.#file = file;
    this.#config = config;
    this.#lineOf = lineOf;
    this.#machine = machine;
  }

  #remark(path: Path, message: string, at?: readonly string[]): void {
    this.#remarks.push({ file: this.#file, line: this.#lineOf(path), message, ...(at && { at }) });
  }

  #once(path: Path, message: string): void {
    if (!this.#remarks.some((remark) => remark.message === message)) this.#remark(path, message);
  }

  draft(): Draft {
    if (this.#config.include !== undefined)
      this.#remark(["include"], "files that are included are not read: put their jobs into this one");
    const all = Array.isArray(this.#config.jobs) ? this.#config.jobs.map(valuesOf) : [];
    const jobs = all.flatMap((values, index) => this.#job(values, ["jobs", index]));
    if (jobs.length === 0)
      throw new NothingToImport(
        `there is nothing to take over in ${this.#file}: no job takes or sends snapshots of datasets here`,
        this.#remarks[0] === undefined
          ? "zrepl's file is /etc/zrepl/zrepl.yml"
          : `${this.#file}:${this.#remarks[0].line}: ${this.#remarks[0].message}`,
      );
    const copies = new Map(
      jobs.flatMap((job) => (job.type === "push" ? [[job, this.#remote(job, all)] as const] : [])),
    );
    const places = this.#places(jobs, copies);
    for (const { name, path } of jobs.filter((job) => !this.#ruled.has(job)))
      this.#remark(
        [...path, "pruning"],
        `nothing says when the snapshots of job ${name} are taken, so what it keeps is not taken over: all of it stays`,
      );
    const hasHosts = this.#hosts.size > 0;
    const prefix = hasHosts ? `${this.#machine.name}:` : "";
    const adopt = [...this.#ownPrefixes()].map((each) => `${each}*`);
    const document: ManifestDocument = {
      version: 1,
      timezone: this.#machine.timezone,
      snapshotTypes: { ...Object.fromEntries(this.#types), [ZREPL]: { adopt } },
      ...(hasHosts && { hosts: { [this.#machine.name]: {}, ...Object.fromEntries(this.#hosts) } }),
      ...(this.#remotes.size > 0 && { remotes: Object.fromEntries(this.#remotes) }),
      datasets: entriesFor(places, prefix, new Set([...SCHEDULED, ...this.#types.keys()])),
    };
    this.#remark(
      ["jobs"],
      "what zrepl took is counted as this type, and all of it stays: how many go is yours to say, once Holdfast's own reach back as far",
      ["snapshotTypes", ZREPL],
    );
    return { document, remarks: this.#remarks };
  }

  #job(values: Values, path: Path): Job[] {
    const { type } = values;
    const name = typeof values.name === "string" ? values.name : `job ${Number(path[1]) + 1}`;
    for (const key of Object.keys(values))
      if (!KNOWN.has(key)) this.#remark([...path, key], `${key} of job ${name} is not known, and was left out`);
    if (type === "sink") return [];
    if (type === "pull") {
      this.#remark(
        path,
        `job ${name} is left out: which datasets it pulls is said by the other machine; import that one's file, and give the remote \`mode: pull\``,
      );
      return [];
    }
    if (type !== "snap" && type !== "push" && type !== "source") {
      this.#remark(path, `job ${name} is left out: its type is not known`);
      return [];
    }
    const filter = this.#filter(valuesOf(values.filesystems), [...path, "filesystems"], name);
    if (![...filter.values()].includes(true)) {
      this.#remark(path, `job ${name} is left out: it is about no dataset`);
      return [];
    }
    if (type === "source")
      this.#remark(
        path,
        `how much stays of what job ${name} takes is said by who pulls it, so all of it does; its copies are not taken over`,
      );
    const rhythm = this.#rhythm(valuesOf(values.snapshotting), [...path, "snapshotting"], name);
    return [{ path, name, type, values, filter, ...(rhythm && { rhythm }) }];
  }

  #filter(filesystems: Values, path: Path, job: string): Map<string, boolean> {
    const filter = new Map<string, boolean>();
    for (const [pattern, passes] of Object.entries(filesystems)) {
      const dataset = pattern.replace(/<$/, "");
      const isUnderstood = (pattern === "<" || datasetFault(dataset) === undefined) && typeof passes === "boolean";
      if (isUnderstood) filter.set(pattern, passes as boolean);
      else this.#remark([...path, pattern], `${pattern} of job ${job} is not understood, and was left out`);
    }
    return filter;
  }

  #rhythm(snapshotting: Values, path: Path, job: string): Rhythm | undefined {
    const { type, prefix, interval, cron, hooks } = snapshotting;
    if (hooks !== undefined)
      this.#remark([...path, "hooks"], `hooks of job ${job} are not taken over: \`hooks\` of the entry do the same`);
    if (type === "manual" || type === undefined) return undefined;
    if (typeof prefix === "string" && /^[A-Za-z0-9_.:-]{1,90}$/.test(prefix)) this.#prefixes.add(prefix);
    else this.#remark(path, `the prefix of job ${job} can be no pattern: the snapshots that it took are left alone`);
    const seconds = type === "periodic" ? secondsOf(String(interval)) : undefined;
    if (seconds !== undefined) return this.#periodic(seconds, path, job);
    const fields = String(cron).trim().split(/\s+/);
    const schedule = fields.slice(fields.length === 6 ? 1 : 0).join(" ");
    if (type === "cron" && scheduleFault(schedule) === undefined) {
      if (fields.length === 6) this.#remark([...path, "cron"], `the seconds of job ${job} are left out`);
      const name = nameFrom(job, "cron");
      this.#types.set(name, { schedule });
      return { type: name, interval: longestGap({ schedule, timezone: this.#machine.timezone }) };
    }
    this.#remark(path, `when job ${job} takes snapshots is not understood: every hour is taken instead`);
    return { type: "hourly", interval: 3600 };
  }

  /** As often, or a little more often where cron cannot say it. */
  #periodic(seconds: number, path: Path, job: string): Rhythm {
    const minutes = Math.max(1, Math.floor(seconds / 60));
    const divisor = (of: number, most: number): number => {
      let found = Math.min(of, most);
      while (of % found !== 0) found--;
      return found;
    };
    const hours = Math.floor(minutes / 60);
    const [type, schedule, actual] =
      minutes < 60
        ? [`every-${divisor(60, minutes)}m`, `*/${divisor(60, minutes)} * * * *`, divisor(60, minutes) * 60]
        : hours === 1
          ? ["hourly", undefined, 3600]
          : hours < 24
            ? [`every-${divisor(24, hours)}h`, `0 */${divisor(24, hours)} * * *`, divisor(24, hours) * 3600]
            : ["daily", undefined, 86_400];
    if (actual !== seconds)
      this.#remark(
        [...path, "interval"],
        `the interval of job ${job} is no part of an hour or a day: ${type} is a little more often`,
      );
    if (schedule !== undefined) this.#types.set(type, { schedule, timezone: "UTC" });
    return { type, interval: actual };
  }

  /** The name of the remote that a push job sends to. */
  #remote({ path, name, values }: Job, all: readonly Values[]): string {
    const connect = valuesOf(values.connect);
    const send = valuesOf(values.send);
    const at = [...path, "connect"];
    const base: ZfsRemote = {
      type: "zfs",
      root: UNKNOWN_ROOT,
      ...(send.encrypted === true ? { raw: "always" } : send.raw === true ? {} : { raw: "never" }),
    };
    const sink = all.find((job) => job.type === "sink" && valuesOf(job.serve).listener_name === connect.listener_name);
    const limit = valuesOf(send.bandwidth_limit).max;
    const rate = /^\s*([\d.]+)\s*([KMGT]iB|[kMGT]?B)\s*$/.exec(String(limit ?? ""));
    if (limit !== undefined && !rate)
      this.#remark(
        [...path, "send"],
        `the bandwidth limit of job ${name} is not taken over: \`limit: { upload: … }\` of the remote`,
      );
    const limited: ZfsRemote = { ...base, ...(rate && { limit: { upload: `${rate[1]}${rate[2]}/s` } }) };
    if (
      connect.type === "local" &&
      sink &&
      typeof sink.root_fs === "string" &&
      datasetFault(sink.root_fs) === undefined
    ) {
      const override = valuesOf(valuesOf(valuesOf(sink.recv).properties).override);
      const remote = this.#named(nameFrom(poolOf(sink.root_fs), "copies"), {
        ...limited,
        root: `${sink.root_fs}/${String(connect.client_identity)}`,
        ...(Object.keys(override).length > 0 && {
          properties: {
            readonly: "on",
            canmount: "noauto",
            ...Object.fromEntries(Object.entries(override).map(([key, value]) => [key, String(value)])),
          },
        }),
      });
      return remote;
    }
    const address = String(connect.host ?? connect.address ?? "remote").replace(/:\d+$/, "");
    const host = nameFrom(address.split(".")[0] ?? "", "remote");
    const hostName = host === this.#machine.name ? `${host}-2` : host;
    this.#hosts.set(hostName, {
      address: machineFault(address, undefined) === undefined ? address : hostName,
      user:
        typeof connect.user === "string" && machineFault(undefined, connect.user) === undefined ? connect.user : "root",
      ...(typeof connect.port === "number" && connect.port !== 22 && { port: connect.port }),
      ...(typeof connect.identity_file === "string" && { identity: { file: connect.identity_file } }),
      knownHostsFile: "~/.ssh/known_hosts",
    });
    if (connect.type !== "ssh+stdinserver")
      this.#remark(
        at,
        "zrepl goes by its own transport, Holdfast by SSH: name the user and the key (`identity: { file: … }`)",
        ["hosts", hostName],
      );
    const remote = this.#named(hostName, { ...limited, host: hostName });
    this.#remark(
      at,
      "where the copies are is said by the sink's file on that machine: write its `root_fs`, a slash, and the name that this machine has there (its client identity). Until then nothing is sent",
      ["remotes", remote],
    );
    return remote;
  }

  #named(wish: string, remote: ZfsRemote): string {
    let name = wish;
    for (let count = 2; this.#remotes.has(name); count++) name = `${wish}-${count}`;
    this.#remotes.set(name, remote);
    return name;
  }

  #places(jobs: readonly Job[], copies: ReadonlyMap<Job, string>): Place[] {
    const named = new Set(jobs.flatMap(({ filter }) => [...filter.keys()].map((pattern) => pattern.replace(/<$/, ""))));
    // a copy is its source's to say, also where "<" would reach it
    const roots = [...this.#remotes.values()].flatMap(({ host, root }) => (host === undefined ? [root] : []));
    const places = [...named, ...roots.filter((root) => !named.has(root))].map((dataset): Place => {
      if (roots.some((root) => dataset === root || dataset.startsWith(`${root}/`))) return { dataset };
      const wanted = (isInside: boolean): Wanted | undefined =>
        this.#wanted(
          jobs.filter(({ filter }) => passes(filter, dataset, isInside)),
          copies,
        );
      return { dataset, own: dataset === "" ? undefined : wanted(false), below: wanted(true) };
    });
    return places.filter(
      ({ dataset, own, below }) =>
        own || below || places.some((other) => other.below && isBelow(dataset, other.dataset)),
    );
  }

  #wanted(jobs: readonly Job[], copies: ReadonlyMap<Job, string>): Wanted | undefined {
    if (jobs.length === 0) return undefined;
    const rhythms = jobs.flatMap(({ rhythm }) => rhythm ?? []);
    const names = this.#ownPrefixes().map((prefix) => `${prefix}20260101_000000_000`);
    const rule = (job: Job, side: "keep" | "keep_sender" | "keep_receiver"): Keep => {
      const rules = valuesOf(job.values.pruning)[side];
      const keep = Array.isArray(rules)
        ? keepOf(
            rules.map((one): ZreplRule => valuesOf(one)),
            rhythms,
            names,
          )
        : undefined;
      if (keep !== undefined) return this.#safe(keep);
      const message = `${side} of job ${job.name} is not understood: all of it stays`;
      if (job.type !== "source") this.#once([...job.path, "pruning"], message);
      return Object.fromEntries(rhythms.map(({ type }) => [type, "all"]));
    };
    if (rhythms.length > 0) for (const job of jobs) this.#ruled.add(job);
    const existing: Keep = { [ZREPL]: "all" };
    const each = jobs.map((job) => rule(job, job.type === "push" ? "keep_sender" : "keep"));
    // a job that keeps everything leaves it to the others
    const pruning = each.filter((keep) => !rhythms.every(({ type }) => keep[type] === "all"));
    const kept = (pruning.length > 0 ? pruning : each).reduce(more, {});
    const sent = jobs.flatMap((job) => (copies.has(job) ? [[job, rule(job, "keep_receiver")] as const] : []));
    // what only a copy keeps has to come from somewhere: one stays here
    const first = Object.fromEntries(sent.flatMap(([, keep]) => Object.keys(keep).map((type) => [type, 1] as const)));
    const keep: Keep = { ...more(first, kept), ...existing };
    return {
      keep,
      take: rhythms.length > 0 ? Object.keys(keep).filter((type) => type !== ZREPL) : [],
      copies: sent.map(
        ([job, there]): WantedCopy => ({
          remote: copies.get(job) ?? "",
          base: "",
          target: "",
          isBelowRoot: true,
          keep: { ...there, ...existing },
        }),
      ),
    };
  }

  /** Where no job takes snapshots, somebody takes them with the usual name. */
  #ownPrefixes(): string[] {
    return this.#prefixes.size > 0 ? [...this.#prefixes] : ["zrepl_"];
  }

  /** A prefix such as `daily-` makes zrepl's snapshots those of a type. */
  #safe(keep: Keep): Keep {
    return Object.fromEntries(
      Object.entries(keep).map(([type, rule]) => [
        type,
        [...this.#prefixes].some((prefix) => prefix.startsWith(`${type}-`)) ? "all" : rule,
      ]),
    );
  }
}

const valuesOf = (value: unknown): Values =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : {};

/** zrepl's own order: the exact name, then the longest subtree. */
function passes(filter: ReadonlyMap<string, boolean>, dataset: string, isInside: boolean): boolean {
  const exact = isInside ? undefined : filter.get(dataset);
  if (exact !== undefined) return exact;
  const subtrees = [...filter.keys()]
    .filter((pattern) => pattern.endsWith("<"))
    .map((pattern) => pattern.slice(0, -1))
    .filter((root) => root === dataset || isBelow(dataset, root))
    .sort((a, b) => b.length - a.length);
  return filter.get(`${subtrees[0] ?? ""}<`) ?? false;
}
