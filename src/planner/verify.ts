import type { DrillRecord } from "../model/drill.ts";
import type { Dataset } from "../model/inventory.ts";
import type { Scheduled, SnapshotType, Verify } from "../model/manifest.ts";
import type {
  At,
  AtRepository,
  Blocked,
  DrillState,
  Note,
  OperationId,
  VerifiedCopy,
  VerifyOperation,
} from "../model/plan.ts";
import { type Address, type Bytes, type EpochSeconds, poolOf, type RemoteName, type TypeName } from "../model/units.ts";
import type { BackupPlan, RepositoryPoints } from "../remotes/restic/plan.ts";
import { drillsIn } from "../remotes/restic/plan-drills.ts";
import { type CopyView, copyRefOf } from "../remotes/restic/plan-views.ts";
import { newer, readCopies, readRecord } from "../remotes/zfs/drill-record.ts";
import type { CopyPlan } from "../remotes/zfs/plan.ts";
import type { PlanContext } from "./context.ts";
import type { DirectorySource } from "./directories.ts";
import type { Source } from "./sources.ts";
import { refOf, type View } from "./view.ts";
import { writeSeconds } from "./write.ts";

/** Drills are asked for: of which copies, and how much of each. Absent: by their schedule. */
export interface AskedDrills {
  readonly remotes?: ReadonlySet<RemoteName>;
  /** `full`: everything, whatever the manifest says. */
  readonly sample?: Bytes | "full";
}

/** One copy of a source, as its drills see it. */
export interface Drillable {
  readonly remote: RemoteName;
  readonly at: At | AtRepository;
  /** The newest that both have or that was backed up, with what brings it there first. */
  readonly point?: Pick<VerifyOperation, "of" | "against" | "preconditions"> & {
    readonly brings: readonly OperationId[];
  };
  /** Creation of the oldest that is there now. */
  readonly oldest?: EpochSeconds;
  readonly last?: DrillRecord;
  readonly good?: EpochSeconds;
}

/** What becomes of the drills of one source. */
export interface DrillsPlan {
  readonly operations: readonly VerifyOperation[];
  readonly verified: readonly VerifiedCopy[];
  readonly blocked: readonly Blocked[];
  readonly notes: readonly Note[];
  /** Why nothing of this source is thinned, on any side: a copy of it turned out to be bad. */
  readonly unproven?: string;
}

export const noDrills: DrillsPlan = { operations: [], verified: [], blocked: [], notes: [] };

/**
 * Which copies a drill is due for. A failed one waits for the next tick like any other, but until one passes the others may
 * be all there is of what the bad copy lacks.
 */
export function planDrills(
  context: PlanContext,
  source: Pick<Source | DirectorySource, "address"> & { readonly keys: { readonly verify?: Verify } },
  copies: readonly Drillable[],
  asked?: AskedDrills,
): DrillsPlan {
  const { verify = {} } = source.keys;
  const operations: VerifyOperation[] = [];
  for (const copy of copies) {
    const reason = asked ? askedFor(asked, copy) : due(context, verify, copy);
    if (reason === undefined || copy.point === undefined) continue;
    operations.push(drill(context, source.address, verify, copy, copy.point, reason, asked, operations.at(-1)?.id));
  }
  const concerned = copies.filter(({ last }) => last !== undefined || isVerified(verify));
  const failed = copies.filter(({ last }) => last?.result === "failed");
  return {
    operations,
    verified: concerned.map((copy) => verifiedCopy(context, source.address, verify, copy)),
    blocked: failed.map((copy) => blockedBy(source.address, copy)),
    notes: concerned.flatMap((copy) => overdueNote(context, source.address, verify, copy)),
    ...(failed[0] && { unproven: unprovenBy(failed[0]) }),
  };
}

const isVerified = ({ schedule, within }: Verify): boolean => schedule !== undefined || within !== undefined;

const askedFor = ({ remotes }: AskedDrills, { remote }: Drillable): string | undefined =>
  remotes === undefined || remotes.has(remote) ? "asked for" : undefined;

