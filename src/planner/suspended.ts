import type { Manifest } from "../model/manifest.ts";
import type { Address } from "../model/units.ts";
import { matcher } from "./patterns.ts";

/**
 * The pattern by which a source was suspended at once, without the manifest saying so. A pattern without a host means
 * this machine, for a controller any.
 */
export function suspendedByHand(
  { suspended, self }: Pick<Manifest, "suspended" | "self">,
  source: Address,
): string | undefined {
  if (suspended === undefined || suspended.length === 0) return undefined;
  const colon = source.indexOf(":");
  const isHere = self === null || self === source.slice(0, colon);
  return suspended.find((pattern) => {
    const matches = matcher(pattern);
    return matches(source) || (isHere && matches(source.slice(colon + 1)));
  });
}

/** What ends it. */
export const untilResumed = (pattern: string | undefined): string =>
  pattern === undefined ? "" : `, until \`holdfast resume ${pattern}\``;
