import type { DatasetEntry, Host, Manifest, SourceKeys, ZfsRemote } from "../../src/model/manifest.ts";
import type { DatasetName, HostName, RemoteName, Seconds } from "../../src/model/units.ts";

/** What a test says of a manifest; the rest does not matter to an inventory. */
export interface Sketch {
  readonly self: string | null;
  readonly hosts: readonly string[];
  readonly remotes?: Readonly<
    Record<string, { readonly host?: string; readonly root: string; readonly mode?: "push" | "pull" }>
  >;
  /** `HOST:DATASET` with its remotes, or remotes with an exact target. */
  readonly datasets: Readonly<Record<string, readonly string[] | Readonly<Record<string, string>>>>;
  readonly policies?: Readonly<Record<string, readonly string[]>>;
  readonly unprotected?: boolean;
}

export function manifest(sketch: Sketch): Manifest {
  const self = sketch.self as HostName | null;
  return {
    digest: "0",
    self,
    controller: self === null,
    timezone: "UTC",
    snapshotTypes: new Map(),
    hosts: new Map(sketch.hosts.map((name) => [name as HostName, host(name, name === self)])),
    remotes: new Map(
      Object.entries(sketch.remotes ?? {}).map(([name, keys]) => [name as RemoteName, remote(name, keys)]),
    ),
    mirrors: new Map(),
    policies: new Map(
      Object.entries(sketch.policies ?? {}).map(([name, remotes]) => [name, { remotes: copies(remotes) }]),
    ),
    defaults: {},
    datasets: Object.entries(sketch.datasets).map(([key, value]) => entry(key, value, sketch.policies ?? {})),
    directories: [],
    groups: [],
    service: { every: 300 as Seconds, jitter: 10 },
    guards: { destroyAtMost: { percent: 50, above: 5, total: 500 } },
    approvals: [],
    notifications: [],
    heartbeats: [],
    ...(sketch.unprotected && { unprotected: { report: "warn", ignore: [] } }),
  };
}

const host = (name: string, local: boolean): Host => ({
  name: name as HostName,
  local,
  address: name,
  port: 22,
  user: "root",
  hostKeys: [],
  sudo: false,
});

const remote = (name: string, keys: NonNullable<Sketch["remotes"]>[string]): ZfsRemote => ({
  name: name as RemoteName,
  type: "zfs",
  ...(keys.host !== undefined && { host: keys.host as HostName }),
  root: keys.root,
  mode: keys.mode ?? "push",
  deletions: "allow",
  raw: "auto",
  properties: {},
  excludeProperties: [],
  withProperties: true,
  compress: "off",
  removable: false,
  whileAway: "freeze",
});

function entry(
  key: string,
  value: Sketch["datasets"][string],
  policies: NonNullable<Sketch["policies"]>,
): DatasetEntry {
  const [host = "", dataset = ""] = key.split(":");
  const names: readonly string[] = Array.isArray(value) ? value : [];
  const policy = names.find((name) => name in policies);
  const keys: SourceKeys = {
    ...(policy !== undefined && { policy }),
    remotes: Array.isArray(value)
      ? copies(names.filter((name) => name !== policy))
      : new Map(Object.entries(value).map(([name, target]) => [name as RemoteName, { target: target as DatasetName }])),
  };
  return { key, pattern: { host, dataset }, keys, place: { file: "holdfast.yaml", line: 1, column: 1 } };
}

const copies = (names: readonly string[]): NonNullable<SourceKeys["remotes"]> =>
  new Map(names.map((name) => [name as RemoteName, {}]));
