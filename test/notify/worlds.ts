import type { Manifest, Notification } from "../../src/model/manifest.ts";
import type { Plan, Summary } from "../../src/model/plan.ts";
import type { OperationReport } from "../../src/model/report.ts";
import type { ServiceEvents, ServiceSource, ServiceView } from "../../src/model/service.ts";
import type { CopyStatus, Health, PlaceStatus, Status } from "../../src/model/status.ts";
import type { Address, EpochSeconds, HostName, RemoteName } from "../../src/model/units.ts";

export const HOUR = 3600;
export const DAY = 24 * HOUR;
const START = (Date.UTC(2026, 10, 22, 12) / 1000) as EpochSeconds;
export const at = (seconds: number): EpochSeconds => (START + seconds) as EpochSeconds;

const none: Summary = {
  ...{ create: 0, send: 0, sendBytes: 0, resume: 0, backup: 0, copy: 0, forget: 0 },
  ...{ destroy: 0, destroyBytes: 0, other: 0, blocked: 0, kept: 0 },
} as Summary;

type Overrides = Partial<PlaceStatus>;

const place = (dataset: string, host: string, rest: Overrides): PlaceStatus =>
  ({ at: { host, dataset }, health: "ok", types: [], blocked: [], withheld: 0, ...rest }) as PlaceStatus;

/** `nas:tank/data` with its copy on `vault`, unless told otherwise. */
export function status(
  copy: Overrides = {},
  rest: { own?: Overrides; more?: Partial<Status>; source?: string } = {},
): Status {
  const { own = {}, more = {}, source = "tank/data" } = rest;
  const copies = [
    { ...place(`b/${source}`, "vault", copy), remote: "vault", kind: "zfs", waiting: { snapshots: 0, bytes: 0 } },
  ] as unknown as CopyStatus[];
  const health: Health = copy.health ?? own.health ?? "ok";
  return {
    formatVersion: 1,
    self: "nas" as HostName,
    manifestDigest: "d",
    observedAt: "2026-11-22T12:00:00.000Z",
    now: "2026-11-22T12:00:00.000Z",
    health,
    complete: true,
    unobserved: [],
    sources: [
      {
        source: `nas:${source}` as Address,
        host: "nas" as HostName,
        kind: "dataset",
        health,
        suspended: false,
        own: place(source, "nas", own),
        copies,
      },
    ],
    unprotected: 0,
    pending: none,
    ...more,
  };
}

export const blockedCopy: Overrides = {
  health: "blocked",
  message: "diverged: 2 snapshots exist only there",
  blocked: [
    {
      reason: "diverged",
      message: "2 snapshots exist only there",
      remedies: ["holdfast apply --resolve vault=rollback"],
    },
  ],
};
export const overdueCopy: Overrides = { health: "overdue", age: (3 * DAY) as never, dueWithin: (26 * HOUR) as never };

export const plan = (rest: Partial<Plan> = {}): Plan => ({
  formatVersion: 1,
  manifestDigest: "d",
  self: "nas" as HostName,
  observedAt: "2026-11-22T12:00:00.000Z",
  now: "2026-11-22T12:00:00.000Z",
  complete: true,
  unobserved: [],
  operations: [],
  blocked: [],
  kept: [],
  foreign: [],
  notes: [],
  summary: none,
  ...rest,
});

export const operation = (
  outcome: OperationReport["outcome"],
  rest: Partial<OperationReport> = {},
): OperationReport => ({
  id: "send-1",
  kind: "send",
  source: "nas:tank/data" as Address,
  remote: "vault" as RemoteName,
  description: "send @daily",
  outcome,
  seconds: 3,
  ...(outcome === "failed" && { error: { message: "vault: connection lost", hint: "holdfast doctor" } }),
  ...rest,
});

/** A plan that still wants what failed. */
export const wanting = plan({
  operations: [{ kind: "send", source: "nas:tank/data", remote: "vault" }] as unknown as Plan["operations"],
});

/** A service that says what it is told to say. */
export function fakeService(path = "/etc/holdfast/holdfast.yaml") {
  const listeners = new Map<string, Set<(event: never) => void>>();
  const service: ServiceSource = {
    view: () => ({ manifest: { path } }) as ServiceView,
    on(kind, listener) {
      const all = listeners.get(kind) ?? new Set();
      listeners.set(kind, all.add(listener));
      return () => all.delete(listener);
    },
    actions: { snapshot: () => Promise.reject(new Error("not here")), reconcile: () => undefined },
  };
  const emit = <K extends keyof ServiceEvents>(kind: K, event: ServiceEvents[K]): void => {
    for (const listener of listeners.get(kind) ?? []) listener(event as never);
  };
  return {
    service,
    emit,
    listeners: () => [...listeners.values()].reduce((sum, { size }) => sum + size, 0),
    assessed: (one: Status, its: Plan = plan()) => emit("assessed", { status: one, plan: its }),
    tried: (...operations: OperationReport[]) => emit("tried", operations),
  };
}

export const manifestWith = (rest: Partial<Pick<Manifest, "notifications" | "heartbeats">>): Manifest =>
  ({ self: "nas", notifications: [], heartbeats: [], ...rest }) as unknown as Manifest;

export const EVERYTHING: Pick<Notification, "events" | "remind"> = {
  events: ["failed", "recovered", "blocked", "overdue"],
  remind: DAY as never,
};
