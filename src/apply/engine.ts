import type { Dataset } from "../model/inventory.ts";
import { type HookOperation, type Operation, type OperationId, type Plan, repositoriesOf } from "../model/plan.ts";
import type { EngineEvents, FileProgress, OperationReport, Problem, Report } from "../model/report.ts";
import type { Bytes, Guid, HostName, RepositoryKey } from "../model/units.ts";
import type { Result } from "../remotes/result.ts";
import { failed, OperationFailed, type RunContext } from "../remotes/zfs/context.ts";
import { describe } from "./describe.ts";
import { runGraph, type Settled } from "./graph.ts";
import { Lanes, type Limits } from "./lanes.ts";
import { type CreatedBy, type Eyes, Recheck } from "./recheck.ts";

export type OnEvent = <K extends keyof EngineEvents>(kind: K, event: EngineEvents[K]) => void;

export interface EngineOptions {
  /** Shared by all runs that go on at the same time. */
  readonly limits: Limits;
  /** Repositories that nothing is done in, and why. */
  readonly unavailable?: ReadonlyMap<RepositoryKey, Problem>;
  readonly signal: AbortSignal;
  readonly urgent: AbortSignal;
  /** Starts nothing more, and lets what runs come to its end: the plan no longer holds. */
  readonly superseded?: AbortSignal;
  readonly onEvent: OnEvent;
  readonly now: () => Date;
}

/** What operations are told while they run, and tell. */
export type EngineContext = Pick<RunContext, "guidOf" | "observe" | "skimmed"> & {
  progress(id: OperationId, bytes: Bytes, expected: Bytes | undefined, files?: FileProgress): void;
  created(id: OperationId, what: string): void;
  readonly createdBy: CreatedBy;
  /** Of an operation that has ended. */
  readonly reportOf: (id: OperationId) => OperationReport | undefined;
};

/** What the engine drives; `apply` gives it the real ones. */
export interface Machinery {
  readonly eyes: Eyes;
  /** Runs operations that may run: one, or those that one command does. Never rejects. */
  readonly run: (operations: readonly Operation[], context: EngineContext) => Promise<ReadonlyMap<OperationId, Result>>;
}

/** Runs a plan: order, concurrency, preconditions, events and the report; not what an operation is. */
export class Engine {
  readonly #plan: Plan;
  readonly #options: EngineOptions;
  readonly #machinery: Machinery;
  readonly #lanes: Lanes;
  readonly #created = new Map<OperationId, string>();
  readonly #startedAt = new Map<OperationId, number>();
  readonly #reports = new Map<OperationId, OperationReport>();
  /** Hosts that cannot be reached in this run, and why. */
  readonly #lost = new Map<HostName, string>();

  constructor(plan: Plan, options: EngineOptions, machinery: Machinery) {
    this.#plan = plan;
    this.#options = options;
    this.#machinery = machinery;
    this.#lanes = new Lanes(options.limits, plan.operations);
  }

