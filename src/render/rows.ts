import type { HookAction } from "../model/manifest.ts";
import type {
  AtRepository,
  BackupOperation,
  Blocked,
  BlockedReason,
  BookmarkOperation,
  CopyOperation,
  Operation,
  Plan,
  RestoringOperation,
  SendOperation,
  UnbookmarkOperation,
} from "../model/plan.ts";
import { isRestore, placeOnHost, writePlace } from "../model/plan.ts";
import { part, size } from "../model/size.ts";
import { type Address, type DatasetName, isDirectory, nameOfKey, type RemoteName } from "../model/units.ts";
import { plural, range, visible } from "./text.ts";

/** One line of a plan as people read it; text and markdown are both made of these. Every string is safe to print. */
export interface Row {
  readonly symbol: "+" | ">" | "~" | "-" | "!";
  readonly word: string;
  /** Which snapshots. */
  readonly subject: string;
  /** `→ vault:tank/…`, `on vault:tank/…`; empty at the source itself. */
  readonly where: string;
  readonly details: readonly string[];
  /** Lines below: evidence and remedies. */
  readonly below: readonly string[];
  /** What stands behind the line; nothing for a blocked entry. */
  readonly operations: readonly Operation[];
}

export interface SourceRows {
  readonly source: Address;
  readonly rows: readonly Row[];
}

type Placed = { readonly rank: number; readonly row: Row };

/** Operations and blocked entries by source, sources in order of their names; destroys stand last in each. */
export function rowsOf(plan: Pick<Plan, "operations" | "blocked">): SourceRows[] {
  const bySource = new Map<Address, { operations: Operation[]; blocked: Blocked[] }>();
  const of = (source: Address) => {
    const group = bySource.get(source) ?? { operations: [], blocked: [] };
    bySource.set(source, group);
    return group;
  };
  for (const operation of plan.operations) of(operation.source).operations.push(operation);
  for (const entry of plan.blocked) of(entry.source).blocked.push(entry);
  return [...bySource]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([source, { operations, blocked }]) => ({
      source,
      rows: [...operationRows(operations), ...blocked.map((entry) => ({ rank: 8, row: blockedRow(entry) }))]
        .sort((a, b) => a.rank - b.rank)
        .map(({ row }) => row),
    }));
}

/** One row an operation, except that a copy's sends are one row, and so are backups to one repository and bookmarks of one snapshot. */
function operationRows(all: readonly Operation[]): Placed[] {
  const operations = all.filter((operation): boolean => !isRestore(operation));
  const restores = groups(all.filter(isRestore), ({ at }) => writePlace(at));
  const sends = groups(
    operations.filter((operation) => operation.kind === "send"),
    (send) => JSON.stringify([send.remote, send.at.host, send.at.dataset]),
  );
  const bookmarks = groups(
    operations.filter((operation) => operation.kind === "bookmark"),
    (bookmark) => bookmark.of.name,
  );
  const backups = groups(
    operations.filter((operation) => operation.kind === "backup"),
    (backup) => backup.at.repository,
  );
  const unbookmarks = operations.filter((operation) => operation.kind === "unbookmark");
  const rows = operations.flatMap((operation): Placed[] => singleRow(operation));
  rows.push(...restores.map((steps) => ({ rank: 6, row: restoreRow(steps) })));
  rows.push(...sends.map((chain) => ({ rank: 6, row: sendRow(chain) })));
  rows.push(...backups.map((series) => ({ rank: 6, row: backupRow(series) })));
  rows.push(
    ...operations.flatMap((operation) => (operation.kind === "copy" ? [{ rank: 7, row: copyRow(operation) }] : [])),
  );
  rows.push(...bookmarks.map((same) => ({ rank: 7, row: bookmarkRow(same) })));
  if (unbookmarks.length > 0) rows.push({ rank: 9, row: unbookmarkRow(unbookmarks) });
  return rows;
}

