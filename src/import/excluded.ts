/**
 * Patterns of the datasets below `base` that a regular expression means, where it is plain enough: letters, perhaps from the
 * beginning on. Undefined: it is not. One that is bound to the end would not leave out what is below, which a pattern does.
 */
export function patternsOf(expression: string, base: string): readonly string[] | undefined {
  const [, start, middle = ""] = /^(\^?)((?:[\w:/-]|\\\.)+)$/.exec(expression) ?? [];
  if (middle === "") return undefined;
  const text = middle.replaceAll("\\.", ".");
  const inside = `${base}/`;
  if (start === "^") {
    if (!text.startsWith(inside) || text.endsWith("/")) return undefined;
    return [`${text}*`, `${text}*/**`];
  }
  if (text.lastIndexOf("/") > 0 || text === "/") return undefined;
  const name = text.startsWith("/") ? `${text.slice(1)}*` : `*${text}*`;
  return [`${inside}**/${name}`, `${inside}**/${name}/**`];
}
