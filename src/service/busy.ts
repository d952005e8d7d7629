import { type Operation, repositoriesOf } from "../model/plan.ts";
import type { Address, RepositoryKey } from "../model/units.ts";
import { isExclusive, type Readiness } from "./choose.ts";

interface Counts {
  readonly sources: Map<Address, number>;
  /** Sources of which a snapshot is to be taken. */
  readonly snapshots: Map<Address, number>;
  readonly repositories: Map<RepositoryKey, number>;
  readonly closed: Map<RepositoryKey, number>;
}

const none = (): Counts => ({
  sources: new Map(),
  snapshots: new Map(),
  repositories: new Map(),
  closed: new Map(),
});

/** What is being worked on: everything of which an operation has not ended. */
export class Busy {
  readonly #counts: Counts = none();

  begin(operations: readonly Operation[]): void {
    for (const operation of operations) this.#count(operation, 1);
  }

  ended(operation: Operation): void {
    this.#count(operation, -1);
  }

  has(source: Address): boolean {
    return this.#counts.sources.has(source);
  }

  isSnapshotting(source: Address): boolean {
    return this.#counts.snapshots.has(source);
  }

  /** As it is now, for later: what has ended meanwhile may not be in what was looked at meanwhile. */
  copy(): Pick<Readiness, "maySnapshot" | "isInUse" | "isClosed"> & { readonly has: (source: Address) => boolean } {
    const sources = new Set(this.#counts.sources.keys());
    const snapshots = new Set(this.#counts.snapshots.keys());
    const repositories = new Set(this.#counts.repositories.keys());
    const closed = new Set(this.#counts.closed.keys());
    return {
      has: (source) => sources.has(source),
      maySnapshot: (source) => !snapshots.has(source),
      isInUse: (key) => repositories.has(key),
      isClosed: (key) => closed.has(key),
    };
  }

  #count(operation: Operation, by: 1 | -1): void {
    const { sources, snapshots, repositories, closed } = this.#counts;
    add(sources, operation.source, by);
    if (operation.kind === "create") add(snapshots, operation.source, by);
    for (const repository of repositoriesOf(operation)) {
      add(repositories, repository, by);
      if (isExclusive(operation)) add(closed, repository, by);
    }
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
