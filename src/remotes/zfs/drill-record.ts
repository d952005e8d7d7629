import { type DrillRecord, type DrillResult, REMEMBERED_LENGTH, REMEMBERED_NAMES } from "../../model/drill.ts";
import type { Bytes, EpochSeconds } from "../../model/units.ts";

/**
 * Drills are remembered in a user property of the copy's dataset, for people to read too:
 * `passed 2026-11-22T06:00:00Z of=daily-… files=12 bytes=3456`. One that failed also says when the last went well.
 */
export const VERIFIED = "holdfast:verified";
/** The same at the source, of all copies whose own dataset cannot be written to: `REMOTE RECORD; REMOTE RECORD`. */
export const VERIFIED_COPIES = "holdfast:verified-copies";

/** Of a user property's value, in bytes: one less than zfsprops.7 says. */
const LONGEST_PROPERTY = 8191;

/** What is remembered of one copy. */
export interface Remembered {
  readonly last: DrillRecord;
  readonly good?: EpochSeconds;
}

const RESULTS: readonly DrillResult[] = ["passed", "limited", "failed"];

const iso = (time: EpochSeconds): string => new Date(time * 1000).toISOString().replace(/\.\d+/, "");
const epoch = (text: string | undefined): EpochSeconds | undefined => {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? undefined : (Math.floor(time / 1000) as EpochSeconds);
};

export function writeRecord({ last, good }: Remembered): string {
  const names = last.differs.slice(0, REMEMBERED_NAMES).map((name) => encoded(name.slice(0, REMEMBERED_LENGTH)));
  return [
    last.result,
    iso(last.time),
    `of=${encoded(last.of)}`,
    `files=${last.files}`,
    `bytes=${last.bytes}`,
    ...(last.limit === undefined ? [] : [`limit=${last.limit}`]),
    ...(good === undefined || last.result !== "failed" ? [] : [`good=${iso(good)}`]),
    ...(names.length === 0 ? [] : [`differs=${names.join(",")}`]),
  ].join(" ");
}

/** Undefined for anything that Holdfast did not write. */
export function readRecord(text: string | undefined): Remembered | undefined {
  const [result, when, ...rest] = (text ?? "").trim().split(" ");
  const time = epoch(when);
  if (time === undefined || !RESULTS.includes(result as DrillResult)) return undefined;
  const facts = new Map(rest.map((fact) => [fact.split("=", 1)[0] ?? "", fact.slice(fact.indexOf("=") + 1)]));
  const number = (name: string): number => Number(facts.get(name)) || 0;
  const limit = facts.get("limit");
  const good = result === "failed" ? epoch(facts.get("good")) : time;
  return {
    last: {
      time,
      result: result as DrillResult,
      of: decoded(facts.get("of") ?? ""),
      files: number("files"),
      bytes: number("bytes") as Bytes,
      differs: (facts.get("differs") ?? "").split(",").filter(Boolean).map(decoded),
      ...((limit === "key" || limit === "read") && { limit }),
    },
    ...(good !== undefined && { good }),
  };
}

/** What the source remembers of each copy, by remote. */
export function readCopies(text: string | undefined): Map<string, Remembered> {
  const found = new Map<string, Remembered>();
  for (const part of (text ?? "").split(";")) {
    const [remote = "", ...record] = part.trim().split(" ");
    const remembered = readRecord(record.join(" "));
    if (remembered) found.set(remote, remembered);
  }
  return found;
}

/** Which files differed is left out where it would be more than a property holds: that a copy failed counts. */
export function writeCopies(copies: ReadonlyMap<string, Remembered>): string {
  const written = (shorten: (last: DrillRecord) => DrillRecord): string =>
    [...copies].map(([remote, one]) => `${remote} ${writeRecord({ ...one, last: shorten(one.last) })}`).join("; ");
  const whole = written((last) => last);
  return whole.length <= LONGEST_PROPERTY ? whole : written((last) => ({ ...last, differs: [] }));
}

/** Of two memories of one copy the later. */
export function newer(a: Remembered | undefined, b: Remembered | undefined): Remembered | undefined {
  const [last, other] = (a?.last.time ?? -1) >= (b?.last.time ?? -1) ? [a, b] : [b, a];
  if (last === undefined) return undefined;
  const good = Math.max(last.good ?? -1, other?.good ?? -1);
  return good < 0 ? last : { ...last, good: good as EpochSeconds };
}

/** Half of a pair of surrogates, left by cutting, has no code of its own. */
const encoded = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"));

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
