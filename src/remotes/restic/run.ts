import type {
  BackupOperation,
  CheckOperation,
  InitOperation,
  OperationId,
  PruneOperation,
  RepositoryOperation,
  UnlockOperation,
} from "../../model/plan.ts";
import { endedBy, type Result } from "../result.ts";
import { ResticFailed } from "./errors.ts";
import { runBackup } from "./run-backup.ts";
import { copy, forget } from "./run-changes.ts";
import { placeOf, type RepositoryContext, repositoryOf } from "./run-context.ts";
import { check, init, prune, unlock } from "./run-maintenance.ts";

export { placeOf, type RepositoryContext, repositoryOf };

/** Runs what one command does: one operation, or all copies or forgets in one repository. Never rejects. */
export async function runInRepository(
  operations: readonly RepositoryOperation[],
  context: RepositoryContext,
): Promise<ReadonlyMap<OperationId, Result>> {
  const results = new Map<OperationId, Result>();
  try {
    const forgets = operations.filter((operation) => operation.kind === "forget");
    const copies = operations.filter((operation) => operation.kind === "copy");
    if (forgets.length > 0) await forget(forgets, context, results);
    if (copies.length > 0) await copy(copies, context, results);
    for (const operation of operations) {
      if (operation.kind !== "forget" && operation.kind !== "copy")
        results.set(operation.id, await runOne(operation, context));
    }
  } catch (error) {
    for (const { id } of operations) if (!results.has(id)) results.set(id, failed(error));
  }
  return results;
}

function runOne(
  operation: InitOperation | BackupOperation | PruneOperation | CheckOperation | UnlockOperation,
  context: RepositoryContext,
): Promise<Result> {
  switch (operation.kind) {
    case "init":
      return init(operation, context);
    case "backup":
      return runBackup(operation, context);
    case "prune":
      return prune(operation, context);
    case "check":
      return check(operation, context);
    case "unlock":
      return unlock(operation, context);
  }
}

function failed(error: unknown): Result {
  if (!(error instanceof ResticFailed)) return endedBy(error);
  return { outcome: error.kind === "interrupted" ? "interrupted" : "failed", error: error.problem };
}
