import { isOnRepository, type Operation, type OperationId, type Plan, repositoriesOf } from "../model/plan.ts";
import type { Address, RepositoryKey } from "../model/units.ts";

/** What of a plan may be started beside what runs already. */
export interface Readiness {
  /** Nothing is running for it, and it is not to be left alone for now. */
  isFree(source: Address): boolean;
  /** Something runs for it, but no snapshot is being taken: one that is due need not wait for a long transfer. */
  maySnapshot(source: Address): boolean;
  /** Something is running in it. */
  isInUse(repository: RepositoryKey): boolean;
  /** Something is running in it that bears nothing beside it. */
  isClosed(repository: RepositoryKey): boolean;
}

/** The operations that may be started now, in the plan's order, and only together with all they need. */
export function choose({ operations }: Pick<Plan, "operations">, ready: Readiness): Operation[] {
  const planned = new Set(operations.map(({ id }) => id));
  const chosen = new Map(operations.filter((one) => mayStart(one, ready)).map((one) => [one.id, one]));
  for (let size = -1; size !== chosen.size; ) {
    size = chosen.size;
    const broken = brokenGroups(operations, chosen);
    for (const one of chosen.values()) if (lacks(one, planned, chosen, broken)) chosen.delete(one.id);
  }
  return [...chosen.values()];
}

/** What needs a whole repository for itself. */
export const isExclusive = ({ kind }: Pick<Operation, "kind">): boolean => kind === "prune" || kind === "check";

function mayStart(operation: Operation, ready: Readiness): boolean {
  const isOfSnapshot = operation.kind === "create" || (operation.kind === "hook" && operation.around === "snapshot");
  if (!ready.isFree(operation.source) && !(isOfSnapshot && ready.maySnapshot(operation.source))) return false;
  const repositories = repositoriesOf(operation);
  if (isExclusive(operation)) return !repositories.some((key) => ready.isInUse(key));
  // what is done to a repository gets its turn there
  const inTurn = isOnRepository(operation) ? operation.at.repository : undefined;
  return !repositories.some((key) => key !== inTurn && ready.isClosed(key));
}

const groupOf = (operation: Operation): string | undefined =>
  operation.kind === "create" && operation.together ? operation.atomic : undefined;

/** Groups that are all or nothing, and of which not all is chosen. */
function brokenGroups(operations: readonly Operation[], chosen: ReadonlyMap<OperationId, Operation>): Set<string> {
  return new Set(operations.flatMap((one) => (chosen.has(one.id) ? [] : (groupOf(one) ?? []))));
}

function lacks(
  operation: Operation,
  planned: ReadonlySet<OperationId>,
  chosen: ReadonlyMap<OperationId, Operation>,
  broken: ReadonlySet<string>,
): boolean {
  const group = groupOf(operation);
  if (group !== undefined && broken.has(group)) return true;
  if (operation.kind === "hook" && !operation.encloses.some((id) => chosen.has(id))) return true;
  return operation.dependsOn.some((id) => planned.has(id) && !chosen.has(id));
}
