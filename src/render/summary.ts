import { type OperationKind, type Plan, writePlace } from "../model/plan.ts";
import { size } from "../model/size.ts";
import { plural } from "./text.ts";

/** Kinds that the summary has no number of its own for, in the order they are named. */
const OTHERS: readonly (readonly [OperationKind, string])[] = [
  ["adopt", "to adopt"],
  ["discard", "to discard"],
  ["rollback", "to roll back"],
  ["replace", "to replace"],
  ["bookmark", "to bookmark"],
  ["unbookmark", "to forget"],
  ["unlock", "to unlock"],
  ["prune", "to prune"],
  ["check", "to check"],
  ["verify", "to verify"],
  ["hook", "hooks to run"],
];

type Summed = Pick<Plan, "operations" | "summary" | "complete" | "shortfalls">;

/** Copies that something is sent to, however many snapshots that are and in how many streams. */
const sentTo = ({ operations }: Pick<Plan, "operations">): number =>
  new Set(operations.flatMap((one) => (one.kind === "send" && !one.restores ? [writePlace(one.at)] : []))).size;

/** `1 to create, 1 to send (1.2 GiB), 23 to destroy (310 MiB)`, without what is none. */
export function changesInWords({ operations, summary }: Pick<Plan, "operations" | "summary">): string {
  const counted = (count: number, words: string, bytes?: number): string[] =>
    count === 0 ? [] : [`${count.toLocaleString("en-US")} ${words}${bytes === undefined ? "" : ` (${size(bytes)})`}`];
  const inits = operations.filter(({ kind }) => kind === "init").length;
  return [
    ...counted(summary.create, "to create"),
    ...counted(sentTo({ operations }), "to send", summary.sendBytes),
    ...counted(summary.resume, "to resume"),
    // of single files nobody knows how large they are
    ...counted(summary.restore ?? 0, "to restore", summary.restoreBytes || undefined),
    ...counted(summary.backup, "to back up"),
    ...counted(summary.copy, "to copy"),
    ...counted(summary.destroy, "to destroy", summary.destroyBytes),
    ...counted(summary.forget, "to forget"),
    ...(inits === 0 ? [] : [`${plural(inits, "repository", "repositories")} to create`]),
    ...OTHERS.flatMap(([kind, words]) => counted(operations.filter((one) => one.kind === kind).length, words)),
  ].join(", ");
}

/** The changes, then `; 1 blocked. 187 kept.` */
function summaryOf(plan: Summed): string {
  const { summary, complete, shortfalls = [] } = plan;
  const blocked = summary.blocked === 0 ? "" : `${summary.blocked.toLocaleString("en-US")} blocked`;
  return [
    [changesInWords(plan), blocked].filter((words) => words !== "").join("; "),
    `${summary.kept.toLocaleString("en-US")} kept`,
    shortfalls.length === 0 ? "" : `${shortfalls.length.toLocaleString("en-US")} short of what is required`,
    complete ? "" : "Incomplete: not everything could be observed",
  ]
    .filter((words) => words !== "")
    .map((words) => `${words}.`)
    .join(" ");
}

/** The line a plan ends with. */
export const summaryLine = (plan: Summed): string =>
  plan.operations.length > 0 ? `Plan: ${summaryOf(plan)}` : `No changes. ${summaryOf(plan)}`;
