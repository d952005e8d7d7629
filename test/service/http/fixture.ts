import { createHash } from "node:crypto";
import type { Bookmark, Dataset, Inventory, RepositoryCopy, Snapshot } from "../../../src/model/inventory.ts";
import type { AnyAt, Plan } from "../../../src/model/plan.ts";
import type { Report } from "../../../src/model/report.ts";
import type { Run, ServiceActions, ServiceEvents, ServiceSource, ServiceView } from "../../../src/model/service.ts";
import type { CopyStatus, Health, PlaceStatus, SourceStatus, Status } from "../../../src/model/status.ts";
import type {
  Address,
  Bytes,
  DatasetName,
  EpochSeconds,
  Guid,
  HostName,
  RemoteName,
  RepositoryKey,
  Seconds,
  Txg,
  TypeName,
} from "../../../src/model/units.ts";
import { plan, sourcesOf } from "../../../src/planner/index.ts";
import { repositoryCopies } from "../../../src/planner/repository-copies.ts";
import { snapshotName } from "../../../src/planner/types.ts";
import { tagsOf } from "../../../src/remotes/restic/tags.ts";
import { valid } from "../../manifest/helpers.ts";

/** A NAS as Holdfast left it, with what goes wrong on a bad day; planned by the real planner. */

const HOUR = 3600;
const DAY = 24 * HOUR;
const GiB = 2 ** 30;
/** 2026-11-22T12:04:00Z, a Sunday. */
export const NOW = Date.UTC(2026, 10, 22, 12, 4) / 1000;
const hour = NOW - (NOW % HOUR);
const midnight = NOW - (NOW % DAY);
const nas = "nas01" as HostName;

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJsx8H0pRPyqcXlWOPoB0qkzGOlsHfA1xLe5kUDKD0cH";
const MANIFEST = `version: 1
timezone: UTC
hosts:
  nas01: {}
  vault: { address: vault.example.net, hostKeys: ["${KEY}"] }
remotes:
  vault: { type: zfs, host: vault, root: "backup/{host}", maxAge: 26h, keep: { daily: 30, monthly: 24 } }
  usb: { type: zfs, host: nas01, root: usb/backups, removable: true, maxAge: 35d, keep: { daily: 14, monthly: 24 } }
  friend: { type: restic, repository: "rest:https://backup.example.net:8000/home", password: { file: /etc/holdfast/friend }, maxAge: 26h, keep: { daily: 30, monthly: 5 } }
policies:
  tree: { keep: { hourly: 24, daily: 14, monthly: 6 }, remotes: { vault: {} } }
datasets:
  "nas01:tank/data": { policy: tree, remotes: { vault: {}, usb: {} } }
  "nas01:tank/home": { policy: tree, remotes: { vault: {}, usb: {}, friend: {} } }
  "nas01:tank/vm": { policy: tree }
  "nas01:tank/media": { keep: { daily: 7, monthly: 6 }, remotes: { vault: {} } }
directories:
  "nas01:/etc": { keep: { daily: 30 }, remotes: { friend: { keep: { daily: 30 } } } }
  "nas01:/srv/paperless": { keep: { daily: 30 }, remotes: { friend: { keep: { daily: 30 } } } }
`;

let guids = 4_181_229_047_735_913_000n;
function guid(): Guid {
  guids += 7_919_317n;
  return String(guids) as Guid;
}

interface Spec {
  readonly name: string;
  readonly guid: Guid;
  readonly creation: number;
}
const spec = (type: string, creation: number): Spec => ({
  name: snapshotName(type as TypeName, creation as EpochSeconds),
  guid: guid(),
  creation,
});
const hourlies = (count: number): Spec[] =>
  Array.from({ length: count }, (_, index) => spec("hourly", hour - index * HOUR));
const dailies = (count: number): Spec[] =>
  Array.from({ length: count }, (_, index) => spec("daily", midnight - index * DAY));
