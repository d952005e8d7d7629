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

/** Around the detail, which names the rule, hold, clone or remote. */
const WORDS: Readonly<Record<KeptReason, (detail: string) => string>> = {
  count: (detail) => `among the newest (${detail})`,
  within: (detail) => `young enough (${detail})`,
  time: (detail) => `kept by time (${detail})`,
  unlisted: (detail) => `left alone: ${detail}`,
  base: (detail) => `base of the next increment: ${detail}`,
  oldest: (detail) => `pinned (${detail})`,
  "oldest-shared": (detail) => `pinned (${detail})`,
  held: (detail) => `held (${detail})`,
  cloned: (detail) => `has a clone (${detail})`,
  newest: (detail) => detail,
  "newest-of-type": (detail) => `${detail}, so that it is not due again`,
  waiting: (detail) => `needed later: ${detail}`,
  "partial-receive": (detail) => `a half-received stream needs it: ${detail}`,
  frozen: (detail) => `nothing is destroyed here while ${detail}`,
  partial: (detail) => `files are missing in it, but ${detail}`,
  "append-only": (detail) => `append-only (${detail})`,
  elsewhere: (detail) => detail,
  blocked: (detail) => detail,
  suspended: (detail) => `suspended (${detail})`,
  withheld: (detail) => `its deletion is withheld: ${detail}`,
};

/** `among the newest (hourly: 24)`. */
export const keptWords = ({ reason, detail }: Pick<KeptGroup, "reason" | "detail">): string =>
  WORDS[reason](visible(detail));
