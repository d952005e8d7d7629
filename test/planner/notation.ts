import type { Inventory } from "../../src/model/inventory.ts";
import type { KeepRule, Manifest, Retention, SourceKeys, ZfsRemote } from "../../src/model/manifest.ts";
import type { SnapshotRef, ZfsOperation } from "../../src/model/plan.ts";
import type { EpochSeconds, HostName, RemoteName, TypeName } from "../../src/model/units.ts";
import { type PlanOptions, plan } from "../../src/planner/index.ts";
import {
  byType,
  defaultGuards,
  entry,
  hostNamed,
  makeManifest,
  snapshotType,
  zfsRemote,
} from "../property/manifests.ts";
import { emptyWorld, toInventory, type World, type WorldDataset, type WorldSnapshot } from "../property/world.ts";
import { type ZfsPlan, zfsPlan } from "../zfs-plan.ts";

/**
 * Worlds of one source and its copies that can be checked by eye. One side a line:
 *
 *     L: h1 h2 d1* x1      the source, `here:tank/s`; its snapshots, the oldest first
 *     R: h1                its copy on remote R, `there:pool/b/tank/s`; S and T are more remotes, each on a host of its own
 *     R:                   a dataset without snapshots; without a line the dataset is missing
 *
 * A snapshot is a letter and a number, the same on every side: h hourly, d daily, w weekly, m monthly (the nth hour,
 * day … of 2026), c critical (by hand), x foreign, a adopted as daily. After it:
 *
 *     *  bookmarked for R    !  held    ^  cloned    +  something was written before it    _  redacted    '  same name, another guid
 *     d1=x2  the guid of d1 under the name of x2
 *
 * Instead of a snapshot: `#d1` a bookmark for R without its snapshot (`#S:d1` for S, `#=d1` of somebody else), `~` written to since,
 * `%d3<d2` half received from d2 (`%d3` in full; `?` not decoded, `-` unusable). After the side's name:
 * `new` never adopted, `away` unobserved, `placeholder`, `crypt` encrypted there, `raw` a raw replica, `locked`, `inherits` its key, `full` without space.
 */
export interface Case {
  readonly world: string;
  /** `h=24 d=7`; `d=all`, `d=2/3d` (count and within). Without it everything stays. */
  readonly keep?: string | Retention;
  /** What each remote keeps; one that is named here is a remote of the source. */
  readonly R?: string | Retention;
  readonly S?: string | Retention;
  readonly T?: string | Retention;
  /** Types that are taken; none without it. */
  readonly take?: readonly string[];
  readonly now?: string;
  readonly source?: SourceKeys;
  readonly remote?: Partial<ZfsRemote>;
  readonly manifest?: Partial<Manifest>;
  readonly options?: Omit<PlanOptions, "now">;
}

const letters: Readonly<Record<string, string>> = { h: "hourly", d: "daily", w: "weekly", m: "monthly", c: "critical" };
const HOUR = 3600;
const DAY = 86_400;
const year = Date.UTC(2026, 0, 1) / 1000;

const stamp = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, "");

function timeOf(letter: string, n: number): number {
  if (letter === "h") return year + n * HOUR;
  if (letter === "w") return year + (n * 7 - 4) * DAY;
  if (letter === "m") return Date.UTC(2026, n - 1, 1) / 1000;
  return year + n * DAY;
}

function nameOf(letter: string, n: number): string {
  if (letter === "x") return `by-hand-${n}`;
  if (letter === "a") return `autosnap_${n}_daily`;
  return `${letters[letter]}-${stamp(timeOf(letter, n))}`;
}

const guidOf = (letter: string, n: number): string => String((letter.charCodeAt(0) - 96) * 1000 + n);

const parseToken = (token: string): { letter: string; n: number } => ({
  letter: token.charAt(0),
  n: Number(token.slice(1)),
});

