/** Markup that is safe: made by `html`, which escapes everything else that is put into it. */
export interface Html {
  readonly html: string;
}
type Part = Html | string | number | undefined | false | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? "");

/** Text and attributes are escaped, nothing is put into scripts or styles; `undefined` and `false` are nothing. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: strings.reduce((sofar, string, index) => sofar + write(parts[index - 1]) + string),
});

function write(part: Part): string {
  if (part === undefined || part === false) return "";
  if (typeof part === "number") return String(part);
  if (typeof part === "string") return escaped(part);
  if (isMany(part)) return part.map(write).join("");
  return part.html;
}

const isMany = (part: Html | readonly Part[]): part is readonly Part[] => Array.isArray(part);
