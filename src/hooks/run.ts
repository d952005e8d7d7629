import type { HookOperation, OperationId } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import { done, endedBy, type Result } from "../remotes/result.ts";
import { type ActionContext, inOneLine, runAction } from "./action.ts";
import { outcomeVariables } from "./outcome.ts";

export interface HookContext extends ActionContext {
  /** Ends everything at once, also what ends something. */
  readonly urgent: AbortSignal;
  readonly reportOf: (id: OperationId) => OperationReport | undefined;
}

/** Runs hooks of a plan. Never rejects. */
export async function runHooks(
  hooks: readonly HookOperation[],
  context: HookContext,
): Promise<ReadonlyMap<OperationId, Result>> {
  const results = hooks.map(async (hook): Promise<[OperationId, Result]> => [hook.id, await runHook(hook, context)]);
  return new Map(await Promise.all(results));
}

async function runHook(hook: HookOperation, context: HookContext): Promise<Result> {
  const { source, around, phase, remote, action, timeout, onFailure, at } = hook;
  const variables = {
    HOLDFAST_SOURCE: source,
    HOLDFAST_AROUND: around,
    HOLDFAST_PHASE: phase,
    ...(remote !== undefined && { HOLDFAST_REMOTE: remote }),
    ...(phase === "after" && outcomeVariables(hook.encloses.flatMap((id) => context.reportOf(id) ?? []))),
  };
  const signal = phase === "after" ? context.urgent : context.signal;
  try {
    const call = { host: at.host, timeoutMs: timeout * 1000, variables };
    const problem = await runAction(action, call, { ...context, signal });
    if (problem === undefined) return done();
    return onFailure === "warn" ? done({ warnings: [inOneLine(problem)] }) : { outcome: "failed", error: problem };
  } catch (error) {
    return endedBy(error);
  }
}
