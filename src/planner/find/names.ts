import type { FoundType, Wanted } from "../../model/found.ts";

export interface NameOptions {
  readonly ignoreCase?: boolean;
  /** Nothing in it stands for anything else. */
  readonly literal?: boolean;
  readonly type?: FoundType;
}

/** `*`, `?`, or a set of characters as a regular expression has it. */
type Token = { readonly literal: string } | { readonly any: "*" | "?" } | { readonly set: string };

/**
 * A name, which is looked for in every folder, or with a `/` in it a path from the source's top. `*`, `?` and `[…]` stay
 * within one name, `**` is any folders. Undefined where it names nothing that can be in a source.
 */
export function wantedOf(
  pattern: string,
  { ignoreCase = false, literal = false, type }: NameOptions,
): Wanted | undefined {
  const isPath = pattern.includes("/");
  const parts = pattern.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..") || pattern.includes("\0")) return undefined;
  const tokens = parts.map((part) => (part === "**" && isPath && !literal ? undefined : tokensOf(part, literal)));
  const whole = isPath ? tokens : [undefined, ...tokens];
  const expression = new RegExp(`^${whole.map(expressionOf).join("")}$`, ignoreCase ? "isu" : "su");
  const { under, rest } = split(whole, ignoreCase);
  return {
    matches: (path) => expression.test(`${path}/`),
    ignoreCase,
    ...(type !== undefined && { type }),
    under,
    parts: rest.map((part) => part && coarse(part, ignoreCase)),
  };
}

function tokensOf(part: string, literal: boolean): Token[] {
  if (literal) return [{ literal: part }];
  const tokens: Token[] = [];
  for (let at = 0; at < part.length; ) {
    const character = String.fromCodePoint(part.codePointAt(at) ?? 0);
    const set = character === "[" ? setAt(part, at) : undefined;
    if (set !== undefined) {
      tokens.push({ set: set.expression });
      at = set.end;
    } else if (character === "*" || character === "?") {
      tokens.push({ any: character });
      at += 1;
    } else if (character === "\\" && at + 1 < part.length) {
      const escaped = String.fromCodePoint(part.codePointAt(at + 1) ?? 0);
      tokens.push({ literal: escaped });
      at += 1 + escaped.length;
    } else {
      tokens.push({ literal: character });
      at += character.length;
    }
  }
  return tokens;
}

/** `[abc]`, `[a-z]`, `[!…]` or `[^…]`; a `]` that comes first stands for itself. Undefined: the bracket is one itself. */
function setAt(part: string, start: number): { readonly expression: string; readonly end: number } | undefined {
  let at = start + 1;
  const isNegated = part[at] === "!" || part[at] === "^";
  if (isNegated) at += 1;
  const members: { readonly text: string; readonly isBare: boolean }[] = [];
  for (let isFirst = true; isFirst || part[at] !== "]"; isFirst = false) {
    const isEscaped = part[at] === "\\" && at + 1 < part.length;
    if (isEscaped) at += 1;
    const code = part.codePointAt(at);
    if (code === undefined) return undefined;
    const text = String.fromCodePoint(code);
    members.push({ text, isBare: !isEscaped });
    at += text.length;
  }
  let inside = "";
  for (let index = 0; index < members.length; index++) {
    const [from, dash, to] = [members[index], members[index + 1], members[index + 2]];
    if (from === undefined) break;
    if (dash?.text === "-" && dash.isBare && to !== undefined) {
      if (codeOf(from.text) <= codeOf(to.text)) inside += `${inSet(from.text)}-${inSet(to.text)}`;
      index += 2;
    } else inside += inSet(from.text);
  }
  // an empty range matches nothing, as in a shell
  const expression = isNegated ? `[^/${inside}]` : `(?!/)[${inside}]`;
  return { expression, end: at + 1 };
}

const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
const inSet = (character: string): string => character.replace(/[\\\]^[-]/, "\\$&");
const inExpression = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** Every part of a path ends with a slash. */
function expressionOf(part: readonly Token[] | undefined, index: number, whole: readonly unknown[]): string {
  if (part === undefined) return index === whole.length - 1 ? "(?:[^/]+/)+" : "(?:[^/]+/)*";
  const tokens = part.map((token) =>
    "literal" in token
      ? inExpression(token.literal)
      : "set" in token
        ? token.set
        : token.any === "*"
          ? "[^/]*"
          : "[^/]",
  );
  return `${tokens.join("")}/`;
}

/** The folders at the beginning that are named in full lead there; the last part is always looked for. */
function split(whole: readonly (readonly Token[] | undefined)[], ignoreCase: boolean) {
  const under: string[] = [];
  for (const part of whole.slice(0, -1)) {
    if (ignoreCase || part === undefined || !part.every((token) => "literal" in token)) break;
    under.push(part.map((token) => ("literal" in token ? token.literal : "")).join(""));
  }
  return { under, rest: whole.slice(under.length) };
}

/** For `find` and restic, which know neither the same sets nor the same letters: all that matches, and maybe more. */
function coarse(part: readonly Token[], ignoreCase: boolean): string {
  const pieces = part.flatMap((token) => {
    if (!("literal" in token)) return ["*"];
    // a letter that is no ASCII has another case there only sometimes
    return [...token.literal].map((each) => (ignoreCase && each > "~" ? "*" : each.replace(/[*?[\]\\]/, "\\$&")));
  });
  return pieces.filter((piece, index) => piece !== "*" || pieces[index - 1] !== "*").join("");
}
