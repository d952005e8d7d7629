import type { FolderEntry } from "../../model/folder.ts";
import type { Hit } from "../../model/found.ts";
import type { RepositoryInventory } from "../../model/inventory.ts";
import type { Entry } from "../drills/entries.ts";
import type { RepositoryPlace } from "./access.ts";
import { type BackupOptions, type BackupResult, backup } from "./backup.ts";
import { addTag, forget } from "./change.ts";
import { copyFrom, init } from "./fill.ts";
import { type FindOptions, type FindResult, find } from "./find.ts";
import { currentKey } from "./keys.ts";
import { type ListOptions, list } from "./list.ts";
import { type ClearedLocks, clearLocks } from "./locks.ts";
import { type LookOptions, look } from "./look.ts";
import { type CheckOptions, type CheckResult, check, prune, unlock } from "./maintain.ts";
import { nodes } from "./nodes.ts";
import { type RestoreOptions, type RestoreResult, restore } from "./restore.ts";
import { type ResticOptions, Session } from "./session.ts";
import { type Stats, stats } from "./stats.ts";
import type { ResticVersion } from "./version.ts";

/**
 * restic on one host, working on one repository. Nothing is asked or read before it is needed. All but `list` throw
 * `ResticFailed`, or a `TransportError` where the host cannot be reached.
 */
export class Restic {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  version(): Promise<ResticVersion> {
    return this.#session.version();
  }

  list(options: ListOptions = {}): Promise<RepositoryInventory> {
    return list(this.#session, options);
  }

  /** The beginning of the id of the key that the password opens. */
  currentKey(): Promise<string | undefined> {
    return currentKey(this.#session);
  }

  init(options: { readonly chunkerParametersOf?: Restic } = {}): Promise<void> {
    const from = options.chunkerParametersOf;
    return init(this.#session, from && { chunkerParametersOf: from.#session });
  }

  backup(options: BackupOptions): Promise<BackupResult> {
    return backup(this.#session, options);
  }

  /** Files of a copy into a folder. */
  restore(options: RestoreOptions): Promise<RestoreResult> {
    return restore(this.#session, options);
  }

  /** What is in a copy, while it is found. */
  nodes(copy: { readonly id: string; readonly within: string }, take: (entry: Entry) => void): Promise<void> {
    return nodes(this.#session, copy, take);
  }

  /** What is in a folder of a copy. */
  look(options: LookOptions): Promise<FolderEntry[]> {
    return look(this.#session, options);
  }

  /** Which of some copies have files and folders of a name. */
  find(options: FindOptions, take: (id: string, hit: Hit) => void): Promise<FindResult> {
    return find(this.#session, options, take);
  }

  /** How much is in a copy, counted as this version of restic does. */
  stats(id: string): Promise<Stats> {
    return stats(this.#session, id);
  }

  /** The id that the copy has from then on. */
  addTag(id: string, tag: string): Promise<string> {
    return addTag(this.#session, id, tag);
  }

  /** Exactly these. What is really there tells only the next listing: servers may keep what they were told to remove. */
  forget(ids: readonly string[]): Promise<void> {
    return forget(this.#session, ids);
  }

  /** Exactly these, as far as they are not here yet; told only by the next listing. */
  copyFrom(from: Restic, ids: readonly string[]): Promise<void> {
    return copyFrom(this.#session, from.#session, ids);
  }

  prune(options: { readonly maxUnused?: string } = {}): Promise<void> {
    return prune(this.#session, options);
  }

  check(options: CheckOptions = {}): Promise<CheckResult> {
    return check(this.#session, options);
  }

  /** Removes locks that were left behind, never others; says how many. */
  unlock(): Promise<{ readonly removed: number }> {
    return unlock(this.#session);
  }

  /** The same; with all locks that there were. */
  clearLocks(): Promise<ClearedLocks> {
    return clearLocks(this.#session);
  }
}

/** Opens nothing yet. */
export const openRepository = (place: RepositoryPlace, options: ResticOptions): Restic =>
  new Restic(new Session(place, options));
