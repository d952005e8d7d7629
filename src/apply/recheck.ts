import type { At, Operation, Precondition } from "../model/plan.ts";
import type { DatasetName, Guid, HostName } from "../model/units.ts";
import { type GuidOf, type Observed, otherDataset, unmet } from "./preconditions.ts";

/** Looks at what is there now. */
export interface Eyes {
  /** One dataset with its snapshots and bookmarks, and its own `holdfast:` properties only where those matter. */
  observe(at: At, wanted: { readonly own: boolean }): Promise<Observed>;
  /** Only the guids of those that exist; cheap for thousands. */
  glance(host: HostName, datasets: readonly DatasetName[]): Promise<ReadonlyMap<string, Guid>>;
}

/** Why an operation may not run. */
export interface Unmet {
  /** `unobserved`: nobody can say whether it still holds. */
  readonly kind: "stale" | "unobserved";
  readonly message: string;
}

const placeOf = ({ host, dataset }: At): string => `${host}:${dataset}`;

/** A fresh look at the datasets that the preconditions of some operations name, at each of them once. */
export class Recheck {
  readonly #eyes: Eyes;
  readonly #guidOf: GuidOf;
  readonly #observed = new Map<string, Promise<Observed>>();
  /** Places where a dataset's own properties matter. */
  readonly #placeholders: ReadonlySet<string>;
  /** Guid by dataset where only that matters; null where there is none. */
  readonly #glanced = new Map<string, Guid | null>();

  private constructor(preconditions: readonly Precondition[], eyes: Eyes, guidOf: GuidOf) {
    this.#eyes = eyes;
    this.#guidOf = guidOf;
    this.#placeholders = new Set(preconditions.filter(({ kind }) => kind === "placeholder").map(placeOf));
  }

  static async of(operations: readonly Operation[], eyes: Eyes, guidOf: GuidOf): Promise<Recheck> {
    const preconditions = operations.flatMap((operation) => operation.preconditions);
    const recheck = new Recheck(preconditions, eyes, guidOf);
    await recheck.#glance(preconditions);
    return recheck;
  }

  observe(at: At): Promise<Observed> {
    const key = placeOf(at);
    const seen = this.#observed.get(key) ?? this.#eyes.observe(at, { own: this.#placeholders.has(key) });
    this.#observed.set(key, seen);
    return seen;
  }

  /** The first precondition that does not hold; undefined when all do. */
  async unmet(operation: Operation): Promise<Unmet | undefined> {
    const inFull = operation.preconditions.filter((one) => !this.#glanced.has(placeOf(one)));
    await Promise.all(inFull.map((one) => this.observe(one)));
    for (const precondition of operation.preconditions) {
      const unmet = await this.#check(precondition);
      if (unmet !== undefined) return unmet;
    }
    return undefined;
  }

  async #glance(preconditions: readonly Precondition[]): Promise<void> {
    const inFull = new Set(preconditions.filter(({ kind }) => kind !== "dataset").map(placeOf));
    const hosts = new Map<HostName, Set<DatasetName>>();
    for (const precondition of preconditions) {
      if (inFull.has(placeOf(precondition))) continue;
      const datasets = hosts.get(precondition.host) ?? new Set();
      hosts.set(precondition.host, datasets.add(precondition.dataset));
    }
    for (const [host, datasets] of hosts) {
      const guids = await this.#eyes.glance(host, [...datasets]);
      for (const dataset of datasets) this.#glanced.set(placeOf({ host, dataset }), guids.get(dataset) ?? null);
    }
  }

  async #check(precondition: Precondition): Promise<Unmet | undefined> {
    const where = placeOf(precondition);
    const glanced = this.#glanced.get(where);
    if (glanced !== undefined && precondition.kind === "dataset") {
      const message =
        glanced === null ? `${where} is not there any more` : otherDataset(glanced, precondition.guid, where);
      return message === undefined ? undefined : { kind: "stale", message };
    }
    const observed = await this.observe(precondition);
    const message = unmet(precondition, observed, this.#guidOf);
    if (message === undefined) return undefined;
    return { kind: observed.state === "unobserved" ? "unobserved" : "stale", message };
  }
}
