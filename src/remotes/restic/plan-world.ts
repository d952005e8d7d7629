import type { Inventory, RepositoryCopy, RepositoryInventory } from "../../model/inventory.ts";
import type {
  AtRepository,
  BackupOperation,
  CopyOperation,
  CopyRef,
  ForgetOperation,
  OperationId,
  RepositoryOperation,
  VerifyOperation,
} from "../../model/plan.ts";
import type { Address, Bytes, EpochSeconds, RepositoryKey } from "../../model/units.ts";
import { drillsIn } from "./plan-drills.ts";
import { drillTags, identityOf, maintenanceTags, marksOf } from "./tags.ts";

type Observed = Extract<RepositoryInventory, { state: "observed" }>;

/** Repositories that operations can be tried on, with the rules restic has; what cannot work throws. */
export class RepositoryWorld {
  readonly #repositories: Record<RepositoryKey, RepositoryInventory>;
  readonly #now: EpochSeconds;

  constructor({ repositories }: Inventory, now: EpochSeconds) {
    this.#repositories = { ...repositories };
    this.#now = now;
  }

  get all(): Readonly<Record<RepositoryKey, RepositoryInventory>> {
    return this.#repositories;
  }

  /** `creation` of the snapshot that a backup is of; a directory is as it is now. */
  run(operation: RepositoryOperation, creation?: EpochSeconds): void {
    switch (operation.kind) {
      case "init":
        this.#init(operation.at);
        if (operation.records.length > 0)
          this.#record(operation.at, operation.id, maintenanceTags({ kinds: operation.records }));
        break;
      case "backup":
        this.#backup(operation, creation);
        break;
      case "copy":
        this.#copy(operation);
        break;
      case "forget":
        this.#forget(operation);
        break;
      case "prune":
        this.#record(operation.at, operation.id, maintenanceTags({ kinds: ["prune"] }));
        this.#drop(operation.at, operation.outdated);
        break;
      case "check": {
        const { subset } = operation;
        this.#record(operation.at, operation.id, maintenanceTags({ kinds: ["check"], ...(subset && { subset }) }));
        this.#drop(operation.at, operation.outdated);
        break;
      }
      case "unlock": {
        const there = this.#get(operation.at);
        this.#set(operation.at, { ...there, locks: there.locks.filter(({ stale }) => !stale) });
        break;
      }
      default:
        operation satisfies never;
    }
  }

  /** A drill that finds what the one before found. */
  verify(of: Extract<VerifyOperation["of"], AtRepository>, id: string, source: Address): void {
    const there = this.#get(of);
    const complete = there.copies.filter((copy) => marksOf(copy)?.isPartial !== true);
    if (!this.#isAmong(new Set(complete.map(identityOf)), of.copy))
      throw new Error(`${of.copy.name} is not in ${of.repository}`);
    const result = drillsIn(there, source)?.last.result ?? "passed";
    this.#record(of, id, drillTags({ source, result, of: of.copy.name, files: 0, bytes: 0 as Bytes, differs: [] }));
    this.#drop(
      of,
      of.outdated.filter((each) => result !== "failed" || each !== of.good),
    );
  }

  #get({ repository }: AtRepository): Observed {
    const there = this.#repositories[repository];
    if (there?.state !== "observed") throw new Error(`repository ${repository} is ${there?.state ?? "unknown"}`);
    return there;
  }

  #set({ repository }: AtRepository, there: Observed): void {
    this.#repositories[repository] = there;
  }

  #init(at: AtRepository): void {
    if (this.#repositories[at.repository]?.state !== "absent") throw new Error(`${at.repository} is not absent`);
    this.#set(at, {
      state: "observed",
      resticVersion: "",
      id: `new ${at.repository}`,
      chunkerPolynomial: "",
      copies: [],
      locks: [],
    });
  }

  #add(at: AtRepository, copies: readonly RepositoryCopy[]): void {
    const there = this.#get(at);
    const all = [...there.copies, ...copies].sort((a, b) => a.creation - b.creation || (a.id < b.id ? -1 : 1));
    this.#set(at, { ...there, copies: all });
  }

  #backup({ at, id, parent, snapshot, tags }: BackupOperation, creation?: EpochSeconds): void {
    if (parent) this.#find(at, parent);
    const guid = snapshot && ("guid" in snapshot ? snapshot.guid : snapshot.createdBy);
    this.#add(at, [this.#made(id, guid === undefined ? tags : [...tags, `guid=${guid}`], creation)]);
  }

  /** restic is told the whole second of a snapshot; else it looks at its clock. */
  #made(id: string, tags: readonly string[], snapshot?: EpochSeconds): RepositoryCopy {
    const creation = snapshot ?? this.#now;
    const time = new Date(creation * 1000 + (snapshot === undefined ? 999 : 0)).toISOString();
    return { id: this.#idOf(id), time, creation, tree: `of ${this.#idOf(id)}`, host: "", paths: [], tags };
  }

  /** An operation of that name may make another copy in a later plan. */
  #idOf(operation: string): string {
    return `${operation} at ${this.#now}`;
  }

  /** What is made here of a snapshot is known by that, of a directory by itself. */
  #isAmong(identities: ReadonlySet<string>, ref: CopyRef): boolean {
    if ("identity" in ref) return identities.has(ref.identity);
    return identities.has(ref.createdBy) || identities.has(this.#idOf(ref.createdBy));
  }

  #find(at: AtRepository, copy: { readonly id: string } | { readonly createdBy: OperationId }): RepositoryCopy {
    const id = "id" in copy ? copy.id : this.#idOf(copy.createdBy);
    const found = this.#get(at).copies.find((copy) => copy.id === id);
    if (!found) throw new Error(`${id} is not in ${at.repository}`);
    return found;
  }

  #copy({ at, id, from, copies }: CopyOperation): void {
    const originals = copies.map((copy) => this.#find(from, copy));
    this.#add(
      at,
      originals.map((copy) => ({ ...copy, id: `${id} ${copy.id}`, original: copy.original ?? copy.id })),
    );
  }

  #forget({ at, copies, preconditions, source }: ForgetOperation): void {
    const there = this.#get(at);
    const gone = new Set(copies.map(({ id }) => id));
    const left = there.copies.filter(({ id }) => !gone.has(id));
    if (there.copies.length - left.length !== gone.size) throw new Error("a copy to forget is not there");
    const staying = new Set(left.filter((copy) => marksOf(copy)?.isPartial !== true).map((copy) => identityOf(copy)));
    for (const each of preconditions) {
      if (each.kind !== "copies") continue;
      const missing = each.copies.find((ref) => !this.#isAmong(staying, ref));
      if (missing) throw new Error(`${missing.name}, which justifies what ${source} loses, is not there`);
    }
    this.#set(at, { ...there, copies: left });
  }

  #drop(at: AtRepository, ids: readonly string[]): void {
    const there = this.#get(at);
    this.#set(at, { ...there, copies: there.copies.filter(({ id }) => !ids.includes(id)) });
  }

  #record(at: AtRepository, id: string, tags: readonly string[]): void {
    this.#add(at, [this.#made(id, tags)]);
  }
}
