import { type DrillRecord, REMEMBERED_LENGTH, REMEMBERED_NAMES } from "../../model/drill.ts";
import type { RepositoryCopy } from "../../model/inventory.ts";
import type { InitOperation } from "../../model/plan.ts";
import type { Address, Bytes, Guid, TypeName } from "../../model/units.ts";

/** What the tags of a copy say, where Holdfast made it. */
export interface Marks {
  readonly source: Address;
  /** Of the ZFS snapshot it is a copy of. */
  readonly guid?: Guid;
  readonly types: readonly TypeName[];
  /** Files could not be read. */
  readonly isPartial: boolean;
  /** It was made when nothing here was withheld as first contact any more. */
  readonly isAdopted: boolean;
}

export type MaintenanceKind = InitOperation["records"][number];

/** A record of work on a whole repository, kept in it as a copy of nothing. */
export interface MaintenanceMarks {
  readonly kinds: readonly MaintenanceKind[];
  readonly subset?: { readonly part: number; readonly of: number };
}

/** A drill that somebody carried out on the copies of one source, kept as a copy of nothing too. */
export interface DrillMarks extends Omit<DrillRecord, "time"> {
  readonly source: Address;
}

const OURS = "holdfast";
export const PARTIAL = "partial";
export const ADOPTED = "adopted";

/** restic takes several tags in one word, with commas between them, and drops blanks around each. */
const encoded = (text: string): string =>
  text.replace(/[%,\p{Cc}]|\s+$/gu, (characters) =>
    [...new TextEncoder().encode(characters)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  );

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not written by Holdfast
  }
}

export const tagsOf = ({ source, guid, types }: Pick<Marks, "source" | "guid" | "types">): string[] => [
  OURS,
  `source=${encoded(source)}`,
  ...(guid === undefined ? [] : [`guid=${guid}`]),
  ...types.map((type) => `type=${type}`),
];

export const maintenanceTags = ({ kinds, subset }: MaintenanceMarks): string[] => [
  OURS,
  ...kinds.map((kind) => `maintenance=${kind}`),
  ...(subset === undefined ? [] : [`subset=${subset.part}/${subset.of}`]),
];

/** A record that the copy with this id lacks something, where it could not be tagged. */
export const partialTags = (id: string): string[] => [OURS, `${PARTIAL}=${id}`];

/** Which copy it says that of; undefined for what is no such record. */
export const partialOf = ({ tags }: Pick<RepositoryCopy, "tags">): string | undefined =>
  tags.includes(OURS) ? after(tags, PARTIAL) : undefined;

const after = (tags: readonly string[], name: string): string | undefined =>
  tags.find((tag) => tag.startsWith(`${name}=`))?.slice(name.length + 1);

const knownMarks = new WeakMap<readonly string[], { readonly marks: Marks | undefined }>();

/** Undefined for what Holdfast did not make, and for records of maintenance. Every rule asks: each copy is read once. */
export function marksOf({ tags }: Pick<RepositoryCopy, "tags">): Marks | undefined {
  let known = knownMarks.get(tags);
  if (!known) {
    known = { marks: readMarks(tags) };
    knownMarks.set(tags, known);
  }
  return known.marks;
}

function readMarks(tags: readonly string[]): Marks | undefined {
  const source = after(tags, "source");
  if (!tags.includes(OURS) || source === undefined) return undefined;
  const guid = after(tags, "guid");
  return {
    source: decoded(source) as Address,
    ...(guid !== undefined && { guid: guid as Guid }),
    types: tags.filter((tag) => tag.startsWith("type=")).map((tag) => tag.slice(5) as TypeName),
    isPartial: tags.includes(PARTIAL),
    isAdopted: tags.includes(ADOPTED),
  };
}

export function maintenanceOf({ tags }: Pick<RepositoryCopy, "tags">): MaintenanceMarks | undefined {
  const kinds = (["prune", "check"] as const).filter((kind) => tags.includes(`maintenance=${kind}`));
  if (!tags.includes(OURS) || kinds.length === 0) return undefined;
  const [part, of] = (after(tags, "subset") ?? "").split("/").map(Number);
  return { kinds, ...(part && of && { subset: { part, of } }) };
}

/** Not `source`: what has that is a copy of it. */
export const drillTags = ({ source, result, of, files, bytes, limit, differs }: DrillMarks): string[] => [
  OURS,
  `drill=${encoded(source)}`,
  `result=${result}`,
  `of=${encoded(of)}`,
  `files=${files}`,
  `bytes=${bytes}`,
  ...(limit === undefined ? [] : [`limit=${limit}`]),
  ...differs.slice(0, REMEMBERED_NAMES).map((name) => `differs=${encoded(name.slice(0, REMEMBERED_LENGTH))}`),
];

/** Undefined for what is no record of a drill. */
export function drillOf({ tags }: Pick<RepositoryCopy, "tags">): DrillMarks | undefined {
  const source = after(tags, "drill");
  const result = after(tags, "result");
  if (!tags.includes(OURS) || source === undefined) return undefined;
  if (result !== "passed" && result !== "limited" && result !== "failed") return undefined;
  const limit = after(tags, "limit");
  return {
    source: decoded(source) as Address,
    result,
    of: decoded(after(tags, "of") ?? ""),
    files: Number(after(tags, "files")) || 0,
    bytes: (Number(after(tags, "bytes")) || 0) as Bytes,
    ...((limit === "key" || limit === "read") && { limit }),
    differs: tags.filter((tag) => tag.startsWith("differs=")).map((tag) => decoded(tag.slice(8))),
  };
}

/** A copy of nothing, made only to be remembered: no rule by which others' copies are adopted fits it. */
export const isRecord = (copy: Pick<RepositoryCopy, "tags">): boolean =>
  [maintenanceOf, drillOf, partialOf].some((readRecord) => readRecord(copy) !== undefined);

/** As it was before its tags were changed. */
export const originOf = ({ id, original }: Pick<RepositoryCopy, "id" | "original">): string => original ?? id;

/**
 * All of them, each with the tag that says it lacks something, also where that is on record only. restic tags a copy by making
 * another one and removing the first, which stays where a server removes nothing, or restic was killed in between: it lacks
 * as much.
 */
export function withPartialTags(copies: readonly RepositoryCopy[]): RepositoryCopy[] {
  const partial = new Set(copies.map((copy) => (marksOf(copy)?.isPartial ? originOf(copy) : partialOf(copy))));
  return copies.map((copy) =>
    partial.has(originOf(copy)) && !copy.tags.includes(PARTIAL) ? { ...copy, tags: [...copy.tags, PARTIAL] } : copy,
  );
}

/** What is the same for a copy in every repository it was copied to, and however often its tags were changed. */
export const identityOf = (copy: Pick<RepositoryCopy, "id" | "original" | "tags">): string =>
  marksOf(copy)?.guid ?? copy.original ?? copy.id;
