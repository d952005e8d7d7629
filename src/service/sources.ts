import { scopeOf } from "../manifest/scope.ts";
import type { Inventory } from "../model/inventory.ts";
import type { Manifest, Scheduled } from "../model/manifest.ts";
import type { Plan, Unobserved } from "../model/plan.ts";
import type { LastSeen } from "../model/status.ts";
import { type Address, type EpochSeconds, type HostName, nameOfKey, type RemoteName } from "../model/units.ts";
import { sourcesOf } from "../planner/index.ts";
import { Observations } from "../planner/observed.ts";
import { nextTick } from "../planner/schedule.ts";
import { concerns, type RepositoryTarget, type Source } from "../planner/sources.ts";
import { unseenSources } from "../planner/status-unseen.ts";
import { suspendedByHand } from "../planner/suspended.ts";

/** What the service keeps in mind of a source. */
export interface KnownSource {
  readonly address: Address;
  readonly host: HostName;
  /** Where copies of it are, in the manifest's order. */
  readonly remotes: readonly RemoteName[];
  /** Of what it takes, and of its drills. */
  readonly schedules: readonly Scheduled[];
  readonly suspended: boolean;
  /** At once, on this machine, rather than by the manifest. */
  readonly isByHand: boolean;
}

/** Also those that cannot be seen now: `lastSeen` says which there were. */
export function knownSources(
  manifest: Manifest,
  inventory: Inventory,
  lastSeen: readonly LastSeen[] = [],
): KnownSource[] {
  const { sources, directories, blocked } = sourcesOf(manifest, inventory, {});
  const scope = scopeOf(manifest, { allHosts: false });
  const observations = new Observations(inventory);
  const seenBefore = lastSeen.map(({ source }) => source);
  const unseen = unseenSources({ manifest, observations }, seenBefore).filter(({ host }) =>
    concerns(manifest, host, scope),
  );
  const inRepositories = (targets: readonly RepositoryTarget[]): RemoteName[] =>
    targets.flatMap(({ remote, mirrors }) => [remote.name, ...mirrors.map(({ mirror }) => mirror.name)]);
  const schedulesOf = ({ take, verify }: Pick<Source["keys"], "take" | "verify">): Scheduled[] => [
    ...take.flatMap((name) => {
      const { schedule, timezone = "UTC" } = manifest.snapshotTypes.get(name) ?? {};
      return schedule === undefined ? [] : [{ schedule, timezone }];
    }),
    ...(verify?.schedule ? [verify.schedule] : []),
  ];
  const settled = [
    ...[...sources, ...unseen].map(({ address, host, copies, repositories, keys }) => ({
      address,
      host,
      remotes: [...copies.map(({ remote }) => remote.name), ...inRepositories(repositories)],
      schedules: schedulesOf(keys),
      suspended: keys.suspend,
      isByHand: suspendedByHand(manifest, address) !== undefined,
    })),
    ...directories.map(({ address, host, repositories, keys }) => ({
      address,
      host,
      remotes: inRepositories(repositories),
      schedules: schedulesOf(keys),
      suspended: keys.suspend,
      isByHand: suspendedByHand(manifest, address) !== undefined,
    })),
  ];
  const known = new Set(settled.map(({ address }) => address));
  // what the manifest names and nobody can settle is shown too
  const unsettled = new Map(blocked.map(({ source, at: { host } }) => [source, host]));
  return [
    ...settled,
    ...[...unsettled]
      .filter(([address]) => !known.has(address))
      .map(([address, host]) => ({ address, host, remotes: [], schedules: [], suspended: false, isByHand: false })),
  ];
}

/** Every schedule by which something may become due, once each. */
export function schedulesIn(manifest: Manifest, sources: readonly KnownSource[]): Scheduled[] {
  const repositories = [...manifest.remotes.values(), ...manifest.mirrors.values()].flatMap((each) =>
    "maintenance" in each ? [each.maintenance] : [],
  );
  const all = [
    ...sources.flatMap(({ schedules, suspended }) => (suspended ? [] : schedules)),
    ...repositories.flatMap(({ prune, check }) => [...(prune ? [prune] : []), ...(check ? [check] : [])]),
  ].map(({ schedule, timezone }) => ({ schedule, timezone }));
  return [...new Map(all.map((one) => [`${one.schedule} ${one.timezone}`, one])).values()];
}

/** The first tick of any of them after a time. */
export function firstTick(schedules: readonly Scheduled[], after: EpochSeconds): EpochSeconds | undefined {
  const ticks = schedules.flatMap((scheduled) => nextTick(scheduled, after) ?? []);
  return ticks.length === 0 ? undefined : (Math.min(...ticks) as EpochSeconds);
}

type Sides = Pick<KnownSource, "host" | "remotes">;

/** What of the source's own side, or of its copies on a remote, could not be seen although it should be. */
export const unseenAt = (
  { unobserved }: Pick<Plan, "unobserved">,
  { host }: Pick<Sides, "host">,
  remote: RemoteName | undefined,
): Unobserved[] =>
  unobserved.filter((one) => {
    const name = one.remote ?? (one.repository && nameOfKey(one.repository));
    return !one.expected && name === remote && (remote !== undefined || one.host === host);
  });

/** The same of all its sides. */
export const unseenOf = (plan: Pick<Plan, "unobserved">, source: Sides): Unobserved[] =>
  [undefined, ...source.remotes].flatMap((remote) => unseenAt(plan, source, remote));
