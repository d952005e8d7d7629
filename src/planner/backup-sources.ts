import type { Dataset } from "../model/inventory.ts";
import type { SnapshotType } from "../model/manifest.ts";
import type { Seconds, TypeName } from "../model/units.ts";
import type { BackupSource } from "../remotes/restic/plan.ts";
import type { CopyView, Known } from "../remotes/restic/plan-views.ts";
import { tagsOf } from "../remotes/restic/tags.ts";
import type { PlanContext } from "./context.ts";
import { newestOf, takenTypes } from "./create.ts";
import type { DirectorySource } from "./directories.ts";
import { IN_UTC } from "./moment.ts";
import { keepsType } from "./retention.ts";
import type { ReadingKeys, Source } from "./sources.ts";
import { scheduledTypes } from "./types.ts";
import { refOf, type View } from "./view.ts";

/** How a source's files are read, as an operation carries it. */
const reading = ({ files, expect, requireMount }: ReadingKeys) => ({
  ...(files && { files }),
  ...(expect && { expect }),
  ...(requireMount !== undefined && { requireMount }),
});

/** Of a command's output there is one file, whatever a policy says of those of other sources. */
const printing = ({ expect, requireMount }: ReadingKeys, stdin: readonly string[]) => ({
  stdin,
  ...(expect?.shrinkAtMost !== undefined && { expect: { shrinkAtMost: expect.shrinkAtMost } }),
  ...(requireMount !== undefined && { requireMount }),
});

const longest = ({ schedules }: PlanContext, types: readonly SnapshotType[]): Seconds =>
  Math.max(0, ...types.map((type) => schedules.longestPeriod(type))) as Seconds;

/** A partial copy is tried again with what comes next, not at every pass, unless somebody asks for it. */
const satisfying = ({ retryPartial }: PlanContext, there: readonly CopyView[]): readonly CopyView[] =>
  retryPartial ? there.filter(({ isPartial }) => !isPartial) : there;

/** Several datasets can have one mount point, but only one is there. */
export const pathOf = ({ mounted, mountpoint }: Dataset): Pick<Known, "path"> =>
  mounted && mountpoint !== undefined ? { path: mountpoint } : {};

/** A dataset: what there is to be kept are its snapshots. `views` has those that this plan creates too. */
export function datasetSource(
  context: PlanContext,
  source: Source,
  dataset: Dataset,
  views: readonly View[],
): BackupSource {
  const at = { host: source.host, dataset: source.dataset };
  const names = new Map(views.map(({ key, name }) => [key, name]));
  return {
    address: source.address,
    host: source.host,
    ...pathOf(dataset),
    nameOf: (key) => names.get(key),
    longestPeriod: longest(context, takenTypes(context, source)),
    isOurs: context.scope.sources(source.host),
    suspended: source.keys.suspend,
    ...obstacleIn(source, dataset),
    candidates: (there) => {
      const has = new Set(satisfying(context, there).map(({ key }) => key));
      return views.flatMap((view): Omit<CopyView, "ref">[] => {
        if (view.type === undefined || has.has(view.key)) return [];
        const { snapshot: _, ...rest } = view;
        return [{ ...rest, types: [view.type], isOfSnapshot: true, isPartial: false }];
      });
    },
    pins: () => new Map(),
    backup: (view) => {
      const snapshot = refOf(view);
      return {
        ...reading(source.keys),
        from: at,
        snapshot,
        tags: tagsOf({ source: source.address, types: view.types }),
        dependsOn: view.createdBy === undefined ? [] : [view.createdBy],
        preconditions: [{ ...at, kind: "snapshot", snapshot }],
      };
    },
  };
}

