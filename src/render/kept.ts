import type { KeptGroup, KeptReason } from "../model/plan.ts";
import type { Address, RemoteName } from "../model/units.ts";
import { visible } from "./text.ts";

export interface KeptSide {
  readonly source: Address;
  readonly remote?: RemoteName;
  /** In the order the plan names them, each with all its reasons. */
  readonly snapshots: readonly { readonly name: string; readonly reasons: readonly string[] }[];
}

/** Turns groups by reason into snapshots with reasons. */
export function keptBySnapshot(kept: readonly KeptGroup[]): KeptSide[] {
  const sides = new Map<string, { group: KeptGroup; reasons: Map<string, string[]> }>();
  for (const group of kept) {
    const key = JSON.stringify([group.source, group.remote ?? ""]);
    const side = sides.get(key) ?? { group, reasons: new Map() };
    sides.set(key, side);
    for (const name of group.snapshots) {
      const reasons = side.reasons.get(name);
      if (reasons === undefined) side.reasons.set(name, [keptWords(group)]);
      else reasons.push(keptWords(group));
    }
  }
  return [...sides]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { group, reasons }]) => ({
      source: group.source,
      ...(group.remote === undefined ? {} : { remote: group.remote }),
      snapshots: [...reasons].map(([name, words]) => ({ name, reasons: words })),
    }));
}

const WORDS: Readonly<Record<KeptReason, string>> = {
  count: "among the newest",
  within: "young enough",
  time: "kept by time",
  unlisted: "its type is not in keep: left alone",
  base: "base of the next increment",
  oldest: "pinned: the oldest",
  "oldest-shared": "pinned: the oldest that both sides have",
  held: "held",
  cloned: "has a clone",
  newest: "the newest of the source",
  "newest-of-type": "the newest of its type",
  waiting: "a remote waits for it",
  "partial-receive": "a half-received stream needs it",
  frozen: "nothing is destroyed while a remote cannot be observed",
  "append-only": "the remote is append-only",
  blocked: "blocked",
  suspended: "suspended",
  withheld: "its deletion is withheld",
};

/** `among the newest (hourly: 24)`. */
export const keptWords = ({ reason, detail }: Pick<KeptGroup, "reason" | "detail">): string =>
  detail === "" ? WORDS[reason] : `${WORDS[reason]} (${visible(detail)})`;
