import { type Note, type Operation, type Plan, placeOnHost, type SnapshotGroup, writePlace } from "../model/plan.ts";
import { type HostName, isDirectory } from "../model/units.ts";
import { drillWords } from "./drill.ts";
import { keptBySnapshot } from "./kept.ts";
import { type Row, rowsOf } from "./rows.ts";
import { summaryLine } from "./summary.ts";
import { type Palette, palette, plural, shortAddress, type TextOptions, visible, wrap } from "./text.ts";

export interface PlanTextOptions extends TextOptions {
  /** Adds the commands, the names of foreign snapshots and the reason of every kept one. */
  readonly verbose?: boolean;
  /** The commands an operation runs, each as one printable line without secrets; shown with `verbose`. */
  readonly commands?: (operation: Operation) => readonly string[];
}

/** Where the text of a row starts, after `    + create    `. */
const INDENT = 4;
const WORD = 9;
const START = INDENT + 2 + WORD + 1;
/** Subjects longer than this do not push the details of the other rows to the right. */
const WIDEST = 78;
/** So many lines of one kind of note, or of foreign snapshots, before the rest is a number. */
const MANY = 10;

/** The plan as people read it; ends with a newline. */
export function renderPlan(plan: Plan, options: PlanTextOptions): string {
  const colors = palette(options.color);
  const lines = [
    ...sourceLines(plan, options, colors),
    ...unobservedLines(plan, options, colors),
    ...foreignLines(plan.foreign, plan.self, options, colors),
    ...noteLines(plan.notes, plan.self, options, colors),
    ...shortfallLines(plan, options, colors),
    ...(options.verbose === true ? verifiedLines(plan, colors) : []),
    ...(options.verbose === true ? keptLines(plan, colors) : []),
  ];
  const summary = colors.bold(summaryLine(plan));
  return `${[...lines, ...(lines.length > 0 ? [""] : []), summary].join("\n")}\n`;
}

export function sourceLines(
  plan: Pick<Plan, "operations" | "blocked" | "self">,
  options: PlanTextOptions,
  colors: Palette,
): string[] {
  return rowsOf(plan).flatMap(({ source, rows }) => {
    const lefts = rows.map((row) => [row.subject, row.where].filter((text) => text !== "").join("  "));
    const column = Math.max(0, ...lefts.map((left) => left.length).filter((length) => length <= WIDEST));
    return [
      `  ${colors.bold(shortAddress(source, plan.self))}`,
      ...rows.flatMap((row, index) => rowLines(row, lefts[index] ?? "", column, options, colors)),
    ];
  });
}

function rowLines(row: Row, left: string, column: number, options: PlanTextOptions, colors: Palette): string[] {
  const paint = painter(row.symbol, colors);
  const head = `${" ".repeat(INDENT)}${paint(`${row.symbol} ${row.word.padEnd(WORD)}`)} `;
  const details = row.details.join("    ");
  const room = options.width === undefined ? undefined : Math.max(40, options.width - START);
  const oneLine = details === "" ? left : left === "" ? details : `${left.padEnd(column)}    ${details}`;
  const fits = room === undefined || oneLine.length <= room;
  const under = (text: string) => wrap(text, room).map((line) => `${" ".repeat(START)}${line}`);
  const commands = options.verbose === true ? row.operations.flatMap((one) => options.commands?.(one) ?? []) : [];
  return [
    head + (fits ? oneLine : left === "" ? (wrap(details, room)[0] ?? "") : left),
    ...(fits ? [] : under(details).slice(left === "" ? 1 : 0)),
    ...row.below.flatMap(under),
    ...(options.verbose === true
      ? [...verboseReasons(row), ...commands].flatMap((line) => under(colors.dim(line)))
      : []),
  ].map((line) => line.trimEnd());
}

