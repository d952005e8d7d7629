import type { Diagnostic } from "../model/diagnostic.ts";
import type { Place } from "../model/manifest.ts";

/** One file of the manifest. */
export interface SourceText {
  /** As the user would name it. */
  readonly name: string;
  readonly text: string;
  /** Offset of the first character of each line. */
  readonly lines: readonly number[];
}

/** A range of characters of one file; `end` is exclusive. */
export interface Span {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

/** The most that one file may hold. A fleet of a thousand datasets takes a third of it. */
export const maxFileBytes = 256 * 1024;
/** The most that all files of a folder may hold together. */
export const maxTotalBytes = 1024 * 1024;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function sourceText(name: string, text: string): SourceText {
  const lines = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines.push(at + 1);
  return { name, text, lines };
}

/** The text of a file, or what keeps it from being one. */
export function decode(name: string, content: string | Uint8Array): SourceText | Diagnostic {
  const size = typeof content === "string" ? Buffer.byteLength(content) : content.byteLength;
  if (size > maxFileBytes) return tooLarge(name);
  let text: string;
  try {
    text = typeof content === "string" ? content : decoder.decode(content);
  } catch {
    const place = { file: name, ...positionOfBadByte(content as Uint8Array) };
    return fault("not-utf8", "this is not UTF-8 text", "save the file as UTF-8", place);
  }
  const source = sourceText(name, text);
  const at = (offset: number) => placeOf({ source, start: offset, end: offset + 1 });
  if (text.startsWith("\uFEFF")) {
    const message = "the file begins with a byte order mark";
    return fault("byte-order-mark", message, "save it as UTF-8 without BOM", at(0));
  }
  const control = text.search(controls);
  if (control !== -1) {
    const code = text.charCodeAt(control).toString(16).padStart(2, "0").toUpperCase();
    const message = `the file contains the control character 0x${code}`;
    return fault("control-character", message, "a manifest is plain text; remove it", at(control));
  }
  return source;
}

const tooLarge = (name: string): Diagnostic =>
  fault(
    "too-large",
    `the file is larger than ${maxFileBytes / 1024} KiB, the most that one file of a manifest may hold`,
    "split it into several files in a folder, and give the folder",
    { file: name, line: 1, column: 1 },
  );

/** What no line of YAML may contain: everything below space but tab and line ends, and DEL. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

function fault(code: string, message: string, hint: string, place: Place): Diagnostic {
  return { severity: "error", code, message, hint, place };
}

function positionOfBadByte(bytes: Uint8Array): { line: number; column: number } {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const { line, column } = placeOf({
    source: sourceText("", text),
    start: Math.max(0, text.indexOf("\uFFFD")),
    end: 0,
  });
  return { line, column };
}

function lineIndexOf({ lines }: SourceText, offset: number): number {
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lines[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function placeOf({ source, start }: Span): Place {
  const index = lineIndexOf(source, start);
  return { file: source.name, line: index + 1, column: start - (source.lines[index] ?? 0) + 1 };
}

const maxExcerpt = 160;

/** The line of the span, fit to be shown: no control characters, not endless, and no secret that was written inline. */
export function excerptOf(
  { source, start, end }: Span,
  hidden: readonly Span[] = [],
): NonNullable<Diagnostic["excerpt"]> {
  const index = lineIndexOf(source, start);
  const lineStart = source.lines[index] ?? 0;
  const lineEnd = (source.lines[index + 1] ?? source.text.length + 1) - 1;
  // a line may be the whole file: no more of it is looked at than is needed to see what the shown part belongs to
  const cut = Math.max(lineStart, start - 1000);
  const line = source.text.slice(cut, Math.max(cut, Math.min(lineEnd, start + 1000)));
  const shown = hidden
    .filter((secret) => secret.source === source)
    .reduce((text, secret) => mask(text, secret.start - cut, secret.end - cut), line);
  const offset = start - cut;
  const from = offset > maxExcerpt - 40 ? offset - 40 : 0;
  const text = conceal(shown)
    .slice(from, from + maxExcerpt)
    // one column for one character, so that the caret stands where it should; nothing that moves a terminal's cursor
    .replace(/\t/g, " ")
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\uFFFD");
  const length = Math.max(1, Math.min(end - start, lineEnd - start, text.length - (offset - from)));
  return { text, column: offset - from + 1, length };
}

const secretWords =
  "(?:password|passphrase|passwd|\\bpass|_pass|secret|token|identity|credential|[_-]key|_sas|private|authorization|cookie)[0-9]?";
const secretKey = new RegExp(`${secretWords}["']?\\s*:\\s*(?=[^\\s{&*#])`, "gi");
const secretName = new RegExp(`${secretWords}$`, "i");
const passwordInUrl = /(?<=\/\/[^\s/:@]*:)[^\s/]+(?=@)/g;

/** True for the name of a variable, header or key whose value is a secret. */
export const soundsSecret = (name: string): boolean => secretName.test(name);

/** True for text such as `rest:https://USER:PASSWORD@host/`. */
export const hasPasswordInUrl = (text: string): boolean => text.search(passwordInUrl) !== -1;

/** Each character of a password in a URL as `*`. */
export const withoutPasswords = (text: string): string =>
  text.replace(passwordInUrl, (password) => "*".repeat(password.length));

/** Hides passwords in URLs, and what stands after a key that sounds like a secret, unless it is a reference. */
function conceal(line: string): string {
  let shown = withoutPasswords(line);
  for (const { index, 0: key } of line.matchAll(secretKey)) {
    const start = index + key.length;
    const isFlow = /[{[]/.test(line.slice(0, index));
    const value = (isFlow ? inFlow : inBlock).exec(line.slice(start))?.[0] ?? "";
    shown = mask(shown, start, start + value.length);
  }
  return shown;
}
const inFlow = /^(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|\[[^\]]*|[^,{}]*)/;
const inBlock = /^.*/;

/** The line keeps its length, so that a caret stays where it was. */
function mask(line: string, start: number, end: number): string {
  const [from, to] = [Math.max(0, start), Math.min(line.length, end)];
  return from < to ? line.slice(0, from) + "*".repeat(to - from) + line.slice(to) : line;
}
