import pc from "picocolors";
import type { Address, HostName } from "../model/units.ts";

/** How a text answer looks. `width` is absent for pipes and files: lines are then never broken. */
export interface TextOptions {
  readonly color: boolean;
  readonly width?: number;
}

export const palette = (color: boolean) => pc.createColors(color);
export type Palette = ReturnType<typeof palette>;

/** C0, DEL, C1, line separators, zero-width and bidirectional controls: what could forge or hide part of a line. */
const UNSAFE = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Cs}/gu;

/** Whether anything in it would not be seen where it stands, or would move what stands around it. */
export const isInvisible = (text: string): boolean => text.search(UNSAFE) !== -1;

/** One line that is safe on a terminal: control characters of names from outside are shown, never sent. */
export const visible = (text: string): string =>
  text.replace(UNSAFE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    if (char === "\n") return "\\n";
    if (char === "\t") return "\\t";
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });

/** Lines of foreign output, each safe on a terminal; ends without empty lines. */
export const visibleLines = (text: string): string[] =>
  text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => visible(line.replaceAll("\t", "    ")));

/** Where only one line is to be had. */
export const oneLine = (text: string): string =>
  visibleLines(text)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("; ");

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;

/** `3 s`, `1 m 20 s`, `2 h 5 m`, `3 d 4 h`: two units at most. */
export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
};

/** `@a`, `@a, @b`, `@a … @d (4)`. */
export const range = (names: readonly string[], mark: "@" | "#" | "" = "@"): string => {
  const [first, last] = [names[0], names.at(-1)];
  if (first === undefined || last === undefined) return "";
  if (names.length <= 2) return names.map((name) => `${mark}${visible(name)}`).join(", ");
  return `${mark}${visible(first)} … ${mark}${visible(last)} (${names.length})`;
};

/** The address, or a repository's key, as people here say it: without the host where that is this machine. */
export const shortAddress = (source: Address, self: HostName | null): string =>
  visible(
    self === null
      ? source
      : source.startsWith(`${self}:`)
        ? source.slice(self.length + 1)
        : source.endsWith(`@${self}`) && !source.includes(":")
          ? source.slice(0, -self.length - 1)
          : source,
  );

/** Breaks at spaces so that no line is longer than `width` (a longer word stays whole); keeps the indentation. */
export const wrap = (text: string, width: number | undefined): string[] => {
  if (width === undefined || text.length <= width) return [text];
  const indent = /^ */.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  let line = "";
  for (const word of text.slice(indent.length).split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, indent + line];
};

/** Columns padded to their widest cell, two spaces between, nothing after the last. */
export const columns = (rows: readonly (readonly string[])[]): string[] => {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
};
