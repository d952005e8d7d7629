import type { Entry } from "../drills/entries.ts";
import { isJson, numberOf, parseJson, textOf } from "./messages.ts";
import { must } from "./must.ts";
import type { Session } from "./session.ts";

/** Go's own bits of a file's mode. */
const SETUID = 2 ** 23;
const SETGID = 2 ** 22;
const STICKY = 2 ** 20;

const TYPES: Readonly<Record<string, string>> = {
  file: "f",
  dir: "d",
  symlink: "l",
  fifo: "p",
  dev: "b",
  chardev: "c",
  socket: "s",
};

/**
 * What a copy has, in the form of a listing, while it is found. `within`: the folder of the copy whose contents are the
 * source's; what lies beside it is left out. Where links point to restic does not tell.
 */
export async function nodes(
  session: Session,
  { id, within }: { readonly id: string; readonly within: string },
  take: (entry: Entry) => void,
): Promise<void> {
  const prefix = within === "/" ? "/" : `${within}/`;
  await must(session, {
    args: ["ls", "--json", "--no-lock", "--", id],
    onLine: (line) => {
      const node = parseJson(line);
      if (!isJson(node) || node.struct_type === "snapshot") return;
      const path = textOf(node.path);
      if (path === undefined || !path.startsWith(prefix)) return;
      const type = TYPES[textOf(node.type) ?? ""] ?? "?";
      const mode = numberOf(node.mode) ?? 0;
      take({
        path: `./${path.slice(prefix.length)}`,
        type,
        mode: modeOf(mode),
        uid: numberOf(node.uid) ?? 0,
        gid: numberOf(node.gid) ?? 0,
        size: type === "f" ? (numberOf(node.size) ?? 0) : 0,
        time: timeOf(textOf(node.mtime) ?? ""),
        target: "",
      });
    },
  });
}

const has = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1;

const modeOf = (mode: number): string =>
  (
    (mode % 512) +
    (has(mode, SETUID) ? 0o4000 : 0) +
    (has(mode, SETGID) ? 0o2000 : 0) +
    (has(mode, STICKY) ? 0o1000 : 0)
  ).toString(8);

/** `2026-11-22T10:00:00.5+01:00`, to the nanosecond. */
export function timeOf(text: string): string {
  const seconds = Math.floor(Date.parse(text.replace(/\.\d+/, "")) / 1000);
  return `${seconds}.${(/\.(\d+)/.exec(text)?.[1] ?? "").slice(0, 9).padEnd(9, "0")}`;
}
