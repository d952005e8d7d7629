import type { OperationId, Plan } from "../model/plan.ts";
import type { EngineEvents, OperationReport } from "../model/report.ts";
import type { ProgressTotals, Running } from "../render/progress.ts";

/** The rate is that of the last so many milliseconds: what came before says little about the time that is left. */
const WINDOW_MS = 15_000;

/** What runs and how far it is, from the engine's events. Times are milliseconds of `now`. */
export class Tracker {
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #sources: ReadonlyMap<OperationId, string>;
  readonly #running = new Map<OperationId, Omit<Running, "rate">>();
  readonly #rates = new Map<OperationId, Rate>();
  /** Bytes of every transfer that is running or over, and what is expected of each in all. */
  readonly #bytes = new Map<OperationId, number>();
  readonly #expected = new Map<OperationId, number>();
  #done = 0;

  constructor({ operations }: Pick<Plan, "operations">, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startedAt = now();
    this.#sources = new Map(operations.map(({ id, source }) => [id, source]));
    for (const operation of operations) {
      if (operation.kind === "backup" && operation.estimate !== undefined)
        this.#expected.set(operation.id, operation.estimate);
      if (operation.kind === "send") this.#expected.set(operation.id, operation.estimate);
      if (operation.kind === "resume" && operation.remaining !== undefined)
        this.#expected.set(operation.id, operation.received + operation.remaining);
    }
  }

  started({ id, description, expected }: EngineEvents["started"]): void {
    const label = `${this.#sources.get(id) ?? ""}  ${description}`.trim();
    this.#running.set(id, { label, startedAt: this.#now(), bytes: 0, ...(expected === undefined ? {} : { expected }) });
  }

  progress({ id, bytes, expected, files }: EngineEvents["progress"]): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    this.#running.set(id, {
      ...running,
      bytes,
      ...(expected === undefined ? {} : { expected }),
      ...(files && { files }),
    });
    this.#bytes.set(id, bytes);
    if (expected !== undefined) this.#expected.set(id, expected);
    const rate = this.#rates.get(id) ?? new Rate();
    rate.note(this.#now(), bytes);
    this.#rates.set(id, rate);
  }

  finished({ id, outcome }: OperationReport): void {
    this.#running.delete(id);
    this.#rates.delete(id);
    this.#done++;
    const expected = this.#expected.get(id);
    // what is done has arrived in full; of what is over without success nothing more is to come
    if (outcome === "done" && expected !== undefined) this.#bytes.set(id, Math.max(expected, this.#bytes.get(id) ?? 0));
    else if (expected !== undefined) this.#expected.set(id, this.#bytes.get(id) ?? 0);
  }

  /** `nas01:tank/data  send @a to …`: of an operation that has started. */
  label(id: OperationId): string {
    return this.#running.get(id)?.label ?? id;
  }

  running(): Running[] {
    const now = this.#now();
    return [...this.#running].map(([id, running]) => ({ ...running, rate: this.#rates.get(id)?.at(now) ?? 0 }));
  }

  totals(): ProgressTotals {
    return {
      done: this.#done,
      operations: this.#sources.size,
      bytes: sum(this.#bytes.values()),
      expected: sum(this.#expected.values()),
      rate: sum(this.running().map(({ rate }) => rate)),
      startedAt: this.#startedAt,
    };
  }
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

/** Bytes per second over the window, from the amounts that were noted. */
class Rate {
  readonly #samples: { readonly time: number; readonly bytes: number }[] = [];

  note(time: number, bytes: number): void {
    this.#samples.push({ time, bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.time ?? time) <= time - WINDOW_MS) this.#samples.shift();
  }

  at(now: number): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || now <= first.time) return 0;
    return ((last.bytes - first.bytes) * 1000) / (now - first.time);
  }
}
