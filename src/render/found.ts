import type { Found, FoundAt, FoundPath, FoundVersion, Unsearched } from "../model/found.ts";
import { size } from "../model/size.ts";
import { shellLine } from "./shell-line.ts";
import { columns, type Palette, palette, plural, type TextOptions, visible, visibleLines } from "./text.ts";

export interface FoundOptions extends TextOptions {
  /** With every place, and the command for each version. */
  readonly verbose?: boolean;
  /** Nothing in the pattern stood for anything else. */
  readonly isLiteral?: boolean;
}

/** Path by path, each version with where it can be had; in pieces, as there may be many. */
export function* renderFound(found: Found, options: FoundOptions): Generator<string> {
  const colors = palette(options.color);
  for (const path of found.paths) yield `${pathLines(path, options, colors).join("\n")}\n\n`;
  yield `${endLines(found, colors).join("\n")}\n`;
  const isFruitless = found.paths.length === 0 && found.complete && found.searched.snapshots > 0;
  const advice = isFruitless && !options.isLiteral ? adviceOn(found.pattern) : undefined;
  if (advice !== undefined) yield `${colors.dim(`  ${advice}`)}\n`;
}

function pathLines(
  { source, path, versions, more }: FoundPath,
  { verbose = false }: FoundOptions,
  colors: Palette,
): string[] {
  const [newest] = versions;
  const heading = `${visible(source)}  ${colors.bold(visible(path))}${newest?.type === "folder" ? "/" : ""}`;
  const rows = columns(versions.map((version) => rowOf(version)));
  const lines = versions.flatMap((version, index) => [
    `  ${rows[index]}${verbose ? "" : `  on ${placeNames(version)}`}`,
    ...(verbose ? version.places.map((place) => colors.dim(`    ${placeLine(place)}`)) : []),
    ...(verbose ? restoreLines(version, "    ", colors) : []),
  ]);
  const rest =
    more === 0 ? [] : [colors.dim(`  … and ${plural(more, "older version")}: --limit ${versions.length + more}`)];
  return [heading, ...lines, ...rest, ...(newest && !verbose ? restoreLines(newest, "  ", colors) : [])];
}

function rowOf({ type, size: bytes, modified, snapshots, newest, oldest }: FoundVersion): string[] {
  const range = snapshots === 1 ? moment(newest.taken) : `${moment(oldest.taken)} to ${moment(newest.taken)}`;
  return [
    `changed ${moment(modified)}`,
    bytes === undefined ? type : size(bytes),
    `in ${plural(snapshots, "snapshot")}, ${range}`,
  ];
}

const placeNames = ({ places }: FoundVersion): string =>
  places.map(({ place }) => (place === "source" ? "the source itself" : place)).join(", ");

function placeLine({ place, snapshot, copy, taken, snapshots }: FoundAt): string {
  const what = copy === undefined ? `@${visible(snapshot)}` : `copy ${copy.slice(0, 8)}`;
  const others = snapshots === 1 ? "" : ` and ${snapshots - 1} before it`;
  return `${place === "source" ? "the source itself" : `on ${place}`}: ${what} of ${moment(taken)}${others}`;
}

const restoreLines = ({ restore }: FoundVersion, indent: string, colors: Palette): string[] => [
  restore === undefined
    ? colors.dim(`${indent}its name cannot be typed: restore the folder that it is in`)
    : `${indent}${colors.cyan(restore)}`,
];

function endLines({ paths, searched, omitted, unsearched, volumes }: Found, colors: Palette): string[] {
  const where = `${plural(searched.snapshots, "snapshot")} of ${plural(searched.sources, "source")} searched`;
  const what = paths.length === 0 ? "nothing found" : `${plural(paths.length, "path")} found`;
  return [
    `${what}; ${where}.`,
    ...(omitted === 0
      ? []
      : [
          colors.yellow(
            `! ${plural(omitted, "further hit")} left out: ask for less, such as a longer name or one source`,
          ),
        ]),
    ...(volumes.length === 0 ? [] : [`  volumes cannot be looked into: ${volumes.map(visible).join(", ")}`]),
    ...merged(unsearched).map((line) => colors.yellow(line)),
  ];
}

/** How a pattern was read, where somebody may have meant it otherwise. */
function adviceOn(pattern: string): string | undefined {
  const [set] = /\[[^\]]+\]/.exec(pattern) ?? [];
  if (set !== undefined) return `${visible(set)} stands for one character; as it is written: --literal`;
  if (/[*?/\\]/.test(pattern)) return undefined;
  return `names are compared as a whole; for a part of one: ${shellLine([`*${pattern}*`])}`;
}

/** What is the same of many sources is said once. */
function merged(unsearched: readonly Unsearched[]): string[] {
  const alike = new Map<string, Unsearched[]>();
  for (const one of unsearched) {
    const key = JSON.stringify([one.place, one.reason]);
    alike.set(key, [...(alike.get(key) ?? []), one]);
  }
  return [...alike.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    const sources = all.flatMap(({ source }) => (source === undefined ? [] : [source]));
    const count = all.reduce((sum, { snapshots = 0 }) => sum + snapshots, 0);
    const whose =
      sources.length === 0 ? "" : sources.length === 1 ? ` of ${sources[0]}` : ` of ${sources.length} sources`;
    const what = count === 0 ? "" : ` (${plural(count, "snapshot")})`;
    const [reason = "", ...more] = visibleLines(first.reason);
    const next = first.hint === undefined ? [] : [`next: ${visible(first.hint)}`];
    return [
      `! not searched: ${visible(`${first.place}${whose}${what}`)}: ${reason}`,
      ...[...more, ...next].map((line) => `  ${line}`),
    ];
  });
}

/** `2026-11-22 03:10:00Z` */
const moment = (time: string): string => time.replace("T", " ");
