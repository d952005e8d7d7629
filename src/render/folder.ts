import type { FileType, Folder, FolderEntry } from "../model/folder.ts";
import { writePlace } from "../model/plan.ts";
import { size } from "../model/size.ts";
import { columns, palette, type TextOptions, visible } from "./text.ts";

/** As `ls -l` would show it, times in UTC. */
export function renderFolder(folder: Folder, options: TextOptions): string {
  const { source, path, place, at, snapshot, copy, taken, entries } = folder;
  const colors = palette(options.color);
  const what = copy === undefined ? `@${snapshot}` : `copy ${copy.slice(0, 8)}`;
  const where = place === "source" ? "the source's own" : `on ${place}, ${writePlace(at)}`;
  const heading = `${colors.bold(visible(path === "" ? source : `${source} ${path}`))}  ${visible(
    `${what} (${where}), ${moment(taken)}`,
  )}`;
  const sizes = entries.map((entry) => (entry.size === undefined ? "-" : size(entry.size)));
  const widest = Math.max(0, ...sizes.map(({ length }) => length));
  const rows = entries.map((entry, index) => [
    `${LETTERS[entry.type]}${permissions(entry.mode)}`,
    `${entry.uid}:${entry.gid}`,
    sizes[index]?.padStart(widest) ?? "",
    moment(entry.modified),
    nameOf(entry),
  ]);
  const lines = rows.length === 0 ? [colors.dim("(empty)")] : columns(rows);
  return `${[heading, ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}

const LETTERS: Readonly<Record<FileType, string>> = {
  file: "-",
  folder: "d",
  link: "l",
  pipe: "p",
  socket: "s",
  "character-device": "c",
  "block-device": "b",
  other: "?",
};

const nameOf = ({ name, type, target }: FolderEntry): string =>
  `${visible(name)}${type === "folder" ? "/" : ""}${target === undefined ? "" : ` -> ${visible(target)}`}`;

/** `2026-11-22 03:10:00Z` */
const moment = (time: string): string => time.replace("T", " ");

/** `4755` → `rwsr-xr-x`. */
function permissions(mode: string): string {
  const bits = Number.parseInt(mode, 8);
  const special = [bits & 0o4000 ? "s" : "", bits & 0o2000 ? "s" : "", bits & 0o1000 ? "t" : ""];
  return [6, 3, 0]
    .map((shift, index) => {
      const [read, write, run] = [4, 2, 1].map((bit) => ((bits >> shift) & bit) !== 0);
      const mark = special[index] ?? "";
      const last = mark === "" ? (run ? "x" : "-") : run ? mark : mark.toUpperCase();
      return `${read ? "r" : "-"}${write ? "w" : "-"}${last}`;
    })
    .join("");
}
