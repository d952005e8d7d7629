import { createHash } from "node:crypto";
import type { AtRepository } from "../../model/plan.ts";
import type { Address } from "../../model/units.ts";
import type { Hosts } from "../../transport/types.ts";
import { ResticFailed } from "./errors.ts";

/** Below it each drill has a folder of its own, named by source and repository: what is left of one is its next one's to remove. */
export const SCRATCH = "/var/tmp/holdfast-drills";

/** Of a drill that never comes again, because its source or repository is gone. */
const FORGOTTEN_DAYS = 7;
/** What a file system needs beside the files. */
const SPARE = 64 * 2 ** 20;

/** `PARENT FOLDER`: an empty folder that nobody else can look into. Prints what is available there, in KiB. */
const PREPARE = `umask 077
mkdir -p -- "$0" && [ -d "$0" ] && [ ! -L "$0" ] && [ -O "$0" ] || { echo "$0 is somebody else's" >&2; exit 1; }
find "$0" -mindepth 1 -maxdepth 1 -mtime +${FORGOTTEN_DAYS} -exec rm -rf -- {} +
rm -rf -- "$1" && mkdir -- "$1" || exit 1
df -Pk -- "$1" | awk 'NR == 2 { print $4 }'`;
const REMOVE = 'rm -rf -- "$1"; rmdir -- "$0" 2>/dev/null; :';

const PATIENCE_MS = 30 * 60_000;

const folderOf = (source: Address, { repository }: AtRepository): string =>
  `${SCRATCH}/${createHash("sha256").update(`${source}\0${repository}`).digest("hex").slice(0, 16)}`;

/** Hands a folder to `work` that is empty for as long as the work lasts, and gone afterwards; `bytes` have room in it. */
export async function inScratch<T>(
  { source, at }: { readonly source: Address; readonly at: AtRepository },
  bytes: number,
  { hosts, signal }: { readonly hosts: Hosts; readonly signal: AbortSignal },
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = folderOf(source, at);
  const { code, stdout, stderr } = await hosts.run(at.host, ["sh", "-c", PREPARE, SCRATCH, folder], {
    signal,
    timeoutMs: PATIENCE_MS,
  });
  try {
    if (code !== 0)
      throw new ResticFailed("permission", {
        message: `${at.host}: no folder can be made below ${SCRATCH}: ${stderr.trim()}`,
        hint: "drills restore into it; make it writable for the account",
      });
    const available = Number(stdout.trim()) * 1024;
    if (available < bytes + SPARE)
      throw new ResticFailed("other", {
        message: `${at.host}: a drill needs ${bytes} bytes below ${SCRATCH}, and ${available} are available`,
        hint: "free some, or make `verify.sample` smaller",
      });
    return await work(folder);
  } finally {
    // whatever ended the work does not end this
    await hosts.run(at.host, ["sh", "-c", REMOVE, SCRATCH, folder], { timeoutMs: PATIENCE_MS }).catch(() => undefined);
  }
}
