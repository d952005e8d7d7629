import type { DrillRecord } from "../model/drill.ts";
import type { At, OperationId, VerifyOperation } from "../model/plan.ts";
import { Unreadable } from "./drills/compare.ts";
import { type Found, notRun, recordOf, toResult } from "./drills/outcome.ts";
import { ResticFailed } from "./restic/errors.ts";
import type { RepositoryContext } from "./restic/run-context.ts";
import { rememberInRepository, verifyRepository } from "./restic/verify.ts";
import { endedBy, type Result } from "./result.ts";
import { failed, OperationFailed, type RunContext } from "./zfs/context.ts";
import { remember } from "./zfs/remember.ts";
import { verifyDataset } from "./zfs/verify.ts";

type Context = RunContext & RepositoryContext;

/** Carries out drills. What kept one from saying anything is no result: nothing is remembered of it. Never rejects. */
export async function verify(
  operations: readonly VerifyOperation[],
  context: Context,
): Promise<ReadonlyMap<OperationId, Result>> {
  const results = new Map<OperationId, Result>();
  for (const operation of operations)
    results.set(operation.id, await verifyOne(operation, context).catch((error: unknown) => problemOf(error)));
  return results;
}

async function verifyOne(operation: VerifyOperation, context: Context): Promise<Result> {
  const { of } = operation;
  const found: Found =
    "copy" in of ? await verifyRepository(operation, of, context) : await verifyDataset(operation, of, context);
  const record = recordOf(found, new Date());
  return toResult(found, await rememberDrill(operation, record, context));
}

/** A drill that went well and cannot be remembered is due again: that is said, and is no failure. */
async function rememberDrill(
  operation: VerifyOperation,
  record: DrillRecord,
  context: Context,
): Promise<readonly string[]> {
  const { at, of } = operation;
  try {
    if ("copy" in of) return await rememberInRepository({ ...operation, of }, record, context);
    return await remember({ ...operation, at: at as At }, record, context);
  } catch (error) {
    if (!(error instanceof OperationFailed || error instanceof ResticFailed)) throw error;
    return [`the result is remembered nowhere, so that the drill is due again: ${error.message}`];
  }
}

function problemOf(error: unknown): Result {
  if (error instanceof Unreadable) return { outcome: "failed", error: notRun(error, "what is compared") };
  if (error instanceof OperationFailed) return failed(error);
  if (!(error instanceof ResticFailed)) return endedBy(error);
  return { outcome: error.kind === "interrupted" ? "interrupted" : "failed", error: error.problem };
}
