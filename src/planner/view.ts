import type { Dataset, Snapshot } from "../model/inventory.ts";
import type { DestroyedSnapshot, OperationId, SnapshotRef } from "../model/plan.ts";
import type { Bytes, EpochSeconds, Guid, TypeName } from "../model/units.ts";
import type { Recorded } from "./moment.ts";
import { type Classify, timeInName } from "./types.ts";

/** A snapshot on one side as the rules see it: one that exists, or one that this plan brings about there. */
export interface View {
  /** Identity on both sides: the guid, or the id of the operation that creates it. */
  readonly key: string;
  readonly name: string;
  readonly type: TypeName | undefined;
  readonly creation: EpochSeconds;
  /** Where more is known of that moment than its seconds. */
  readonly recorded?: Recorded;
  /** As it exists on this side; absent while it is only planned. */
  readonly snapshot?: Snapshot;
  readonly createdBy?: OperationId;
}

/** A class because of its numbers: from literals V8 concludes that they live long, and a million of them fill the heap. */
class Existing implements View {
  readonly key: string;
  readonly name: string;
  readonly type: TypeName | undefined;
  readonly creation: EpochSeconds;
  readonly snapshot: Snapshot;

  constructor(snapshot: Snapshot, classify: Classify) {
    this.key = snapshot.guid;
    this.name = snapshot.name;
    this.type = classify(snapshot.name);
    this.creation = snapshot.creation;
    this.snapshot = snapshot;
  }
}

export const viewsOf = (dataset: Dataset | undefined, classify: Classify): View[] =>
  dataset ? dataset.snapshots.map((snapshot) => new Existing(snapshot, classify)) : [];

/** The same snapshot as it will be on the side that receives it. */
export const arriving = (view: View): View => {
  const { snapshot: _, ...rest } = view;
  return rest;
};

export const refOf = (view: View): SnapshotRef =>
  view.createdBy === undefined
    ? { name: view.name, guid: view.key as Guid }
    : { name: view.name, createdBy: view.createdBy };

/** What a list of deletions says of a snapshot; one that only arrives holds nothing of its own yet. */
export const destroyed = ({ name, key, snapshot }: View): DestroyedSnapshot => ({
  name,
  guid: key as Guid,
  used: snapshot?.used ?? (0 as Bytes),
});

/** The later of the creation and the time in a name that Holdfast made. */
export const takenAt = (view: View): EpochSeconds =>
  Math.max(view.creation, timeInName(view.name) ?? 0) as EpochSeconds;