const monthlies = (count: number): Spec[] =>
  Array.from({ length: count }, (_, index) => spec("monthly", Date.UTC(2026, 10 - index, 1) / 1000));

const snapshot = ({ name, guid, creation }: Spec, index: number): Snapshot => ({
  name,
  guid,
  createtxg: creation as Txg,
  creation: creation as EpochSeconds,
  used: Math.round((0.02 + (index % 5) * 0.01) * GiB) as Bytes,
  referenced: Math.round((48 + index * 0.3) * GiB) as Bytes,
  written: Math.round((0.1 + (index % 7) * 0.06) * GiB) as Bytes,
});
const bookmark = (remote: string, { guid, creation }: Spec): Bookmark => ({
  name: `holdfast-${remote}-${guid}`,
  guid,
  createtxg: creation as Txg,
  creation: creation as EpochSeconds,
});

const dataset = (name: string, snapshots: readonly Spec[], more: Partial<Dataset> = {}): Dataset => ({
  name: name as DatasetName,
  type: "filesystem",
  guid: guid(),
  createtxg: 1 as Txg,
  used: (61 * GiB) as Bytes,
  referenced: (52 * GiB) as Bytes,
  available: (900 * GiB) as Bytes,
  written: 0 as Bytes,
  encryption: "off",
  mounted: true,
  own: { adopted: "on" },
  snapshots: [...snapshots].sort((a, b) => a.creation - b.creation).map(snapshot),
  bookmarks: [],
  ...more,
});
const placeholder = (name: string): Dataset => dataset(name, [], { own: { placeholder: "on" }, mounted: false });

const copy = (
  source: string,
  types: readonly string[],
  { guid: of, creation }: Spec,
  isPartial = false,
): RepositoryCopy => {
  const id = createHash("sha256").update(of).digest("hex");
  const isDirectory = source.includes(":/");
  return {
    id,
    time: new Date(creation * 1000).toISOString(),
    creation: creation as EpochSeconds,
    tree: id,
    host: "nas01",
    paths: [],
    tags: [
      ...tagsOf({
        source: source as Address,
        ...(isDirectory ? {} : { guid: of }),
        types: types as readonly TypeName[],
      }),
      "adopted",
      ...(isPartial ? ["partial"] : []),
    ],
    files: 1204,
    bytes: Math.round(1.3 * GiB) as Bytes,
  };
};

