import type { RepositoryInventory, Skimmed } from "../model/inventory.ts";
import type {
  AnyPrecondition,
  At,
  AtRepository,
  DestroyOperation,
  ForgetOperation,
  Operation,
  OperationId,
  Precondition,
} from "../model/plan.ts";
import type { DatasetName, Guid, HostName } from "../model/units.ts";
import { type GuidOf, isOfNames, type Observed, otherDataset, unmet, unmetByNames } from "./preconditions.ts";
import { unmetInRepository } from "./repository-preconditions.ts";

/** Looks at what is there now. */
export interface Eyes {
  /** One dataset with its snapshots and bookmarks, and its own `holdfast:` properties only where those matter. */
  observe(at: At, wanted: { readonly own: boolean }): Promise<Observed>;
  /** Only names and guids of what one dataset has; undefined where that says nothing. */
  skim(at: At): Promise<Skimmed | undefined>;
  /** Only the guids of those that exist; cheap for thousands. */
  glance(host: HostName, datasets: readonly DatasetName[]): Promise<ReadonlyMap<string, Guid>>;
  list(at: AtRepository): Promise<RepositoryInventory>;
}

/** What an operation of this run has brought about: a guid, or the id of a copy. */
export type CreatedBy = (id: OperationId) => string | undefined;

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
  readonly #createdBy: CreatedBy;
  readonly #observed = new Map<string, Promise<Observed>>();
  readonly #skimmed = new Map<string, Promise<Skimmed | undefined>>();
  readonly #listed = new Map<string, Promise<RepositoryInventory>>();
  /** Places where a dataset's own properties matter. */
  readonly #placeholders: ReadonlySet<string>;
  /** Guid by dataset where only that matters; null where there is none. */
  readonly #glanced = new Map<string, Guid | null>();

  private constructor(preconditions: readonly Precondition[], eyes: Eyes, createdBy: CreatedBy) {
    this.#eyes = eyes;
    this.#createdBy = createdBy;
    this.#guidOf = (ref) => ("guid" in ref ? ref.guid : (createdBy(ref.createdBy) as Guid | undefined));
    this.#placeholders = new Set(preconditions.filter(({ kind }) => kind === "placeholder").map(placeOf));
  }

  static async of(operations: readonly Operation[], eyes: Eyes, createdBy: CreatedBy): Promise<Recheck> {
    const preconditions = operations.flatMap(onDatasets);
    const recheck = new Recheck(preconditions, eyes, createdBy);
    await recheck.#glance(preconditions);
    return recheck;
  }

  observe(at: At): Promise<Observed> {
    const key = placeOf(at);
    const seen = this.#observed.get(key) ?? this.#eyes.observe(at, { own: this.#placeholders.has(key) });
    this.#observed.set(key, seen);
    return seen;
  }

  /** Names and guids, where they were looked at. */
  skimmed(at: At): Promise<Skimmed | undefined> {
    return this.#skimmed.get(placeOf(at)) ?? Promise.resolve(undefined);
  }

  /** The first precondition that does not hold; undefined when all do. */
  async unmet(operation: Operation): Promise<Unmet | undefined> {
    if (operation.kind === "destroy") return this.#checkDestroy(operation);
    const preconditions = onDatasets(operation);
    const inFull = preconditions.filter((one) => !this.#glanced.has(placeOf(one)));
    await Promise.all(inFull.map((one) => this.observe(one)));
    return (
      (await this.#checkAll(preconditions)) ?? (operation.kind === "forget" ? this.#checkForget(operation) : undefined)
    );
  }

  /** What is destroyed is looked at last: no other place can take its time in between. */
  async #checkDestroy(operation: DestroyOperation): Promise<Unmet | undefined> {
    const place = placeOf(operation.at);
    const preconditions = onDatasets(operation);
    for (const isOwn of [false, true]) {
      const there = preconditions.filter((one) => (placeOf(one) === place) === isOwn);
      await Promise.all(there.filter((one) => !this.#glanced.has(placeOf(one))).map((one) => this.#skim(one)));
      const unmet = await this.#checkAll(there);
      if (unmet !== undefined) return unmet;
    }
    return undefined;
  }

  #skim(at: At): Promise<Skimmed | undefined> {
    const key = placeOf(at);
    const skimmed = this.#skimmed.get(key) ?? this.#eyes.skim(at);
    this.#skimmed.set(key, skimmed);
    return skimmed;
  }

  async #checkAll(preconditions: readonly Precondition[]): Promise<Unmet | undefined> {
    for (const precondition of preconditions) {
      const unmet = await this.#check(precondition);
      if (unmet !== undefined) return unmet;
    }
    return undefined;
  }

  async #checkForget(operation: ForgetOperation): Promise<Unmet | undefined> {
    const { at } = operation;
    const listed = this.#listed.get(at.repository) ?? this.#eyes.list(at);
    this.#listed.set(at.repository, listed);
    const there = await listed;
    const message = unmetInRepository(operation, there, this.#createdBy);
    if (message === undefined) return undefined;
    return { kind: there.state === "observed" ? "stale" : "unobserved", message };
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

  async #holdsByNames(precondition: Precondition): Promise<boolean> {
    if (!isOfNames(precondition)) return false;
    const there = await this.skimmed(precondition);
    return there !== undefined && unmetByNames(precondition, there, this.#guidOf) === undefined;
  }

  async #check(precondition: Precondition): Promise<Unmet | undefined> {
    const where = placeOf(precondition);
    const glanced = this.#glanced.get(where);
    if (glanced !== undefined && precondition.kind === "dataset") {
      const message =
        glanced === null ? `${where} is not there any more` : otherDataset(glanced, precondition.guid, where);
      return message === undefined ? undefined : { kind: "stale", message };
    }
    // what does not hold by names alone is put into words by a look at everything
    if (await this.#holdsByNames(precondition)) return undefined;
    const observed = await this.observe(precondition);
    const message = unmet(precondition, observed, this.#guidOf);
    if (message === undefined) return undefined;
    return { kind: observed.state === "unobserved" ? "unobserved" : "stale", message };
  }
}

/** A union of arrays has no `filter` that narrows. */
const onDatasets = ({ preconditions }: Operation): Precondition[] =>
  (preconditions as readonly AnyPrecondition[]).flatMap((each) => (each.kind === "copies" ? [] : [each]));
