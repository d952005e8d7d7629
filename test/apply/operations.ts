import type {
  BackupOperation,
  CreateOperation,
  DestroyOperation,
  Operation,
  Plan,
  Precondition,
} from "../../src/model/plan.ts";
import type {
  Address,
  Bytes,
  DatasetName,
  Guid,
  HostName,
  RemoteName,
  RepositoryKey,
  TypeName,
} from "../../src/model/units.ts";

/** Operations and plans with only what a test cares about. */

export const host = "nas" as HostName;
export const at = (dataset: string, on = "nas") => ({ host: on as HostName, dataset: dataset as DatasetName });
export const guid = (text: string | number) => String(text) as Guid;

interface Shape {
  readonly dependsOn?: readonly string[];
  readonly after?: readonly string[];
  readonly preconditions?: readonly Precondition[];
}

export function createOp(id: string, dataset: string, atomic: string, shape: Shape = {}): CreateOperation {
  return {
    id,
    kind: "create",
    source: `nas:${dataset}` as Address,
    at: at(dataset),
    reason: "",
    dependsOn: [],
    preconditions: [],
    type: "daily" as TypeName,
    name: `daily-${id}`,
    atomic,
    ...shape,
  };
}

export function destroyOp(id: string, dataset: string, shape: Shape = {}): DestroyOperation {
  return {
    id,
    kind: "destroy",
    source: `nas:${dataset}` as Address,
    at: at(dataset),
    reason: "",
    dependsOn: [],
    preconditions: [],
    type: "daily" as TypeName,
    snapshots: [{ name: "a", guid: guid(1), used: 0 as Bytes }],
    bytes: 0 as Bytes,
    ...shape,
  };
}

export function sendOp(id: string, dataset: string, shape: Shape = {}): Operation {
  return {
    id,
    kind: "send",
    source: `nas:${dataset}` as Address,
    remote: "vault" as RemoteName,
    at: at(`backup/${dataset}`, "vault"),
    from: at(dataset),
    reason: "",
    dependsOn: [],
    preconditions: [],
    datasetType: "filesystem",
    raw: false,
    withProperties: true,
    properties: {},
    excludeProperties: [],
    compress: "off",
    runsOn: host,
    base: null,
    to: { name: "a", guid: guid(1) },
    snapshots: [{ name: "a", guid: guid(1) }],
    estimate: 10 as Bytes,
    createParents: [],
    replacesPlaceholder: false,
    ...shape,
  };
}

export function backupOp(id: string, dataset: string, repository: string, shape: Shape = {}): BackupOperation {
  return {
    id,
    kind: "backup",
    source: `nas:${dataset}` as Address,
    remote: repository as RemoteName,
    at: { host, repository: repository as RepositoryKey },
    from: at(dataset),
    reason: "",
    dependsOn: [],
    name: `daily-${id}`,
    types: ["daily" as TypeName],
    parent: null,
    tags: [],
    ...shape,
    preconditions: [],
  };
}

export function planOf(operations: readonly Operation[]): Plan {
  return {
    formatVersion: 1,
    manifestDigest: "digest",
    self: host,
    observedAt: "2026-11-22T00:00:00.000Z",
    now: "2026-11-22T00:00:00.000Z",
    complete: true,
    unobserved: [],
    operations,
    blocked: [],
    kept: [],
    foreign: [],
    notes: [],
    summary: {
      create: 0,
      send: 0,
      sendBytes: 0 as Bytes,
      resume: 0,
      backup: 0,
      copy: 0,
      forget: 0,
      destroy: 0,
      destroyBytes: 0 as Bytes,
      other: 0,
      blocked: 0,
      kept: 0,
    },
  };
}