function inventory(): Inventory {
  const data = { hourly: hourlies(26), daily: dailies(15), monthly: monthlies(6) };
  const home = { hourly: hourlies(24), daily: dailies(14), monthly: monthlies(6) };
  const vm = { hourly: hourlies(24), daily: dailies(14), monthly: monthlies(1) };
  const media = { daily: dailies(7), monthly: monthlies(6) };
  const byHand = { name: "before-the-move", guid: guid(), creation: midnight - 190 * DAY };
  const there = [
    spec("daily", midnight - 3 * DAY + HOUR),
    { name: "manual-1", guid: guid(), creation: midnight - 2 * DAY },
  ];
  const [today, yesterday, third, fourth] = dailies(4) as [Spec, Spec, Spec, Spec];
  const homeCopies = [
    ...home.daily.map((one) => copy("nas01:tank/home", ["daily"], one)),
    ...home.monthly.slice(0, -1).map((one) => copy("nas01:tank/home", ["monthly"], one)),
  ];
  const etc = [today, yesterday, third, fourth].map((one) => copy("nas01:/etc", ["daily"], { ...one, guid: guid() }));
  const paperless = [third, fourth].map((one, index) =>
    copy("nas01:/srv/paperless", ["daily"], { ...one, guid: guid() }, index === 0),
  );
  const of = (all: Readonly<Record<string, readonly Spec[]>>): Spec[] => Object.values(all).flat();
  return {
    formatVersion: 1,
    observedAt: (NOW - 95) as EpochSeconds,
    hosts: {
      [nas]: {
        state: "observed",
        zfsVersion: "2.3.2",
        pools: ["tank"],
        roots: ["tank" as DatasetName, "usb" as DatasetName],
        datasets: [
          dataset("tank", [], { own: {} }),
          dataset("tank/data", [...of(data), byHand], {
            bookmarks: [bookmark("usb", spec("daily", midnight - 20 * DAY)), bookmark("vault", data.daily[1] as Spec)],
          }),
          dataset("tank/home", of(home), {
            bookmarks: [bookmark("vault", home.daily[0] as Spec), bookmark("usb", spec("daily", midnight - 20 * DAY))],
          }),
          dataset("tank/media", of(media), { bookmarks: [bookmark("vault", media.daily[0] as Spec)] }),
          dataset("tank/scratch", [], { own: {} }),
          dataset("tank/vm", of(vm), { bookmarks: [bookmark("vault", vm.daily[4] as Spec)] }),
        ],
      },
      ["vault" as HostName]: {
        state: "observed",
        zfsVersion: "2.1.11",
        pools: ["backup"],
        roots: ["backup" as DatasetName],
        datasets: [
          dataset("backup", [], { own: {} }),
          placeholder("backup/nas01"),
          placeholder("backup/nas01/tank"),
          dataset("backup/nas01/tank/data", [...data.daily.slice(1), ...data.monthly]),
          dataset("backup/nas01/tank/home", [...home.daily, ...home.monthly]),
          dataset("backup/nas01/tank/media", [...media.daily, ...media.monthly]),
          dataset("backup/nas01/tank/vm", [...vm.daily.slice(4), ...there]),
        ],
      },
    },
    repositories: {
      ["friend" as RepositoryKey]: {
        state: "observed",
        resticVersion: "0.18.0",
        id: "4c1f8a",
        chunkerPolynomial: "3d",
        copies: [...homeCopies, ...etc, ...paperless].sort((a, b) => a.creation - b.creation),
        locks: [],
      },
    },
    directories: {
      ["nas01:/etc" as Address]: { state: "present" },
      ["nas01:/srv/paperless" as Address]: { state: "present" },
    },
  };
}

const worst: readonly Health[] = ["ok", "suspended", "waiting", "away", "unknown", "overdue", "blocked", "failed"];
const worstOf = (all: readonly Health[]): Health =>
  all.reduce((a, b) => (worst.indexOf(a) >= worst.indexOf(b) ? a : b), "ok");

