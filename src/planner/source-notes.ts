import type { Dataset } from "../model/inventory.ts";
import type { Note } from "../model/plan.ts";
import { size } from "../model/size.ts";
import type { Address, Bytes, EpochSeconds, Seconds } from "../model/units.ts";
import type { BackupPlan } from "../remotes/restic/plan.ts";
import { bookmarkName } from "../remotes/zfs/bookmarks.ts";
import type { CopyPlan } from "../remotes/zfs/plan.ts";
import type { PlanContext } from "./context.ts";
import { countedOf, retain } from "./retention.ts";
import type { Copy, Source } from "./sources.ts";
import { shortage } from "./space.ts";
import type { View } from "./view.ts";
import { writeSeconds } from "./write.ts";

/** What is worth knowing about one source and its copies. */
export const notesOf = (
  context: PlanContext,
  source: Source,
  dataset: Dataset,
  views: readonly View[],
  copies: readonly CopyPlan[],
): Note[] => new Notes(context, source, dataset).all(views, copies);

/** What is worth knowing about a source's copies on one restic remote. */
export function backupNotes({ now }: PlanContext, source: Address, plan: BackupPlan): Note[] {
  const { target, newest, state } = plan;
  const { name, maxAge } = target.remote;
  // of what cannot be seen nobody knows how old it is; that it cannot be seen is said
  if (state === "away" || !isOverdue(now, newest, maxAge)) return [...plan.notes];
  const message = `newest copy ${ageOf(now, newest)}, maxAge ${writeSeconds(maxAge ?? 0)}`;
  return [...plan.notes, { kind: "overdue", source, remote: name, message }];
}

/** Creation of the newest snapshot that a remote is known to have, also while it is away. */
export const lastContact = ({ bookmarks }: Dataset, { remote }: Copy): EpochSeconds | undefined =>
  bookmarks.findLast(({ name, guid }) => name === bookmarkName(remote.name, guid))?.creation;

/** What a remote that is away has yet to get, by the bookmark of what it is known to have. */
export function waitingWhileAway(
  { now, manifest }: PlanContext,
  dataset: Dataset,
  views: readonly View[],
  copy: Copy,
): { readonly snapshots: number; readonly bytes: Bytes } {
  const newest = lastContact(dataset, copy) ?? 0;
  const newer = views.filter((view) => view.snapshot && view.creation > newest);
  return {
    snapshots: countedOf(newer, retain(copy.keep, newer, now, manifest.timezone)).length,
    bytes: newer.reduce((sum, view) => sum + (view.snapshot?.written ?? 0), 0) as Bytes,
  };
}

class Notes {
  readonly #context: PlanContext;
  readonly #source: Source;
  readonly #dataset: Dataset;

  constructor(context: PlanContext, source: Source, dataset: Dataset) {
    this.#context = context;
    this.#source = source;
    this.#dataset = dataset;
  }

  all(views: readonly View[], copies: readonly CopyPlan[]): Note[] {
    const { address, keys } = this.#source;
    const notes: Note[] = [];
    const newest = this.#dataset.snapshots.at(-1)?.creation;
    if (this.#context.scope.sources(this.#source.host) && isOverdue(this.#context.now, newest, keys.maxAge)) {
      notes.push({
        kind: "overdue",
        source: address,
        message: `newest snapshot ${ageOf(this.#context.now, newest)}, maxAge ${writeSeconds(keys.maxAge ?? 0)}`,
      });
    }
    for (const plan of copies) notes.push(...this.#copyNotes(views, plan));
    const known = new Set<string>(this.#source.copies.map(({ remote }) => remote.name));
    const unused = this.#dataset.bookmarks.filter(({ name, guid }) => {
      const remote = /^holdfast-(.+)-(\d+)$/.exec(name);
      return remote?.[2] === guid && !known.has(remote[1] ?? "");
    });
    if (unused.length > 0) {
      const names = unused.map(({ name }) => `#${name}`).join(", ");
      notes.push({
        kind: "unused-bookmark",
        source: address,
        at: { host: this.#source.host, dataset: this.#source.dataset },
        message: `bookmarks of remotes it no longer has: ${names}`,
      });
    }
    return notes;
  }

  #copyNotes(views: readonly View[], { copy, state, dataset, operations }: CopyPlan): Note[] {
    const { address } = this.#source;
    const { remote } = copy;
    const notes: Note[] = [];
    const newest = state === "away" ? lastContact(this.#dataset, copy) : dataset?.snapshots.at(-1)?.creation;
    if (isOverdue(this.#context.now, newest, remote.maxAge)) {
      notes.push({
        kind: "overdue",
        source: address,
        remote: remote.name,
        message: `newest copy ${ageOf(this.#context.now, newest)}, maxAge ${writeSeconds(remote.maxAge ?? 0)}`,
      });
    }
    if (state === "away") {
      const { snapshots, bytes } = waitingWhileAway(this.#context, this.#dataset, views, copy);
      const frozen = remote.whileAway === "freeze";
      const subject = snapshots === 1 ? "1 snapshot waits" : `${snapshots} snapshots wait`;
      if (snapshots > 0 || frozen) {
        notes.push({
          kind: "waiting",
          source: address,
          remote: remote.name,
          message: `${subject} for ${remote.name}, ${size(bytes)}${frozen ? "; nothing is destroyed here meanwhile" : ""}`,
        });
      }
    }
    if (remote.raw !== "never" && hasOtherRoot(this.#dataset, dataset)) {
      notes.push({
        kind: "encryption",
        source: address,
        remote: remote.name,
        message: `the raw copy takes its key from ${dataset?.encryptionroot} now: the next raw stream brings the source's key, and then it may not be readable with either; zfs change-key there makes it its own encryption root again`,
      });
    }
    const short = shortage(this.#context, { host: copy.host, dataset: copy.target }, operations);
    if (short) {
      notes.push({
        kind: "space",
        source: address,
        remote: remote.name,
        message: `about ${size(short.toSend)} are to be sent and ${size(short.available)} are available there`,
      });
    }
    return notes;
  }
}

/** What is received raw is its own encryption root, until somebody lets it inherit a key. */
const hasOtherRoot = (source: Dataset, copy: Dataset | undefined): boolean =>
  source.encryption !== "off" &&
  copy !== undefined &&
  copy.encryption !== "off" &&
  copy.snapshots.length > 0 &&
  copy.encryptionroot !== copy.name;

export const isOverdue = (now: EpochSeconds, newest: EpochSeconds | undefined, maxAge: Seconds | undefined): boolean =>
  maxAge !== undefined && (newest === undefined || now - newest > maxAge);

/** `is 3h old`, `has never been made`. */
export const ageOf = (now: EpochSeconds, newest: EpochSeconds | undefined): string => {
  if (newest === undefined) return "has never been made";
  const minutes = Math.max(0, Math.floor((now - newest) / 60));
  return `is ${writeSeconds(minutes >= 120 ? Math.floor(minutes / 60) * 3600 : minutes * 60)} old`;
};
