import type { Dataset } from "../model/inventory.ts";
import type { At, Operation } from "../model/plan.ts";
import type { Bytes } from "../model/units.ts";
import type { PlanContext } from "./context.ts";
import { parentOf } from "./observed.ts";

/** What is to flow to a copy and what its place has room for, where the one is more than the other. */
export interface Shortage {
  readonly toSend: Bytes;
  readonly available: Bytes;
}

export function shortage(context: PlanContext, at: At, operations: readonly Operation[]): Shortage | undefined {
  const toSend = operations.reduce((sum, operation) => sum + sizeOf(operation), 0) as Bytes;
  const available = availableAt(context, at);
  return available !== undefined && toSend > available ? { toSend, available } : undefined;
}

function sizeOf(operation: Operation): number {
  if (operation.kind === "send") return operation.estimate;
  return operation.kind === "resume" ? (operation.remaining ?? 0) : 0;
}

function availableAt({ observations }: PlanContext, { host, dataset }: At): Bytes | undefined {
  const datasets = observations.datasets(host);
  for (let name: Dataset["name"] | undefined = dataset; name !== undefined; name = parentOf(name)) {
    const found = datasets.get(name);
    if (found) return found.available;
  }
  return undefined;
}

/** `zfs snapshot` needs a little, and a full pool refuses it. */
export const isFull = ({ available }: Dataset): boolean => available < 2 ** 20;
