import type { EpochSeconds, Seconds } from "../model/units.ts";

interface Taken {
  readonly name: string;
  readonly creation: EpochSeconds;
}

/**
 * Why the age of `surplus` is not to be trusted, if so. A clock that ran ahead makes everything look old, and leaves a
 * gap: nothing was taken for more than two of the longest periods. The gap is looked for among the surplus and what
 * stays beside it, and doubted until one longest period has passed since, so that the snapshots which a wrong clock has
 * just taken do not vouch for it. Where there are several such gaps the machine is just often switched off.
 */
export function clockDoubt(
  surplus: readonly Taken[],
  staying: readonly Taken[],
  longestPeriod: Seconds,
  now: EpochSeconds,
): string | undefined {
  if (longestPeriod === 0) return undefined;
  const oldest = surplus.reduce((least, { creation }) => Math.min(least, creation), Number.POSITIVE_INFINITY);
  const taken = [...surplus, ...staying.filter(({ creation }) => creation > oldest)];
  taken.sort((a, b) => a.creation - b.creation);
  const gaps = taken.flatMap((before, index) => {
    const end = taken[index + 1]?.creation ?? now;
    return end - before.creation > 2 * longestPeriod ? [{ before, end }] : [];
  });
  const [gap, ...others] = gaps;
  if (!gap || others.length > 0 || gap.end <= now - longestPeriod) return undefined;
  return `the clock is far ahead of @${gap.before.name}, or nothing was taken for long: age is not trusted yet`;
}