function obstacleIn({ host, dataset: name }: Source, dataset: Dataset): Pick<BackupSource, "obstacle"> {
  const at = { host, dataset: name };
  if (dataset.type === "volume") {
    return {
      obstacle: {
        at,
        reason: "no-files",
        message: "a volume has no files that restic could read",
        evidence: [`${name} is a volume`],
        remedies: [
          `an entry of its own with other remotes: "${host}:${name}": { remotes: { … } }`,
          "or `skip` it in the entry around it",
        ],
      },
    };
  }
  if (dataset.keystatus === "unavailable") {
    return {
      obstacle: {
        at,
        reason: "encryption",
        message: "its files cannot be read: the key is not loaded",
        evidence: [`keystatus of ${dataset.encryptionroot ?? name} is unavailable`],
        remedies: [`zfs load-key ${dataset.encryptionroot ?? name}, then zfs mount ${name}`],
      },
    };
  }
  return {};
}

/** A directory: a backup is itself the snapshot, taken when a type is due there, or now where it is `asked` for. */
export function directorySource(context: PlanContext, source: DirectorySource, asked?: SnapshotType): BackupSource {
  const at = { host: source.host, directory: source.path };
  const types = scheduledTypes(context.manifest, source.keys.take);
  const observed = context.observations.directory(source.address);
  const isUnseen = source.keys.stdin === undefined && observed.state === "unobserved";
  const isThere = source.keys.stdin !== undefined || observed.state !== "absent";
  return {
    address: source.address,
    host: source.host,
    path: source.path,
    nameOf: () => undefined,
    longestPeriod: longest(context, types),
    isOurs: context.scope.sources(source.host),
    suspended: source.keys.suspend,
    ...(!isThere && {
      obstacle: {
        at,
        reason: "source-missing",
        message: `there is no directory ${source.path} on ${source.host}`,
        evidence: [],
        remedies: [
          "create or mount it",
          "where it is a single file: name its folder, with `files: { include: [NAME] }`",
          "or take it out of the manifest; its copies stay where they are",
        ],
      },
    }),
    candidates: (there, keep) => {
      if (asked) return isUnseen || !keepsType(keep, asked.name) ? [] : [backupNow(context, [asked.name])];
      const kept = types.filter((type) => keepsType(keep, type.name));
      const known = satisfying(context, there);
      if (isUnseen || !kept.some((type) => isDue(context, type, known))) return [];
      // the next complete one is of the types of a partial one too
      const complete = there.filter(({ isPartial }) => !isPartial);
      const due = kept.filter((type) => isDue(context, type, complete));
      return due.length === 0
        ? []
        : [
            backupNow(
              context,
              due.map(({ name }) => name),
            ),
          ];
    },
    pins: (views) =>
      new Map(
        types.flatMap((type) => {
          const newest = newestOf(type, withType(views, type.name), context.now);
          return newest ? [[newest.key, { reason: "newest-of-type", detail: `newest ${type.name}` }] as const] : [];
        }),
      ),
    backup: ({ types: due }) => ({
      ...(source.keys.stdin ? printing(source.keys, source.keys.stdin) : reading(source.keys)),
      from: at,
      reason: asked ? "asked for" : due.map((name) => `${name} is due since ${dueSince(context, name)}`).join(", "),
      tags: tagsOf({ source: source.address, types: due }),
      dependsOn: [],
      preconditions: [],
    }),
  };
}

/** What is made now is newer than all that was made before, within this second too. */
const END_OF_SECOND = { ...IN_UTC, nanoseconds: 999_999_999 };

const backupNow = ({ now }: PlanContext, types: readonly TypeName[]): Omit<CopyView, "ref"> => ({
  key: "",
  name: types.join("+"),
  type: types[0],
  types,
  creation: now,
  recorded: END_OF_SECOND,
  isPartial: false,
});

const withType = (views: readonly CopyView[], type: TypeName): CopyView[] =>
  views.filter(({ types }) => types.includes(type)).map((view) => ({ ...view, type }));

function isDue(context: PlanContext, type: SnapshotType, there: readonly CopyView[]): boolean {
  const tick = context.schedules.latestTick(type);
  const newest = newestOf(type, withType(there, type.name), context.now);
  return tick !== undefined && (newest === undefined || newest.creation < tick);
}

function dueSince({ manifest, schedules }: PlanContext, name: TypeName): string {
  const type = manifest.snapshotTypes.get(name);
  return type ? schedules.dueSince(type) : "";
}
