import type { Blocked, DestroyedSnapshot, Operation, Plan, SendOperation, SnapshotRef } from "../../src/model/plan.ts";
import type { Address, Bytes, DatasetName, Guid, HostName, RemoteName, TypeName } from "../../src/model/units.ts";

/** Plans made by hand for what people read; each shows one thing that a plan can say. */

export const GiB = 1024 ** 3;
export const MiB = 1024 ** 2;
export const bytes = (value: number) => Math.round(value) as Bytes;
export const nas = "nas01" as HostName;
export const vault = "vault" as RemoteName;

export const at = (host: string, dataset: string) => ({ host: host as HostName, dataset: dataset as DatasetName });
export const source = (dataset: string, host = "nas01") => `${host}:${dataset}` as Address;
const guid = (value: number | string) => String(value) as Guid;
const ref = (name: string, id: number): SnapshotRef => ({ name, guid: guid(id) });
export const destroyed = (name: string, id: number, used: number): DestroyedSnapshot => ({
  name,
  guid: guid(id),
  used: bytes(used),
});

const copyOf = (dataset: string) => at("vault", `tank/backups/nas01/${dataset}`);

const hourlies = Array.from({ length: 23 }, (_, index) =>
  destroyed(`hourly-20261120T${String(index + 1).padStart(2, "0")}0000Z`, 7000 + index, (310 / 23) * MiB),
);

export const create: Operation = {
  id: "create-1",
  kind: "create",
  source: source("tank/data"),
  at: at("nas01", "tank/data"),
  reason: "daily is due since 00:00",
  dependsOn: [],
  preconditions: [{ kind: "dataset", ...at("nas01", "tank/data"), guid: guid(1) }],
  type: "daily" as TypeName,
  name: "daily-20261122T000000Z",
  atomic: "nas01/tank/daily",
};

const stream = {
  from: at("nas01", "tank/data"),
  datasetType: "filesystem" as const,
  raw: false,
  withProperties: true,
  properties: { readonly: "on", canmount: "noauto" },
  excludeProperties: ["mountpoint"],
  compress: "off" as const,
  runsOn: nas,
};

export const send: SendOperation = {
  ...stream,
  id: "send-1",
  kind: "send",
  source: source("tank/data"),
  remote: vault,
  at: copyOf("tank/data"),
  reason: "vault keeps 60 daily",
  dependsOn: ["create-1"],
  preconditions: [
    { kind: "follows", ...copyOf("tank/data"), base: ref("daily-20261120T000000Z", 20), extras: [] },
    { kind: "token", ...copyOf("tank/data"), token: null },
  ],
  base: ref("daily-20261120T000000Z", 20),
  to: { name: "daily-20261122T000000Z", createdBy: "create-1" },
  snapshots: [ref("daily-20261121T000000Z", 21), { name: "daily-20261122T000000Z", createdBy: "create-1" }],
  estimate: bytes(1.2 * GiB),
  createParents: [],
  replacesPlaceholder: false,
};

export const resume: Operation = {
  ...stream,
  id: "resume-1",
  kind: "resume",
  source: source("tank/data"),
  remote: vault,
  at: copyOf("tank/data"),
  reason: "a transfer was cut",
  dependsOn: [],
  preconditions: [{ kind: "token", ...copyOf("tank/data"), token: "1-abc" }],
  token: "1-abc",
  to: ref("weekly-20261115T000000Z", 15),
  base: { guid: guid(14) },
  received: bytes(4.1 * GiB),
  remaining: bytes(5.7 * GiB),
  replacesPlaceholder: false,
  mayDiscard: true,
};

export const destroy: Operation = {
  id: "destroy-1",
  kind: "destroy",
  source: source("tank/data"),
  at: at("nas01", "tank/data"),
  reason: "beyond hourly: 24",
  dependsOn: ["create-1", "send-1"],
  preconditions: [],
  type: "hourly" as TypeName,
  snapshots: hourlies,
  bytes: bytes(310 * MiB),
};

export const diverged: Blocked = {
  source: source("tank/vm"),
  remote: vault,
  at: copyOf("tank/vm"),
  reason: "diverged",
  message: "2 snapshots exist only there",
  evidence: ["@manual-1 (guid 1234), @test (guid 9876)"],
  remedies: [
    "apply --resolve vault=rollback --target tank/vm",
    "an approval in the manifest",
    "rename the dataset there",
  ],
  resolvable: ["rollback", "replace"],
};

