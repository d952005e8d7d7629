import PQueue from "p-queue";
import type { Operation } from "../model/plan.ts";

/** Commands that change one pool, at once: they wait for its transaction groups, so more would not be faster. */
const PER_POOL = 4;

/** Says when an operation may start: how many transfers at once, how many short commands in one pool, one change a dataset. */
export class Lanes {
  readonly #transfers: PQueue;
  readonly #pools = new Map<string, PQueue>();
  /** The end of what was started last on each dataset. */
  readonly #datasets = new Map<string, Promise<unknown>>();

  /** `transfers`: how many streams flow at once. */
  constructor(transfers: number) {
    this.#transfers = new PQueue({ concurrency: transfers });
  }

  /** Runs `task` when its turn comes; several operations are creates in one pool. */
  run<T>(operations: readonly Operation[], task: () => Promise<T>): Promise<T> {
    const [first] = operations;
    if (first === undefined) return task();
    const queued = (): Promise<T> => this.#queueOf(first).add(task);
    return operations.length > 1 ? queued() : this.#alone(`${first.at.host}:${first.at.dataset}`, queued);
  }

  #queueOf({ kind, at }: Operation): PQueue {
    if (kind === "send" || kind === "resume") return this.#transfers;
    const key = `${at.host}:${at.dataset.split("/", 1)[0]}`;
    const queue = this.#pools.get(key) ?? new PQueue({ concurrency: PER_POOL });
    this.#pools.set(key, queue);
    return queue;
  }

  #alone<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#datasets.get(key) ?? Promise.resolve();
    const current = before.then(task, task);
    this.#datasets.set(key, current);
    const forget = (): void => {
      if (this.#datasets.get(key) === current) this.#datasets.delete(key);
    };
    current.then(forget, forget);
    return current;
  }
}
