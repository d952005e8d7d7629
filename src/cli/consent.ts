import type { Manifest } from "../model/manifest.ts";
import { isInPlace, type Plan } from "../model/plan.ts";
import type { Address } from "../model/units.ts";
import { visible } from "../render/text.ts";
import { EXIT, Failure } from "./exit.ts";
import { ask, tell } from "./terminal.ts";

export interface ConsentOptions {
  readonly yes?: true;
  /** The address of what is given up, typed again. */
  readonly confirm?: string;
}

/**
 * Whether somebody agrees to a plan. What gives a source's present state up takes its address, typed again: `--yes` alone
 * is not enough for that.
 */
export async function agreed(
  plan: Pick<Plan, "operations" | "self">,
  { yes, confirm }: ConsentOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const given = [...new Set(plan.operations.filter(isInPlace).map(({ source }) => source))];
  const isOk = given.length > 0 ? await isTypedAgain(given, plan, confirm, signal) : yes || (await says(signal));
  if (!isOk) tell("Nothing was done.\n");
  return isOk;
}

async function says(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new Failure("nobody can be asked: the input is no terminal", {
      hint: "give --yes to apply without a question",
    });
  return (await reply('Apply this plan? Only "yes" is accepted: ', signal)) === "yes";
}

async function isTypedAgain(
  [first, ...others]: readonly Address[],
  { self }: Pick<Manifest, "self">,
  confirm: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (first === undefined) return true;
  const isMeant = (text: string): boolean => text === first || (self !== null && `${self}:${text}` === first);
  if (confirm !== undefined) {
    if (isMeant(confirm)) return true;
    throw new Failure(`--confirm ${visible(confirm)} is not what would be given up: ${visible(first)}`);
  }
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const typed = await reply(
    `The present state of ${visible(first)}${more} is given up. Type ${visible(first)} to go on: `,
    signal,
  );
  if (isMeant(typed)) return true;
  if (process.stdin.isTTY) return false;
  throw new Failure(`${visible(first)} was not typed again`, {
    hint: `without a terminal: --confirm ${visible(first)}`,
  });
}

async function reply(question: string, signal: AbortSignal): Promise<string> {
  try {
    return await ask(question, signal);
  } catch (error) {
    if (signal.aborted) throw new Failure("interrupted; nothing was done", { code: EXIT.interrupted, cause: error });
    throw error;
  }
}
