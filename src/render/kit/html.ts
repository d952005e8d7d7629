import { type Html, html } from "../html.ts";
import { visible } from "../text.ts";
import { type Block, type Inline, KIT_MARK, type Line, type Page } from "./document.ts";
import { STYLE } from "./style.ts";

/** One file that needs nothing else: no script, no font, no picture, nothing from the network. */
export const renderHtml = ({ title, blocks }: Page): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${visible(title)}</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
<main>
<h1>${visible(title)}</h1>
${blocks.map(write)}
</main>
</body>
${{ html: KIT_MARK }}
</html>
`.html;

function write(block: Block): Html {
  switch (block.kind) {
    case "heading":
      return headings[block.level](block.text.map(inline));
    case "text":
      return html`<p>${block.text.map(inline)}</p>\n`;
    case "list":
      return html`<ul>${items(block.items)}</ul>\n`;
    case "warning":
      return html`<aside><p><strong>Attention</strong></p><ul>${items(block.items)}</ul></aside>\n`;
    case "table":
      return table(block);
    case "script":
      return html`<pre>${block.lines.flatMap((text) => text.split("\n")).map((text) => html`<code>${wordsOf(text)}</code>\n`)}</pre>\n`;
  }
}

/** A line is broken between words only: a hyphen at its end would be typed as the end of a word. */
const wordsOf = (text: string): (Html | string)[] =>
  text.split(/(\S+)/).map((word) => (/-./.test(word) ? html`<span>${word}</span>` : word));

const headings: Readonly<Record<2 | 3 | 4, (content: readonly Html[]) => Html>> = {
  2: (content) => html`<h2>${content}</h2>\n`,
  3: (content) => html`<h3>${content}</h3>\n`,
  4: (content) => html`<h4>${content}</h4>\n`,
};

const items = (lines: readonly Line[]): Html[] => lines.map((line) => html`<li>${line.map(inline)}</li>`);

function table({ head, rows }: Extract<Block, { kind: "table" }>): Html {
  const isBare = head.every((name) => name === "");
  return html`<table class="${isBare ? "facts" : "list"}">${
    !isBare && html`<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>`
  }<tbody>${rows.map(
    (row) =>
      html`<tr>${row.map((cell, index) =>
        isBare && index === 0 ? html`<th scope="row">${cell.map(inline)}</th>` : html`<td>${cell.map(inline)}</td>`,
      )}</tr>`,
  )}</tbody></table>\n`;
}

function inline(part: Inline): Html {
  if (typeof part === "string") return html`${visible(part)}`;
  return "code" in part ? html`<code>${visible(part.code)}</code>` : html`<strong>${visible(part.strong)}</strong>`;
}
