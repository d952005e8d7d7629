import type { Operation, OperationId, SendOperation } from "../model/plan.ts";
import { isBelow } from "./observed.ts";

/** A first copy whose parent is made by another copy of this plan waits for that one instead of making a placeholder. */
export function linkParents(operations: readonly Operation[]): Operation[] {
  const makers = new Map<string, OperationId>();
  for (const operation of operations) {
    if (makesTarget(operation)) makers.set(`${operation.at.host}:${operation.at.dataset}`, operation.id);
  }
  return operations.map((operation) => {
    if (!makesTarget(operation) || operation.createParents.length === 0) return operation;
    const { host, dataset } = operation.at;
    const made = operation.createParents.filter((parent) => makers.has(`${host}:${parent}`));
    const nearest = made.at(-1);
    if (nearest === undefined) return operation;
    return {
      ...operation,
      dependsOn: [...operation.dependsOn, makers.get(`${host}:${nearest}`) as OperationId],
      createParents: operation.createParents.filter((parent) => isBelow(parent, nearest) && isBelow(dataset, parent)),
    };
  });
}

const makesTarget = (operation: Operation): operation is SendOperation =>
  operation.kind === "send" && operation.base === null;
