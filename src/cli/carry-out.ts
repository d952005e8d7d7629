import type { Manifest } from "../model/manifest.ts";
import type { Plan } from "../model/plan.ts";
import type { OperationReport, Report } from "../model/report.ts";
import { renderReport } from "../render/report.ts";
import type { Hosts } from "../transport/types.ts";
import { forStdout, type GlobalOptions } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import type { Interruption } from "./interrupt.ts";
import { type Progress, showProgress } from "./progress.ts";
import type { Remotes } from "./remotes.ts";
import { answer, answerJson } from "./terminal.ts";

interface Means {
  readonly manifest: Manifest;
  readonly hosts: Hosts;
  readonly options: GlobalOptions & { readonly json?: true; readonly verbose?: true };
  readonly interruption: Interruption;
  readonly remotes: Remotes;
  /** The plan is one that was made earlier. */
  readonly isSaved?: boolean;
  readonly onEvent?: Progress["onEvent"];
  /** Gets the report before it is shown. */
  readonly onReport?: (report: Report) => void;
}

/** Runs a plan with its progress on stderr, prints the report, and says what the end means. */
export async function carryOut(
  plan: Plan,
  { manifest, hosts, options, interruption, remotes, isSaved = false, onEvent, onReport }: Means,
): Promise<ExitCode> {
  const { apply } = await import("../apply/index.ts");
  const progress = await showProgress(plan, options);
  const { signal, urgent } = interruption;
  const farewell = (): void => progress.say("Ending what runs; transfers can be resumed. Again to stop at once.");
  signal.addEventListener("abort", farewell, { once: true });
  let report: Report;
  try {
    const { concurrency } = options;
    report = await apply(plan, {
      manifest,
      hosts,
      env: process.env,
      concurrency,
      signal,
      urgent,
      unavailable: remotes.unavailable,
      onEvent: (kind, event) => {
        progress.onEvent(kind, event);
        onEvent?.(kind, event);
        if (kind === "finished") remotes.finished(event as OperationReport);
      },
    });
  } finally {
    signal.removeEventListener("abort", farewell);
    progress.end();
  }
  onReport?.(report);
  if (options.json) answerJson(report);
  else answer(renderReport(report, plan, forStdout(options)));
  return exitCodeOf(report, plan, isSaved);
}

/** Of a plan in which there is nothing to do. */
export function emptyReport({ manifestDigest }: Pick<Plan, "manifestDigest">): Report {
  const now = new Date().toISOString();
  return { formatVersion: 1, manifestDigest, startedAt: now, finishedAt: now, finished: true, operations: [] };
}

/** 0 only when everything that was wanted is done. */
export function exitCodeOf(
  report: Pick<Report, "finished" | "operations">,
  plan: Pick<Plan, "blocked" | "unobserved" | "shortfalls">,
  isSaved = false,
): ExitCode {
  if (!report.finished) return EXIT.interrupted;
  const outcomes = new Set(report.operations.map(({ outcome }) => outcome));
  if (isSaved && outcomes.has("stale") && !outcomes.has("done") && !outcomes.has("failed")) return EXIT.stale;
  const isDone = [...outcomes].every((outcome) => outcome === "done");
  const isWhole = plan.blocked.length + (plan.shortfalls?.length ?? 0) === 0;
  return isDone && isWhole && plan.unobserved.every(({ expected }) => expected) ? EXIT.ok : EXIT.incomplete;
}
