import type { Manifest, Retention, SnapshotType } from "../model/manifest.ts";
import type { TypeStatus } from "../model/status.ts";
import type { EpochSeconds, TypeName } from "../model/units.ts";
import { keepsType } from "./retention.ts";

/** Counts what one place has of each type. */
export class TypeCounts {
  readonly #counts = new Map<TypeName, { count: number; newest: EpochSeconds }>();

  add(type: TypeName, creation: EpochSeconds): void {
    const known = this.#counts.get(type);
    if (!known) this.#counts.set(type, { count: 1, newest: creation });
    else {
      known.count++;
      if (creation > known.newest) known.newest = creation;
    }
  }

  /** In the manifest's order: types that are kept there or taken, whether there is one or not, and all that are there. */
  statuses({ snapshotTypes }: Manifest, keep: Retention, taken: readonly SnapshotType[]): TypeStatus[] {
    const isWanted = ({ name }: SnapshotType) =>
      keep.by === "type" ? keepsType(keep, name) : taken.some((type) => type.name === name);
    return [...snapshotTypes.values()]
      .filter((type) => this.#counts.has(type.name) || isWanted(type))
      .map(({ name }) => ({ type: name, count: 0, ...this.#counts.get(name) }));
  }
}
