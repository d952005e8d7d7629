import type { RepositoryCopy, RepositoryInventory } from "../../model/inventory.ts";
import type { AdoptRule, Manifest, Repository, Retention } from "../../model/manifest.ts";
import type { CopyId, CopyRef } from "../../model/plan.ts";
import type { Address, HostName, TypeName } from "../../model/units.ts";
import { IN_UTC, recordedIn } from "../../planner/moment.ts";
import { keepsType } from "../../planner/retention.ts";
import { snapshotName } from "../../planner/types.ts";
import type { View } from "../../planner/view.ts";
import { identityOf, isRecord, type Marks, marksOf } from "./tags.ts";

/** A copy of one source as the rules see it: one that a repository has, or one that this plan brings there. */
export interface CopyView extends View {
  /** A backup of a directory is of every type that was due. */
  readonly types: readonly TypeName[];
  /** It is of a ZFS snapshot, which has a name before it has a guid. */
  readonly isOfSnapshot?: boolean;
  /** As it exists there; absent while it is only planned. */
  readonly copy?: RepositoryCopy;
  readonly isPartial: boolean;
  /** How it is named to the restic of the repository it is copied from. */
  readonly ref: CopyId;
}

/** What a source is known by in repositories. */
export interface Known {
  readonly address: Address;
  readonly host: HostName;
  /** Where other tools find it on its host. */
  readonly path?: string;
  /** What it calls a copy with this key, where it still has what that is a copy of. */
  nameOf(key: string): string | undefined;
}

/** Copies of one source, Holdfast's own and adopted ones, in order. */
export function copiesOf(
  manifest: Manifest,
  { repository, keep }: { readonly repository: Repository; readonly keep: Retention },
  there: RepositoryInventory,
  source: Known,
): CopyView[] {
  if (there.state !== "observed") return [];
  const { ours, others } = byMaker(there.copies);
  const own = (ours.get(source.address) ?? []).map(({ copy, types, isPartial }) =>
    view(manifest, source, copy, types, isPartial),
  );
  if (repository.adopt.length === 0) return own.sort(inOrder);
  const kept = keep.by === "time" ? [] : [...keep.types.keys()].filter((type) => keepsType(keep, type));
  const adopted = others.flatMap((copy): CopyView[] => {
    const rule = ruleFor(manifest, repository.adopt, copy, source);
    if (!rule) return [];
    const types = rule.type === undefined ? (kept.length === 1 ? kept : []) : [rule.type];
    return [view(manifest, source, copy, types, false)];
  });
  return [...own, ...adopted].sort(inOrder);
}

interface ByMaker {
  readonly ours: ReadonlyMap<Address, readonly OurCopy[]>;
  readonly others: readonly RepositoryCopy[];
}
interface OurCopy extends Pick<Marks, "types" | "isPartial"> {
  readonly copy: RepositoryCopy;
}

const sortedOut = new WeakMap<readonly RepositoryCopy[], ByMaker>();

/** Every source asks for its copies among all there are: once sorted out, that takes as long as it has some. */
function byMaker(copies: readonly RepositoryCopy[]): ByMaker {
  const known = sortedOut.get(copies);
  if (known) return known;
  const ours = new Map<Address, OurCopy[]>();
  const others: RepositoryCopy[] = [];
  for (const copy of copies) {
    if (isRecord(copy)) continue;
    const marks = marksOf(copy);
    if (!marks) {
      others.push(copy);
      continue;
    }
    const { source, types, isPartial } = marks;
    const there = ours.get(source) ?? [];
    if (there.push({ copy, types, isPartial }) === 1) ours.set(source, there);
  }
  const result = { ours, others };
  sortedOut.set(copies, result);
  return result;
}

/** The same wherever a copy is, and before it is made: by time, and by what it is known by within a nanosecond. */
export const inOrder = (a: CopyView, b: CopyView): number =>
  a.creation - b.creation ||
  nanoseconds(a) - nanoseconds(b) ||
  compare(knownBy(a), knownBy(b)) ||
  compare(a.key, b.key);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const knownBy = ({ isOfSnapshot, key, name }: CopyView): string => (isOfSnapshot ? name : key);

const nanoseconds = ({ recorded = IN_UTC }: CopyView): number => recorded.nanoseconds;

function view(
  { snapshotTypes }: Manifest,
  source: Known,
  copy: RepositoryCopy,
  marked: readonly TypeName[],
  isPartial: boolean,
): CopyView {
  const types = marked.filter((type) => snapshotTypes.has(type));
  const key = identityOf(copy);
  const marks = marksOf(copy);
  const isOfSnapshot = marks?.guid !== undefined;
  const name = source.nameOf(key) ?? nameOf(copy, isOfSnapshot ? marks.types : []);
  return {
    key,
    name,
    type: types[0],
    types,
    isOfSnapshot,
    creation: copy.creation,
    recorded: recordedIn(copy.time),
    copy,
    isPartial,
    ref: { name, id: copy.id },
  };
}

/** Copies of snapshots go by the name Holdfast gives those; others by the id that restic shows. */
function nameOf({ id, creation }: RepositoryCopy, [type]: readonly TypeName[]): string {
  return type === undefined ? id.slice(0, 8) : snapshotName(type, creation);
}

const matches = ({ tag, host, path }: AdoptRule, copy: RepositoryCopy): boolean =>
  (tag === undefined || copy.tags.includes(tag)) &&
  (host === undefined || copy.host === host) &&
  (path === undefined || copy.paths.includes(path));

/** The rule by which a copy counts for this source, and for no other one. */
function ruleFor(
  manifest: Manifest,
  rules: readonly AdoptRule[],
  copy: RepositoryCopy,
  known: Known,
): AdoptRule | undefined {
  const fitting = rules.filter((rule) => matches(rule, copy));
  const naming = fitting.find(({ source }) => source !== undefined);
  if (naming) return isNamed(manifest, naming, known) ? naming : undefined;
  const isThere = copy.host === known.host && copy.paths.length === 1 && copy.paths[0] === known.path;
  return isThere && isClaimant(manifest, known) ? fitting[0] : undefined;
}

const isNamed = ({ self }: Manifest, { source }: AdoptRule, { address }: Known): boolean =>
  source === address || `${self}:${source}` === address;

/** What is mounted at a directory of the manifest leaves its copies to that. */
const isClaimant = ({ directories }: Manifest, { address, host, path }: Known): boolean =>
  !directories.some((entry) => entry.host === host && entry.path === path) || address === `${host}:${path}`;

export const copyRefOf = (view: View): CopyRef =>
  view.createdBy === undefined
    ? { name: view.name, identity: view.key }
    : { name: view.name, createdBy: view.createdBy };

/** As it will be where it is copied to. */
export function arrivingCopy({ copy: _, snapshot: __, ...rest }: CopyView): CopyView {
  return rest;
}
