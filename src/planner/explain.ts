import type { Presence, SnapshotExplanation, SourceExplanation, Verdict } from "../model/explanation.ts";
import type { Dataset, Inventory, Snapshot } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import {
  type At,
  type Blocked,
  goneId,
  type Operation,
  type Plan,
  type SnapshotRef,
  type VerifiedCopy,
} from "../model/plan.ts";
import { size } from "../model/size.ts";
import type { Address, EpochSeconds, Guid, RemoteName } from "../model/units.ts";
import type { DirectorySource } from "./directories.ts";
import { backupVerdicts, copyPresence } from "./explain-copies.ts";
import type { Observations } from "./observed.ts";
import type { Copy, Source } from "./sources.ts";
import { classifier } from "./types.ts";

/** What an explanation is drawn from: a plan, and what it was made of. */
export interface Explained {
  readonly manifest: Manifest;
  readonly inventory: Inventory;
  readonly observations: Observations;
  readonly plan: Plan;
}

/** The keys of a source (of one copy only, where `remote` is given), and what is in its way. */
export function explainSource(
  { plan }: Explained,
  source: Source | DirectorySource,
  remote?: RemoteName,
): SourceExplanation {
  const ofCopy = (key: string) =>
    remote === undefined || key.startsWith(`remotes.${remote}.`) || key.startsWith(`mirrors.${remote}.`);
  return {
    formatVersion: 1,
    kind: "source",
    source: source.address,
    ...(remote === undefined ? {} : { remote }),
    keys: source.provenance.filter(({ key }) => ofCopy(key)).map(({ key, value, from }) => ({ key, value, from })),
    verdicts: [
      ...(source.keys.suspend ? [{ what: "suspended" as const, reason: "observed and shown, never changed" }] : []),
      ...plan.blocked
        .filter((entry) => entry.source === source.address && (remote === undefined || entry.remote === remote))
        .map(blockedVerdict),
      ...(plan.verified ?? [])
        .filter((copy) => copy.source === source.address && (remote === undefined || copy.remote === remote))
        .map(verifiedVerdict),
      ...(plan.shortfalls ?? [])
        .filter((short) => short.source === source.address && (remote === undefined || short.remote === remote))
        .map(({ message, remote }) => ({ what: "short" as const, ...(remote && { remote }), reason: message })),
    ],
  };
}

/** Of what would be a source, if nothing were in the way, there are no keys. */
export const explainBlocked = ({ blocked }: Pick<Plan, "blocked">, source: Address): SourceExplanation => ({
  formatVersion: 1,
  kind: "source",
  source,
  keys: [],
  verdicts: blocked.filter((entry) => entry.source === source).map(blockedVerdict),
});

/** Why the snapshot of that name on one side (the source's own, or a copy's) is treated as it is; nothing when there is none. */
export function explainSnapshot(
  explained: Explained,
  source: Source,
  remote: RemoteName | undefined,
  name: string,
): SnapshotExplanation | undefined {
  const { manifest, observations, plan } = explained;
  const copy = source.copies.find((one) => one.remote.name === remote);
  const at: At =
    copy === undefined ? { host: source.host, dataset: source.dataset } : { host: copy.host, dataset: copy.target };
  const there = observations.look(at.host, at.dataset);
  const snapshot = there.state === "present" ? there.dataset.snapshots.find((one) => one.name === name) : undefined;
  const created = plan.operations.find(
    (one) => one.kind === "create" && one.source === source.address && one.name === name,
  );
  if (snapshot === undefined && created === undefined) return undefined;
  const type = classifier(manifest.snapshotTypes)(name);
  const subject: Subject = { source, remote, name, guid: snapshot?.guid, created: created?.id };
  return {
    formatVersion: 1,
    kind: "snapshot",
    source: source.address,
    ...(remote === undefined ? {} : { remote }),
    at,
    name,
    ...(snapshot === undefined ? {} : { guid: snapshot.guid, created: iso(snapshot) }),
    ...(type === undefined ? {} : { type }),
    places: snapshot === undefined ? [] : placesOf(explained, source, snapshot.guid, name),
    verdicts: [
      ...(source.keys.suspend ? [{ what: "suspended" as const, reason: "observed and shown, never changed" }] : []),
      ...planned(plan, subject),
      ...kept(plan, subject),
      ...(remote === undefined ? source.copies.flatMap((one) => transfer(explained, subject, one)) : []),
      ...(remote === undefined ? backupVerdicts(explained, source, snapshot?.guid ?? created?.id ?? "", name) : []),
    ],
  };
}

interface Subject {
  readonly source: Source;
  readonly remote: RemoteName | undefined;
  readonly name: string;
  readonly guid: Guid | undefined;
  /** Id of the operation that creates it. */
  readonly created: string | undefined;
}

const iso = ({ creation }: Snapshot): string => new Date(creation * 1000).toISOString().replace(/\.\d+/, "");

export const blockedVerdict = (entry: Blocked): Verdict => ({
  what: "blocked",
  ...(entry.remote === undefined ? {} : { remote: entry.remote }),
  reason: entry.message,
  remedies: entry.remedies,
});

/** How the drills of a copy went. */
function verifiedVerdict({ remote, result, last, lastGood, overdue }: VerifiedCopy): Verdict {
  const iso = (time: EpochSeconds): string => new Date(time * 1000).toISOString().replace(/\.\d+/, "");
  const words = [
    last === undefined
      ? "never"
      : `${result} on ${iso(last.time)}: ${last.of}, ${last.files} files, ${size(last.bytes)}`,
    ...(last?.limit === "key" ? ["not read, as its key is not loaded there"] : []),
    ...(last?.limit === "read" ? ["read, with nothing to compare it with"] : []),
    ...(result === "failed" ? [`last good: ${lastGood === undefined ? "never" : iso(lastGood)}`] : []),
    ...(overdue ? ["overdue"] : []),
  ];
  return { what: "verified", remote, reason: words.join("; ") };
}

