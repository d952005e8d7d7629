import type { Check } from "../model/diagnosis.ts";

/** For commands that answer at once when all is well. */
export const TIMEOUT_MS = 60_000;

export const good = (about: Check["about"], message: string, advice: readonly string[] = []): Check => ({
  about,
  result: "good",
  message,
  advice,
});
export const warning = (about: Check["about"], message: string, ...advice: string[]): Check => ({
  about,
  result: "warning",
  message,
  advice,
});
export const problem = (about: Check["about"], message: string, ...advice: string[]): Check => ({
  about,
  result: "problem",
  message,
  advice,
});
