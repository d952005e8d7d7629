import type { Operation } from "../model/plan.ts";
import type { EngineEvents, OperationReport } from "../model/report.ts";
import type { Run, RunningOperation, ServiceView } from "../model/service.ts";
import type { LastSeen, Status } from "../model/status.ts";
import type { Address } from "../model/units.ts";
import type { Attempts as LastAttempt } from "../planner/status-facts.ts";
import type { Attempts } from "./attempts.ts";
import { type Clock, isoOf } from "./clock.ts";
import { allConditions, type Conditions, placeKey, withConditions } from "./conditions.ts";
import { type HistoryFile, withRun } from "./history.ts";
import { withAttempt } from "./last-attempts.ts";
import type { KnownSource } from "./sources.ts";
import type { Look } from "./workshop.ts";

/** What the last look saw. */
export interface Seen {
  readonly look: Look;
  readonly sources: readonly KnownSource[];
  /** By the machine's clock: when it began to look. */
  readonly at: number;
}

type Shown = Pick<
  ServiceView,
  "ready" | "inventory" | "plan" | "status" | "running" | "runs" | "suspended" | "observeSeconds"
>;

/** What was seen last, what runs, what has run, and the conditions that follow from it. Nothing is decided by it. */
export class Picture {
  readonly #clock: Clock;
  readonly #history: HistoryFile;
  readonly #attempts: Attempts;
  readonly #running = new Map<string, RunningOperation>();
  #seen: Seen | undefined;
  #status: Status | undefined;
  #conditions: Conditions;
  /** Something has happened that the conditions do not know of. */
  #isOutdated = false;
  #whole: { readonly status: Status; readonly conditions: Conditions; readonly together: Status } | undefined;
  #runs: readonly Run[];
  #lastAttempts: readonly LastAttempt[];
  #lastSeen: readonly LastSeen[];
  #runNumber = 0;

  constructor(clock: Clock, history: HistoryFile, attempts: Attempts) {
    this.#clock = clock;
    this.#history = history;
    this.#attempts = attempts;
    const { runs, conditions, lastAttempts, lastSeen } = history.load();
    this.#runs = runs;
    this.#conditions = conditions;
    this.#lastAttempts = lastAttempts;
    this.#lastSeen = lastSeen;
  }

  /** What failed the last time it was tried, newest first. */
  get lastAttempts(): readonly LastAttempt[] {
    return this.#lastAttempts;
  }

  /** What every place was last seen to have. */
  get lastSeen(): readonly LastSeen[] {
    return this.#lastSeen;
  }

  see(seen: Seen, status: Status | undefined): void {
    this.#seen = seen;
    this.#status = status;
    this.#lastSeen = status?.sources ?? this.#lastSeen;
    const { operations, blocked } = seen.look.plan;
    const known = new Set([
      ...seen.sources.map(({ address }) => address),
      ...[...operations, ...blocked].map(({ source }) => source),
    ]);
    this.#lastAttempts = this.#lastAttempts.filter((attempt) =>
      attempt.operations.some(({ source }) => known.has(source)),
    );
  }

  /** How attempts went is another matter than before. */
  outdate(): void {
    this.#isOutdated = true;
  }

  started(operation: Operation, { description, expected }: EngineEvents["started"]): void {
    const { id, kind, source } = operation;
    this.#running.set(id, {
      id,
      kind,
      source,
      ...("remote" in operation && operation.remote !== undefined && { remote: operation.remote }),
      description,
      startedAt: isoOf(this.#clock.now()),
      ...(expected !== undefined && { expected }),
    });
    this.outdate();
  }

  /** Whether that is known to run. */
  progressed(event: EngineEvents["progress"]): boolean {
    const running = this.#running.get(event.id);
    if (running === undefined) return false;
    this.#running.set(event.id, { ...running, ...event });
    return true;
  }

  ended({ id }: Operation): void {
    this.#running.delete(id);
    this.outdate();
  }

  /** Notes what was just done with one source. */
  tried(operations: readonly OperationReport[]): void {
    this.#lastAttempts = withAttempt(this.#lastAttempts, operations);
  }

  /** Notes a pass that has just ended, and returns what is kept of it. */
  ran(pass: Omit<Run, "id" | "finishedAt">): Run {
    this.#runNumber += 1;
    const run = { id: `${pass.startedAt}-${this.#runNumber}`, finishedAt: isoOf(this.#clock.now()), ...pass };
    this.#runs = withRun(this.#runs, run);
    const [kept = run] = this.#runs;
    return kept;
  }

  /** Throws where it cannot be written. */
  save(): void {
    this.#judge();
    this.#history.save({
      runs: this.#runs,
      conditions: this.#conditions,
      lastAttempts: this.#lastAttempts,
      lastSeen: this.#lastSeen,
    });
  }

  show(): Shown {
    this.#judge();
    const { look, sources = [] } = this.#seen ?? {};
    return {
      ready: look !== undefined,
      ...(look && { inventory: look.inventory, plan: look.plan }),
      ...(this.#status && { status: this.#statusNow(this.#status) }),
      running: [...this.#running.values()],
      runs: this.#runs,
      suspended: sources.filter(({ isByHand }) => isByHand).map(({ address }) => address),
      observeSeconds: look?.observeSeconds ?? {},
    };
  }

  #judge(): void {
    if (this.#seen === undefined || !this.#isOutdated) return;
    this.#isOutdated = false;
    const { look, sources } = this.#seen;
    const running = new Map<string, string[]>();
    for (const { source, remote, description } of this.#running.values()) {
      const key = placeKey(source, remote);
      running.set(key, [...(running.get(key) ?? []), description]);
    }
    const attempts = {
      running: (key: string) => running.get(key) ?? [],
      failure: (key: string) => this.#attempts.failure(key),
      failures: (source: Address) => this.#attempts.failures(source),
      blindLooks: (key: string) => this.#attempts.blindLooks(key),
    };
    this.#conditions = allConditions(look.plan, sources, attempts, this.#conditions, isoOf(this.#clock.now()));
  }

  /** The same again as long as nothing has changed. */
  #statusNow(status: Status): Status {
    if (this.#whole?.status !== status || this.#whole.conditions !== this.#conditions)
      this.#whole = {
        status,
        conditions: this.#conditions,
        together: withConditions(status, this.#conditions),
      };
    return this.#whole.together;
  }
}
