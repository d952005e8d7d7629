import PQueue from "p-queue";
import {
  type BackupOperation,
  type HookOperation,
  isOnDataset,
  isOnRepository,
  type Operation,
  type OperationId,
  writePlace,
} from "../model/plan.ts";
import { poolOf } from "../model/units.ts";

/** Commands that change one pool, at once: they wait for its transaction groups, so more would not be faster. */
const PER_POOL = 4;

/**
 * How much may happen at once, in all runs that share it: so many transfers, a few short commands a pool, one change a
 * dataset and one a repository.
 */
export class Limits {
  readonly #transfers: PQueue;
  readonly #pools = new Map<string, PQueue>();
  /** The end of what was started last on each dataset and in each repository. */
  readonly #places = new Map<string, Promise<unknown>>();

  /** `transfers`: how many streams flow at once. */
  constructor(transfers: number) {
    this.#transfers = new PQueue({ concurrency: transfers });
  }

  /** Runs `task` when the turn of an operation comes, or of several that are one command. */
  inTurn<T>(first: Exclude<Operation, HookOperation>, isSingle: boolean, task: () => Promise<T>): Promise<T> {
    const queue = this.#queueOf(first);
    const queued = (): Promise<T> => queue.add(task);
    const isAlone = isOnRepository(first) || (isSingle && first.kind !== "create");
    return isAlone ? this.#alone(writePlace(first.at), queued) : queued();
  }

  #queueOf(operation: Exclude<Operation, HookOperation>): PQueue {
    if (!isOnDataset(operation) || operation.kind === "send" || operation.kind === "resume") return this.#transfers;
    const { at } = operation;
    // an application may be stopped for a snapshot: it does not wait for deletions
    const key = `${at.host}:${poolOf(at.dataset)}${operation.kind === "create" ? " create" : ""}`;
    const queue = this.#pools.get(key) ?? new PQueue({ concurrency: PER_POOL });
    this.#pools.set(key, queue);
    return queue;
  }

  #alone<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#places.get(key) ?? Promise.resolve();
    const current = before.then(task, task);
    this.#places.set(key, current);
    const forget = (): void => {
      if (this.#places.get(key) === current) this.#places.delete(key);
    };
    current.then(forget, forget);
    return current;
  }
}

/** Says when an operation of one plan may start. */
export class Lanes {
  readonly #limits: Limits;
  readonly #backups: ReadonlyMap<OperationId, BackupOperation>;
  /** Gives back the turn that a hook took for a backup. */
  readonly #taken = new Map<OperationId, () => void>();

  /** `operations`: all there will be. */
  constructor(limits: Limits, operations: readonly Operation[]) {
    this.#limits = limits;
    this.#backups = new Map(operations.flatMap((one) => (one.kind === "backup" ? [[one.id, one]] : [])));
  }

  /** Runs `task` when its turn comes; several operations are creates in one pool, or the same in one repository. */
  run<T>(operations: readonly Operation[], task: () => Promise<T>): Promise<T> {
    const [first] = operations;
    if (first === undefined || this.#taken.has(first.id)) return task();
    if (first.kind !== "hook") return this.#limits.inTurn(first, operations.length === 1, task);
    const backup = this.#stoppedFor(first);
    return backup === undefined ? task() : this.#take(backup).then(task);
  }

  /** Has to be told of each operation. */
  ended(id: OperationId): void {
    this.#taken.get(id)?.();
    this.#taken.delete(id);
  }

  /** A backup can wait for hours for its turn: nothing is stopped before that. */
  #stoppedFor({ around, phase, encloses }: HookOperation): BackupOperation | undefined {
    if (around !== "backup" || phase !== "before") return undefined;
    const backups = encloses.flatMap((id) => this.#backups.get(id) ?? []);
    return backups.find(({ id }) => !this.#taken.has(id));
  }

  #take(backup: BackupOperation): Promise<void> {
    return new Promise((resolve) => {
      void this.#limits.inTurn(backup, true, () => {
        const turn = new Promise<void>((end) => this.#taken.set(backup.id, end));
        resolve();
        return turn;
      });
    });
  }
}
