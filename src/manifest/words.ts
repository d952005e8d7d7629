import { closest, distance } from "fastest-levenshtein";
import { withoutPasswords } from "./text.ts";
import type { Path } from "./tree.ts";

/** User's text in a message: quoted, one line, not endless, without passwords in URLs and what moves a terminal's cursor. */
export function quote(text: string): string {
  const shown = withoutPasswords(text.slice(0, 4096));
  const short = shown.length > 80 ? `${shown.slice(0, 79)}…` : shown;
  return JSON.stringify(short).replace(/[\u007f-\u009f\p{Cf}\u2028\u2029]/gu, "\uFFFD");
}

/** A path as the manifest's user would say it: `datasets."tank/vm".keep.hourly`. */
export function dotted(path: Path): string {
  return path
    .map((step, index) => {
      if (/^\d+$/.test(step) && index > 0) return `[${step}]`;
      const text = /^[A-Za-z_][A-Za-z0-9_-]*$/.test(step) ? step : quote(step);
      return index === 0 ? text : `.${text}`;
    })
    .join("");
}

/** The known word that was probably meant. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || word.length > 100) return undefined;
  const folded = known.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
  if (folded !== undefined) return folded;
  const best = closest(word, known);
  return distance(word, best) <= Math.max(2, Math.floor(best.length / 3)) && distance(word, best) < best.length
    ? best
    : undefined;
}

/** `did you mean X?`, or what there is to choose from. */
export function suggestion(word: string, known: readonly string[], kind: string): string {
  const near = nearestWord(word, known);
  if (near !== undefined) return `did you mean ${near}?`;
  if (known.length === 0) return `no ${kind} is declared`;
  const shown = known.slice(0, 30).join(", ");
  return `known: ${known.length > 30 ? `${shown}, …` : shown}`;
}
