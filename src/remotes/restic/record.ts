import type { HostName } from "../../model/units.ts";
import { ResticFailed } from "./errors.ts";
import type { Restic } from "./restic.ts";

/**
 * Only in the repository is it remembered what was done to it, by whoever looks after it next: as a copy of a blank line,
 * since restic 0.14 makes none of nothing.
 */
export async function record(
  restic: Restic,
  { host, filename, tags }: { readonly host: HostName; readonly filename: string; readonly tags: readonly string[] },
  outdated: readonly string[] = [],
): Promise<void> {
  await restic.backup({ from: { command: ["echo"], filename }, host, tags });
  if (outdated.length === 0) return;
  // to forget takes the repository to oneself: what cannot go now goes with the next record
  await restic.forget(outdated).catch((error: unknown) => {
    if (!(error instanceof ResticFailed)) throw error;
  });
}
