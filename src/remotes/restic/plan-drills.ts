import type { DrillRecord } from "../../model/drill.ts";
import type { RepositoryCopy, RepositoryInventory } from "../../model/inventory.ts";
import type { Address, EpochSeconds } from "../../model/units.ts";
import { drillOf } from "./tags.ts";

/** What a repository remembers of the drills of one source's copies. */
export interface RememberedHere {
  readonly last: DrillRecord;
  readonly good?: EpochSeconds;
  /** The record of the last that went well. */
  readonly goodId?: string;
  /** Of all records. */
  readonly ids: readonly string[];
}

const known = new WeakMap<readonly RepositoryCopy[], ReadonlyMap<Address, RememberedHere>>();

export function drillsIn(there: RepositoryInventory, source: Address): RememberedHere | undefined {
  if (there.state !== "observed") return undefined;
  let all = known.get(there.copies);
  if (all === undefined) {
    all = sortedOut(there.copies);
    known.set(there.copies, all);
  }
  return all.get(source);
}

/** Copies come in order of time: of two records the later one counts. */
function sortedOut(copies: readonly RepositoryCopy[]): ReadonlyMap<Address, RememberedHere> {
  const found = new Map<Address, RememberedHere>();
  for (const copy of copies) {
    const marks = drillOf(copy);
    if (marks === undefined) continue;
    const { source, ...rest } = marks;
    const before = found.get(source);
    const isGood = rest.result !== "failed";
    const good = isGood ? { good: copy.creation, goodId: copy.id } : { good: before?.good, goodId: before?.goodId };
    found.set(source, {
      last: { ...rest, time: copy.creation },
      ...(good.good !== undefined && { good: good.good }),
      ...(good.goodId !== undefined && { goodId: good.goodId }),
      ids: [...(before?.ids ?? []), copy.id],
    });
  }
  return found;
}
