import type { Inventory } from "./inventory.ts";
import type { OperationId, OperationKind, Plan, Unobserved } from "./plan.ts";
import type { EngineEvents, FileProgress, OperationReport, Report } from "./report.ts";
import type { Status } from "./status.ts";
import type { Address, Bytes, HostName, RemoteName, Seconds, TypeName } from "./units.ts";

/** What the running service knows, at one moment. Replaced as a whole, never changed: whoever has one may keep it. */
export interface ServiceView {
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
  /** ISO 8601, UTC: when it will look again by itself, and why. */
  readonly nextLook?: { readonly at: string; readonly reason: string };
  /** Absent until the first look. */
  readonly inventory?: Inventory;
  readonly plan?: Plan;
  readonly status?: Status;
  readonly running: readonly RunningOperation[];
  /** Newest first; a few hundred at most. */
  readonly runs: readonly Run[];
  /** Sources that were suspended at once, without a commit. */
  readonly suspended: readonly Address[];
  /** Seconds of the last look at each host. */
  readonly observeSeconds: Readonly<Record<HostName, Seconds>>;
  readonly lockHeld: boolean;
}

export interface ManifestState {
  readonly path: string;
  /** Of the one in force. */
  readonly digest: string;
  /** False while what is in the file is not valid: the last good one stays in force. */
  readonly valid: boolean;
  /** ISO 8601, UTC: when the one in force was read. */
  readonly loadedAt: string;
  /** What is wrong with the file, as people read it. */
  readonly error?: string;
  /** This machine no longer allows what the one in force does: nothing more is started, nor looked at. */
  readonly stopped?: true;
  /** Where a git repository is followed. */
  readonly commit?: string;
  /** Why it cannot be asked for a newer commit now; the one in force stays. */
  readonly unreachable?: string;
}

export interface RunningOperation {
  readonly id: OperationId;
  readonly kind: OperationKind;
  readonly source: Address;
  readonly remote?: RemoteName;
  readonly description: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly bytes?: Bytes;
  readonly expected?: Bytes;
  readonly files?: FileProgress;
}

/** One pass over some sources in which something was done, or failed. Of many operations a hundred, first what did not go well. */
export interface Run {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** What it was for: `due`, `manifest`, `retry`, `asked`, `interval`. */
  readonly trigger: string;
  readonly sources: readonly Address[];
  readonly result: PassResult;
  readonly operations: readonly OperationReport[];
}

export type PassResult = "clean" | "waiting" | "failed" | "blocked";

/** What happens in the service: metrics, HTTP, log and notifications listen. */
export interface ServiceEvents extends EngineEvents {
  /** A pass over one source ended. */
  reconciled: { readonly source: Address; readonly result: PassResult; readonly seconds: Seconds };
  /** What a pass did with one source, as soon as nothing more of that is to come; what else it does may take days. */
  tried: readonly OperationReport[];
  /** A pass ended in which something was done or failed. */
  ran: Run;
  /** The status was worked out anew. */
  assessed: { readonly status: Status; readonly plan: Plan };
  manifest: ManifestState;
  /** Anything in the view is new; often, while something runs. */
  changed: ServiceView;
}

/** What the parts of the service see of it. */
export interface ServiceSource {
  view(): ServiceView;
  /** Returns what ends it. A listener must not throw. */
  on<K extends keyof ServiceEvents>(kind: K, listener: (event: ServiceEvents[K]) => void): () => void;
  readonly actions: ServiceActions;
}

/** What came of snapshots that were asked for. */
export interface Taken {
  readonly report: Report;
  /** What could not be seen: nothing was taken there. */
  readonly missed: readonly Unobserved[];
}

export interface ServiceActions {
  /** Takes one snapshot now; of all sources where none is named. */
  snapshot(type: TypeName, sources?: readonly Address[]): Promise<Taken>;
  /** Looks again now. */
  reconcile(): void;
}
