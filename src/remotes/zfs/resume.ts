import { size } from "../../model/size.ts";
import type { Result } from "../result.ts";
import { discardCommand, estimateResumeCommand, resumeCommand } from "./commands.ts";
import { diagnose, must, type OperationOf, type RunContext, showCommand, whereOf, whereOnRemote } from "./context.ts";
import type { Meaning } from "./errors.ts";
import { requireEmpty } from "./require-empty.ts";
import { type Attempt, requireSpace, sizeOf, type Transfer, tokenAt, transfer } from "./transfer.ts";

type Resume = OperationOf<"resume">;

/** A resume that fails for one of these may work later: the half-received stream is not to blame. */
const NOT_THE_STREAM: ReadonlySet<Attempt["meaning"]> = new Set<Attempt["meaning"]>([
  "lost",
  "cut",
  "partial",
  "busy",
  "space",
  "key",
  "permission",
  "delegation",
  "suspended",
  "sender-ended",
]);

const ATTEMPTS = 2;

/** Goes on with a half-received stream. One that is refused twice, unchanged, never works: it is given up. */
export async function resume(operation: Resume, context: RunContext): Promise<Result> {
  let refused: Result | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { result, meaning, token } = await tryOnce(operation, context);
    if (result.outcome !== "failed" || NOT_THE_STREAM.has(meaning) || token !== operation.token) return result;
    refused = result;
  }
  return giveUp(operation, refused, context);
}

async function tryOnce(operation: Resume, context: RunContext): Promise<Attempt> {
  const { at, from, token, to, base } = operation;
  const estimate = estimateResumeCommand(token);
  const { code, size, output } = await sizeOf(estimate, from, context);
  if (code !== 0) {
    const command = showCommand(estimate);
    const {
      meaning,
      lacking: _,
      ...error
    } = await diagnose(context, output, whereOf(context, from, "send"), command, "zfs send refuses the token");
    return refusedBySender(meaning, error, await tokenAt(at, context));
  }
  if (operation.replacesPlaceholder) await requireEmpty(at, context);
  await requireSpace(at, size, context);
  const work: Transfer = { ...operation, snapshots: [to], initial: base === null, resumed: true };
  return transfer(work, resumeCommand(token), size, context);
}

function refusedBySender(meaning: Meaning, error: NonNullable<Result["error"]>, token: string | undefined): Attempt {
  return { meaning, result: { outcome: "failed", error }, ...(token === undefined ? {} : { token }) };
}

async function giveUp(operation: Resume, refused: Result | undefined, context: RunContext): Promise<Result> {
  const { at, mayDiscard, received } = operation;
  const error = refused?.error ?? { message: "the half-received stream was refused" };
  if (!mayDiscard) {
    const message = `${error.message}; refused twice, and this remote is append-only: the half-received stream stays`;
    const hint = `as root on ${at.host}: zfs receive -A ${at.dataset}`;
    return { outcome: "failed", error: { ...error, message, hint } };
  }
  await must(context, discardCommand(at), whereOnRemote(context, operation, "destroy,mount"), {
    orElse: ["no-token", "missing"],
  });
  const message = `${error.message}; refused twice, so its ${size(received)} were thrown away: the next plan sends afresh`;
  return { outcome: "failed", error: { ...error, message, hint: "run holdfast apply again" } };
}
