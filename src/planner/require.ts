import {
  type CountedCopy,
  isImmutable,
  isRepositoryOffsite,
  isZfsOffsite,
  shortOf,
  writeShort,
} from "../manifest/requirements.ts";
import type { Dataset } from "../model/inventory.ts";
import type { DrillState, Shortfall } from "../model/plan.ts";
import { type Address, type HostName, poolOf, type RemoteName } from "../model/units.ts";
import type { BackupPlan } from "../remotes/restic/plan.ts";
import type { CopyPlan } from "../remotes/zfs/plan.ts";
import type { PlanContext } from "./context.ts";
import type { DirectorySource } from "./directories.ts";
import { parentOf } from "./observed.ts";
import type { Source } from "./sources.ts";
import type { DrillsPlan } from "./verify.ts";
import { writeSeconds } from "./write.ts";

/** A copy of a source as it will be once the plan is done. */
interface JudgedCopy extends CountedCopy {
  readonly remote: RemoteName;
  /** What cannot be seen is not judged. */
  readonly isEncrypted: boolean | undefined;
}

/**
 * What `require` asks for and one source does not have. It is judged as it will be when the plan is done, so that a first plan
 * does not complain of what it brings about; what cannot be observed is taken for what the manifest says of it.
 */
export function shortfallsOf(
  context: PlanContext,
  source: Source | DirectorySource,
  plans: { readonly dataset?: Dataset; readonly copies: readonly CopyPlan[]; readonly backups: readonly BackupPlan[] },
  drills: DrillsPlan,
): Shortfall[] {
  const { require } = context.manifest;
  const { takesNone, suspend } = source.keys;
  if (!require || suspend || takesNone || !context.scope.sources(source.host)) return [];
  const { address, host } = source;
  const copies = [
    ...plans.copies.flatMap((plan) => zfsCopy(context, host, plans.dataset, plan)),
    ...plans.backups.flatMap((plan) => repositoryCopies(plan)),
  ];
  const own = "dataset" in source ? `${host}:${poolOf(source.dataset)}` : address;
  return [
    ...shortOf(require, own, copies).map((short) => ({
      source: address,
      rule: short.rule,
      message: writeShort(short),
    })),
    ...(require.encrypted ? copies.flatMap((copy) => unencrypted(address, copy)) : []),
    ...unverified(context, address, copies, drills),
  ];
}

function zfsCopy(
  context: PlanContext,
  source: HostName,
  dataset: Dataset | undefined,
  { copy, state, base, dataset: there }: CopyPlan,
): JudgedCopy[] {
  // what shares nothing with the source is no copy of it
  if (state !== "away" && !base) return [];
  const { remote, host, target } = copy;
  return [
    {
      remote: remote.name,
      place: `${host}:${poolOf(target)}`,
      offsite: isZfsOffsite(remote, source),
      immutable: isImmutable(remote),
      isEncrypted: state === "away" ? undefined : encryptionOf(context, dataset, copy, there),
    },
  ];
}

/** Of what is there, or of what arrives: raw as at the source, otherwise as the dataset above. */
function encryptionOf(
  { observations }: PlanContext,
  source: Dataset | undefined,
  { remote, host, target }: CopyPlan["copy"],
  there: Dataset | undefined,
): boolean {
  if (there && there.snapshots.length > 0) return there.encryption !== "off";
  if (remote.raw !== "never" && source !== undefined && source.encryption !== "off") return true;
  const datasets = observations.datasets(host);
  for (let above = parentOf(target); above !== undefined; above = parentOf(above)) {
    const found = datasets.get(above);
    if (found) return found.encryption !== "off";
  }
  return false;
}

const repositoryCopies = ({ sides }: BackupPlan): JudgedCopy[] =>
  sides
    .filter((side) => side.state === "unobserved" || side.after.some(({ isPartial }) => !isPartial))
    .map(({ repository, at, state }) => ({
      remote: repository.name,
      place: at.repository,
      offsite: isRepositoryOffsite(repository),
      immutable: isImmutable(repository),
      isEncrypted: state === "unobserved" ? undefined : true,
    }));

const unencrypted = (source: Address, { remote, isEncrypted }: JudgedCopy): Shortfall[] =>
  isEncrypted === false
    ? [{ source, rule: "encrypted", remote, message: `the copy on ${remote} is not encrypted there` }]
    : [];

/** A drill that this plan runs is not complained of in advance: its failure is told when it fails. */
function unverified(
  { manifest, now }: PlanContext,
  source: Address,
  copies: readonly JudgedCopy[],
  { operations, verified }: DrillsPlan,
): Shortfall[] {
  const within = manifest.require?.verifiedWithin;
  if (within === undefined) return [];
  const planned = new Set(operations.map(({ remote }) => remote));
  const states = new Map<RemoteName, DrillState>(verified.map((state) => [state.remote, state]));
  return copies.flatMap(({ remote, isEncrypted }): Shortfall[] => {
    const state = states.get(remote);
    const isUnseen = isEncrypted === undefined;
    const isRecent = state?.lastGood !== undefined && now - state.lastGood <= within;
    if (planned.has(remote) || isUnseen || (isRecent && state.result !== "failed")) return [];
    const why =
      state?.result === "failed"
        ? "failed its last drill"
        : state?.lastGood === undefined
          ? "was never verified"
          : `was last verified more than ${writeSeconds(within)} ago`;
    return [{ source, rule: "verifiedWithin", remote, message: `the copy on ${remote} ${why}` }];
  });
}
