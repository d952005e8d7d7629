import type { DrillLimit } from "../model/drill.ts";
import type { VerifiedCopy } from "../model/plan.ts";
import { size } from "../model/size.ts";
import { plural, visible } from "./text.ts";

const LIMITS: Readonly<Record<DrillLimit, string>> = {
  key: "not read, as its key is not loaded there",
  read: "read, with nothing to compare it with",
};

/** How the drills of a copy went: `passed on 2026-11-01 06:00: daily-…, 12 files, 1.2 GiB`. */
export function drillWords({ result, last, lastGood, overdue }: Pick<VerifiedCopy, keyof VerifiedCopy>): string {
  const late = overdue ? "; overdue" : "";
  if (last === undefined) return `never${late}`;
  const limit = last.limit === undefined ? "" : ` (${LIMITS[last.limit]})`;
  const good =
    result === "failed" ? `; the last good one ${lastGood === undefined ? "never was" : `on ${dayOf(lastGood)}`}` : "";
  const seen = `${visible(last.of)}, ${plural(last.files, "file")}, ${size(last.bytes)}`;
  return `${result} on ${dayOf(last.time)}${limit}: ${seen}${good}${late}`;
}

const dayOf = (time: number): string => new Date(time * 1000).toISOString().slice(0, 16).replace("T", " ");
