import picomatch from "picomatch";

export type Matcher = (text: string) => boolean;

const options = { dot: true, nonegate: true, noextglob: true } as const;
const special = /[*?[\]{}\\]/;

/** True where the pattern can match more than itself. */
export const isGlob = (pattern: string): boolean => special.test(pattern);

/** Matches whole names; `*` stays within one path component, `**` does not. */
export function matcher(pattern: string): Matcher {
  return isGlob(pattern) ? picomatch(pattern, options) : (text) => text === pattern;
}

/** Matches when any of the patterns does. */
export function anyMatcher(patterns: readonly string[]): Matcher {
  const matchers = patterns.map(matcher);
  return (text) => matchers.some((matches) => matches(text));
}

/** Characters that stand for themselves: the more, the more specific. */
export const literalLength = (pattern: string): number => pattern.replace(/\[[^\]]*\]|\{[^}]*\}|[*?]/g, "").length;
