import type { Operation, OperationId, SendOperation } from "../model/plan.ts";
import { isBelow, parentOf } from "./observed.ts";

/** A first copy below another one of this plan waits for it: it would make a placeholder there, or be renamed aside. */
export function linkParents(operations: readonly Operation[]): Operation[] {
  const makers = new Map<string, OperationId>();
  for (const operation of operations) {
    if (makesTarget(operation)) makers.set(`${operation.at.host}:${operation.at.dataset}`, operation.id);
  }
  return operations.map((operation) => {
    if (!makesTarget(operation)) return operation;
    const { host, dataset } = operation.at;
    let nearest = parentOf(dataset);
    while (nearest !== undefined && !makers.has(`${host}:${nearest}`)) nearest = parentOf(nearest);
    if (nearest === undefined) return operation;
    const made = nearest;
    return {
      ...operation,
      dependsOn: [...operation.dependsOn, makers.get(`${host}:${made}`) as OperationId],
      createParents: operation.createParents.filter((parent) => isBelow(parent, made)),
    };
  });
}

const makesTarget = (operation: Operation): operation is SendOperation =>
  operation.kind === "send" && operation.base === null;
