import { visible } from "../render/text.ts";
import { clip } from "./notice.ts";

const LONGEST = 200;
/** Shorter parts are words that any answer has. */
const SHORTEST = 6;

/** The beginning of an answer in one line, without whatever was secret in the question. */
export function redacted(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap(partsOf).sort((a, b) => b.length - a.length);
  let shown = text;
  for (const part of parts) shown = shown.replaceAll(part, "[secret]");
  return clip(visible(shown.replaceAll(/\s+/g, " ").trim()), LONGEST);
}

/** A URL may come back whole or in parts, as it was or decoded. */
function partsOf(secret: string): string[] {
  const all = [secret];
  if (URL.canParse(secret)) {
    const { href, host, pathname, search, username, password, searchParams } = new URL(secret);
    all.push(href, host, pathname, search, username, password, ...pathname.split("/"), ...searchParams.values());
  }
  return [...new Set(all.flatMap((part) => [part, decoded(part)]))].filter((part) => part.length >= SHORTEST);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
