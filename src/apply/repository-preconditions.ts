import type { RepositoryInventory } from "../model/inventory.ts";
import type { ForgetOperation, OperationId } from "../model/plan.ts";
import { identityOf, marksOf } from "../remotes/restic/tags.ts";

/**
 * Says why copies may not be forgotten now: one of them is gone or changed, or a complete copy that makes them
 * superfluous is. Undefined when all is as it was planned.
 */
export function unmetInRepository(
  { at, copies, preconditions }: ForgetOperation,
  there: RepositoryInventory,
  createdBy: (id: OperationId) => string | undefined,
): string | undefined {
  const { repository } = at;
  if (there.state === "unobserved") return `${repository} could not be listed: ${there.reason}`;
  if (there.state === "absent") return `the repository ${repository} is not there any more`;
  const ids = new Set(there.copies.map(({ id }) => id));
  const gone = copies.find(({ id }) => !ids.has(id));
  if (gone) return `${gone.name} is not in ${repository} any more, or its tags were changed`;
  const leaving = new Set(copies.map(({ id }) => id));
  const staying = there.copies.filter((copy) => !leaving.has(copy.id) && marksOf(copy)?.isPartial !== true);
  const complete = new Set(staying.map(identityOf));
  for (const precondition of preconditions) {
    if (precondition.kind !== "copies") continue;
    if (precondition.id !== "" && precondition.id !== there.id)
      return `${repository} is another repository now: ${there.id.slice(0, 8)} instead of ${precondition.id.slice(0, 8)}`;
    for (const ref of precondition.copies) {
      const identity = "identity" in ref ? ref.identity : createdBy(ref.createdBy);
      if (identity === undefined || !complete.has(identity))
        return `${repository} has no complete copy of ${ref.name}, which was to stay`;
      if ("id" in ref && !ids.has(ref.id))
        return `${repository}: the tags of ${ref.name}, which was to stay, were changed`;
    }
  }
  return undefined;
}