function singleRow(operation: Operation): Placed[] {
  const row = (rank: number, symbol: Row["symbol"], word: string, rest: Partial<Row>): Placed[] => [
    {
      rank,
      row: { symbol, word, subject: "", where: "", details: [], below: [], operations: [operation], ...rest },
    },
  ];
  switch (operation.kind) {
    case "create":
      return row(0, "+", "create", { subject: range([operation.name]), details: [visible(operation.reason)] });
    case "adopt":
      return row(1, "~", "adopt", {
        where: operation.remote === undefined ? "" : place("on", operation.remote, operation.at.dataset),
        details: [visible(operation.reason)],
      });
    case "discard":
      return row(2, "-", "discard", {
        subject: "half-received stream",
        where: place("on", operation.remote, operation.at.dataset),
        details: [visible(operation.reason), `frees ${size(operation.bytes)}`],
      });
    case "rollback":
      return row(3, "-", "rollback", {
        subject: `to @${visible(operation.to.name)}`,
        where: operation.remote === undefined ? "" : place("on", operation.remote, operation.at.dataset),
        details: [visible(operation.reason)],
        below: [...destroysThere(operation.destroys, "@"), ...destroysThere(operation.unbookmarks ?? [], "#")],
      });
    case "replace":
      return row(4, "~", "replace", {
        where: operation.remote === undefined ? "" : place("on", operation.remote, operation.at.dataset),
        details: [visible(operation.reason)],
        below: [`what is there is renamed to ${visible(operation.renameTo)}`],
      });
    case "resume":
      return row(5, "~", "resume", {
        subject: range([operation.to.name]),
        where: place("→", operation.remote, operation.at.dataset),
        details: [
          operation.remaining === undefined
            ? `${size(operation.received)} already there`
            : `${part(operation.received, operation.received + operation.remaining)} already there`,
        ],
      });
    case "destroy":
      return row(10, "-", "destroy", {
        subject: range(operation.snapshots.map(({ name }) => name)),
        where: operation.remote === undefined ? "" : place("on", operation.remote, operation.at.dataset),
        details: [visible(operation.reason), `frees ${size(operation.bytes)}`],
      });
    case "destroy-orphan":
      return row(11, "-", "destroy", {
        subject: `the whole copy${operation.snapshots.length > 0 ? `: ${range(operation.snapshots.map(({ name }) => name))}` : ""}`,
        where: place("on", operation.remote, operation.at.dataset),
        details: [visible(operation.reason), `frees ${size(operation.bytes)}`],
      });
    case "hook":
      return row(HOOK_RANKS[operation.around][operation.phase], "~", "hook", {
        subject: `${operation.phase} ${operation.around === "run" ? "all" : `the ${operation.around}`}`,
        where: operation.remote === undefined ? "" : `→ ${visible(operation.remote)}`,
        details: [visible(writeAction(operation.action))],
      });
    case "init":
      return row(0, "+", "init", { where: into(operation), details: [visible(operation.reason)] });
    case "unlock":
      return row(1, "~", "unlock", {
        where: into(operation),
        details: [visible(operation.reason)],
        below: operation.holders.map((holder) => `locked by ${visible(holder)}`),
      });
    case "forget":
      return row(10, "-", "forget", {
        subject: snapshotsOf(operation.source, operation.copies),
        where: inside(operation.at),
        details: [visible(operation.reason)],
      });
    case "prune":
      return row(12, "~", "prune", { details: [visible(operation.reason)] });
    case "check":
      return row(13, "~", "check", {
        subject: operation.subset ? `data ${operation.subset.part}/${operation.subset.of}` : "structure",
        details: [visible(operation.reason)],
      });
    case "verify":
      return row(15, "~", "verify", {
        subject:
          "copy" in operation.of
            ? snapshotsOf(operation.source, [operation.of.copy])
            : range([operation.of.snapshot.name]),
        where: "copy" in operation.of ? inside(operation.of) : place("on", operation.remote, operation.of.dataset),
        details: [
          operation.sample === undefined ? "all of it" : `up to ${size(operation.sample)}`,
          visible(operation.reason),
        ],
      });
    case "make":
    case "settle":
    case "restore-files":
    case "send":
    case "bookmark":
    case "unbookmark":
    case "backup":
    case "copy":
      return [];
  }
}

/** Around the rows of what they stand around. */
const destroysThere = (some: readonly { readonly name: string }[], mark: "@" | "#"): string[] =>
  some.length === 0
    ? []
    : [
        `destroys ${range(
          some.map(({ name }) => name),
          mark,
        )} there`,
      ];

const HOOK_RANKS = {
  run: { before: -2, after: 14 },
  snapshot: { before: -1, after: 0.5 },
  backup: { before: 5.5, after: 6.5 },
} as const;

const writeAction = (action: HookAction): string =>
  "command" in action ? action.command.join(" ") : `HTTP ${action.http.method}`;