function due({ schedules }: PlanContext, { schedule }: Verify, { last }: Drillable): string | undefined {
  if (schedule === undefined) return undefined;
  const type = scheduleOf(schedule);
  const tick = schedules.latestTick(type);
  if (tick === undefined || (last !== undefined && last.time >= tick)) return undefined;
  return last === undefined ? "it was never verified" : `a drill is due since ${schedules.dueSince(type)}`;
}

const scheduleOf = ({ schedule, timezone }: Scheduled): SnapshotType => ({
  name: "verify" as TypeName,
  schedule,
  timezone,
  adopt: [],
});

function drill(
  { now }: PlanContext,
  source: Address,
  { sample }: Verify,
  { remote, at, good }: Drillable,
  { brings, ...point }: NonNullable<Drillable["point"]>,
  reason: string,
  asked: AskedDrills | undefined,
  before: OperationId | undefined,
): VerifyOperation {
  const wanted = asked?.sample ?? sample;
  return {
    id: `verify ${source} ${remote}`,
    kind: "verify",
    source,
    remote,
    at,
    ...point,
    ...(wanted !== undefined && wanted !== "full" && { sample: wanted }),
    seed: `${source} ${remote} ${now}`,
    ...(good !== undefined && { lastGood: good }),
    reason,
    dependsOn: brings,
    // each remembers its result, and two of one source may do so in one place
    ...(before !== undefined && { after: [before] }),
  };
}

/** Drills read for hours: whatever else there is to do goes first. */
export const afterAll = (drills: readonly VerifyOperation[], others: readonly OperationId[]): VerifyOperation[] =>
  drills.map((drill) => {
    const needed = new Set(drill.dependsOn);
    const before = [...others.filter((id) => !needed.has(id)), ...(drill.after ?? [])];
    return before.length === 0 ? drill : { ...drill, after: before };
  });

function stateOf({ now }: PlanContext, { within }: Verify, { last, good, oldest }: Drillable): DrillState {
  // of a copy that is new nobody expects a drill yet
  const since = good ?? oldest;
  return {
    result: last?.result ?? "never",
    ...(good !== undefined && { lastGood: good }),
    ...(last && { lastTried: last.time }),
    overdue: within !== undefined && since !== undefined && now - since > within,
  };
}

const verifiedCopy = (context: PlanContext, source: Address, verify: Verify, copy: Drillable): VerifiedCopy => ({
  source,
  remote: copy.remote,
  at: copy.at,
  ...stateOf(context, verify, copy),
  ...(copy.last && { last: copy.last }),
});

function overdueNote(context: PlanContext, source: Address, verify: Verify, copy: Drillable): Note[] {
  if (!stateOf(context, verify, copy).overdue) return [];
  const days = (time: EpochSeconds) => `${Math.floor((context.now - time) / 86_400)}d ago`;
  const last = copy.good === undefined ? "no drill ever went well" : `the last good drill was ${days(copy.good)}`;
  const message = `${last}, verify.within ${writeSeconds(verify.within ?? 0)}`;
  return [{ kind: "verify", source, remote: copy.remote, message }];
}

const dayOf = (time: EpochSeconds): string => new Date(time * 1000).toISOString().slice(0, 16).replace("T", " ");

const unprovenBy = ({ remote, last }: Drillable): string =>
  `the drill of ${remote} on ${dayOf(last?.time ?? (0 as EpochSeconds))} failed, and what the others have may be needed`;

function blockedBy(source: Address, { remote, at, last, good }: Drillable): Blocked {
  const { time, of, differs } = last as DrillRecord;
  return {
    source,
    remote,
    at,
    reason: "verify",
    message: `the drill on ${dayOf(time)} found that the copy is not what was backed up: nothing of this source is thinned anywhere until one passes`,
    evidence: [
      `looked at: ${of}`,
      ...differs.map((name) => `differs: ${name}`),
      good === undefined ? "no drill of it ever went well" : `the last good drill was on ${dayOf(good)}`,
    ],
    remedies: [
      `look again: holdfast verify ${source} --on ${remote}`,
      "repository" in at
        ? "restic check --read-data there tells what is damaged, and how to repair it"
        : `zpool status -v ${poolOf(at.dataset)} on ${at.host} tells what is damaged; a copy beyond repair is renamed out of the way, and sent anew`,
      `what may be thinned all the same: an approval: { source: "${source}", destroy: N, until: … }`,
    ],
  };
}

