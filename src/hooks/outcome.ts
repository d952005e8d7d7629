import type { OperationReport, Outcome } from "../model/report.ts";

const LONGEST = 500;

/** What a hook that runs after is told of what it stood around, in the order of how bad it is. */
const WORDS: readonly (readonly [word: string, outcomes: readonly Outcome[]])[] = [
  ["failed", ["failed", "stale"]],
  ["interrupted", ["interrupted"]],
  ["partial", ["partial"]],
];

/** The variables that say how it went; a message is cut to its first line. */
export function outcomeVariables(reports: readonly OperationReport[]): Readonly<Record<string, string>> {
  for (const [word, outcomes] of WORDS) {
    const some = reports.filter(({ outcome }) => outcomes.includes(outcome));
    if (some.length > 0) return outcome(word, messageOf(some));
  }
  // a hook within does nothing by itself
  const plain = reports.filter(({ kind }) => kind !== "hook");
  const skipped = plain.filter(({ outcome }) => outcome === "skipped");
  if (skipped.length === 0) return outcome("complete");
  return outcome(skipped.length === plain.length ? "skipped" : "partial", messageOf(skipped));
}

export const outcome = (word: string, message?: string): Readonly<Record<string, string>> => ({
  HOLDFAST_OUTCOME: word,
  ...(message !== undefined && { HOLDFAST_ERROR: (message.split("\n", 1)[0] ?? "").slice(0, LONGEST) }),
});

const messageOf = (reports: readonly OperationReport[]): string | undefined =>
  reports.find(({ error }) => error)?.error?.message;
