import type { Blocked, Unobserved } from "../model/plan.ts";
import type { OperationReport, Outcome, Report } from "../model/report.ts";
import { size } from "../model/size.ts";
import { duration, type Palette, palette, plural, type TextOptions, visible, visibleLines } from "./text.ts";

/** What went on beside the operations: it decides the exit code with them. */
export interface ReportContext {
  readonly blocked: readonly Blocked[];
  readonly unobserved: readonly Unobserved[];
}

const ORDER: readonly Outcome[] = ["failed", "partial", "stale", "interrupted", "skipped"];
/** So many skipped operations of one reason before the rest is a number. */
const MANY = 5;

/** What did not work, each with its error and what to do next, and a summary line. What worked was shown as it ended. */
export function renderReport(report: Report, context: ReportContext, options: TextOptions): string {
  const colors = palette(options.color);
  const of = (outcome: Outcome) => report.operations.filter((one) => one.outcome === outcome);
  const problems = (["failed", "partial", "stale", "interrupted"] as const).flatMap(of);
  const lines = [
    ...report.operations.flatMap((one) => verifyLines(one, colors)),
    ...report.operations.flatMap(windowLines),
    ...report.operations.flatMap((one) => warningLines(one, colors)),
    ...problems.flatMap((one) => problemLines(one, colors)),
    ...skippedLines(of("skipped"), colors),
  ];
  return `${[...lines, ...(lines.length > 0 ? [""] : []), colors.bold(reportLine(report, context))].join("\n")}\n`;
}

function problemLines(operation: OperationReport, colors: Palette): string[] {
  const { error, outcome } = operation;
  const paint = outcome === "failed" ? colors.red : colors.yellow;
  const head = `${paint(`! ${outcome}`)}  ${visible(operation.source)}: ${visible(operation.description)}`;
  if (error === undefined) return [head];
  return [
    head,
    ...visibleLines(error.message).map((line) => `    ${line}`),
    ...(error.command === undefined ? [] : [`    command: ${visible(error.command)}`]),
    ...(error.output === undefined || error.output.trim() === ""
      ? []
      : visibleLines(error.output).map((line) => colors.dim(`    | ${line}`))),
    ...(error.hint === undefined ? [] : visibleLines(`next: ${error.hint}`).map((line) => `    ${line}`)),
  ];
}

/** What a drill looked at; what differs is among the problems. */
function verifyLines({ source, remote, verify, seconds }: OperationReport, colors: Palette): string[] {
  if (verify === undefined) return [];
  const { result, files, bytes, message, differences } = verify;
  const paint = result === "passed" ? colors.green : result === "failed" ? colors.red : colors.yellow;
  const counts = [
    plural(files, "file"),
    size(bytes),
    duration(seconds),
    ...(differences.length === 0 ? [] : [plural(differences.length, "difference")]),
  ].join(", ");
  return [
    `  ${paint(result.padEnd(7))}  ${visible(source)} on ${visible(remote ?? "")}: ${counts}`,
    ...visibleLines(message).map((line) => `           ${line}`),
  ];
}

/** How long something was stopped for. */
function windowLines({ source, description, windowSeconds }: OperationReport): string[] {
  if (windowSeconds === undefined) return [];
  const [what = ""] = description.split(":", 1);
  return [`  ${visible(source)}: ${windowSeconds.toFixed(1)} s within the hooks ${what.replace(/^after/, "around")}`];
}

function warningLines({ source, description, warnings = [] }: OperationReport, colors: Palette): string[] {
  if (warnings.length === 0) return [];
  return [
    `${colors.yellow("! warning")}  ${visible(source)}: ${visible(description)}`,
    ...warnings.flatMap(visibleLines).map((line) => `    ${line}`),
  ];
}

/** Skipped for the same reason: said once. */
function skippedLines(skipped: readonly OperationReport[], colors: Palette): string[] {
  const byReason = new Map<string, OperationReport[]>();
  for (const operation of skipped) {
    const reason = operation.error?.message ?? "";
    byReason.set(reason, [...(byReason.get(reason) ?? []), operation]);
  }
  return [...byReason].flatMap(([reason, operations]) => [
    `${colors.yellow("! skipped")}  ${plural(operations.length, "operation")}: ${visible(reason)}`,
    ...operations.slice(0, MANY).map(({ source, description }) => `    ${visible(source)}: ${visible(description)}`),
    ...(operations.length > MANY ? [`    … and ${operations.length - MANY} more`] : []),
  ]);
}

/** `Applied: 5 done, 1 failed; 1 blocked. 1.2 GiB in 1 m 20 s.` */
function reportLine(report: Report, { blocked, unobserved }: ReportContext): string {
  const count = (outcome: Outcome): number => report.operations.filter((one) => one.outcome === outcome).length;
  const outcomes = (["done", ...ORDER] as const)
    .map((outcome) => [outcome, count(outcome)] as const)
    .filter(([outcome, many]) => many > 0 || outcome === "done")
    .map(([outcome, many]) => `${many} ${outcome}`)
    .join(", ");
  const missing = unobserved.filter(({ expected }) => !expected).length;
  const bytes = report.operations.reduce((sum, operation) => sum + (operation.bytes ?? 0), 0);
  const seconds = (Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1000;
  return [
    `${report.finished ? "Applied" : "Interrupted"}: ${[
      outcomes,
      blocked.length === 0 ? "" : `${blocked.length} blocked`,
      missing === 0 ? "" : `${plural(missing, "place")} not observed`,
    ]
      .filter((words) => words !== "")
      .join("; ")}.`,
    `${bytes > 0 ? `${size(bytes)} sent in ` : "Took "}${duration(seconds)}.`,
  ].join(" ");
}
