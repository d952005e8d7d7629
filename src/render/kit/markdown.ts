import { visible } from "../text.ts";
import { type Block, type Inline, KIT_MARK, type Line, type Page } from "./document.ts";

/** CommonMark with GitHub's tables. */
export const renderMarkdown = ({ title, blocks }: Page): string =>
  `${[`# ${plain(title)}`, ...blocks.map(write), KIT_MARK].join("\n\n")}\n`;

function write(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `${"#".repeat(block.level)} ${line(block.text)}`;
    case "text":
      return line(block.text);
    case "list":
      return block.items.map((item) => `- ${line(item)}`).join("\n");
    case "warning":
      return ["> **Attention**", ">", ...block.items.map((item) => `> - ${line(item)}`)].join("\n");
    case "table":
      return [block.head.map(plain), block.head.map(() => "---"), ...block.rows.map((row) => row.map(cell))]
        .map((cells) => `| ${cells.join(" | ")} |`)
        .join("\n");
    case "script":
      return fenced(block.lines.join("\n"));
  }
}

const line = (parts: Line): string => parts.map(inline).join("");
/** A `|` ends a cell in code, too, unless it is escaped. */
const cell = (parts: Line): string =>
  parts
    .map((part) => (typeof part === "object" && "code" in part ? span(part.code).replaceAll("|", "\\|") : inline(part)))
    .join("");

function inline(part: Inline): string {
  if (typeof part === "string") return plain(part);
  return "code" in part ? span(part.code) : `**${plain(part.strong)}**`;
}

/** Words of messages may hold names from outside; an underscore inside a word is nothing but that. */
const plain = (text: string): string =>
  visible(text).replace(/[\\`*[\]<>|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=#?\w+;)/g, "\\$&");

/** The longest row of backticks, so that a longer one can stand around it. */
const longestRow = (text: string): number => Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));

function span(name: string): string {
  const shown = visible(name);
  const row = longestRow(shown);
  if (row === 0) return `\`${shown}\``;
  const around = "`".repeat(row + 1);
  return `${around} ${shown} ${around}`;
}

function fenced(script: string): string {
  const fence = "`".repeat(Math.max(3, longestRow(script) + 1));
  return `${fence}sh\n${script}\n${fence}`;
}
