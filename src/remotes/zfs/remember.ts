import type { DrillRecord } from "../../model/drill.ts";
import type { At, VerifyOperation } from "../../model/plan.ts";
import { setCommand } from "./commands.ts";
import { must, OperationFailed, type RunContext, run, whereOf, whereOnRemote } from "./context.ts";
import { type Remembered, readCopies, VERIFIED, VERIFIED_COPIES, writeCopies, writeRecord } from "./drill-record.ts";

/**
 * Remembers a drill at the copy; where that lets nobody set a property, as one that can only grow, at the source. Says what
 * should be known of it.
 */
export async function remember(
  { at, against, source, remote, lastGood }: VerifyOperation & { readonly at: At },
  last: DrillRecord,
  context: RunContext,
): Promise<readonly string[]> {
  const good = last.result === "failed" ? lastGood : last.time;
  const remembered = { last, ...(good !== undefined && { good }) };
  const value = { [VERIFIED]: writeRecord(remembered) };
  try {
    await must(context, setCommand(at, value), whereOnRemote(context, { at, source, remote }, "userprop"));
    return [];
  } catch (error) {
    if (!(error instanceof OperationFailed) || error.meaning !== "permission") throw error;
    const reason = error.problem.hint === undefined ? error.message : `${error.message} (${error.problem.hint})`;
    if (against === undefined) return [`the result is remembered nowhere: ${reason}`];
    await rememberAtSource(against, remote, remembered, context);
    return [`the result is remembered at the source: ${reason}`];
  }
}

async function rememberAtSource(at: At, remote: string, remembered: Remembered, context: RunContext): Promise<void> {
  const { stdout } = await run(context, at.host, ["zfs", "get", "-Hp", "-o", "value", VERIFIED_COPIES, at.dataset]);
  const copies = readCopies(stdout.trim()).set(remote, remembered);
  await must(context, setCommand(at, { [VERIFIED_COPIES]: writeCopies(copies) }), whereOf(context, at, "userprop"));
}