export const plan = (parts: Partial<Plan>): Plan => ({
  formatVersion: 1,
  manifestDigest: "0".repeat(64),
  self: nas,
  observedAt: "2026-11-22T00:05:00Z",
  now: "2026-11-22T00:05:00Z",
  complete: true,
  unobserved: [],
  operations: [],
  blocked: [],
  kept: [],
  foreign: [],
  notes: [],
  summary: {
    create: 0,
    send: 0,
    sendBytes: bytes(0),
    resume: 0,
    backup: 0,
    copy: 0,
    forget: 0,
    destroy: 0,
    destroyBytes: bytes(0),
    other: 0,
    blocked: 0,
    kept: 187,
  },
  ...parts,
});

/** The plan of the design's page on output. */
export const typical = plan({
  operations: [create, send, resume, destroy],
  blocked: [diverged],
  kept: [
    {
      source: source("tank/data"),
      snapshots: ["daily-20261120T000000Z", "daily-20261121T000000Z"],
      reason: "count",
      detail: "daily: 14",
    },
    { source: source("tank/data"), snapshots: ["daily-20261120T000000Z"], reason: "base", detail: "vault" },
    { source: source("tank/vm"), remote: vault, snapshots: ["manual-1", "test"], reason: "blocked", detail: "" },
  ],
  summary: {
    create: 1,
    send: 1,
    sendBytes: bytes(1.2 * GiB),
    resume: 1,
    backup: 0,
    copy: 0,
    forget: 0,
    destroy: 23,
    destroyBytes: bytes(310 * MiB),
    other: 0,
    blocked: 1,
    kept: 187,
  },
});

export const empty = plan({});