/** `h=24 d=2/3d` as the model has it. */
function parseKeep(keep: string | Retention): Retention {
  if (typeof keep !== "string") return keep;
  const rules = keep
    .split(" ")
    .filter(Boolean)
    .map((part): [string, KeepRule] => {
      const [letter = "", value = ""] = part.split("=");
      const [count = "", within] = value.split("/");
      const days =
        within === undefined
          ? {}
          : { within: (Number(within.slice(0, -1)) * (within.endsWith("h") ? HOUR : DAY)) as never };
      return [
        letters[letter] ?? letter,
        { count: count === "all" ? Number.POSITIVE_INFINITY : Number(count), ...days },
      ];
    });
  return byType(Object.fromEntries(rules));
}

const hosts = { L: "here", R: "there", S: "elsewhere", T: "beyond" } as const;
type SideName = keyof typeof hosts;
const targets = { L: "tank/s", R: "pool/b/tank/s", S: "pool/b/tank/s", T: "pool/b/tank/s" } as const;

export interface Parsed {
  readonly manifest: Manifest;
  readonly world: World;
  readonly inventory: Inventory;
  readonly now: EpochSeconds;
  /** Tokens by the names they have in this world. */
  readonly tokens: ReadonlyMap<string, string>;
}

function emptyDataset(guid: string): WorldDataset {
  return {
    guid,
    type: "filesystem",
    createtxg: 5,
    written: 0,
    encryption: "off",
    keyLoaded: true,
    rawReplica: false,
    available: 1e12,
    own: new Map([["adopted", "on"]]),
    snapshots: [],
    bookmarks: [],
  };
}

/** The world, the manifest and the clock of a case. */
export function parse(c: Case): Parsed {
  const world = emptyWorld({ here: ["tank"], there: ["pool"], elsewhere: ["pool"], beyond: ["pool"] });
  const tokens = new Map<string, string>();
  for (const [host, machine] of world.hosts)
    for (const [pool, { datasets }] of machine.pools) {
      datasets.set(pool, { ...emptyDataset(`1${host.length}`), own: new Map() });
      if (pool === "pool")
        for (const parent of ["pool/b", "pool/b/tank"])
          datasets.set(parent, { ...emptyDataset(`2${parent.length}`), own: new Map([["placeholder", "on"]]) });
    }
  for (const line of c.world.trim().split("\n")) {
    const [head = "", rest = ""] = line.split(":", 1).concat(line.slice(line.indexOf(":") + 1));
    const [side, ...flags] = head.trim().split(" ");
    parseSide(world, side as SideName, flags, rest.trim().split(/\s+/).filter(Boolean), tokens);
  }
  const now = (c.now === undefined ? Date.UTC(2026, 1, 10, 12) : Date.parse(c.now)) / 1000;
  return { manifest: manifestOf(c), world, inventory: toInventory(world, now), now: now as EpochSeconds, tokens };
}

function manifestOf(c: Case): Manifest {
  const names = (["R", "S", "T"] as const).filter((name) => c[name] !== undefined);
  return makeManifest({
    hosts: new Map(Object.values(hosts).map((name) => [name as HostName, hostNamed(name, null)])),
    snapshotTypes: new Map([
      snapshotType("hourly", { schedule: "0 * * * *" }),
      snapshotType("daily", { schedule: "0 0 * * *", adopt: ["autosnap_*_daily"] }),
      snapshotType("weekly", { schedule: "0 0 * * 0" }),
      snapshotType("monthly", { schedule: "0 0 1 * *" }),
      snapshotType("critical"),
    ]),
    remotes: new Map(
      names.map((name) => zfsRemote(name, { host: hosts[name] as HostName, root: "pool/b", ...c.remote })),
    ),
    guards: c.manifest?.guards ?? defaultGuards,
    datasets: [
      entry(
        "here:tank/s",
        {
          keep: parseKeep(c.keep ?? ""),
          take: (c.take ?? []) as TypeName[],
          remotes: new Map(names.map((name) => [name as string as RemoteName, { keep: parseKeep(c[name] ?? "") }])),
          ...c.source,
        },
        "here",
      ),
    ],
    ...c.manifest,
  });
}