/** Beside a source its repositories go by their names: which one of several hosts is meant, the source says. */
const inside = ({ repository }: AtRepository): string => `in ${visible(nameOfKey(repository))}`;

/** Rows of a whole repository stand under its name already. */
const into = ({ source, at }: Operation): string =>
  "repository" in at && source !== (at.repository as string) ? inside(at) : "";

/** Copies of a directory go by their ids: nothing stands in front of those. */
const snapshotsOf = (source: Address, some: readonly { readonly name: string }[]): string =>
  range(
    some.map(({ name }) => name),
    isDirectory(source) ? "" : "@",
  );

/** Backups of one source in one repository, oldest first. */
function backupRow(series: readonly [BackupOperation, ...BackupOperation[]]): Row {
  const [first] = series;
  const snapshots = series.flatMap(({ snapshot, name }) => (snapshot === undefined ? [] : [name]));
  const reasons = [...new Set(series.map(({ reason }) => visible(reason)))];
  return {
    symbol: ">",
    word: "backup",
    subject: snapshots.length > 0 ? range(snapshots) : first.types.map(visible).join(", "),
    where: `→ ${visible(first.remote)}`,
    details: reasons.slice(0, 1),
    below: [],
    operations: series,
  };
}

const copyRow = (operation: CopyOperation): Row => ({
  symbol: ">",
  word: "copy",
  subject: plural(operation.copies.length, "copy", "copies"),
  where: `→ ${visible(operation.remote)}`,
  details: [`from ${visible(nameOfKey(operation.from.repository))}`],
  below: [],
  operations: [operation],
});

const place = (preposition: "→" | "on", remote: RemoteName, dataset: DatasetName): string =>
  `${preposition} ${visible(`${remote}:${dataset}`)}`;

/** `@base … @last` with the number that arrives; the base of an increment is not among them. */
function sendRow(chain: readonly [SendOperation, ...SendOperation[]]): Row {
  const [first] = chain;
  const last = chain.at(-1) ?? first;
  const arriving = chain.flatMap(({ snapshots }) => snapshots);
  const start = first.base ?? first.snapshots[0];
  const bytes = chain.reduce((sum, { estimate }) => sum + estimate, 0);
  return {
    symbol: ">",
    word: "send",
    subject: visible(
      start === undefined || start.name === last.to.name ? `@${last.to.name}` : `@${start.name} … @${last.to.name}`,
    ),
    where: place("→", first.remote, first.at.dataset),
    details: [
      [
        plural(arriving.length, "snapshot"),
        first.base !== null ? "" : arriving.length === 1 ? "in full" : "the first in full",
        size(bytes),
      ]
        .filter((word) => word !== "")
        .join(", "),
    ],
    below: [],
    operations: chain,
  };
}

/** All that brings one dataset, or one folder, back. */
function restoreRow(steps: readonly [RestoringOperation, ...RestoringOperation[]]): Row {
  const [first] = steps;
  const resumed = steps.find((step) => step.kind === "resume");
  const names = steps.flatMap((step): readonly { readonly name: string }[] => {
    if (step.kind === "send") return step.snapshots;
    if (step.kind === "resume") return [step.to];
    if (step.kind === "restore-files") return ["copy" in step.from ? step.from.copy : step.from.snapshot];
    return [];
  });
  const bytes = steps.reduce((sum, step) => {
    if (step.kind === "resume") return sum + (step.remaining ?? 0);
    return sum + (("estimate" in step ? step.estimate : undefined) ?? 0);
  }, 0);
  const files = steps.find((step) => step.kind === "restore-files");
  const isAlmostDone = names.length === 0;
  const elsewhere = !first.source.startsWith(`${first.at.host}:`);
  return {
    symbol: resumed || isAlmostDone ? "~" : ">",
    word: resumed ? "resume" : isAlmostDone ? "finish" : "restore",
    subject: files?.paths.length
      ? `${files.paths.slice(0, 2).map(visible).join(", ")}${files.paths.length > 2 ? ` … (${files.paths.length})` : ""}`
      : snapshotsOf(first.source, names),
    where: `→ ${visible(elsewhere ? writePlace(first.at) : placeOnHost(first.at))}`,
    details: [
      `from ${visible(first.remote)}`,
      resumed
        ? `${size(resumed.received)} already there${resumed.remaining === undefined ? "" : `, ${size(bytes)} to come`}`
        : [names.length > 1 ? plural(names.length, "snapshot") : "", bytes > 0 ? size(bytes) : ""]
            .filter((word) => word !== "")
            .join(", "),
    ].filter((detail) => detail !== ""),
    below: files?.over ? ["files that differ there are overwritten"] : [],
    operations: steps,
  };
}

