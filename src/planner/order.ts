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

/** The same order, but for what has to wait for something that stands after it. */
export function dependenciesFirst(operations: readonly Operation[]): Operation[] {
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const ordered = new Set<Operation>();
  const add = (operation: Operation): void => {
    if (ordered.has(operation)) return;
    for (const id of operation.dependsOn) {
      const first = byId.get(id);
      if (first) add(first);
    }
    ordered.add(operation);
  };
  for (const operation of operations) add(operation);
  return [...ordered];
}
