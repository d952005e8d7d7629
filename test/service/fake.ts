import type { Inventory } from "../../src/model/inventory.ts";
import type { BlockedReason, Operation, Plan } from "../../src/model/plan.ts";
import type { OperationReport } from "../../src/model/report.ts";
import type { Run, ServiceView } from "../../src/model/service.ts";
import {
  type CopyStatus,
  type Health,
  type PlaceStatus,
  type SourceStatus,
  type Status,
  worst,
} from "../../src/model/status.ts";
import type { Address, Bytes, EpochSeconds, HostName, RemoteName, Seconds, TypeName } from "../../src/model/units.ts";
import { type OneRun, oneRun } from "../../src/service/one-run.ts";
import * as plans from "../render/plans.ts";

/** A service that is told what to know: three sources, of which one is late, one is blocked, and one has a hostile name. */

export const nas = "nas01" as HostName;
const DAY = 86_400;
const iso = (at: number): string => new Date(at * 1000).toISOString();

export const place = (now: number, age: number | undefined, more: Partial<PlaceStatus> = {}): PlaceStatus => ({
  at: { host: nas, dataset: "tank/data" as never },
  health: "ok",
  overdue: false,
  ...(age !== undefined && { newest: { name: "daily", creation: (now - age) as EpochSeconds }, age: age as Seconds }),
  types: [
    {
      type: "daily" as TypeName,
      count: age === undefined ? 0 : 7,
      ...(age !== undefined && { newest: (now - age) as EpochSeconds }),
    },
  ],
  blocked: [],
  withheld: 0,
  ...more,
});

export const copy = (
  remote: string,
  kind: CopyStatus["kind"],
  rest: PlaceStatus,
  more: Partial<CopyStatus> = {},
): CopyStatus => ({
  ...rest,
  remote: remote as RemoteName,
  kind,
  waiting: { snapshots: 0, bytes: 0 as Bytes },
  ...more,
});

export const blockedBy = (reason: BlockedReason) => ({
  health: "blocked" as Health,
  blocked: [{ reason, message: "2 snapshots exist only there", remedies: ["apply --resolve vault=rollback"] }],
});

export const source = (name: string, own: PlaceStatus | undefined, copies: readonly CopyStatus[]): SourceStatus => ({
  source: `${nas}:${name}` as Address,
  host: nas,
  kind: own ? "dataset" : "directory",
  health: worst([...(own ? [own] : []), ...copies].map(({ health }) => health)),
  suspended: false,
  ...(own && { own }),
  copies,
});

export function statusOf(now: number, sources: readonly SourceStatus[], more: Partial<Status> = {}): Status {
  return {
    formatVersion: 1,
    self: nas,
    manifestDigest: "d".repeat(64),
    observedAt: iso(now),
    now: iso(now),
    health: worst(sources.map(({ health }) => health)),
    complete: true,
    unobserved: [],
    sources,
    unprotected: 2,
    pending: plans.typical.summary,
    ...more,
  };
}

export const threeSources = (now: number): SourceStatus[] => [
  source("tank/data", place(now, 600), [
    copy("vault", "zfs", place(now, 3 * DAY, { health: "overdue", overdue: true, dueWithin: (2 * DAY) as Seconds }), {
      waiting: { snapshots: 3, bytes: 5_000_000 as Bytes },
    }),
  ]),
  source("tank/vm", place(now, 600, { withheld: 4, ...blockedBy("withheld") }), [
    copy("vault", "zfs", place(now, 2 * DAY, blockedBy("diverged"))),
  ]),
  source('/srv/wéb "x"\\n', undefined, [
    copy("usb", "restic", repository("usb", place(now, 3600)), { verified: (now - 10 * DAY) as EpochSeconds }),
    copy("cloud", "mirror", repository("cloud", place(now, undefined, { health: "unknown" }))),
  ]),
];

const repository = (key: string, rest: PlaceStatus): PlaceStatus => ({
  ...rest,
  at: { host: nas, repository: key as never },
});

export const sent = (more: Partial<OperationReport> = {}): OperationReport => ({
  id: "send-1",
  kind: "send",
  source: `${nas}:tank/data` as Address,
  remote: "vault" as RemoteName,
  description: "send",
  outcome: "done",
  seconds: 42,
  bytes: 1_000_000 as Bytes,
  ...more,
});

export const ran = (finishedAt: number, ...operations: OperationReport[]): Run => ({
  id: String(finishedAt),
  startedAt: iso(finishedAt - 60),
  finishedAt: iso(finishedAt),
  trigger: "due",
  sources: [`${nas}:tank/data` as Address],
  result: "clean",
  operations,
});

export function viewOf(now: number, more: Partial<ServiceView> = {}): ServiceView {
  return {
    startedAt: iso(now - DAY),
    version: "0.1.0",
    self: nas,
    manifest: { path: "/etc/holdfast/holdfast.yaml", digest: "d".repeat(64), valid: true, loadedAt: iso(now - DAY) },
    ready: true,
    turnedAt: iso(now),
    inventory: { formatVersion: 1, observedAt: now as EpochSeconds, hosts: {} } satisfies Inventory,
    plan: planOf(plans.create, plans.send),
    status: statusOf(now, threeSources(now)),
    running: [],
    runs: [],
    suspended: [],
    observeSeconds: { [nas]: 1.5 as Seconds },
    lockHeld: true,
    ...more,
  };
}

const planOf = (...operations: Operation[]): Plan => ({ ...plans.typical, operations });

/** What a service has before it has looked. */
export function newView(now: number): ServiceView {
  const { inventory: _, plan: __, status: ___, ...rest } = viewOf(now);
  return { ...rest, ready: false, observeSeconds: {} };
}

/** Shows a view, and tells of it as a service does after each look. */
export function assessed(service: OneRun, view: ServiceView): void {
  service.show(view);
  if (view.status && view.plan) service.emit("assessed", { status: view.status, plan: view.plan });
}

export const fakeService = (view: ServiceView): OneRun => oneRun(view);
