import type { OperationId, Plan } from "../model/plan.ts";
import type { EngineEvents, OperationReport } from "../model/report.ts";
import type { ProgressTotals, Running } from "../render/progress.ts";

/** What runs and how far it is, from the engine's events. Times are milliseconds of `now`. */
export class Tracker {
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #sources: ReadonlyMap<OperationId, string>;
  readonly #running = new Map<OperationId, Running>();
  /** Bytes of every transfer that is running or over, and what is expected of each in all. */
  readonly #bytes = new Map<OperationId, number>();
  readonly #expected = new Map<OperationId, number>();
  #done = 0;

  constructor({ operations }: Pick<Plan, "operations">, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startedAt = now();
    this.#sources = new Map(operations.map(({ id, source }) => [id, source]));
    for (const operation of operations) {
      if (operation.kind === "send") this.#expected.set(operation.id, operation.estimate);
      if (operation.kind === "resume" && operation.remaining !== undefined)
        this.#expected.set(operation.id, operation.received + operation.remaining);
    }
  }

  started({ id, description, expected }: EngineEvents["started"]): void {
    const label = `${this.#sources.get(id) ?? ""}  ${description}`.trim();
    this.#running.set(id, { label, startedAt: this.#now(), bytes: 0, ...(expected === undefined ? {} : { expected }) });
  }

  progress({ id, bytes, expected }: EngineEvents["progress"]): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    this.#running.set(id, { ...running, bytes, ...(expected === undefined ? {} : { expected }) });
    this.#bytes.set(id, bytes);
    if (expected !== undefined) this.#expected.set(id, expected);
  }

  finished({ id, outcome }: OperationReport): void {
    this.#running.delete(id);
    this.#done++;
    const expected = this.#expected.get(id);
    // what is done has arrived in full; of what is over without success nothing more is to come
    if (outcome === "done" && expected !== undefined) this.#bytes.set(id, Math.max(expected, this.#bytes.get(id) ?? 0));
    else if (expected !== undefined) this.#expected.set(id, this.#bytes.get(id) ?? 0);
  }

  running(): Running[] {
    return [...this.#running.values()];
  }

  totals(): ProgressTotals {
    const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
    return {
      done: this.#done,
      operations: this.#sources.size,
      bytes: sum(this.#bytes.values()),
      expected: sum(this.#expected.values()),
      startedAt: this.#startedAt,
    };
  }
}