/** A copy on a ZFS remote. `now`: what is there already, nothing that this plan brings. */
export function datasetDrillable(
  context: PlanContext,
  source: Source,
  dataset: Dataset,
  { copy, state, made, shared, base, operations, dataset: target }: CopyPlan,
  when: "now" | "after",
): Drillable[] {
  if (state === "away") return [];
  const { name: remote } = copy.remote;
  const at: At = { host: copy.host, dataset: copy.target };
  // whoever transfers verifies; how that went concerns all who thin
  const isOurs = context.scope.copies(source.host, copy.remote);
  const view = (when === "now" ? shared : base)?.view;
  // what is made anew has nothing yet, and has not been verified, whatever was there before
  const isNew = made && when === "after";
  const isThere = !isNew && view !== undefined && target?.snapshots.some(({ guid }) => guid === view.key);
  const brings = isThere ? [] : operations.filter(({ kind }) => kind === "send" || kind === "resume");
  const remembered = isNew
    ? undefined
    : newer(readRecord(target?.own.verified), readCopies(dataset.own["verified-copies"]).get(remote));
  const oldest = isNew ? undefined : target?.snapshots[0]?.creation;
  return [
    {
      remote,
      at,
      ...(view &&
        isOurs && {
          point: pointOf(
            source,
            dataset,
            at,
            view,
            brings.map(({ id }) => id),
          ),
        }),
      ...(oldest !== undefined && { oldest }),
      ...(remembered && { last: remembered.last }),
      ...(remembered?.good !== undefined && { good: remembered.good }),
    },
  ];
}

function pointOf(
  source: Source,
  { type, snapshots }: Dataset,
  at: At,
  view: View,
  brings: readonly OperationId[],
): NonNullable<Drillable["point"]> {
  const snapshot = refOf(view);
  // a base that is only a bookmark at the source leaves nothing to compare with
  const isAtSource = view.createdBy !== undefined || snapshots.some(({ guid }) => guid === view.key);
  return {
    of: { ...at, snapshot, datasetType: type },
    ...(isAtSource && { against: { host: source.host, dataset: source.dataset, snapshot } }),
    preconditions: [{ ...at, kind: "present", snapshot, bookmark: false }],
    brings,
  };
}

/** A source's copies in repositories. `has`: the source still has the snapshot with this key. */
export function repositoryDrillables(
  context: PlanContext,
  source: Source | DirectorySource,
  { sides }: BackupPlan,
  when: "now" | "after",
  has: (view: CopyView) => boolean,
): Drillable[] {
  if (!context.scope.sources(source.host)) return [];
  return sides.flatMap((side): Drillable[] => {
    if (side.state === "unobserved") return [];
    const { repository, at, existing } = side;
    const there = context.observations.repository(at.repository);
    const remembered = drillsIn(there, source.address);
    const point = repositoryPoint(source, side, when, has, remembered, repository.deletions === "never");
    const oldest = existing[0]?.creation;
    return [
      {
        remote: repository.name,
        at,
        ...(point && { point }),
        ...(oldest !== undefined && { oldest }),
        ...(remembered && { last: remembered.last }),
        ...(remembered?.good !== undefined && { good: remembered.good }),
      },
    ];
  });
}

function repositoryPoint(
  source: Source | DirectorySource,
  { at, existing, after, operations }: RepositoryPoints,
  when: "now" | "after",
  has: (view: CopyView) => boolean,
  remembered: ReturnType<typeof drillsIn>,
  isAppendOnly: boolean,
): Drillable["point"] {
  const newest = (when === "now" ? existing : after).findLast(({ isPartial }) => !isPartial);
  if (newest === undefined) return undefined;
  const isSnapshot = "dataset" in source && has(newest);
  const { files } = source.keys;
  return {
    of: {
      ...at,
      copy: copyRefOf(newest),
      isSelection: files !== undefined,
      ...(remembered?.goodId !== undefined && { good: remembered.goodId }),
      outdated: isAppendOnly ? [] : (remembered?.ids ?? []),
    },
    ...(isSnapshot && { against: { host: source.host, dataset: source.dataset, snapshot: refOf(newest) } }),
    preconditions: [],
    brings: newest.copy ? [] : operations,
  };
}
