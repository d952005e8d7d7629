import { type Operation, type OperationId, type SendOperation, writePlace } from "../model/plan.ts";
import type { DatasetName } from "../model/units.ts";
import { isBelow, parentOf } from "./observed.ts";

/**
 * A first copy below another one of this plan waits for it: it would make a placeholder there, or be renamed aside. Where
 * the dataset above goes with its half-received stream, a placeholder is made instead.
 */
export function linkParents(operations: readonly Operation[]): Operation[] {
  const makers = new Map<string, OperationId>();
  const removers = new Map<string, OperationId>();
  for (const operation of operations) {
    const key = writePlace(operation.at);
    if (makesTarget(operation)) makers.set(key, operation.id);
    else if (operation.kind === "discard" && operation.removesDataset) removers.set(key, operation.id);
  }
  return operations.map((operation) => {
    if (!makesTarget(operation)) return operation;
    const { host, dataset } = operation.at;
    const removed: DatasetName[] = [];
    let made = parentOf(dataset);
    for (; made !== undefined && !makers.has(`${host}:${made}`); made = parentOf(made)) {
      if (removers.has(`${host}:${made}`)) removed.unshift(made);
    }
    const first = made;
    const missing = [...removed, ...operation.createParents];
    return {
      ...operation,
      dependsOn: [
        ...operation.dependsOn,
        ...removed.map((name) => removers.get(`${host}:${name}`) as OperationId),
        ...(first === undefined ? [] : [makers.get(`${host}:${first}`) as OperationId]),
      ],
      createParents: first === undefined ? missing : missing.filter((parent) => isBelow(parent, first)),
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
    for (const id of [...operation.dependsOn, ...(operation.after ?? [])]) {
      const first = byId.get(id);
      if (first) add(first);
    }
    ordered.add(operation);
  };
  for (const operation of operations) add(operation);
  return [...ordered];
}
