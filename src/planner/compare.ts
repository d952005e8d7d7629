import type { ChangedKey, Comparison, CopyName, PlanPart } from "../model/comparison.ts";
import type { Blocked, DestroyedSnapshot, Operation, Plan, SnapshotRef } from "../model/plan.ts";
import type { Address, Bytes } from "../model/units.ts";
import { headline } from "./headline.ts";
import type { Source } from "./sources.ts";
import { summarize } from "./summary.ts";

/** One of the two manifests with its plan; both plans are made from the same inventory and clock. */
export interface Planned {
  /** As the user names the manifest. */
  readonly manifest: string;
  readonly plan: Plan;
  readonly sources: readonly Source[];
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
    other.sources.flatMap(({ address, copies }) => copies.map(({ remote }) => key(address, remote.name))),
  );
  return one.sources.flatMap(({ address, host, copies }) =>
    copies
      .filter(({ remote }) => !known.has(key(address, remote.name)))
      .map((copy) => ({ source: address, remote: copy.remote.name, offSite: copy.host !== host })),
  );
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
  const { host, dataset } = operation.at;
  const effect = (...what: string[]): string => key(host, dataset, ...what);
  switch (operation.kind) {
    case "create":
      return [effect("create", operation.name)];
    case "adopt":
    case "discard":
    case "replace":
      return [effect(operation.kind)];
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
const share = (
  whole: { readonly snapshots: readonly DestroyedSnapshot[]; readonly bytes: Bytes },
  some: readonly DestroyedSnapshot[],
): Bytes =>
  some.length === whole.snapshots.length ? whole.bytes : (some.reduce((sum, { used }) => sum + used, 0) as Bytes);

const blockedKey = ({ source, remote, at, reason, withheld }: Blocked): string =>
  key(source, remote ?? "", at.host, at.dataset, reason, withheld?.type ?? "");

function cutBlocked(entry: Blocked, other: Blocked | undefined): Blocked[] {
  if (other === undefined) return [entry];
  const { withheld } = entry;
  if (withheld === undefined) return [];
  const known = new Set(other.withheld?.snapshots.map(({ guid }) => guid));
  const snapshots = withheld.snapshots.filter(({ guid }) => !known.has(guid));
  return snapshots.length === 0
    ? []
    : [{ ...entry, withheld: { ...withheld, snapshots, bytes: share(withheld, snapshots) } }];
}

const key = (...parts: readonly string[]): string => JSON.stringify(parts);
