import { homedir } from "node:os";
import type { Candidate } from "./candidates.ts";

/** A command line up to the cursor, as bash has it: with quotes, and perhaps within one. */
export interface TypedInBash {
  /** Without quotes; the first is the command. */
  readonly words: readonly string[];
  /** The word at the cursor, without quotes. */
  readonly current: string;
  /** Of `current`, what stands before the part that bash replaces: it takes a colon for the beginning of a word. */
  readonly kept: string;
  /** The quote that is open at the cursor. */
  readonly quote: Quote;
}
type Quote = "" | "'" | '"';

/** Nothing is expanded or run, whatever is in the line. `breaks`: COMP_WORDBREAKS. */
export function readBashLine(line: string, breaks: string): TypedInBash {
  const words: string[] = [];
  let word: string | undefined;
  let kept = "";
  let quote: Quote = "";
  for (let index = 0; index < line.length; index++) {
    const char = line[index] ?? "";
    if (quote === "'" && char !== quote) word += char;
    else if (char === "\\" && (quote === "" || /["$`\\]/.test(line[index + 1] ?? ""))) {
      word = (word ?? "") + (line[++index] ?? "");
    } else if (quote !== "" && char === quote) quote = "";
    else if (quote === "" && (char === "'" || char === '"')) {
      quote = char;
      word ??= "";
      kept = word;
    } else if (quote === "" && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      kept = "";
    } else {
      word = (word ?? "") + char;
      if (quote === "" && breaks.includes(char)) kept = word;
    }
  }
  return { words: words.map(withHome), current: word ?? "", kept, quote };
}

const withHome = (word: string): string => word.replace(/^~(?=\/)/, homedir());

/** Those that go on as the word begins, each as bash is to insert it. */
export function forBash(offer: readonly Candidate[], { current, kept, quote }: TypedInBash): string[] {
  return offer
    .filter(({ value }) => value.startsWith(current) && value.startsWith(kept))
    .map(({ value }) => quoted(value.slice(kept.length), quote));
}

function quoted(text: string, quote: Quote): string {
  if (quote === "'") return text.replaceAll("'", "'\\''");
  if (quote === '"') return text.replace(/["$`\\]/g, "\\$&");
  return text.replace(/[^\p{L}\p{N}_@%+=:,./-]/gu, "\\$&");
}
