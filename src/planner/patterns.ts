import picomatch from "picomatch";

export type Matcher = (text: string) => boolean;

const options = { dot: true, nonegate: true, noextglob: true } as const;
const special = /[*?[\]{}\\]/;

/** True where the pattern can match more than itself. */
export const isGlob = (pattern: string): boolean => special.test(pattern);

/** Matches whole names; `*` stays within one path component, `**` does not. */
export function matcher(pattern: string): Matcher {
  if (!isGlob(pattern)) return (text) => text === pattern;
  const matches = picomatch(pattern, options);
  // of one argument only: picomatch takes a second, which `filter` and `some` would fill in
  return (text) => matches(text);
}

/** Matches when any of the patterns does. */
export function anyMatcher(patterns: readonly string[]): Matcher {
  const matchers = patterns.map(matcher);
  return (text) => matchers.some((matches) => matches(text));
}

/** Characters that stand for themselves: the more, the more specific. */
export const literalLength = (pattern: string): number => pattern.replace(/\[[^\]]*\]|\{[^}]*\}|[*?]/g, "").length;