/** Reasons that the row itself does not show, as of sends. */
const verboseReasons = (row: Row): string[] => {
  const shown = row.details.join("    ");
  const reasons = new Set(row.operations.map(({ reason }) => visible(reason)));
  return [...reasons].filter((reason) => reason !== "" && !shown.includes(reason)).map((reason) => `why: ${reason}`);
};

function painter(symbol: Row["symbol"], colors: Palette): (text: string) => string {
  switch (symbol) {
    case "+":
      return colors.green;
    case ">":
      return colors.cyan;
    case "~":
      return colors.yellow;
    case "-":
      return colors.red;
    case "!":
      return colors.magenta;
  }
}

export function unobservedLines(plan: Pick<Plan, "unobserved">, options: TextOptions, colors: Palette): string[] {
  if (plan.unobserved.length === 0) return [];
  return [
    "  not observed",
    ...plan.unobserved.flatMap(({ host, pool, repository, remote, reason, hint, expected }) => {
      const what =
        repository !== undefined
          ? `repository ${visible(repository)}`
          : [
              pool === undefined ? `host ${visible(host)}` : `pool ${visible(pool)} on ${visible(host)}`,
              remote === undefined ? "" : ` (remote ${visible(remote)})`,
            ].join("");
      const head = expected ? "  away   " : colors.magenta(repository === undefined ? "! missing" : "! unseen ");
      return [
        `    ${head}   ${what}`,
        ...visibleReason(reason, options.width),
        ...(hint === undefined ? [] : visibleReason(`next: ${hint}`, options.width)),
        ...(expected ? visibleReason(repository === undefined ? AWAY : AWAY_REPOSITORY, options.width) : []),
      ];
    }),
  ];
}

const AWAY = "removable, and not overdue: nothing is planned there";
/** Nothing on this side says how old the copies in it are. */
const AWAY_REPOSITORY = "removable: nothing is planned there; holdfast status says whether it is overdue";

const visibleReason = (reason: string, width: number | undefined): string[] =>
  reason
    .trimEnd()
    .split("\n")
    .flatMap((line) => wrap(visible(line), width === undefined ? undefined : Math.max(40, width - START)))
    .map((line) => `${" ".repeat(START)}${line}`);

/** Foreign snapshots: a number a dataset, their names with `-v`. */
function foreignLines(
  foreign: readonly SnapshotGroup[],
  self: HostName | null,
  options: PlanTextOptions,
  colors: Palette,
): string[] {
  const groups = foreign.filter(({ snapshots }) => snapshots.length > 0);
  if (groups.length === 0) return [];
  const total = groups.reduce((sum, { snapshots }) => sum + snapshots.length, 0);
  const shown = options.verbose === true ? groups : groups.slice(0, MANY);
  return [
    `  foreign: ${plural(total, "snapshot")} that no declared type matches, never touched${options.verbose === true ? "" : " (names with -v)"}`,
    ...shown.flatMap(({ source, remote, snapshots }) => [
      `    ${shortAddress(source, self)}${remote === undefined ? "" : ` on ${visible(remote)}`}: ${snapshots.length}`,
      ...(options.verbose === true ? snapshots.map((name) => colors.dim(`      @${visible(name)}`)) : []),
    ]),
    ...rest(groups.length - shown.length, "dataset"),
  ];
}

const rest = (count: number, what: string): string[] =>
  count > 0 ? [`    … and ${plural(count, `more ${what}`)} (-v shows all)`] : [];

function noteLines(notes: readonly Note[], self: HostName | null, options: PlanTextOptions, colors: Palette): string[] {
  const byKind = new Map<string, Note[]>();
  for (const note of notes) byKind.set(note.kind, [...(byKind.get(note.kind) ?? []), note]);
  return [...byKind].flatMap(([kind, same]) => {
    const shown = options.verbose === true ? same : same.slice(0, MANY);
    return [
      `  ${colors.yellow("note")}: ${NOTE_WORDS[same[0]?.kind ?? "waiting"] ?? kind}`,
      ...shown.flatMap((note) => {
        const where = noteSubject(note, self);
        const text = where === "" ? visible(note.message) : `${where}: ${visible(note.message)}`;
        const [first = "", ...more] = wrap(
          text,
          options.width === undefined ? undefined : Math.max(40, options.width - 6),
        );
        return [`    ${first}`, ...more.map((line) => `      ${line}`)];
      }),
      ...rest(same.length - shown.length, "note"),
    ];
  });
}

