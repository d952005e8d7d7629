import { isOnRepository, type Plan, type ZfsOperation } from "../src/model/plan.ts";

/** A plan of a manifest that has no repositories. */
export interface ZfsPlan extends Omit<Plan, "operations"> {
  readonly operations: readonly ZfsOperation[];
}

export function zfsPlan(plan: Plan): ZfsPlan {
  const other = plan.operations.find(isOnRepository);
  if (other) throw new Error(`${other.id} is on a repository`);
  return plan as ZfsPlan;
}
