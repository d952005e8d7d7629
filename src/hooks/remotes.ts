import type { UsedRepository } from "../manifest/repositories.ts";
import type { Hook } from "../model/manifest.ts";
import type { OperationReport, Problem } from "../model/report.ts";
import type { RepositoryKey } from "../model/units.ts";
import { type Lock, TransportError } from "../transport/types.ts";
import { type ActionContext, inOneLine, runAction } from "./action.ts";
import { outcome, outcomeVariables } from "./outcome.ts";

export interface RemotesContext extends ActionContext {
  /** Ends everything at once, also what ends something. */
  readonly urgent: AbortSignal;
  /** Held from before the first hook of a repository to after its last one. */
  readonly lock: (key: RepositoryKey) => Promise<Lock>;
  /** Hears of what failed and changes nothing. */
  readonly warn: (message: string) => void;
}

export interface OpenedRemotes {
  /** Repositories that cannot be worked on, as what was to make them ready failed. */
  readonly unavailable: ReadonlyMap<RepositoryKey, Problem>;
  /** Hears of what was done, for those who are told in the end. */
  finished(report: OperationReport): void;
  /** Runs what is to come after, last first; `broken`: the work between ended with an error. Never rejects. */
  close(broken: boolean): Promise<void>;
}

interface Tried {
  readonly hook: Hook;
  readonly used: UsedRepository;
}

/** Runs the hooks around all work on repositories: before any of them is listed. Never rejects. */
export async function openRemotes(
  repositories: readonly UsedRepository[],
  context: RemotesContext,
): Promise<OpenedRemotes> {
  const tried: Tried[] = [];
  const locks: Lock[] = [];
  const reports: OperationReport[] = [];
  const unavailable = new Map<RepositoryKey, Problem>();
  const note = ({ repository: { name } }: UsedRepository, problem: Problem): Problem => ({
    ...problem,
    message: `${name}: ${inOneLine(problem)}`,
  });

  for (const used of repositories) {
    const { repository, key } = used;
    if (repository.hooks.length === 0 || context.signal.aborted) continue;
    const locked = await asProblem(async () => {
      locks.push(await context.lock(key));
      return undefined;
    });
    if (locked) {
      unavailable.set(key, note(used, locked));
      continue;
    }
    for (const hook of repository.hooks) {
      if (context.signal.aborted) break;
      tried.push({ hook, used });
      const problem = await run({ hook, used }, "before", {}, context);
      if (problem === undefined) continue;
      if (hook.onFailure === "warn") context.warn(note(used, problem).message);
      else {
        unavailable.set(key, note(used, problem));
        break;
      }
    }
  }

  const outcomeOf = ({ repository, key }: UsedRepository, broken: boolean): Readonly<Record<string, string>> => {
    const problem = unavailable.get(key);
    if (problem) return outcome("skipped", problem.message);
    if (context.signal.aborted) return outcome("interrupted");
    return broken ? outcome("failed") : outcomeVariables(reports.filter(({ remote }) => remote === repository.name));
  };
  return {
    unavailable,
    finished: (report) => reports.push(report),
    async close(broken) {
      for (const one of tried.reverse()) {
        const variables = outcomeOf(one.used, broken);
        const problem = await run(one, "after", variables, { ...context, signal: context.urgent });
        if (problem !== undefined) context.warn(note(one.used, problem).message);
      }
      for (const lock of locks) lock.release();
    },
  };
}

async function run(
  { hook, used: { repository, host } }: Tried,
  phase: "before" | "after",
  more: Readonly<Record<string, string>>,
  context: ActionContext,
): Promise<Problem | undefined> {
  const action = hook[phase];
  if (action === undefined) return undefined;
  const variables = { HOLDFAST_AROUND: "remote", HOLDFAST_PHASE: phase, HOLDFAST_REMOTE: repository.name, ...more };
  return asProblem(() => runAction(action, { host, timeoutMs: hook.timeout * 1000, variables }, context));
}

async function asProblem(task: () => Promise<Problem | undefined>): Promise<Problem | undefined> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { message: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
  }
}
