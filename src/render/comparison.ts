import type { ChangedKey, Comparison, CopyName } from "../model/comparison.ts";
import type { Address } from "../model/units.ts";
import { changeTable, code, folded, prose, unobservedDetails } from "./markdown.ts";
import { type PlanTextOptions, sourceLines, unobservedLines } from "./plan.ts";
import { changesInWords } from "./summary.ts";
import { palette, plural, shortAddress, visible, wrap } from "./text.ts";

/** So many sources with a changed key before the rest is a number. */
const MANY = 20;

/** What a change of the manifest does: the sentence first, then what starts, what stops, and which keys moved. */
export function renderComparison(comparison: Comparison, options: PlanTextOptions): string {
  const colors = palette(options.color);
  const { does, stops, self } = comparison;
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ["", colors.bold(title), ...lines];
  const lines = [
    ...wrap(visible(comparison.headline), options.width).map((line) => colors.bold(line)),
    ...section("Done because of this change", sourceLines({ ...does, self }, options, colors)),
    ...section("No longer done because of it", sourceLines({ ...stops, self }, options, colors)),
    ...section(
      "Sources and copies",
      coverage(comparison).map(([symbol, line]) => `  ${symbol} ${visible(line)}`),
    ),
    ...section("Keys", keyLines(comparison)),
    ...section(
      "New: what this manifest can make machines do",
      (comparison.powers ?? []).map((power) => `  ! ${visible(power)}`),
    ),
    ...(comparison.complete ? [] : section("Incomplete", unobservedLines(comparison, options, colors))),
    "",
    totals(comparison),
  ];
  return `${lines.join("\n")}\n`;
}

const totals = ({ does, stops }: Comparison): string =>
  [
    `This change: ${changesInWords(does) || "no operation"}${does.blocked.length > 0 ? `; ${does.blocked.length} blocked` : ""}.`,
    ...(stops.operations.length > 0 ? [`No longer: ${changesInWords(stops)}.`] : []),
  ].join(" ");

/** What is protected and copied no longer, or from now on: a symbol and a line each. */
function coverage({ sources, copies, self }: Comparison): (readonly ["+" | "-", string])[] {
  const known = new Set<Address>([...sources.ended, ...sources.added]);
  const whose = ({ source, remote, offSite }: CopyName): string =>
    `${offSite ? "off-site " : ""}copy of ${shortAddress(source, self)} on ${remote}`;
  const ended = copies.ended.filter(({ source }) => !known.has(source));
  const added = copies.added.filter(({ source }) => !known.has(source));
  const stays = "what is there stays as it is";
  return [
    ...sources.ended.map((one) => ["-", `no longer protected: ${shortAddress(one, self)}; ${stays}`] as const),
    ...ended.map((one) => ["-", `ends the ${whose(one)}; ${stays}`] as const),
    ...sources.added.map((one) => ["+", `protected from now on: ${shortAddress(one, self)}`] as const),
    ...added.map((one) => ["+", `starts a ${whose(one)}`] as const),
  ];
}

/** Sources whose keys change in the same way are one line. */
function keyLines({ keys, self }: Comparison): string[] {
  const lines = [...sameChanges(keys)].map(([, { change, sources }]) => {
    const where =
      sources.length === 1 && sources[0] !== undefined
        ? shortAddress(sources[0], self)
        : plural(sources.length, "source");
    return `  ~ ${visible(change.key)}: ${visible(change.before ?? "-")} → ${visible(change.after ?? "-")}    ${where}`;
  });
  const hidden = lines.length - MANY;
  return hidden > 0 ? [...lines.slice(0, MANY), `  … and ${plural(hidden, "more change")} (--json shows all)`] : lines;
}

function sameChanges(keys: readonly ChangedKey[]): Map<string, { change: ChangedKey; sources: Address[] }> {
  const same = new Map<string, { change: ChangedKey; sources: Address[] }>();
  for (const change of keys) {
    const id = JSON.stringify([change.key, change.before, change.after]);
    const group = same.get(id) ?? { change, sources: [] };
    group.sources.push(change.source);
    same.set(id, group);
  }
  return same;
}

/** The same as a comment on a pull request. */
export function renderComparisonMarkdown(comparison: Comparison): string {
  const { does, stops, self } = comparison;
  const half = 20_000;
  const parts = [
    `### Holdfast\n\n**${prose(comparison.headline)}**\n`,
    `${totals(comparison)}\n`,
    changeTable({ ...does, self }, half),
    ...(stops.operations.length + stops.blocked.length === 0
      ? []
      : [`No longer done because of this change:\n\n${changeTable({ ...stops, self }, half)}`]),
    ...folded(
      "Sources and copies",
      coverage(comparison).map(([symbol, line]) => `${code(symbol)} ${prose(line)}`),
    ),
    ...folded(
      plural(comparison.keys.length, "changed key"),
      [...sameChanges(comparison.keys)].map(([, { change, sources }]) => {
        const where =
          sources.length <= 3
            ? sources.map((one) => code(shortAddress(one, self))).join(", ")
            : plural(sources.length, "source");
        return `${code(change.key)}: ${code(change.before ?? "-")} → ${code(change.after ?? "-")} (${where})`;
      }),
    ),
    ...folded(
      `New: ${plural(comparison.powers?.length ?? 0, "command, destination or repository", "commands, destinations and repositories")}`,
      (comparison.powers ?? []).map((power) => code(power)),
    ),
    ...unobservedDetails(comparison),
  ];
  return `${parts
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}
