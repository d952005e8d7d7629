import { size } from "../model/size.ts";
import type { CopyStatus, Health, PlaceStatus, SourceStatus, Status } from "../model/status.ts";
import {
  columns,
  duration,
  type Palette,
  palette,
  plural,
  shortAddress,
  type TextOptions,
  visible,
  visibleLines,
  wrap,
} from "./text.ts";

const SYMBOLS: Readonly<Record<Health, string>> = {
  ok: "✓",
  suspended: "=",
  waiting: "~",
  away: "-",
  unknown: "?",
  overdue: "!",
  blocked: "!",
  failed: "x",
};

const paintOf = (colors: Palette): Readonly<Record<Health, (text: string) => string>> => ({
  ok: colors.green,
  suspended: colors.dim,
  waiting: colors.cyan,
  away: colors.dim,
  unknown: colors.yellow,
  overdue: colors.red,
  blocked: colors.red,
  failed: colors.red,
});

export interface StatusText extends TextOptions {
  /** The service that told it, or a recording; absent: it was looked at for this answer. */
  readonly from?: { readonly service: string } | "recording";
}

/** A table with a row for each place, and below it what is the matter and what can be done. */
export function renderStatus(status: Status, { color, width, from }: StatusText): string {
  const colors = palette(color);
  const rows = status.sources.flatMap((source) => rowsOf(source, status));
  const table = columns([HEADER, ...rows.map(({ cells }) => cells)]);
  const paint = paintOf(colors);
  const lines = [
    colors.bold(headline(status)),
    ...(rows.length === 0 ? [] : [colors.dim(`  ${table[0]}`)]),
    ...rows.flatMap(({ place }, index) => [
      `  ${paint[place.health](table[index + 1] ?? "")}`,
      ...below(place).flatMap((line) => wrap(`      ${line}`, width)),
    ]),
    ...unseen(status).flatMap((line) => wrap(line, width)),
    ...footer(status, from),
  ];
  return `${lines.join("\n")}\n`;
}

const HEADER = ["HEALTH", "SOURCE", "PLACE", "NEWEST", "AGE", "DUE WITHIN", "HAS", "TO COME"] as const;

interface PlaceRow {
  readonly place: PlaceStatus;
  readonly cells: readonly string[];
}

function rowsOf({ source, own, copies }: SourceStatus, { self }: Status): PlaceRow[] {
  const places = [
    ...(own ? [{ name: "itself", place: own as PlaceStatus | CopyStatus }] : []),
    ...copies.map((copy) => ({ name: visible(copy.remote), place: copy })),
  ];
  return places.map(({ name, place }, index) => ({
    place,
    cells: [
      `${SYMBOLS[place.health]} ${place.health}`,
      index === 0 ? shortAddress(source, self) : "",
      name,
      place.newest === undefined ? (place.unseen ? "unknown" : "none") : visible(place.newest.name || "unnamed"),
      place.age === undefined ? "-" : duration(place.age),
      place.dueWithin === undefined ? "-" : duration(place.dueWithin),
      place.types.map(({ type, count }) => `${count} ${visible(type)}`).join(", ") || "-",
      "waiting" in place ? toCome(place.waiting) : "",
    ],
  }));
}

const toCome = ({ snapshots, bytes }: CopyStatus["waiting"]): string =>
  snapshots === 0 ? "" : `${snapshots.toLocaleString("en-US")}${bytes > 0 ? `, ${size(bytes)}` : ""}`;

/** Nothing where the row has said it all. */
function below({ health, message, blocked, withheld, conditions = [] }: PlaceStatus): string[] {
  const isTold = health === "ok" || health === "waiting";
  const stalled = conditions.find(({ type, status }) => type === "Stalled" && status);
  return [
    ...(message === undefined || isTold ? [] : visibleLines(message)),
    ...(withheld > 0 ? [`${plural(withheld, "deletion")} withheld`] : []),
    ...(stalled ? [`stalled since ${visible(stalled.since)}: ${visible(stalled.message)}`] : []),
    ...blocked.flatMap(({ remedies }) => remedies.map((remedy) => `next: ${visible(remedy)}`)),
  ];
}

function headline({ self, sources }: Status): string {
  const counts = (Object.keys(SYMBOLS) as Health[]).flatMap((health) => {
    const count = sources.filter((source) => source.health === health).length;
    return count === 0 ? [] : [`${count} ${health}`];
  });
  return `${visible(self ?? "controller")}: ${plural(sources.length, "source")}${counts.length === 0 ? "" : `: ${counts.join(", ")}`}`;
}

const unseen = ({ unobserved }: Status): string[] =>
  unobserved.flatMap(({ host, pool, repository, reason, hint, expected }) => {
    const what = visible(repository ?? (pool === undefined ? host : `${host}:${pool}`));
    const [first = "", ...more] = visibleLines(reason);
    return [
      `${expected ? "Away" : "Not seen"}: ${what}: ${first}`,
      ...more.map((line) => `  ${line}`),
      ...(hint === undefined ? [] : [`  next: ${visible(hint)}`]),
    ];
  });

function footer({ unprotected, observedAt, now }: Status, from: StatusText["from"]): string[] {
  const ago = (Date.parse(now) - Date.parse(observedAt)) / 1000;
  const when = ago < 1 ? "just now" : `${duration(ago)} ago`;
  return [
    ...(unprotected > 0
      ? [`${plural(unprotected, "dataset")} in no entry of the manifest: holdfast plan names them`]
      : []),
    from === undefined
      ? `Looked ${when}.`
      : from === "recording"
        ? `As it was recorded at ${visible(observedAt)}.`
        : `From the service at ${visible(from.service)}, which looked ${when}; --fresh looks now.`,
  ];
}
