import type { Check, Diagnosis } from "../model/diagnosis.ts";
import { type Palette, palette, plural, type TextOptions, visible, visibleLines } from "./text.ts";

/** Host by host; what to do stands under what is wrong. */
export function renderDiagnosis({ hosts }: Diagnosis, { color }: TextOptions): string {
  const colors = palette(color);
  const lines = hosts.flatMap(({ host, checks }) => [
    colors.bold(visible(host)),
    ...checks.flatMap((check) => renderCheck(check, colors)),
    "",
  ]);
  return `${[...lines, total(hosts.flatMap(({ checks }) => checks))].join("\n")}\n`;
}

function renderCheck({ about, result, message, advice }: Check, colors: Palette): string[] {
  const [mark, paint] = {
    good: ["ok", colors.green] as const,
    warning: ["warning", colors.yellow] as const,
    problem: ["PROBLEM", colors.red] as const,
  }[result];
  const [first = "", ...more] = visibleLines(message);
  return [
    `  ${paint(mark.padEnd(8))} ${about.padEnd(10)} ${first}`,
    ...[...more, ...advice.flatMap(visibleLines).map(colors.dim)].map((line) => `${" ".repeat(22)}${line}`),
  ];
}

function total(checks: readonly Check[]): string {
  const count = (wanted: Check["result"]): number => checks.filter(({ result }) => result === wanted).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  if (problems + warnings === 0) return "All is well.";
  return [
    ...(problems > 0 ? [plural(problems, "problem")] : []),
    ...(warnings > 0 ? [plural(warnings, "warning")] : []),
  ]
    .join(", ")
    .concat(".");
}
