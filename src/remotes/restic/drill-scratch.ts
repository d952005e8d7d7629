import { createHash } from "node:crypto";
import type { AtRepository } from "../../model/plan.ts";
import { size } from "../../model/size.ts";
import type { Address } from "../../model/units.ts";
import type { Hosts } from "../../transport/types.ts";
import { ResticFailed } from "./errors.ts";

/** Each drill's folder begins with it, and ends with what names source and repository: what is left of one the next removes. */
export const SCRATCH = "/var/tmp/holdfast-drill-";

/** Of a drill that never comes again, because its source or repository is gone. */
const FORGOTTEN_DAYS = 7;
/** What a file system needs beside the files. */
const SPARE = 64 * 2 ** 20;

/** `FOLDER`: an empty one that nobody else can look into. Prints what is available there, in KiB, where that is known. */
const PREPARE = `umask 077
find /var/tmp -mindepth 1 -maxdepth 1 -name 'holdfast-drill-*' -user "$(id -u)" -mtime +${FORGOTTEN_DAYS} -exec rm -rf -- {} +
rm -rf -- "$0" && mkdir -- "$0" || exit 1
df -Pk -- "$0" 2>/dev/null | awk 'NR == 2 && $2 > 0 { print $4 }'`;
const REMOVE = 'rm -rf -- "$0"';

const PATIENCE_MS = 30 * 60_000;

const folderOf = (source: Address, { repository }: AtRepository): string =>
  `${SCRATCH}${createHash("sha256").update(`${source}\0${repository}`).digest("hex").slice(0, 16)}`;

/** Hands a folder to `work` that is empty for as long as the work lasts, and gone afterwards; `bytes` have room in it. */
export async function inScratch<T>(
  { source, at }: { readonly source: Address; readonly at: AtRepository },
  bytes: number,
  { hosts, signal }: { readonly hosts: Hosts; readonly signal: AbortSignal },
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = folderOf(source, at);
  const { code, stdout, stderr } = await hosts.run(at.host, ["sh", "-c", PREPARE, folder], {
    signal,
    timeoutMs: PATIENCE_MS,
  });
  try {
    if (code !== 0)
      throw new ResticFailed("permission", {
        message: `${at.host}: the folder ${folder} cannot be made: ${stderr.trim()}`,
        hint: "drills restore into it; the account must be able to write to /var/tmp",
      });
    // a file system in memory may have no size: restic says where it is full
    const available = stdout.trim() === "" ? Number.POSITIVE_INFINITY : Number(stdout.trim()) * 1024;
    if (available < bytes + SPARE)
      throw new ResticFailed("other", {
        message: `${at.host}: a drill needs ${size(bytes)} in ${folder}, and ${size(available)} are available`,
        hint: "free some, or make `verify.sample` smaller",
      });
    return await work(folder);
  } finally {
    // whatever ended the work does not end this
    await hosts.run(at.host, ["sh", "-c", REMOVE, folder], { timeoutMs: PATIENCE_MS }).catch(() => undefined);
  }
}