/** What `require` asks for and is not so. */
function shortfallLines(
  { shortfalls = [], self }: Pick<Plan, "shortfalls" | "self">,
  { verbose = false, width }: PlanTextOptions,
  colors: Palette,
): string[] {
  if (shortfalls.length === 0) return [];
  const shown = verbose ? shortfalls : shortfalls.slice(0, MANY);
  const room = width === undefined ? undefined : Math.max(40, width - 6);
  return [
    `  ${colors.magenta("! short")}: of what the manifest requires`,
    ...shown.flatMap(({ source, message }) => {
      const [first = "", ...more] = wrap(`${shortAddress(source, self)}: ${visible(message)}`, room);
      return [`    ${first}`, ...more.map((line) => `      ${line}`)];
    }),
    ...rest(shortfalls.length - shown.length, "shortfall"),
  ];
}

/** How the last drill of each copy went, one a line. */
const verifiedLines = ({ verified = [], self }: Plan, colors: Palette): string[] =>
  verified.length === 0
    ? []
    : [
        "  verified",
        ...verified.map((copy) =>
          colors.dim(`    ${shortAddress(copy.source, self)} on ${visible(copy.remote)}: ${drillWords(copy)}`),
        ),
      ];

const NOTE_WORDS: Readonly<Record<Note["kind"], string>> = {
  orphan: "copies whose source is gone",
  unprotected: "datasets that no entry protects",
  unmatched: "entries that match nothing",
  "unused-bookmark": "bookmarks that nothing uses",
  suspended: "suspended",
  overdue: "overdue",
  "lapsed-approval": "approvals that lapsed",
  encryption: "encryption",
  space: "space",
  waiting: "waiting",
  drift: "mirrors that differ",
  chunker: "mirrors that store anew",
  "restic-version": "what this restic cannot do",
  verify: "drills overdue",
  restore: "restore",
};

/** The address a note speaks of, unless its message says it. */
const noteSubject = (note: Note, self: HostName | null): string => {
  const subject =
    note.source !== undefined
      ? shortAddress(note.source, self) + (note.remote === undefined ? "" : ` on ${visible(note.remote)}`)
      : note.at !== undefined
        ? visible(writePlace(note.at))
        : note.remote === undefined
          ? ""
          : visible(note.remote);
  const bare = (note.at && placeOnHost(note.at)) ?? note.source?.slice(note.source.indexOf(":") + 1);
  return bare !== undefined && speaksOf(note.message, bare) ? "" : subject;
};

/** As a whole name: `tank` is not what `tank/**` speaks of. */
function speaksOf(message: string, name: string): boolean {
  for (let at = message.indexOf(name); at >= 0; at = message.indexOf(name, at + 1))
    if (!/[\w/.-]$/.test(message.slice(0, at)) && !/^(?:[\w/:*-]|\.\w)/.test(message.slice(at + name.length)))
      return true;
  return false;
}

/** Every kept snapshot with all its reasons, one a line. */
function keptLines(plan: Plan, colors: Palette): string[] {
  return keptBySnapshot(plan.kept).flatMap(({ source, remote, snapshots }) => [
    `  kept: ${shortAddress(source, plan.self)}${remote === undefined ? "" : ` on ${visible(remote)}`}`,
    ...snapshots.map(({ name, reasons }) =>
      colors.dim(`    ${isDirectory(source) ? "" : "@"}${visible(name)}    ${reasons.join(" · ")}`),
    ),
  ]);
}
