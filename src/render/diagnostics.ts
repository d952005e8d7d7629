import type { Diagnostic } from "../model/diagnostic.ts";
import type { Place } from "../model/manifest.ts";
import { type Palette, palette, plural, type TextOptions, visible } from "./text.ts";

/** All diagnostics as rustc shows them, and a last line that counts them; empty when there are none. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: TextOptions): string {
  if (diagnostics.length === 0) return "";
  const colors = palette(options.color);
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  const warnings = diagnostics.length - errors;
  const counts = [
    ...(errors > 0 ? [plural(errors, "error")] : []),
    ...(warnings > 0 ? [plural(warnings, "warning")] : []),
  ].join(", ");
  return `${[...diagnostics.map((one) => diagnosticLines(one, colors).join("\n")), counts].join("\n\n")}\n`;
}

function diagnosticLines(diagnostic: Diagnostic, colors: Palette): string[] {
  const { severity, message, place, excerpt, related = [], hint } = diagnostic;
  const paint = severity === "error" ? colors.red : colors.yellow;
  const number = place === undefined ? "" : String(place.line);
  const margin = " ".repeat(number.length);
  const bar = colors.blue(`${margin} |`);
  return [
    colors.bold(`${paint(severity)}: ${visible(message)}`),
    ...(place === undefined ? [] : [`${margin}${colors.blue("-->")} ${position(place)}`]),
    ...(excerpt === undefined || place === undefined
      ? []
      : [bar, `${colors.blue(`${number} |`)} ${line(excerpt.text)}`, `${bar} ${paint(caret(excerpt))}`]),
    ...related.map((other) => `${margin} ${colors.blue("=")} ${visible(other.message)}: ${position(other.place)}`),
    ...(hint === undefined ? [] : [`${margin} ${colors.blue("=")} help: ${visible(hint)}`]),
  ];
}

/** `file:line:column`, which editors and terminals turn into a link. */
const position = ({ file, line, column }: Place): string => `${visible(file)}:${line}:${column}`;

/** A tab is one space, so that the caret stands where it should. */
const line = (text: string): string => visible(text.replaceAll("\t", " "));

const caret = ({ text, column, length }: NonNullable<Diagnostic["excerpt"]>): string => {
  const before = line(text.slice(0, column - 1)).length;
  const marked = line(text.slice(column - 1, column - 1 + length)).length;
  return " ".repeat(before) + "^".repeat(Math.max(1, marked));
};