/** As `holdfast status` would say it, told from the plan. */
function statusOf(made: Plan, world: Inventory, text: string): Status {
  const manifest = valid(text, { hostname: "nas01" });
  const { sources, directories } = sourcesOf(manifest, world, {});
  const datasetAt = (at: AnyAt): Dataset | undefined => {
    const host = world.hosts[at.host];
    return host?.state === "observed" && "dataset" in at
      ? host.datasets.find(({ name }) => name === at.dataset)
      : undefined;
  };
  const place = (
    source: Address,
    remote: string | undefined,
    at: AnyAt,
    times: readonly { name: string; creation: EpochSeconds }[],
    due: number,
  ): PlaceStatus => {
    const newest = times.at(-1);
    const blocked = made.blocked.filter((one) => one.source === source && one.remote === remote);
    const pending = made.operations.filter((one) => one.source === source && "remote" in one && one.remote === remote);
    const isAway = made.unobserved.some((one) => one.expected && one.remote === remote);
    const old = newest === undefined ? undefined : ((NOW - newest.creation) as Seconds);
    const health: Health =
      blocked.length > 0
        ? "blocked"
        : isAway && remote !== undefined
          ? "away"
          : old === undefined || old > due
            ? "overdue"
            : remote !== undefined && pending.some(({ kind }) => kind === "send" || kind === "backup")
              ? "waiting"
              : "ok";
    return {
      at,
      health,
      ...(newest && old !== undefined && { newest: { name: newest.name, creation: newest.creation }, age: old }),
      dueWithin: due as Seconds,
      overdue: old === undefined || old > due,
      types: [{ type: "daily" as TypeName, count: times.length }],
      blocked: blocked.map(({ reason, message, remedies }) => ({ reason, message, remedies })),
      withheld: 0,
      ...(health === "ok"
        ? {}
        : { message: blocked[0]?.message ?? `the newest copy is ${Math.round((old ?? 0) / HOUR)} h old` }),
    };
  };
  const statuses = [...sources, ...directories].map((source): SourceStatus => {
    const isDirectory = "path" in source;
    const own = isDirectory
      ? undefined
      : place(
          source.address,
          undefined,
          { host: source.host, dataset: source.dataset },
          datasetAt({ host: source.host, dataset: source.dataset })?.snapshots ?? [],
          26 * HOUR,
        );
    const zfs = isDirectory
      ? []
      : source.copies.map((one): CopyStatus => {
          const at = { host: one.host, dataset: one.target };
          const usb = one.remote.name === "usb";
          const times = usb
            ? [{ name: "daily", creation: (midnight - 20 * DAY) as EpochSeconds }]
            : (datasetAt(at)?.snapshots ?? []);
          const told = place(source.address, one.remote.name, at, times, usb ? 35 * DAY : 26 * HOUR);
          const isWaiting = told.health === "waiting" || told.health === "away";
          return {
            ...told,
            remote: one.remote.name,
            kind: "zfs",
            waiting: {
              snapshots: isWaiting ? (usb ? 14 : 1) : 0,
              bytes: Math.round(isWaiting ? 1.2 * GiB : 0) as Bytes,
            },
          };
        });
    const restic = repositoryCopies(manifest, world, source).map(
      (one): CopyStatus => ({
        ...place(
          source.address,
          one.name,
          one.at,
          one.views.filter(({ isPartial }) => !isPartial),
          26 * HOUR,
        ),
        remote: one.name,
        kind: "restic",
        waiting: { snapshots: 0, bytes: 0 as Bytes },
      }),
    );
    const copies = [...zfs, ...restic];
    return {
      source: source.address,
      host: source.host,
      kind: isDirectory ? "directory" : "dataset",
      health: worstOf([...(own ? [own.health] : []), ...copies.map(({ health }) => health)]),
      suspended: false,
      ...(own && { own }),
      copies,
    };
  });
  return {
    formatVersion: 1,
    self: nas,
    manifestDigest: made.manifestDigest,
    observedAt: made.observedAt,
    now: made.now,
    health: worstOf(statuses.map(({ health }) => health)),
    complete: made.complete,
    unobserved: made.unobserved,
    sources: statuses,
    unprotected: 1,
    pending: made.summary,
  };
}

const ago = (seconds: number): string => new Date((NOW - seconds) * 1000).toISOString();

export function badDay(): ServiceView & {
  readonly plan: Plan;
  readonly status: Status;
  readonly inventory: Inventory;
} {
  const world = inventory();
  const made = plan(valid(MANIFEST, { hostname: "nas01" }), world, { now: NOW as EpochSeconds });
  const send = made.operations.find(({ kind }) => kind === "send");
  if (send === undefined) throw new Error("the plan sends nothing");
  return {
    startedAt: ago(9 * DAY),
    version: "0.1.0",
    self: nas,
    manifest: {
      path: "/etc/holdfast/holdfast.yaml",
      digest: made.manifestDigest,
      valid: true,
      loadedAt: ago(2 * DAY + 3 * HOUR),
    },
    ready: true,
    turnedAt: ago(4),
    nextLook: { at: ago(-206), reason: "every 5m" },
    inventory: world,
    plan: made,
    status: statusOf(made, world, MANIFEST),
    running: [
      {
        id: send.id,
        kind: "send",
        source: send.source,
        remote: "vault" as RemoteName,
        description: "send @daily-20261122T000000Z to vault:backup/nas01/tank/data",
        startedAt: ago(38),
        bytes: Math.round(0.52 * GiB) as Bytes,
        expected: Math.round(1.2 * GiB) as Bytes,
      },
    ],
    runs: runs(),
    suspended: ["nas01:/srv/paperless" as Address],
    observeSeconds: { [nas]: 0.4 as Seconds },
    lockHeld: true,
  };
}

