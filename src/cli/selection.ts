import type { Manifest } from "../model/manifest.ts";
import type { Address } from "../model/units.ts";
import { matcher } from "../planner/patterns.ts";
import { visible } from "../render/text.ts";
import { Failure } from "./exit.ts";

/** Whether a pattern of `[HOST:]DATASET` means this source; without a host it means this machine, for a controller any. */
export function selects(manifest: Pick<Manifest, "self">, pattern: string): (source: Address) => boolean {
  const matches = matcher(pattern);
  return (source) => {
    const colon = source.indexOf(":");
    const here = manifest.self === null || manifest.self === source.slice(0, colon);
    return matches(source) || (here && matches(source.slice(colon + 1)));
  };
}

/** A typo must not look like a source that is in order. */
export function requireMatches(
  manifest: Pick<Manifest, "self">,
  sources: readonly Address[],
  patterns: readonly string[],
): void {
  for (const pattern of patterns)
    if (!sources.some(selects(manifest, pattern)))
      throw new Failure(`no source matches ${visible(pattern)}`, {
        hint: sources.length === 0 ? "no dataset of the manifest was found" : "`holdfast list` shows all sources",
      });
}
