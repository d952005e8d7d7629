import { type Plan, type SnapshotGroup, writePlace } from "../model/plan.ts";
import { isDirectory } from "../model/units.ts";

import { drillWords } from "./drill.ts";
import { keptBySnapshot } from "./kept.ts";
import { type Row, rowsOf } from "./rows.ts";
import { summaryLine } from "./summary.ts";
import { plural, shortAddress, visible } from "./text.ts";

/** GitHub refuses a comment of more than 65,536 characters; what a comment's own head needs is left free. */
const LONGEST = 60_000;
/** Of them, what folded details may take before the rest is a number. */
const LONGEST_DETAILS = 8_000;
/** Names of one dataset's foreign snapshots. */
const MANY = 20;

/** The plan as a comment on a pull request: summary, what changes as a table, the rest folded. */
export function renderPlanMarkdown(plan: Plan): string {
  const details = [
    ...blockedDetails(plan),
    ...unobservedDetails(plan),
    ...folded(
      `${plural(plan.shortfalls?.length ?? 0, "thing")} short of what the manifest requires`,
      (plan.shortfalls ?? []).map(
        ({ source, message }) => `${code(shortAddress(source, plan.self))}: ${prose(message)}`,
      ),
    ),
    ...folded(
      "Restore drills",
      (plan.verified ?? []).map(
        (copy) => `${code(`${shortAddress(copy.source, plan.self)} on ${copy.remote}`)}: ${prose(drillWords(copy))}`,
      ),
    ),
    ...folded(
      `${plural(count(plan.foreign), "foreign snapshot")}, never touched`,
      plan.foreign.map((group) => `${sideOf(plan, group)}: ${names(group.snapshots)}`),
    ),
    ...folded(
      plural(plan.notes.length, "note"),
      plan.notes.map((note) => {
        const where = note.source ?? (note.at && writePlace(note.at));
        return `${where === undefined ? "" : `${code(where)}: `}${prose(note.message)}`;
      }),
    ),
    ...folded(
      "What is kept, and why",
      keptBySnapshot(plan.kept).flatMap((side) =>
        side.snapshots.map(
          ({ name, reasons }) =>
            `${sideOf(plan, side)} ${code(`${isDirectory(side.source) ? "" : "@"}${name}`)}: ${reasons.map(prose).join("; ")}`,
        ),
      ),
    ),
  ].join("\n");
  const head = `### Holdfast\n\n**${summaryLine(plan)}**\n`;
  return `${[head, changeTable(plan, LONGEST - head.length - details.length), details].filter((one) => one !== "").join("\n")}\n`;
}

const count = (groups: readonly SnapshotGroup[]): number =>
  groups.reduce((sum, { snapshots }) => sum + snapshots.length, 0);

const names = (snapshots: readonly string[]): string =>
  [
    ...snapshots.slice(0, MANY).map((name) => code(`@${name}`)),
    ...(snapshots.length > MANY ? [`and ${snapshots.length - MANY} more`] : []),
  ].join(", ");

const sideOf = (plan: Pick<Plan, "self">, { source, remote }: Pick<SnapshotGroup, "source" | "remote">): string =>
  code(remote === undefined ? shortAddress(source, plan.self) : `${shortAddress(source, plan.self)} on ${remote}`);

/** One line a change, the destroys of a source last; lines beyond `room` characters become a number. */
export function changeTable(plan: Pick<Plan, "operations" | "blocked" | "self">, room: number): string {
  const lines = rowsOf(plan).flatMap(({ source, rows }) =>
    rows.map((row) => tableLine(shortAddress(source, plan.self), row)),
  );
  if (lines.length === 0) return "";
  const head = "| source | | change | snapshots | where | |\n|---|---|---|---|---|---|\n";
  const { shown, hidden } = within(lines, room - head.length);
  const more = hidden === 0 ? "" : `\n… and ${plural(hidden, "more line")}: \`holdfast plan\` shows all.\n`;
  return `${head}${shown.join("\n")}\n${more}`;
}

const tableLine = (source: string, row: Row): string =>
  `| ${[
    code(source),
    code(row.symbol),
    row.word,
    row.subject === "" ? "" : code(row.subject),
    row.where === "" ? "" : code(row.where),
    row.details.map(prose).join("; "),
  ].join(" | ")} |`;

function blockedDetails(plan: Plan): string[] {
  return folded(
    `${plural(plan.blocked.length, "blocked entry", "blocked entries")}: what is in the way, and what to do`,
    plan.blocked.map((entry) => {
      const where =
        entry.remote === undefined
          ? ""
          : ` → ${code("dataset" in entry.at ? `${entry.remote}:${entry.at.dataset}` : entry.remote)}`;
      return [
        `${code(shortAddress(entry.source, plan.self))}${where}: ${prose(entry.message)}`,
        ...entry.evidence.map((fact) => `  - ${prose(fact)}`),
        ...entry.remedies.map((remedy) => `  - remedy: ${code(remedy)}`),
      ].join("\n");
    }),
  );
}

export const unobservedDetails = (plan: Pick<Plan, "unobserved">): string[] =>
  folded(
    `${plural(plan.unobserved.length, "place")} not observed`,
    plan.unobserved.map(({ host, pool, repository, remote, reason, hint, expected }) => {
      const next = hint === undefined ? "" : `; next: ${prose(hint)}`;
      if (repository !== undefined) return `repository ${code(repository)}: ${prose(reason)}${next}`;
      const what = [pool === undefined ? "host" : `pool ${code(pool)} on`, code(host)].join(" ");
      return `${what}${remote === undefined ? "" : ` (remote ${code(remote)})`}: ${prose(reason)}${expected ? "; removable and not overdue" : ""}`;
    }),
  );

/** A folded list; nothing when it is empty. `title` is printed as it is: numbers and fixed words only. */
export function folded(title: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  const { shown, hidden } = within(
    items.map((item) => `- ${item}`),
    LONGEST_DETAILS,
  );
  const more = hidden === 0 ? [] : [`- … and ${hidden} more`];
  return [`<details><summary>${title}</summary>`, "", ...shown, ...more, "", "</details>", ""];
}

/** As many lines as have room together. */
function within(lines: readonly string[], room: number): { shown: readonly string[]; hidden: number } {
  let length = 0;
  const end = lines.findIndex((line) => {
    length += line.length + 1;
    return length > room;
  });
  return end < 0 ? { shown: lines, hidden: 0 } : { shown: lines.slice(0, end), hidden: lines.length - end };
}

/**
 * A name as a code span, where neither markup, links nor mentions are read. What could end the span or the table's cell
 * is shown by its number.
 */
export const code = (name: string): string =>
  name === "" ? "" : `\`${visible(name).replaceAll("`", "\\x60").replaceAll("|", "\\x7c")}\``;

/** An ordinary word, a number, or a sign that stands alone; with the punctuation of a sentence around it. */
const PLAIN = /^(?:\d+(?:[.,:]\d+)*|[A-Za-z]+(?:[-'][A-Za-z]+)*|[-–…·→%=+/])?$/;
const WORD = /^(\(?)(.*?)([,;:.!?)]*)$/;

/** A sentence: whatever is no ordinary word stands in a code span. */
export const prose = (sentence: string): string =>
  visible(sentence)
    .split(" ")
    .map((text) => {
      const [, before = "", word = "", after = ""] = WORD.exec(text) ?? ["", "", text, ""];
      return `${before}${PLAIN.test(word) ? word : code(word)}${after}`;
    })
    .join(" ")
    .replaceAll("` `", " ");