function runs(): Run[] {
  const home = "nas01:tank/home" as Address;
  const paperless = "nas01:/srv/paperless" as Address;
  const clean = (hours: number): Run => ({
    id: `run-${hours}`,
    startedAt: ago(hours * HOUR + 9),
    finishedAt: ago(hours * HOUR),
    trigger: "due",
    sources: ["nas01:tank/data" as Address, home, "nas01:tank/vm" as Address],
    result: "clean",
    operations: ["nas01:tank/data" as Address, home].map((source, index) => ({
      id: `create-${index}`,
      kind: "create",
      source,
      description: "create @hourly-20261122T110000Z",
      outcome: "done",
      seconds: 0.2,
    })),
  });
  return [
    clean(0.07),
    {
      id: "run-failed",
      startedAt: ago(4 * HOUR + 31),
      finishedAt: ago(4 * HOUR),
      trigger: "retry",
      sources: [paperless],
      result: "failed",
      operations: [
        {
          id: "backup-1",
          kind: "backup",
          source: paperless,
          remote: "friend" as RemoteName,
          description: "back up to friend",
          outcome: "failed",
          seconds: 31,
          error: {
            message: "the repository friend could not be reached",
            command: "restic backup --json --host nas01 -- /srv/paperless",
            output:
              'Fatal: unable to open config file: Head "https://backup.example.net:8000/home/config":\ndial tcp: connect: connection refused',
            hint: "see whether the server runs; holdfast doctor tells more",
          },
        },
      ],
    },
    ...[1, 2, 3].map((hours) => clean(hours + 4.1)),
  ];
}

/** As many sources as wanted: those of the bad day, and healthy ones. */
export function manySources(count: number): ServiceView {
  const view = badDay();
  const [model] = view.status.sources.filter(({ kind }) => kind === "dataset");
  if (model === undefined) throw new Error("no source");
  const more = Array.from({ length: count }, (_, index): SourceStatus => {
    const host = `host${Math.floor(index / 100)}` as HostName;
    return {
      ...model,
      source: `${host}:tank/project-${index}` as Address,
      host,
      health: "ok",
      ...(model.own && { own: { ...model.own, health: "ok", blocked: [] } }),
      copies: model.copies.map((copy) => ({ ...copy, health: "ok", blocked: [] })),
    };
  });
  return { ...view, status: { ...view.status, sources: [...view.status.sources, ...more] } };
}

export interface FakeService extends ServiceSource {
  set(view: ServiceView): void;
  emit<K extends keyof ServiceEvents>(kind: K, event: ServiceEvents[K]): void;
  /** Listeners that are not ended. */
  listeners(): number;
  readonly asked: { readonly type?: string; readonly sources?: readonly string[] }[];
}

const REPORT: Report = {
  formatVersion: 1,
  manifestDigest: "0".repeat(64),
  startedAt: ago(1),
  finishedAt: ago(0),
  finished: true,
  operations: [],
};

export function fakeService(view: ServiceView, actions: Partial<ServiceActions> = {}): FakeService {
  let present = view;
  const listeners = new Set<{ kind: string; listener: (event: never) => void }>();
  const asked: FakeService["asked"] = [];
  return {
    view: () => present,
    on(kind, listener) {
      const entry = { kind, listener: listener as (event: never) => void };
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    actions: {
      snapshot: async (type, sources) => {
        asked.push({ type, ...(sources && { sources }) });
        return { report: REPORT, missed: [] };
      },
      reconcile: () => void asked.push({}),
      ...actions,
    },
    set: (next) => {
      present = next;
    },
    emit: (kind, event) => {
      for (const one of listeners) if (one.kind === kind) one.listener(event as never);
    },
    listeners: () => listeners.size,
    asked,
  };
}