function parseSide(
  world: World,
  side: SideName,
  flags: readonly string[],
  list: readonly string[],
  tokens: Map<string, string>,
): void {
  const host = world.hosts.get(hosts[side]);
  const datasets = host?.pools.get(side === "L" ? "tank" : "pool")?.datasets;
  if (!host || !datasets) throw new Error(`no side ${side}`);
  if (flags.includes("away")) host.reachable = false;
  const dataset = emptyDataset(`3${side.charCodeAt(0)}`);
  if (flags.includes("new")) dataset.own.delete("adopted");
  if (flags.includes("placeholder")) {
    dataset.own.delete("adopted");
    dataset.own.set("placeholder", "on");
  }
  if (flags.includes("crypt") || flags.includes("raw")) {
    dataset.encryption = "aes-256-gcm";
    dataset.encryptionroot = flags.includes("inherits") ? targets[side].replace(/\/.*/, "") : targets[side];
  }
  if (flags.includes("full")) dataset.available = 0;
  dataset.rawReplica = flags.includes("raw");
  dataset.keyLoaded = !flags.includes("raw") && !flags.includes("locked");
  const base = side === "L" ? 100 : 7000;
  for (const [i, token] of list.entries()) parseItem(dataset, side, token, base + i * 2, tokens);
  dataset.bookmarks = [...dataset.bookmarks].sort((a, b) => a.txg - b.txg);
  datasets.set(targets[side], dataset);
}

function parseItem(
  dataset: WorldDataset,
  side: SideName,
  token: string,
  txg: number,
  tokens: Map<string, string>,
): void {
  if (token === "~") {
    dataset.written = 4096;
    return;
  }
  if (token.startsWith("%")) {
    const [to = "", from] = token.slice(1).replace(/[?-]$/, "").split("<");
    dataset.partial = {
      token: `1-${to}`,
      garbage: token.endsWith("-"),
      opaque: token.endsWith("?"),
      fromHost: hosts.L,
      fromDataset: targets.L,
      step: { ...pointOf(to), written: 1, fromGuid: from === undefined ? null : pointOf(from).guid },
      originGuid: from === undefined ? null : (dataset.snapshots.at(-1)?.guid ?? null),
      madeDataset: from === undefined && dataset.own.get("placeholder") !== "on",
      raw: dataset.encryption !== "off",
      bytes: 50,
    };
    if (dataset.partial.madeDataset) dataset.written = dataset.partial.bytes;
    return;
  }
  const { groups } =
    /^(?<mark>#(?:(?<owner>[RST=]):?)?)?(?<what>[a-z]\d+)(?<prime>')?(?:=(?<as>[a-z]\d+))?(?<flags>[*!^+_]*)$/.exec(
      token,
    ) ?? {};
  if (!groups?.what) throw new Error(`what is ${token}?`);
  const point = pointOf(groups.what);
  if (groups.mark) {
    const at = dataset.snapshots.find((s) => s.guid === point.guid)?.txg ?? txg;
    const name = groups.owner === "=" ? `theirs-${point.guid}` : `holdfast-${groups.owner ?? "R"}-${point.guid}`;
    dataset.bookmarks = [...dataset.bookmarks, { name, guid: point.guid, txg: at, creation: point.creation }];
    return;
  }
  const flags = groups.flags ?? "";
  const name = groups.as === undefined ? point.name : pointOf(groups.as).name;
  const snapshot: WorldSnapshot = {
    name,
    guid: groups.prime ? `9${point.guid}` : point.guid,
    txg,
    creation: point.creation,
    written: flags.includes("+") ? 4096 : 0,
    holds: flags.includes("!") ? ["mine"] : [],
    clones: flags.includes("^") ? [`${side === "L" ? "tank" : "pool"}/clone`] : [],
    ...(flags.includes("_") && { redacted: true as const }),
  };
  tokens.set(name, groups.as ?? groups.what);
  dataset.snapshots = [...dataset.snapshots, snapshot];
  if (flags.includes("*"))
    dataset.bookmarks = [
      ...dataset.bookmarks,
      { name: `holdfast-R-${snapshot.guid}`, guid: snapshot.guid, txg, creation: snapshot.creation },
    ];
}