const bookmarkRow = (same: readonly [BookmarkOperation, ...BookmarkOperation[]]): Row => ({
  symbol: "~",
  word: "bookmark",
  subject: range([same[0].of.name]),
  where: "",
  details: [`as base for ${same.map(({ remote }) => visible(remote)).join(", ")}`],
  below: [],
  operations: same,
});

const unbookmarkRow = (operations: readonly UnbookmarkOperation[]): Row => {
  const names = operations.flatMap(({ bookmarks }) => bookmarks.map(({ name }) => name));
  return {
    symbol: "-",
    word: "forget",
    subject: plural(names.length, "older bookmark"),
    where: "",
    details: [`of ${[...new Set(operations.map(({ remote }) => visible(remote)))].join(", ")}`],
    below: [],
    operations,
  };
};

const BLOCKED_WORDS: Readonly<Record<BlockedReason, string>> = {
  "source-missing": "source missing",
  ambiguous: "ambiguous",
  diverged: "diverged",
  modified: "modified",
  "no-common-base": "no common base",
  occupied: "occupied",
  redacted: "redacted",
  "name-conflict": "name conflict",
  "name-too-long": "name too long",
  encryption: "encryption",
  feature: "missing feature",
  "partial-receive": "half-received stream",
  "no-files": "no files",
  "no-repository": "no repository",
  "no-copy": "no copy",
  unseen: "not seen",
  restoring: "being restored",
  verify: "failed its drill",
  group: "group",
  withheld: "withheld",
  "first-contact": "first contact",
  clock: "clock",
  remedy: "remedy refused",
  orphan: "orphan",
  bug: "bug in Holdfast",
};

function blockedRow(entry: Blocked): Row {
  const { withheld, waiting } = entry;
  const word = BLOCKED_WORDS[entry.reason];
  const message = visible(entry.message);
  return {
    symbol: "!",
    word: "blocked",
    subject:
      withheld === undefined
        ? ""
        : `${"repository" in entry.at ? "forget" : "destroy"} ${snapshotsOf(entry.source, withheld.snapshots)}`,
    where: blockedWhere(entry),
    details: [
      message.toLowerCase().includes(word) ? message : `${word}: ${message}`,
      ...(withheld === undefined || "repository" in entry.at ? [] : [`would free ${size(withheld.bytes)}`]),
      ...(waiting === undefined || waiting.snapshots === 0
        ? []
        : [`${plural(waiting.snapshots, "snapshot")} waiting, ${size(waiting.bytes)}`]),
    ],
    below: [
      ...entry.evidence.filter((fact) => !isSubject(fact, withheld?.snapshots)).map(visible),
      ...remedyLines(entry.remedies),
    ],
    operations: [],
  };
}

function blockedWhere({ remote, at, withheld, source }: Blocked): string {
  if (remote === undefined) return "";
  if ("dataset" in at) return place(withheld === undefined ? "→" : "on", remote, at.dataset);
  if (!("repository" in at)) return `→ ${visible(remote)}`;
  return source === (at.repository as string) ? "" : inside(at);
}

/** On one line while that can be read, whatever the terminal. */
const ONE_LINE = 120;
const remedyLines = (remedies: readonly string[]): string[] => {
  if (remedies.length === 0) return [];
  const line = `remedies: ${remedies.map(visible).join(" · ")}`;
  return line.length <= ONE_LINE
    ? [line]
    : remedies.map((remedy, index) => `${index === 0 ? "remedies: " : "          "}${visible(remedy)}`);
};

/** The row names them already. */
const isSubject = (fact: string, snapshots: readonly { readonly name: string }[] | undefined): boolean =>
  snapshots !== undefined && fact === `@${snapshots[0]?.name} … @${snapshots.at(-1)?.name}`;

function groups<T>(items: readonly T[], key: (item: T) => string): [T, ...T[]][] {
  const result = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = result.get(key(item));
    if (group === undefined) result.set(key(item), [item]);
    else group.push(item);
  }
  return [...result.values()];
}
