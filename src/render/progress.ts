import type { FileProgress, OperationReport } from "../model/report.ts";
import { part, size } from "../model/size.ts";
import { duration, palette, plural, type TextOptions, visible, visibleLines } from "./text.ts";

/** An operation that runs, as far as it got. Times are milliseconds of any one clock. */
export interface Running {
  readonly label: string;
  readonly startedAt: number;
  readonly bytes: number;
  readonly expected?: number;
  /** Bytes per second of late. */
  readonly rate: number;
  readonly files?: FileProgress;
}

export interface ProgressTotals {
  readonly done: number;
  readonly operations: number;
  readonly bytes: number;
  /** Of everything that is sent in this run. */
  readonly expected: number;
  readonly rate: number;
  readonly startedAt: number;
}

const count = (many: number): string => many.toLocaleString("en-US");

/** One line a running operation, with the file it is at below it, and a line for everything; cut to `width`. */
export function renderProgress(
  running: readonly Running[],
  totals: ProgressTotals,
  now: number,
  options: TextOptions,
): string {
  const width = options.width ?? 80;
  const lines = running.flatMap((one) => [toWidth(runningLine(one, now), width), ...currentLine(one, width)]);
  return [...lines, toWidth(totalsLine(running, totals, now), width)].join("\n");
}

/** One line: how many of the snapshots and copies to search are searched, and for how long; cut to `width`. */
export function renderSearch(
  { done, snapshots, seconds }: { readonly done: number; readonly snapshots: number; readonly seconds: number },
  { width = 80 }: TextOptions,
): string {
  const label = `  searched: ${count(done)} of ${plural(snapshots, "snapshot")}`;
  return toWidth({ label, numbers: duration(seconds) }, width);
}

/** The label gives way, the numbers stay. */
interface Line {
  readonly label: string;
  readonly numbers: string;
}

function toWidth({ label, numbers }: Line, width: number): string {
  const room = Math.max(8, width - numbers.length - 3);
  const shown = label.length <= room ? label.padEnd(room) : `${label.slice(0, room - 1)}…`;
  return `${shown}  ${numbers}`.slice(0, Math.max(20, width - 1)).trimEnd();
}

function runningLine({ label, startedAt, bytes, expected, rate, files }: Running, now: number): Line {
  const numbers =
    expected === undefined && bytes === 0 ? duration((now - startedAt) / 1000) : amounts(bytes, expected, rate);
  const read = files === undefined ? "" : `${count(files.done)} of ${plural(files.total, "file")}  `;
  return { label: `  ${visible(label)}`, numbers: `${read}${numbers}` };
}

/** Of a long path the end, which tells files apart. */
function currentLine({ files }: Running, width: number): string[] {
  if (files?.current === undefined) return [];
  const room = Math.max(16, width - 5);
  const path = visible(files.current);
  return [`    ${path.length <= room ? path : `…${path.slice(1 - room)}`}`];
}

function totalsLine(running: readonly Running[], totals: ProgressTotals, now: number): Line {
  const { done, operations, bytes, expected, rate, startedAt } = totals;
  const label = `  total: ${done} of ${plural(operations, "operation")}${running.length > 0 ? `, ${running.length} running` : ""}`;
  return { label, numbers: expected > 0 ? amounts(bytes, expected, rate) : duration((now - startedAt) / 1000) };
}

/** `1.2 of 9.8 GiB   12 %    48 MiB/s   3 m 2 s left`; columns keep their width so that lines stand still. */
function amounts(bytes: number, expected: number | undefined, rate: number): string {
  const speed = `${size(rate)}/s`.padStart(11);
  if (expected === undefined || expected <= 0) return `${size(bytes)}  ${speed}`;
  // an estimate can be too low: then it is done as far as anybody knows
  const share = Math.min(1, bytes / expected);
  const left = rate > 0 && share < 1 ? `${duration((expected - bytes) / rate)} left` : "";
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  return [part(bytes, expected), percent, share < 1 ? speed : "".padStart(11), left.padStart(14)].join("  ");
}

const OUTCOMES: Readonly<Record<OperationReport["outcome"], string>> = {
  done: "done",
  failed: "! failed",
  partial: "! partial",
  stale: "! stale",
  skipped: "! skipped",
  interrupted: "! interrupted",
};

const seconds = (some: number): string => `${some.toFixed(1)} s`;

/** Of a backup: `1,203 files, 4.1 GiB, unchanged, `. */
function contents({ backup }: OperationReport): string {
  if (backup === undefined) return "";
  const words = [
    backup.files === undefined ? "" : plural(backup.files, "file"),
    backup.bytes === undefined ? "" : size(backup.bytes),
    backup.unchanged ? "unchanged" : "",
  ];
  return words.flatMap((word) => (word === "" ? [] : [`${word}, `])).join("");
}

/** The line that stays when an operation has ended. */
export function renderFinished(operation: OperationReport, options: TextOptions): string {
  const colors = palette(options.color);
  const paint = {
    done: colors.green,
    failed: colors.red,
    partial: colors.yellow,
    stale: colors.yellow,
    skipped: colors.yellow,
    interrupted: colors.yellow,
  };
  const word = paint[operation.outcome](OUTCOMES[operation.outcome].padEnd(13));
  const moved = operation.bytes === undefined || operation.bytes === 0 ? "" : `${size(operation.bytes)} in `;
  const window = operation.windowSeconds === undefined ? "" : `; ${seconds(operation.windowSeconds)} since before`;
  const took =
    operation.outcome === "done" ? `  (${contents(operation)}${moved}${duration(operation.seconds)}${window})` : "";
  // the report says why for all; what was skipped was so for a reason that stands above
  const isOwn = operation.outcome !== "skipped" && operation.error !== undefined;
  const why = isOwn ? `: ${visibleLines(operation.error.message)[0] ?? ""}` : "";
  return `${word} ${visible(operation.source)}  ${visible(operation.description)}${took}${why}`;
}
