import { isLocal } from "../manifest/repositories.ts";
import type { ChangedKey, Comparison, CopyName, PlanPart } from "../model/comparison.ts";
import type { Repository } from "../model/manifest.ts";
import {
  type Blocked,
  type CopyId,
  type CopyOperation,
  type DestroyedSnapshot,
  type ForgetOperation,
  type ForgottenCopy,
  goneId,
  type Operation,
  type Plan,
  placeOnHost,
  type SnapshotRef,
} from "../model/plan.ts";
import type { Address, Bytes } from "../model/units.ts";
import type { DirectorySource } from "./directories.ts";
import { headline } from "./headline.ts";
import type { Source } from "./sources.ts";
import { summarize } from "./summary.ts";

/** One of the two manifests with its plan; both plans are made from the same inventory and clock. */
export interface Planned {
  /** As the user names the manifest. */
  readonly manifest: string;
  readonly plan: Plan;
  readonly sources: readonly (Source | DirectorySource)[];
}

/** What going from `base` to `head` does: only what one plan has and the other has not. */
export function comparePlans(base: Planned, head: Planned): Comparison {
  const does = difference(head.plan, base.plan);
  const stops = difference(base.plan, head.plan);
  const sources = {
    added: without(addresses(head), addresses(base)),
    // a source that the head's plan cannot settle is shown as blocked there
    ended: without(addresses(base), [...addresses(head), ...head.plan.blocked.map(({ source }) => source)]),
  };
  const copies = {
    added: copiesBeyond(head, base),
    ended: copiesBeyond(base, head).filter(({ source }) => !isUnsettled(source, head)),
  };
  return {
    formatVersion: 1,
    base: { manifest: base.manifest, digest: base.plan.manifestDigest },
    head: { manifest: head.manifest, digest: head.plan.manifestDigest },
    self: head.plan.self,
    observedAt: head.plan.observedAt,
    now: head.plan.now,
    complete: head.plan.complete,
    unobserved: head.plan.unobserved,
    headline: headline({ does, stops, sources, copies, self: head.plan.self }),
    does,
    stops,
    sources,
    copies,
    keys: changedKeys(base, head),
  };
}

const addresses = ({ sources }: Planned): Address[] => sources.map(({ address }) => address);
const without = <T>(all: readonly T[], gone: readonly T[]): T[] => {
  const set = new Set(gone);
  return all.filter((one) => !set.has(one));
};
const isUnsettled = (source: Address, { plan, sources }: Planned): boolean =>
  !sources.some(({ address }) => address === source) && plan.blocked.some((entry) => entry.source === source);

function copiesBeyond(one: Planned, other: Planned): CopyName[] {
  const known = new Set(
    other.sources.flatMap((source) => copyNames(source).map(({ remote }) => key(source.address, remote))),
  );
  return one.sources.flatMap((source) =>
    copyNames(source).filter(({ remote }) => !known.has(key(source.address, remote))),
  );
}

function copyNames(source: Source | DirectorySource): CopyName[] {
  const inRepository = (repository: Repository): CopyName => ({
    source: source.address,
    remote: repository.name,
    offSite: !isLocal(repository),
  });
  return [
    ...("path" in source ? [] : source.copies).map(({ remote, host }) => ({
      source: source.address,
      remote: remote.name,
      offSite: host !== source.host,
    })),
    ...source.repositories.flatMap(({ remote, mirrors }) => [
      inRepository(remote),
      ...mirrors.map(({ mirror }) => inRepository(mirror)),
    ]),
  ];
}

function changedKeys(base: Planned, head: Planned): ChangedKey[] {
  const before = new Map(base.sources.map(({ address, provenance }) => [address, provenance]));
  return head.sources.flatMap(({ address, provenance }) => {
    const old = new Map((before.get(address) ?? provenance).map((row) => [row.key, row.value]));
    const now = new Map(provenance.map((row) => [row.key, row.value]));
    return [...new Set([...old.keys(), ...now.keys()])]
      .filter((name) => old.get(name) !== now.get(name))
      .map((name) => ({
        source: address,
        key: name,
        ...optional("before", old.get(name)),
        ...optional("after", now.get(name)),
      }));
  });
}

const optional = <K extends string>(name: K, value: string | undefined): { [P in K]?: string } =>
  value === undefined ? {} : ({ [name]: value } as { [P in K]?: string });

/** What `plan` does and `other` does not; operations on several snapshots are cut down to those. */
function difference(plan: Plan, other: Plan): PlanPart {
  const known = new Set(other.operations.flatMap(effects));
  const operations = plan.operations.flatMap((operation): Operation[] => cut(operation, known));
  const held = new Map(other.blocked.map((entry) => [blockedKey(entry), entry]));
  const blocked = plan.blocked.flatMap((entry) => cutBlocked(entry, held.get(blockedKey(entry))));
  return { operations, blocked, summary: summarize({ operations, blocked, kept: [] }) };
}

