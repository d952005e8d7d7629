import type { Presence, SnapshotExplanation, Verdict } from "../model/explanation.ts";
import { goneId, type Plan } from "../model/plan.ts";
import type { Address, Guid, RemoteName } from "../model/units.ts";
import type { CopyView } from "../remotes/restic/plan-views.ts";
import { marksOf } from "../remotes/restic/tags.ts";
import type { DirectorySource } from "./directories.ts";
import { blockedVerdict, type Explained } from "./explain.ts";
import { type RepositoryPlace, repositoryCopies } from "./repository-copies.ts";
import type { Source } from "./sources.ts";

/**
 * Why a copy in a repository is treated as it is, by its name or the beginning of restic's id; without `remote` the
 * first place that has it. Nothing where there is none.
 */
export function explainCopy(
  explained: Explained,
  source: Source | DirectorySource,
  remote: RemoteName | undefined,
  wanted: string,
): SnapshotExplanation | undefined {
  const places = repositoryCopies(explained.manifest, explained.inventory, source);
  const isWanted = ({ name, copy }: CopyView) => name === wanted || copy?.id.startsWith(wanted);
  // its id is another one in every repository
  const elsewhere = places.flatMap(({ views }) => views).find(isWanted)?.key;
  for (const place of places.filter(({ name }) => remote === undefined || name === remote)) {
    const view = place.views.find(isWanted) ?? place.views.find(({ key }) => key === elsewhere);
    if (view?.copy === undefined) continue;
    const { copy, key, name, types } = view;
    const guid = marksOf(copy)?.guid;
    return {
      formatVersion: 1,
      kind: "snapshot",
      source: source.address,
      remote: place.name,
      at: place.at,
      name,
      ...(guid !== undefined && { guid }),
      copy: copy.id,
      created: new Date(copy.creation * 1000).toISOString().replace(/\.\d+/, ""),
      ...(types[0] !== undefined && { type: types[0] }),
      ...(types.length > 1 && { types }),
      places: copyPresence(explained, source, key),
      verdicts: [
        ...(source.keys.suspend ? [{ what: "suspended" as const, reason: "observed and shown, never changed" }] : []),
        ...inRepository(explained.plan, source.address, place, copy.id, name),
      ],
    };
  }
  return undefined;
}

function inRepository(
  plan: Plan,
  source: Address,
  { name: remote, views }: RepositoryPlace,
  id: string,
  name: string,
): Verdict[] {
  const isHere = (one: { readonly source: Address; readonly remote?: RemoteName }) =>
    one.source === source && one.remote === remote;
  // names of directories' copies are short ids, and two copies of one snapshot have one name
  const isOnly = views.filter((view) => view.name === name).length === 1;
  return [
    ...plan.operations.flatMap((one): Verdict[] =>
      one.kind === "forget" && isHere(one) && one.copies.some((gone) => gone.id === id)
        ? [{ what: "forget", reason: one.reason }]
        : [],
    ),
    ...plan.blocked
      .filter((entry) => isHere(entry))
      .filter(({ withheld }) => withheld === undefined || withheld.snapshots.some((gone) => goneId(gone) === id))
      .map(blockedVerdict)
      .map(({ remote: _, ...verdict }) => verdict),
    ...plan.kept
      .filter((group) => isHere(group) && group.snapshots.includes(name))
      .filter(
        ({ reason }) =>
          isOnly || (reason === "partial") === (views.find((view) => view.copy?.id === id)?.isPartial ?? false),
      )
      .map(({ reason, detail }) => ({ what: "keep" as const, rule: reason, reason: detail })),
  ];
}

/** Which repositories have the same point in time. */
export function copyPresence(explained: Explained, source: Source | DirectorySource, key: string): Presence[] {
  return repositoryCopies(explained.manifest, explained.inventory, source).map(({ name, at, state, views }) => {
    const found = views.filter((view) => view.key === key);
    const is = found.some(({ isPartial }) => !isPartial) ? "copy" : found.length > 0 ? "partial" : "absent";
    return { remote: name, at, state: state === "unobserved" ? state : is };
  });
}

/** What becomes of a dataset's snapshot towards its repositories; `key`: its guid, or the operation that creates it. */
export function backupVerdicts(explained: Explained, source: Source, key: Guid | string, name: string): Verdict[] {
  const { plan } = explained;
  const places = repositoryCopies(explained.manifest, explained.inventory, source);
  return places.flatMap(({ name: remote, state, views }): Verdict[] => {
    if (state === "unobserved") return [{ what: "unobserved", remote, reason: "it cannot be listed" }];
    const found = plan.operations.flatMap((one): Verdict[] => {
      if (one.source !== source.address) return [];
      if (one.kind === "backup" && one.remote === remote && one.name === name)
        return [{ what: "backup", remote, reason: one.reason }];
      return one.kind === "copy" && one.remote === remote && one.copies.some((copy) => copy.name === name)
        ? [{ what: "copy", remote, reason: one.reason }]
        : [];
    });
    if (found.length > 0 || views.some((view) => view.key === key)) return found;
    const obstacle = plan.blocked.find(
      (entry) => entry.source === source.address && entry.remote === remote && entry.withheld === undefined,
    );
    if (obstacle !== undefined) return [blockedVerdict(obstacle)];
    return [{ what: "not-sent", remote, reason: "its keep there does not call for it" }];
  });
}
