import { isUtf8 } from "node:buffer";
import type { FileType, FolderEntry } from "../../model/folder.ts";
import type { At } from "../../model/plan.ts";
import type { Bytes } from "../../model/units.ts";
import type { Hosts } from "../../transport/types.ts";
import { IN_SNAPSHOT, MOUNT_SNAPSHOT } from "../snapshot-scripts.ts";
import { OperationFailed } from "./context.ts";

export interface LookOptions {
  readonly hosts: Hosts;
  readonly signal: AbortSignal;
}

/**
 * `PATH`: what is in it, or it alone. For each its name and where it leads, both with a NUL after them; an empty name; then
 * what `stat` says of each, a line each. A link on the way would lead out of the snapshot, to what is there today.
 */
const LOOK = `at=./$1
while at=\${at%/*}; [ "$at" != . ]; do
  if [ -L "$at" ]; then echo "holdfast: link \${at#./}" >&2; exit 1; fi
  if [ -d "$at" ] && [ ! -x "$at" ]; then echo "$at: Permission denied" >&2; exit 1; fi
done
set -- "./$1"
if [ -d "$1" ] && [ ! -L "$1" ]; then
  if [ ! -r "$1" ] || [ ! -x "$1" ]; then echo "$1: Permission denied" >&2; exit 1; fi
  cd -- "$1" || exit 1
  set -- ./* ./.[!.]* ./..?*
elif [ ! -e "$1" ] && [ ! -L "$1" ]; then echo "holdfast: missing" >&2; exit 1
fi
for each do
  if [ -L "$each" ]; then printf '%s\\0' "$each"; readlink -n "$each"; printf '\\0'
  elif [ -e "$each" ]; then printf '%s\\0\\0' "$each"
  fi
done
printf '\\0'
for each do
  if [ -L "$each" ] || [ -e "$each" ]; then printf '%s\\0' "$each"; fi
done | xargs -0 -r stat -c '%f %u %g %s %Y'`;

/** A cold pool, or one that is being scrubbed, takes its time. */
const PATIENCE_MS = 10 * 60_000;

/**
 * What is in a folder of a snapshot, or a file by itself. `path` is relative to the dataset, empty for its top;
 * `mountpoint` where the dataset is usually mounted. Throws `OperationFailed`, or a `TransportError` for a lost host.
 */
export async function lookInSnapshot(
  from: At & { readonly snapshot: string; readonly mountpoint: string },
  path: string,
  { hosts, signal }: LookOptions,
): Promise<FolderEntry[]> {
  const inSnapshot = ["sh", "-c", IN_SNAPSHOT, "sh", MOUNT_SNAPSHOT, from.dataset, from.snapshot, from.mountpoint];
  const argv = [...inSnapshot, "sh", "-c", LOOK, "sh", path];
  const chunks: Buffer[] = [];
  const onBytes = (chunk: Buffer): void => void chunks.push(Buffer.from(chunk));
  const { code, stderr } = await hosts.read(from.host, argv, onBytes, { signal, timeoutMs: PATIENCE_MS });
  if (code !== 0) throw unreadable(`${from.host}:${from.dataset}@${from.snapshot}`, path, stderr);
  return readEntries(Buffer.concat(chunks));
}

/** The upper bits of a mode. */
const TYPES: Readonly<Record<number, FileType>> = {
  1: "pipe",
  2: "character-device",
  4: "folder",
  6: "block-device",
  8: "file",
  10: "link",
  12: "socket",
};

/** As `find` shows them. */
export const FILE_TYPES: Readonly<Record<string, FileType>> = {
  p: "pipe",
  c: "character-device",
  d: "folder",
  b: "block-device",
  f: "file",
  l: "link",
  s: "socket",
};

/** What `LOOK` printed. */
export function readEntries(printed: Buffer): FolderEntry[] {
  const names: { readonly name: string; readonly target: string }[] = [];
  let at = 0;
  const next = (): Buffer => {
    const start = at;
    const end = printed.indexOf(0, start);
    at = end < 0 ? printed.length : end + 1;
    return printed.subarray(start, end < 0 ? printed.length : end);
  };
  for (let path = next(); path.length > 0; path = next()) {
    const name = path.subarray(path.lastIndexOf("/") + 1);
    names.push({ name: textOfBytes(name), target: textOfBytes(next()) });
  }
  const facts = printed.toString("latin1", at).split("\n");
  return names.map(({ name, target }, index) => {
    const [hex = "", uid, gid, size, modified] = facts[index]?.split(" ") ?? [];
    const mode = Number.parseInt(hex, 16);
    const type = TYPES[mode >> 12] ?? "other";
    return {
      name,
      type,
      mode: (mode & 0o7777).toString(8).padStart(4, "0"),
      uid: Number(uid),
      gid: Number(gid),
      ...(type === "file" && { size: Number(size) as Bytes }),
      modified: new Date(Number(modified) * 1000).toISOString().replace(".000", ""),
      ...(type === "link" && { target }),
    };
  });
}

/** Names are bytes: what is no UTF-8 is written as `\xNN`. */
export function textOfBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const character = [1, 2, 3, 4].map((length) => bytes.subarray(at, at + length)).find((part) => isUtf8(part));
    text += character?.toString() ?? `\\x${bytes[at]?.toString(16).padStart(2, "0")}`;
    at += character?.length ?? 1;
  }
  return text;
}

export function unreadable(where: string, path: string, stderr: string): OperationFailed {
  const link = /^holdfast: link (.*)$/ms.exec(stderr.trimEnd())?.[1];
  if (link !== undefined)
    return new OperationFailed({
      message: `${where}: ${link} is a link: what is behind it may be outside the snapshot`,
      hint: "see where it leads, and look there: holdfast ls shows it in the folder it is in",
    });
  if (/^holdfast: missing$/m.test(stderr))
    return new OperationFailed({
      message: `${where} has no ${path}`,
      hint: "see what it has: holdfast ls with the folder above it",
    });
  if (/key\b.*not loaded/i.test(stderr))
    return new OperationFailed(
      {
        message: `${where} cannot be read: its key is not loaded`,
        hint: "load it there (zfs load-key), or look into another copy",
      },
      "key",
    );
  // where the dataset is not mounted, the shell cannot go to its `.zfs`
  if (/permission denied|not permitted|superuser|is not mounted|cd: .*\/\.zfs\/snapshot\//i.test(stderr))
    return new OperationFailed(
      {
        message: `${where} cannot be read by the account that is used there`,
        output: stderr.trim(),
        hint: "only root can mount a snapshot: run it as root, or mount the dataset; or look into another copy",
      },
      "permission",
    );
  return new OperationFailed({
    message: `${where} cannot be read: ${stderr.trim().split("\n").at(-1) ?? ""}`,
    output: stderr.trim(),
    hint: "it may be gone by now: holdfast list; or look into another copy",
  });
}
