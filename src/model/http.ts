import type { Summary } from "./plan.ts";
import type { ManifestState, Run, RunningOperation, ServiceView } from "./service.ts";
import type { Health, Status } from "./status.ts";
import type { Address, HostName } from "./units.ts";

/** Answer of `GET /api/v1/service`, and the event `service`: the service itself, without what it knows of the sources. */
export interface ServiceState {
  readonly formatVersion: 1;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly version: string;
  /** `null` for a controller. */
  readonly self: HostName | null;
  readonly manifest: ManifestState;
  /** The first full observation is done. */
  readonly ready: boolean;
  /** ISO 8601, UTC: the loop's last turn. */
  readonly turnedAt: string;
  /** When it will look again by itself, and why. */
  readonly nextLook?: { readonly at: string; readonly reason: string };
  readonly running: readonly RunningOperation[];
  /** Sources that were suspended at once, without a commit. */
  readonly suspended: readonly Address[];
  readonly lockHeld: boolean;
}

/** Answer of `GET /api/v1/runs`: what was done lately, newest first. */
export interface Runs {
  readonly formatVersion: 1;
  readonly runs: readonly Run[];
}

/** The event `assessed`: how everything is, in short. The whole is at `/api/v1/status`. */
export interface Assessment {
  /** ISO 8601, UTC: when the inventory was taken. */
  readonly observedAt: string;
  /** ISO 8601, UTC: the clock that ages are judged by. */
  readonly now: string;
  readonly health: Health;
  readonly complete: boolean;
  /** How many sources are how; what none is, is not in it. */
  readonly sources: Readonly<Partial<Record<Health, number>>>;
  readonly pending: Summary;
}

/** What every answer of the service that is an error says. */
export interface HttpProblem {
  /** What is the matter. */
  readonly error: string;
  /** What to do next. */
  readonly hint: string;
}

export const stateOf = ({ inventory, plan, status, runs, observeSeconds, ...state }: ServiceView): ServiceState => ({
  formatVersion: 1,
  ...state,
});

export function assessmentOf({ observedAt, now, health, complete, sources, pending }: Status): Assessment {
  const counts: Partial<Record<Health, number>> = {};
  for (const source of sources) counts[source.health] = (counts[source.health] ?? 0) + 1;
  return { observedAt, now, health, complete, sources: counts, pending };
}