  async run(): Promise<Report> {
    const { signal, urgent, superseded, now } = this.#options;
    const startedAt = now().toISOString();
    await runGraph(this.#plan.operations, {
      run: (operations) => this.#lanes.run(operations, () => this.#orUrgent(operations, this.#runNow(operations))),
      onSettled: (operation, settled) => {
        this.#report(operation, settled);
        this.#lanes.ended(operation.id);
      },
    });
    return {
      formatVersion: 1,
      manifestDigest: this.#plan.manifestDigest,
      startedAt,
      finishedAt: now().toISOString(),
      finished: !signal.aborted && !urgent.aborted && !superseded?.aborted,
      operations: this.#plan.operations.flatMap(({ id }) => this.#reports.get(id) ?? []),
    };
  }

  async #runNow(operations: readonly Operation[]): Promise<Map<OperationId, Settled>> {
    const results = new Map<OperationId, Settled>();
    const wanted = operations.filter((operation) => {
      const obstacle = this.#mayNotStart(operation);
      if (obstacle !== undefined) results.set(operation.id, obstacle);
      return obstacle === undefined;
    });
    for (const operation of wanted) this.#started(operation);
    for (const [id, result] of await this.#checkAndRun(wanted)) {
      if (result.lost !== undefined) this.#lost.set(result.lost, result.error?.message ?? "it is out of reach");
      results.set(id, result);
    }
    return results;
  }

  #mayNotStart(operation: Operation): Settled | undefined {
    const isUnwinding = operation.kind === "hook" && operation.phase === "after";
    if (isUnwinding && !this.#wasBegun(operation)) return NOTHING_TO_END;
    // what was begun is ended, whatever else is given up
    if ((this.#options.signal.aborted && !isUnwinding) || this.#options.urgent.aborted) return NOT_STARTED;
    if (isUnwinding) return undefined;
    if (this.#options.superseded?.aborted) return SUPERSEDED;
    for (const repository of repositoriesOf(operation)) {
      const problem = this.#options.unavailable?.get(repository);
      if (problem) return { outcome: "failed", error: { ...problem, message: `not tried: ${problem.message}` } };
    }
    for (const host of hostsOf(operation)) {
      const why = this.#lost.get(host);
      if (why !== undefined) return { outcome: "failed", error: { message: `not tried: ${why}` } };
    }
    return undefined;
  }

  #wasBegun({ closes, encloses }: HookOperation): boolean {
    return (closes === undefined ? encloses : [closes]).some((id) => this.#startedAt.has(id));
  }

  /** What was reviewed is what runs: every precondition is looked at again, right before. */
  async #checkAndRun(operations: readonly Operation[]): Promise<Map<OperationId, Result>> {
    const results = new Map<OperationId, Result>();
    try {
      const recheck = await Recheck.of(operations, this.#machinery.eyes, this.#createdBy);
      let holding: Operation[] = [];
      for (const operation of operations) {
        const unmet = await recheck.unmet(operation);
        if (unmet === undefined) holding.push(operation);
        else {
          const outcome = unmet.kind === "stale" ? "stale" : "failed";
          results.set(operation.id, { outcome, error: { message: unmet.message, hint: PLAN_AGAIN } });
        }
      }
      holding = this.#whole(holding, results);
      if (holding.length > 0) {
        for (const [id, result] of await this.#machinery.run(holding, this.#context(recheck))) results.set(id, result);
      }
    } catch (error) {
      for (const { id } of operations) if (!results.has(id)) results.set(id, failed(error));
    }
    return results;
  }

  /** Those that may run: of what is all or none, nothing where a part is missing. */
  #whole(holding: readonly Operation[], results: Map<OperationId, Result>): Operation[] {
    const first = holding.find((operation) => operation.kind === "create" && operation.together);
    if (first?.kind !== "create") return [...holding];
    const all = this.#plan.operations.filter(
      (operation) => operation.kind === "create" && operation.together && operation.atomic === first.atomic,
    );
    const missing = all.find((operation) => !holding.includes(operation));
    if (missing === undefined) return [...holding];
    const message = `not taken: its group is snapshotted whole or not at all, and ${missing.source} cannot be`;
    for (const { id } of holding) results.set(id, { outcome: "failed", error: { message } });
    return [];
  }

  #context(recheck: Recheck): EngineContext {
    return {
      guidOf: (ref) => {
        const guid = "guid" in ref ? ref.guid : (this.#created.get(ref.createdBy) as Guid | undefined);
        if (guid === undefined) throw new OperationFailed({ message: `@${ref.name} was not created` });
        return guid;
      },
      observe: async (at): Promise<Dataset | null> => {
        const observed = await recheck.observe(at);
        if (observed.state === "unobserved") {
          throw new OperationFailed({ message: `${at.host}:${at.dataset} could not be observed: ${observed.reason}` });
        }
        return observed.state === "present" ? observed.dataset : null;
      },
      skimmed: (at) => recheck.skimmed(at),
      created: (id, what) => this.#created.set(id, what),
      createdBy: this.#createdBy,
      reportOf: (id) => this.#reports.get(id),
      progress: (id, bytes, expected, files) => {
        if (this.#reports.has(id)) return;
        this.#options.onEvent("progress", {
          id,
          bytes,
          ...(expected !== undefined && { expected }),
          ...(files && { files }),
        });
      },
    };
  }

  readonly #createdBy = (id: OperationId): string | undefined => this.#created.get(id);

  /** Does not wait for what runs when everything has to end at once. */
  #orUrgent(
    operations: readonly Operation[],
    running: Promise<Map<OperationId, Settled>>,
  ): Promise<Map<OperationId, Settled>> {
    const { urgent } = this.#options;
    return new Promise((resolve, reject) => {
      const stop = (): void => resolve(new Map(operations.map(({ id }) => [id, ENDED_AT_ONCE])));
      if (urgent.aborted) stop();
      urgent.addEventListener("abort", stop, { once: true });
      running.then(resolve, reject).finally(() => urgent.removeEventListener("abort", stop));
    });
  }

  #started(operation: Operation): void {
    this.#startedAt.set(operation.id, this.#options.now().getTime());
    const expected = expectedBytes(operation);
    this.#options.onEvent("started", {
      id: operation.id,
      description: describe(operation),
      ...(expected === undefined ? {} : { expected }),
    });
  }

  /** How long it took from the start of what it ends. */
  #window(operation: Operation): Pick<OperationReport, "windowSeconds"> {
    const { closes } = operation.kind === "hook" ? operation : {};
    const begun = closes === undefined ? undefined : this.#startedAt.get(closes);
    if (begun === undefined || !this.#startedAt.has(operation.id)) return {};
    return { windowSeconds: Math.max(0, (this.#options.now().getTime() - begun) / 1000) };
  }

  #report(operation: Operation, { outcome, bytes, backup, verify, error, warnings }: Settled): void {
    const started = this.#startedAt.get(operation.id);
    const report: OperationReport = {
      id: operation.id,
      kind: operation.kind,
      source: operation.source,
      ...("remote" in operation && operation.remote !== undefined ? { remote: operation.remote } : {}),
      description: describe(operation),
      outcome,
      seconds: started === undefined ? 0 : Math.max(0, (this.#options.now().getTime() - started) / 1000),
      ...(bytes === undefined ? {} : { bytes }),
      ...(backup === undefined ? {} : { backup }),
      ...(verify === undefined ? {} : { verify }),
      ...this.#window(operation),
      ...(error === undefined ? {} : { error }),
      ...(warnings === undefined || warnings.length === 0 ? {} : { warnings }),
    };
    this.#reports.set(operation.id, report);
    this.#options.onEvent("finished", report);
  }
}

const NOTHING_TO_END: Settled = { outcome: "skipped", error: { message: "what it would have ended was not begun" } };
const PLAN_AGAIN = "run holdfast plan again";
const NOT_STARTED: Settled = { outcome: "interrupted", error: { message: "not started: the run was ended before" } };
const SUPERSEDED: Settled = {
  outcome: "interrupted",
  error: { message: "not started: the plan no longer holds, as the manifest has changed" },
};
const ENDED_AT_ONCE: Settled = {
  outcome: "interrupted",
  error: { message: "ended at once; the next plan sees how far it got" },
};

function hostsOf(operation: Operation): Set<HostName> {
  // its call is made from here
  if (operation.kind === "hook" && "http" in operation.action) return new Set();
  const hosts = new Set([operation.at.host, ...operation.preconditions.map(({ host }) => host)]);
  if (operation.kind === "verify") return operation.against ? hosts.add(operation.against.host) : hosts;
  return "from" in operation ? hosts.add(operation.from.host) : hosts;
}

function expectedBytes(operation: Operation): Bytes | undefined {
  if (operation.kind === "send" || operation.kind === "backup") return operation.estimate;
  if (operation.kind === "verify") return operation.sample;
  return operation.kind === "resume" ? operation.remaining : undefined;
}