/** What an operation brings about, one key for each thing; the same thing has the same key in every plan. */
function effects(operation: Operation): string[] {
  const effect = (...what: string[]): string => key(operation.at.host, placeOnHost(operation.at), ...what);
  switch (operation.kind) {
    case "create":
      return [effect("create", operation.name)];
    case "adopt":
    case "discard":
    case "replace":
    case "init":
    case "prune":
    case "check":
    case "unlock":
    case "make":
    case "settle":
    case "restore-files":
      return [effect(operation.kind)];
    case "verify":
      return [effect("verify", operation.source)];
    case "hook":
      return [effect("hook", operation.id)];
    case "backup":
      return [effect("backup", operation.source, operation.snapshot ? identity(operation.snapshot) : "")];
    case "copy":
      return operation.copies.map((copy) => effect("copy", "id" in copy ? copy.id : `made ${copy.name}`));
    case "forget":
      return operation.copies.map(({ id }) => effect("forget", id));
    case "rollback":
      return [effect("rollback", operation.to.name), ...operation.destroys.map(({ guid }) => effect("destroy", guid))];
    case "send":
      return operation.snapshots.map((snapshot) => effect("arrives", identity(snapshot)));
    case "resume":
      return [effect("arrives", identity(operation.to))];
    case "bookmark":
      return [effect("bookmark", operation.bookmark)];
    case "unbookmark":
      return operation.bookmarks.map(({ name }) => effect("unbookmark", name));
    case "destroy":
    case "destroy-orphan":
      return operation.snapshots.map(({ guid }) => effect("destroy", guid));
  }
}

/** The guid; for what the plan itself creates its name, as ids of operations differ between plans. */
const identity = (snapshot: SnapshotRef): string => ("guid" in snapshot ? snapshot.guid : `created ${snapshot.name}`);

function cut(operation: Operation, known: ReadonlySet<string>): Operation[] {
  const isNew = (effect: string | undefined): boolean => effect !== undefined && !known.has(effect);
  const mine = effects(operation);
  const some = <T>(items: readonly T[]): T[] => items.filter((_, index) => isNew(mine[index]));
  switch (operation.kind) {
    case "send": {
      const snapshots = some(operation.snapshots);
      const share = snapshots.length / operation.snapshots.length;
      return snapshots.length === 0
        ? []
        : [{ ...operation, snapshots, estimate: Math.round(operation.estimate * share) as Bytes }];
    }
    case "unbookmark": {
      const bookmarks = some(operation.bookmarks);
      return bookmarks.length === 0 ? [] : [{ ...operation, bookmarks }];
    }
    case "copy":
    case "forget": {
      const copies = some<CopyId | ForgottenCopy>(operation.copies);
      return copies.length === 0 ? [] : [{ ...operation, copies } as CopyOperation | ForgetOperation];
    }
    case "destroy":
    case "destroy-orphan": {
      const snapshots = some(operation.snapshots);
      if (snapshots.length === 0)
        return operation.snapshots.length === 0 && operation.kind === "destroy-orphan" ? [operation] : [];
      return [{ ...operation, snapshots, bytes: share(operation, snapshots) }];
    }
    default:
      return mine.some(isNew) ? [operation] : [];
  }
}

/** All of the bytes for all of the snapshots; for some of them what is theirs alone. */
const share = (whole: { readonly snapshots: readonly Gone[]; readonly bytes: Bytes }, some: readonly Gone[]): Bytes =>
  some.length === whole.snapshots.length
    ? whole.bytes
    : (some.reduce((sum, gone) => sum + ("used" in gone ? gone.used : 0), 0) as Bytes);
type Gone = DestroyedSnapshot | ForgottenCopy;

const blockedKey = ({ source, remote, at, reason, withheld }: Blocked): string =>
  key(source, remote ?? "", at.host, placeOnHost(at), reason, withheld?.type ?? "");

function cutBlocked(entry: Blocked, other: Blocked | undefined): Blocked[] {
  if (other === undefined) return [entry];
  const { withheld } = entry;
  if (withheld === undefined) return [];
  const known = new Set(other.withheld?.snapshots.map(goneId));
  const snapshots = withheld.snapshots.filter((gone) => !known.has(goneId(gone)));
  return snapshots.length === 0
    ? []
    : [{ ...entry, withheld: { ...withheld, snapshots, bytes: share(withheld, snapshots) } }];
}

const key = (...parts: readonly string[]): string => JSON.stringify(parts);