function pointOf(token: string): { name: string; guid: string; creation: number } {
  const { letter, n } = parseToken(token);
  return { name: nameOf(letter, n), guid: guidOf(letter, n), creation: timeOf(letter, n) };
}

/**
 * What a plan does, one operation after the other:
 *
 *     +d          create                    >R d1       full send         >R d1-d2,d3   d2 and d3 from d1 (`#d1-…` from its bookmark)
 *     ~R d3       resume                    x%R         discard           @L            adopt
 *     #R d3       bookmark for R            -#R d1      destroy bookmark  -L d1,d2      destroy at the source, -R on R
 *     <R d2-x1    roll back to d2, x1 goes  =R          rename aside      !R reason …   blocked; what is withheld follows
 *
 * `d+` is a snapshot that the plan itself creates.
 */
function shortPlan(made: ZfsPlan, tokens: ReadonlyMap<string, string>): string {
  const token = (ref: SnapshotRef | { readonly name: string }): string => {
    const known = tokens.get(ref.name);
    if (known !== undefined) return known;
    const letter = Object.entries(letters).find(([, type]) => ref.name.startsWith(`${type}-`))?.[0];
    return "createdBy" in ref && letter !== undefined ? `${letter}+` : ref.name;
  };
  const list = (refs: readonly (SnapshotRef | { readonly name: string })[]): string => refs.map(token).join(",");
  const one = (o: ZfsOperation): string => {
    const side = "remote" in o && o.remote !== undefined ? o.remote : "L";
    switch (o.kind) {
      case "create":
        return `+${Object.entries(letters).find(([, type]) => type === o.type)?.[0]}`;
      case "send":
        return `>${side} ${o.base === null ? "" : `${o.base.bookmark === undefined ? "" : "#"}${token(o.base)}-`}${list(o.snapshots)}`;
      case "resume":
        return `~${side} ${token(o.to)}`;
      case "discard":
        return `x%${side}`;
      case "adopt":
        return `@${side}`;
      case "bookmark":
        return `#${side} ${token(o.of)}`;
      case "unbookmark":
        return `-#${side} ${o.bookmarks.map((b) => byGuid(b.guid)).join(",")}`;
      case "destroy":
      case "destroy-orphan":
        return `-${side} ${list(o.snapshots)}`;
      case "rollback":
        return `<${side} ${token(o.to)}${o.destroys.length === 0 ? "" : `-${list(o.destroys)}`}`;
      case "replace":
        return `=${side}`;
      case "make":
        return `+${side}`;
      case "settle":
        return `.${side}`;
    }
  };
  const blocked = made.blocked.map(
    (b) => `!${b.remote ?? "L"} ${b.reason}${b.withheld === undefined ? "" : ` ${list(b.withheld.snapshots)}`}`,
  );
  return [...made.operations.map(one), ...blocked].join("; ");
}

const byGuid = (guid: string): string =>
  `${String.fromCharCode(96 + Math.floor(Number(guid) / 1000))}${Number(guid) % 1000}`;

/** The plan of a case; of its manifest and clock in another world, where one is given. */
export function planOf(c: Case, other?: World): ZfsPlan {
  const { manifest, inventory, now } = parse(c);
  return zfsPlan(plan(manifest, other === undefined ? inventory : toInventory(other, now), { ...c.options, now }));
}

/** The plan of a case in short form. */
export function short(c: Case): string {
  const { manifest, inventory, now, tokens } = parse(c);
  return shortPlan(zfsPlan(plan(manifest, inventory, { ...c.options, now })), tokens);
}

/** Why the plan keeps each snapshot of a side: `d1 count, base`. */
export function keptOn(c: Case, side: string): Record<string, string> {
  const { tokens } = parse(c);
  const reasons: Record<string, string[]> = {};
  for (const group of planOf(c).kept)
    if ((group.remote ?? "L") === side)
      for (const name of group.snapshots) {
        const token = tokens.get(name) ?? name;
        reasons[token] = [...(reasons[token] ?? []), group.reason];
      }
  return Object.fromEntries(
    Object.entries(reasons).map(([token, why]) => [token, [...new Set(why)].sort().join(", ")]),
  );
}
