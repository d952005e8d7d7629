import type { Dataset } from "../../model/inventory.ts";
import type { At, OperationId, Precondition, StreamOptions } from "../../model/plan.ts";
import type { Guid } from "../../model/units.ts";
import type { PlanContext } from "../../planner/context.ts";
import { isCounted, retain } from "../../planner/retention.ts";
import type { Copy, Source } from "../../planner/sources.ts";
import { refOf, type View } from "../../planner/view.ts";
import type { Base } from "./base.ts";
import type { Encryption } from "./encryption.ts";

/** The source's side as a copy's plan needs it. */
export interface LocalSide {
  readonly dataset: Dataset;
  /** By createtxg, the creates of this plan last. */
  readonly views: readonly View[];
  readonly creates: readonly OperationId[];
}

/** What is given when one copy is planned for. */
export interface Facts {
  readonly context: PlanContext;
  readonly source: Source;
  readonly local: LocalSide;
  readonly copy: Copy;
  /** The dataset at the target, where there is one. */
  readonly target: Dataset | undefined;
  readonly from: At;
  readonly at: At;
}

/** The newest N of each type that the remote keeps, of what it has and what is newer than the base. */
export function wantedThere(facts: Facts, there: readonly View[], base: Base | undefined): readonly View[] {
  const newer = newerThan(facts, base);
  return countedAmong(facts, newer, [...there, ...newer]);
}

export function newerThan(facts: Facts, base: Base | undefined): readonly View[] {
  const { views } = facts.local;
  return base ? views.filter((view) => !view.snapshot || view.snapshot.createtxg > base.txg) : views;
}

/** Those of `views`, the last of `among`, that the remote's keep counts among all. */
export function countedAmong(facts: Facts, views: readonly View[], among: readonly View[]): readonly View[] {
  if (views.length === 0) return [];
  const verdict = retain(facts.copy.keep, among, facts.context.now, facts.context.manifest.timezone);
  const first = among.length - views.length;
  return views.filter((_, index) => isCounted(verdict[first + index]));
}

export function operationOn(facts: Facts, kind: string, name: string) {
  const remote = facts.copy.remote.name;
  return {
    id: `${kind} ${facts.source.address}@${name} ${remote}`,
    source: facts.source.address,
    remote,
    at: facts.at,
  } as const;
}

export function targetIs(facts: Facts): Precondition {
  return { ...facts.at, kind: "dataset", guid: facts.target?.guid as Guid };
}

export function baseAtSource(facts: Facts, view: View, bookmark: string | undefined): Precondition {
  return bookmark === undefined
    ? { ...facts.from, kind: "snapshot", snapshot: refOf(view) }
    : { ...facts.from, kind: "present", snapshot: refOf(view), bookmark: true };
}

export function streamOptions(facts: Facts, { raw, received }: Encryption): StreamOptions {
  const { remote } = facts.copy;
  const encrypted = facts.local.dataset.encryption !== "off";
  return {
    from: facts.from,
    datasetType: facts.local.dataset.type,
    raw,
    ...(received && { encryption: received }),
    // zfs refuses to send properties of an encrypted dataset in a plaintext stream
    withProperties: remote.withProperties && (raw || !encrypted),
    properties: remote.properties,
    excludeProperties: remote.excludeProperties,
    compress: remote.compress,
    ...(remote.limit && { limit: remote.limit.upload }),
    runsOn: remote.mode === "pull" ? facts.copy.host : facts.source.host,
  };
}
