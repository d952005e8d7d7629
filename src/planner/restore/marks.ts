import type { Dataset } from "../../model/inventory.ts";
import type { At } from "../../model/plan.ts";

/**
 * What is restored is marked until all of it is there (`holdfast:restoring`), and beside its original for as long as it has
 * the name it got (`holdfast:restored`), as is what a restore put aside (`holdfast:replaced`): what somebody only looks at
 * is not backed up again.
 */
export const restoringMark = ({ dataset }: At, beside: boolean): string => (beside ? dataset : "on");

/** A restore of a source in its own place was begun and not ended. */
export const isBeingRestored = ({ own }: Dataset): boolean => own.restoring === "on";

/** It stands beside a source, restored or put aside. Renamed into its place, it is one. */
export const isBeside = ({ name, own }: Dataset): boolean => [own.restored, own.restoring, own.replaced].includes(name);