/** Every kind of operation and entry that `typical` does not have. */
export const everything = plan({
  complete: false,
  unobserved: [
    {
      host: "attic" as HostName,
      remote: "attic" as RemoteName,
      reason: "connect ETIMEDOUT 10.0.0.9:22",
      expected: false,
    },
    { host: nas, pool: "usb", remote: "usb" as RemoteName, reason: "pool usb is not imported", expected: true },
  ],
  operations: [
    {
      id: "adopt-1",
      kind: "adopt",
      source: source("tank/db"),
      at: at("nas01", "tank/db"),
      reason: "first contact",
      dependsOn: [],
      preconditions: [],
    },
    {
      id: "discard-1",
      kind: "discard",
      source: source("tank/db"),
      remote: vault,
      at: copyOf("tank/db"),
      reason: "its snapshot is gone at the source",
      dependsOn: [],
      preconditions: [],
      bytes: bytes(700 * MiB),
    },
    {
      id: "rollback-1",
      kind: "rollback",
      source: source("tank/db"),
      remote: vault,
      at: copyOf("tank/db"),
      reason: "--resolve vault=rollback",
      dependsOn: [],
      preconditions: [],
      to: ref("daily-20261120T000000Z", 20),
      destroys: [destroyed("manual-1", 31, MiB), destroyed("manual-2", 32, MiB), destroyed("manual-3", 33, MiB)],
      unbookmarks: [{ name: "cursor", guid: "33" as Guid }],
      bytes: bytes(3 * MiB),
    },
    {
      ...send,
      id: "send-2",
      source: source("tank/db"),
      at: copyOf("tank/db"),
      base: null,
      to: ref("monthly-20261001T000000Z", 40),
      snapshots: [ref("monthly-20261001T000000Z", 40)],
      estimate: bytes(9 * GiB),
      dependsOn: [],
      createParents: ["tank/backups/nas01" as DatasetName],
    },
    {
      ...send,
      id: "send-3",
      source: source("tank/db"),
      at: copyOf("tank/db"),
      base: ref("monthly-20261001T000000Z", 40),
      to: ref("daily-20261120T000000Z", 20),
      snapshots: [ref("daily-20261119T000000Z", 19), ref("daily-20261120T000000Z", 20)],
      estimate: bytes(0.5 * GiB),
      dependsOn: ["send-2"],
    },
    {
      id: "replace-1",
      kind: "replace",
      source: source("tank/www", "nas02"),
      remote: vault,
      at: at("vault", "tank/backups/nas02/tank/www"),
      reason: "approved until 2026-12-01 (holdfast.yaml:40)",
      dependsOn: [],
      preconditions: [],
      datasetType: "filesystem",
      renameTo: "tank/backups/nas02/tank/www.replaced-20261122" as DatasetName,
    },
    {
      ...send,
      id: "send-4",
      source: source("tank/www", "nas02"),
      at: at("vault", "tank/backups/nas02/tank/www"),
      base: null,
      to: ref("daily-20261120T000000Z", 50),
      snapshots: [ref("daily-20261120T000000Z", 50)],
      estimate: bytes(12.3 * GiB),
      dependsOn: ["replace-1"],
    },
    {
      id: "bookmark-1",
      kind: "bookmark",
      source: source("tank/db"),
      remote: vault,
      at: at("nas01", "tank/db"),
      reason: "base of the next increment",
      dependsOn: ["send-3"],
      preconditions: [],
      bookmark: "holdfast-vault-20",
      of: ref("daily-20261120T000000Z", 20),
    },
    {
      id: "bookmark-2",
      kind: "bookmark",
      source: source("tank/db"),
      remote: "usb" as RemoteName,
      at: at("nas01", "tank/db"),
      reason: "base of the next increment",
      dependsOn: ["send-3"],
      preconditions: [],
      bookmark: "holdfast-usb-20",
      of: ref("daily-20261120T000000Z", 20),
      fromBookmark: "holdfast-vault-20",
    },
    {
      id: "unbookmark-1",
      kind: "unbookmark",
      source: source("tank/db"),
      remote: vault,
      at: at("nas01", "tank/db"),
      reason: "a newer one is there",
      dependsOn: ["bookmark-1"],
      preconditions: [],
      bookmarks: [{ name: "holdfast-vault-12", guid: guid(12) }],
    },
    {
      ...destroy,
      id: "destroy-2",
      source: source("tank/db"),
      remote: vault,
      at: copyOf("tank/db"),
      snapshots: hourlies.slice(0, 2),
      bytes: bytes(2 * MiB),
    } as Operation,
    {
      id: "orphan-1",
      kind: "destroy-orphan",
      source: source("tank/old"),
      remote: vault,
      at: copyOf("tank/old"),
      reason: "approved until 2026-12-01 (holdfast.yaml:41)",
      dependsOn: [],
      preconditions: [],
      snapshots: [destroyed("daily-20250101T000000Z", 60, GiB)],
      bytes: bytes(GiB),
    },
  ],
  blocked: [
    {
      source: source("tank/home"),
      at: at("nas01", "tank/home"),
      reason: "withheld",
      message: "19 of 24 hourly would go, more than 50 %",
      evidence: ["guards.destroyAtMost: percent 50, above 5"],
      remedies: ["apply --allow-destroy 23", "an approval in the manifest"],
      withheld: { type: "hourly" as TypeName, snapshots: hourlies, bytes: bytes(310 * MiB) },
    },
    {
      source: source("tank/home"),
      remote: vault,
      at: copyOf("tank/home"),
      reason: "no-common-base",
      message: "no snapshot is on both sides",
      evidence: ["newest there: @daily-20200101T000000Z (guid 5)", "oldest here: @daily-20261001T000000Z (guid 9)"],
      remedies: ["apply --resolve vault=replace --target tank/home"],
      waiting: { snapshots: 14, bytes: bytes(3.5 * GiB) },
      resolvable: ["replace"],
    },
  ],
  foreign: [
    { source: source("tank/db"), snapshots: ["before-upgrade", "manual 1"] },
    { source: source("tank/db"), remote: vault, snapshots: ["kept-by-hand"] },
  ],
  notes: [
    { kind: "unprotected", at: at("nas01", "tank/scratch"), message: "no entry of the manifest matches it" },
    {
      kind: "orphan",
      at: at("vault", "tank/backups/nas01/tank/gone"),
      remote: vault,
      message: "nas01:tank/gone is gone; 12 snapshots, 4.4 GiB stay until an approval names the copy",
    },
  ],
  summary: {
    create: 0,
    send: 4,
    sendBytes: bytes(21.8 * GiB),
    resume: 0,
    backup: 0,
    copy: 0,
    forget: 0,
    destroy: 6,
    destroyBytes: bytes(1.01 * GiB),
    other: 7,
    blocked: 2,
    kept: 12_345,
  },
});

/** Names from outside that try to forge lines, tables, links and colours. */
const HOSTILE = "x\u001b[2J\n| **bold** | `code` <img src=x onerror=alert(1)> @everyone [a](http://b) \u202e</details>";
export const hostile = plan({
  operations: [
    { ...create, name: HOSTILE, reason: HOSTILE } as Operation,
    { ...send, at: at("vault", HOSTILE), to: ref(HOSTILE, 2), snapshots: [ref(HOSTILE, 2)] },
  ],
  blocked: [{ ...diverged, message: HOSTILE, evidence: [HOSTILE], remedies: [HOSTILE] }],
  foreign: [{ source: source("tank/data"), snapshots: [HOSTILE] }],
  notes: [{ kind: "unprotected", at: at("nas01", "tank/scratch"), message: HOSTILE }],
  kept: [{ source: source("tank/data"), snapshots: [HOSTILE], reason: "held", detail: HOSTILE }],
});
