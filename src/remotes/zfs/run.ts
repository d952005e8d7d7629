import type { CreateOperation, OperationId, ZfsOperation } from "../../model/plan.ts";
import type { Result } from "../result.ts";
import { failed, type RunContext } from "./context.ts";
import { create } from "./create.ts";
import { destroy, destroyOrphan, unbookmark } from "./destroy.ts";
import { make, settle } from "./restore.ts";
import { resume } from "./resume.ts";
import { send } from "./send.ts";
import { adopt, bookmark, discard, replace, rollback } from "./small.ts";

/**
 * Runs operations whose preconditions were just seen to hold: one, or creates that are taken in the same instant.
 * Never rejects; every operation has a result.
 */
export async function runOperations(
  operations: readonly ZfsOperation[],
  context: RunContext,
): Promise<ReadonlyMap<OperationId, Result>> {
  const creates = operations.filter((operation): operation is CreateOperation => operation.kind === "create");
  const results = new Map<OperationId, Result>();
  try {
    await create(creates, context, results);
    for (const operation of operations) {
      if (operation.kind !== "create") results.set(operation.id, await runOne(operation, context));
    }
  } catch (error) {
    for (const { id } of operations) if (!results.has(id)) results.set(id, failed(error));
  }
  return results;
}

function runOne(operation: Exclude<ZfsOperation, CreateOperation>, context: RunContext): Promise<Result> {
  switch (operation.kind) {
    case "adopt":
      return adopt(operation, context);
    case "discard":
      return discard(operation, context);
    case "rollback":
      return rollback(operation, context);
    case "replace":
      return replace(operation, context);
    case "send":
      return send(operation, context);
    case "resume":
      return resume(operation, context);
    case "make":
      return make(operation, context);
    case "settle":
      return settle(operation, context);
    case "bookmark":
      return bookmark(operation, context);
    case "unbookmark":
      return unbookmark(operation, context);
    case "destroy":
      return destroy(operation, context);
    case "destroy-orphan":
      return destroyOrphan(operation, context);
  }
}