/** Everywhere the same point in time is, or is not. */
function placesOf(explained: Explained, source: Source, guid: Guid, name: string): Presence[] {
  const { observations } = explained;
  const presence = (at: At, remote?: RemoteName): Presence => {
    const there = observations.look(at.host, at.dataset);
    const side = { ...(remote === undefined ? {} : { remote }), at };
    if (there.state !== "present") return { ...side, state: there.state };
    const found = there.dataset.snapshots.find((one) => one.guid === guid);
    if (found !== undefined)
      return { ...side, state: "snapshot", ...(found.name === name ? {} : { name: found.name }) };
    return { ...side, state: there.dataset.bookmarks.some((one) => one.guid === guid) ? "bookmark" : "absent" };
  };
  return [
    presence({ host: source.host, dataset: source.dataset }),
    ...source.copies.map((copy) => presence({ host: copy.host, dataset: copy.target }, copy.remote.name)),
    ...copyPresence(explained, source, guid),
  ];
}

/** What operations do with it on its own side. */
function planned({ operations, blocked, foreign }: Plan, { source, remote, name, guid, created }: Subject): Verdict[] {
  const here = operations.filter((one) => one.source === source.address && remoteOf(one) === remote);
  const reasonOf = ({ reason }: Operation): string => reason;
  return [
    ...operations.filter(({ id }) => id === created).map((one) => ({ what: "create" as const, reason: reasonOf(one) })),
    ...here
      .filter((one) => destroyedBy(one).some((gone) => gone.guid === guid))
      .map((one) => ({ what: "destroy" as const, reason: reasonOf(one) })),
    ...blocked
      .filter((entry) => entry.source === source.address && entry.remote === remote)
      .filter(({ withheld }) => withheld === undefined || withheld.snapshots.some((one) => goneId(one) === guid))
      .map(blockedVerdict)
      .map(({ remote: _, ...verdict }) => verdict),
    ...foreign
      .filter((group) => group.source === source.address && group.remote === remote && group.snapshots.includes(name))
      .map(() => ({
        what: "foreign" as const,
        reason: "no declared type matches its name: never touched, never counted",
      })),
  ];
}

const remoteOf = (operation: Operation): RemoteName | undefined =>
  "remote" in operation ? operation.remote : undefined;

const destroyedBy = (operation: Operation): readonly { readonly guid: Guid }[] => {
  if (operation.kind === "destroy" || operation.kind === "destroy-orphan") return operation.snapshots;
  return operation.kind === "rollback" ? operation.destroys : [];
};

const kept = (plan: Plan, { source, remote, name }: Subject): Verdict[] =>
  plan.kept
    .filter((group) => group.source === source.address && group.remote === remote && group.snapshots.includes(name))
    .map(({ reason, detail }) => ({ what: "keep" as const, rule: reason, reason: detail }));

/** What happens with the source's snapshot towards one remote. */
function transfer({ observations, plan }: Explained, subject: Subject, copy: Copy): Verdict[] {
  const { source, guid, created } = subject;
  const remote = copy.remote.name;
  const is = (snapshot: SnapshotRef): boolean =>
    "guid" in snapshot ? snapshot.guid === guid : snapshot.createdBy === created;
  const found = plan.operations
    .filter((one) => one.source === source.address && remoteOf(one) === remote)
    .flatMap((one): Verdict[] => {
      const where = `${copy.host}:${copy.target}`;
      if (one.kind === "send" && one.snapshots.some(is))
        return [{ what: "send", remote, reason: `to ${where}: ${one.reason}` }];
      if (one.kind === "resume" && is(one.to))
        return [{ what: "resume", remote, reason: `to ${where}: ${one.reason}` }];
      return one.kind === "bookmark" && is(one.of) ? [{ what: "bookmark", remote, reason: one.reason }] : [];
    });
  const there = observations.look(copy.host, copy.target);
  if (there.state === "unobserved") return [...found, { what: "unobserved", remote, reason: there.reason }];
  if (there.state === "present" && there.dataset.snapshots.some((one) => one.guid === guid)) return found;
  if (found.some(({ what }) => what === "send" || what === "resume")) return found;
  const obstacle = plan.blocked.find(
    (entry) =>
      entry.source === source.address &&
      entry.remote === remote &&
      entry.withheld === undefined &&
      entry.reason !== "verify",
  );
  if (obstacle !== undefined) return [...found, blockedVerdict(obstacle)];
  const own = observations.look(source.host, source.dataset);
  const reason =
    own.state === "present" && there.state === "present" && isBeforeBase(own.dataset, there.dataset, guid)
      ? "older than the newest snapshot that both sides have"
      : "its keep there does not call for it";
  return [...found, { what: "not-sent", remote, reason }];
}

/** A snapshot that is older than the base of the next increment can no longer be sent. */
function isBeforeBase(own: Dataset, there: Dataset, guid: Guid | undefined): boolean {
  const guids = new Set(there.snapshots.map((one) => one.guid));
  const base = own.snapshots.findLastIndex((one) => guids.has(one.guid));
  const index = own.snapshots.findIndex((one) => one.guid === guid);
  return index >= 0 && index < base;
}
