import type { OnEvent } from "../apply/engine.ts";
import type { Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import type { Plan } from "../model/plan.ts";
import type { Report } from "../model/report.ts";
import type { Address, HostName, Seconds, TypeName } from "../model/units.ts";

/** Where the work on one manifest is done: the service's only way to the outside. */
export interface Workshop {
  readonly manifest: Manifest;
  /** What there is, and what should be done about it. Rejects when it was ended, or for what is no host's fault. */
  look(signal: AbortSignal): Promise<Look>;
  /** Undefined where another Holdfast is at work on one of the hosts: `reason` says which. */
  lock(signal: AbortSignal): Promise<Held | { readonly reason: string }>;
  /** Runs operations of a plan; never rejects for what they do. */
  run(plan: Plan, means: RunMeans): Promise<Report>;
  /** One snapshot now. Rejects with `Refused` where the type, or a source, is none. */
  planSnapshot(type: TypeName, sources: readonly Address[] | undefined, signal: AbortSignal): Promise<Plan>;
  /** Once nothing of it is used any more. */
  close(): Promise<void>;
}

export interface Held {
  release(): void;
}

export interface Look {
  readonly inventory: Inventory;
  readonly plan: Plan;
  readonly observeSeconds: Readonly<Record<HostName, Seconds>>;
}

export interface RunMeans {
  readonly signal: AbortSignal;
  readonly urgent: AbortSignal;
  readonly superseded: AbortSignal;
  readonly onEvent: OnEvent;
}

/** What was asked for is not to be had: told to whoever asked, and nothing is wrong with the service. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
