import type { FileType, FolderEntry } from "../../model/folder.ts";
import type { Bytes } from "../../model/units.ts";
import { ResticFailed } from "./errors.ts";
import { isJson, numberOf, parseJson, textOf } from "./messages.ts";
import type { Session } from "./session.ts";

export interface LookOptions {
  readonly id: string;
  /** Folder of the copy that is the source's own; `/` is all of it. */
  readonly within: string;
  /** In that; empty for its top. */
  readonly path: string;
}

/** What is in a folder of a copy, or a file by itself. Throws `ResticFailed`. */
export async function look(session: Session, { id, within, path }: LookOptions): Promise<FolderEntry[]> {
  const folder = `/${[within, path]
    .map((part) => part.replace(/^\/|\/$/g, ""))
    .filter(Boolean)
    .join("/")}`;
  const found: FolderEntry[] = [];
  let isThere = folder === "/";
  const call = {
    args: ["ls", "--json", "--no-lock", "--", id, folder],
    onLine: (line: string): void => {
      const node = parseJson(line);
      if (!isJson(node) || (node.struct_type ?? node.message_type) !== "node") return;
      const at = textOf(node.path);
      // it starts with the folders that lead there
      if (at === folder) isThere = true;
      if (at === folder ? node.type !== "dir" : isIn(folder, at)) found.push(entryOf(node));
    },
  };
  const ended = await session.run(call);
  if (ended.code !== 0) throw await session.failure(ended, call);
  if (isThere) return found;
  throw new ResticFailed("missing-source", {
    message: `${session.name}: the copy ${id.slice(0, 8)} has no ${path === "" ? folder : path}`,
    hint: "see what it has: holdfast ls with the folder above it",
  });
}

const isIn = (folder: string, path: string | undefined): boolean => {
  const above = folder === "/" ? folder : `${folder}/`;
  return path?.startsWith(above) === true && !path.slice(above.length).includes("/");
};

/** What restic calls them. */
export const FILE_TYPES: Readonly<Record<string, FileType>> = {
  file: "file",
  dir: "folder",
  symlink: "link",
  fifo: "pipe",
  socket: "socket",
  chardev: "character-device",
  dev: "block-device",
};

function entryOf(node: Readonly<Record<string, unknown>>): FolderEntry {
  const type = FILE_TYPES[textOf(node.type) ?? ""] ?? "other";
  const target = textOf(node.linktarget);
  return {
    name: textOf(node.name) ?? "",
    type,
    mode: octal(numberOf(node.mode) ?? 0),
    uid: numberOf(node.uid) ?? 0,
    gid: numberOf(node.gid) ?? 0,
    ...(type === "file" && { size: (numberOf(node.size) ?? 0) as Bytes }),
    modified: wholeSeconds(textOf(node.mtime) ?? ""),
    ...(target !== undefined && { target }),
  };
}

/** Go keeps the three special bits elsewhere. */
function octal(mode: number): string {
  const [setuid, setgid, sticky] = [1 << 23, 1 << 22, 1 << 20].map((bit) => (mode & bit) !== 0);
  const special = (setuid ? 0o4000 : 0) | (setgid ? 0o2000 : 0) | (sticky ? 0o1000 : 0);
  return (special | (mode & 0o777)).toString(8).padStart(4, "0");
}

const wholeSeconds = (time: string): string => {
  const at = Date.parse(time);
  return new Date(Number.isNaN(at) ? 0 : Math.floor(at / 1000) * 1000).toISOString().replace(".000", "");
};
