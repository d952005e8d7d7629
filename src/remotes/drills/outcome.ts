import type { DrillLimit, DrillRecord } from "../../model/drill.ts";
import type { Problem, VerifyReport } from "../../model/report.ts";
import type { Bytes, EpochSeconds } from "../../model/units.ts";
import type { Result } from "../result.ts";
import { type Difference, MOST_DIFFERENCES, type Unreadable } from "./compare.ts";

/** What a drill found. */
export interface Found {
  /** Name of the snapshot or copy. */
  readonly of: string;
  readonly files: number;
  readonly bytes: number;
  /** What was done, in words. */
  readonly message: string;
  readonly differences: readonly Difference[];
  readonly limit?: DrillLimit;
}

const resultOf = ({ differences, limit }: Found): VerifyReport["result"] =>
  differences.length > 0 ? "failed" : limit === undefined ? "passed" : "limited";

export const recordOf = (found: Found, now: Date): DrillRecord => ({
  time: Math.floor(now.getTime() / 1000) as EpochSeconds,
  result: resultOf(found),
  of: found.of,
  files: found.files,
  bytes: found.bytes as Bytes,
  differs: found.differences.map(({ what }) => what),
  ...(found.limit !== undefined && { limit: found.limit }),
});

/** `warnings`: about how it is remembered. */
export function toResult(found: Found, warnings: readonly string[]): Result {
  const { files, bytes, message, differences } = found;
  const result = resultOf(found);
  const shown = differences.slice(0, MOST_DIFFERENCES).map(({ what, how }) => `${what}: ${how}`);
  const verify: VerifyReport = { result, files, bytes: bytes as Bytes, message, differences: shown };
  const more = warnings.length > 0 ? { warnings } : {};
  if (result !== "failed") return { outcome: "done", verify, ...more };
  const count = differences.length >= MOST_DIFFERENCES ? `${MOST_DIFFERENCES} or more` : String(differences.length);
  const error: Problem = {
    message: `the copy is not what was backed up: ${count} ${differences.length === 1 ? "difference" : "differences"}`,
    output: shown.join("\n"),
    hint: "nothing of this source is thinned until a drill passes; `holdfast plan` says what can be done",
  };
  return { outcome: "failed", verify, error, ...more };
}

/** What kept a drill from saying anything about the copy. */
export function notRun(error: Unreadable, whose: string): Problem {
  const isLocked = /key not loaded|key.*not loaded|Required key not available/i.test(error.message);
  const [first = ""] = error.message.split("\n");
  return {
    message: `${whose} cannot be read on ${error.side.host}: ${isLocked ? "its key is not loaded" : first}`,
    ...(first !== error.message && { output: error.message }),
    hint: isLocked
      ? "load it there (zfs load-key) and verify again"
      : "drills read everything: they need root on both sides, and find, tar and sha256sum of GNU; nothing is known of the copy yet",
  };
}
