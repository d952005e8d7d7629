import type { Manifest, SourceKeys } from "../model/manifest.ts";

/** What `defaults` says of a key of sources, the last that is asked. */
export function defaultOf<K extends keyof SourceKeys>(
  { defaults }: Pick<Manifest, "defaults">,
  key: K,
): NonNullable<SourceKeys[K]> | undefined {
  const all: Partial<SourceKeys> = defaults;
  return all[key] ?? undefined;
}
