// Makes docs/demo.svg, the picture in the README, from a real run of the demo on a terminal of its own.
//
//   node scripts/picture.mjs [RECORDING]     RECORDING: what `script` has written in an earlier run
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const COLUMNS = 128;
/** Headings of the steps of the demo that are shown. */
const STEPS = [/^── 3\. /, /^── 4\. /, /^── 5\. /];

function record() {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-picture-"));
  const file = join(folder, "recording");
  try {
    execFileSync("script", ["-qefc", `stty cols ${COLUMNS} rows 60 && ${join(root, "examples/demo-zfs/run")}`, file], {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, TERM: "xterm-256color", NO_COLOR: "" },
    });
    return readFileSync(file, "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a terminal shows in the end: lines of cells, each a character with its style. */
function screen(text) {
  const lines = [[]];
  let [row, column] = [0, 0];
  let style = {};
  const line = () => {
    while (lines.length <= row) lines.push([]);
    return lines[row];
  };
  const number = (parameters, fallback) => (parameters === "" ? fallback : Number.parseInt(parameters, 10));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal is told
  for (const [token, parameters, command] of text.matchAll(/\x1b\[([\d;?]*)([A-Za-z])|\x1b.|[^\x1b]/gsu)) {
    if (command === "m") style = (parameters || "0").split(";").reduce(restyle, style);
    else if (command === "A") row = Math.max(0, row - number(parameters, 1));
    else if (command === "B") row += number(parameters, 1);
    else if (command === "G") column = number(parameters, 1) - 1;
    else if (command === "K") line().length = parameters === "2" ? 0 : Math.min(line().length, column);
    else if (command === "J") lines.length = row + 1;
    else if (token === "\n") row += 1;
    else if (token === "\r") column = 0;
    else if (!token.startsWith("\x1b")) {
      if (column === COLUMNS) [row, column] = [row + 1, 0];
      const cells = line();
      while (cells.length < column) cells.push({ character: " ", style: {} });
      cells[column++] = { character: token, style };
    }
  }
  return lines;
}

const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
function restyle(style, parameter) {
  const code = Number(parameter);
  if (code === 0) return {};
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, color: undefined };
  if (code >= 30 && code <= 37) return { ...style, color: NAMES[code - 30] };
  if (code >= 90 && code <= 97) return { ...style, color: NAMES[code - 90] };
  return style;
}

const textOf = (cells) => cells.map(({ character }) => character).join("");

/** The lines of the steps that are shown, with no more than one empty line in a row. */
function chosen(lines) {
  let shown = false;
  const picked = lines.filter((cells) => {
    const text = textOf(cells);
    if (/^── /.test(text)) shown = STEPS.some((step) => step.test(text));
    return shown;
  });
  const empty = (cells) => cells === undefined || textOf(cells).trim() === "";
  const tight = picked.filter((cells, index) => !(empty(cells) && (index === 0 || empty(picked[index - 1]))));
  while (tight.length > 0 && empty(tight.at(-1))) tight.pop();
  return tight;
}

const COLORS = {
  red: "#ff7b72",
  green: "#7ee787",
  yellow: "#e3b341",
  blue: "#79c0ff",
  magenta: "#d2a8ff",
  cyan: "#56d4dd",
  white: "#f0f6fc",
  black: "#8b949e",
};
const [SIZE, ADVANCE, LEADING, MARGIN, BAR] = [13, 7.83, 19, 20, 34];

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const round = (value) => Number(value.toFixed(1));

/** Runs of one style, broken where there is wide space, so that columns stay columns in any font. */
function runs(cells) {
  const found = [];
  for (const [column, { character, style }] of cells.entries()) {
    const last = found.at(-1);
    const apart = last?.text.endsWith("  ") && character !== " ";
    if (last === undefined || apart || JSON.stringify(last.style) !== JSON.stringify(style))
      found.push({ column, style, text: character });
    else last.text += character;
  }
  return found.filter(({ text }) => text.trim() !== "");
}

function span({ column, style, text }) {
  const indent = text.length - text.trimStart().length;
  const attributes = [
    `x="${round(MARGIN + (column + indent) * ADVANCE)}"`,
    ...(style.color ? [`fill="${COLORS[style.color]}"`] : []),
    ...(style.bold ? ['font-weight="bold"'] : []),
    ...(style.dim ? ['fill-opacity="0.6"'] : []),
  ];
  return `<tspan ${attributes.join(" ")}>${escaped(text.trim())}</tspan>`;
}

function svg(lines) {
  const width = round(2 * MARGIN + ADVANCE * Math.max(...lines.map((cells) => textOf(cells).trimEnd().length)));
  const height = BAR + LEADING * lines.length + MARGIN;
  const rows = lines.flatMap((cells, index) => {
    const content = runs(cells).map(span).join("");
    return content === "" ? [] : [`<text y="${round(BAR + LEADING * (index + 0.8))}">${content}</text>`];
  });
  const lamps = ["#ff5f57", "#febc2e", "#28c840"].map(
    (fill, index) => `<circle cx="${MARGIN + 20 * index}" cy="18" r="6" fill="${fill}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Holdfast in a terminal: a plan is applied, the next plan is empty, and a transfer is cut and resumed">
<!-- Made by scripts/picture.mjs from a real run; do not edit. -->
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
${lamps.join("")}
<g font-family="ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', 'Liberation Mono', monospace" font-size="${SIZE}" fill="#e6edf3" xml:space="preserve">
${rows.join("\n")}
</g>
</svg>
`;
}

const [recording] = process.argv.slice(2);
const lines = chosen(screen(recording === undefined ? record() : readFileSync(recording, "utf8")));
if (lines.length === 0) throw new Error("none of the steps is in the recording");
writeFileSync(join(root, "docs/demo.svg"), svg(lines));
process.stdout.write(`docs/demo.svg: ${lines.length} lines\n`);
