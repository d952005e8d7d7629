import { createTwoFilesPatch } from "diff";

export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** Longer than that, and nobody waits for it. */
const TIMEOUT_MS = 1000;
const MOST_LINES = 200;

/** What changed between two sets of files, as unified diffs, line by line; the middle of a long one is left out. */
export function difference(before: readonly NamedText[], after: readonly NamedText[]): string[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  const lines = names.flatMap((name) => {
    const [old, fresh] = [textOf(before, name), textOf(after, name)];
    if (old === fresh) return [];
    const patch = createTwoFilesPatch(name, name, old, fresh, undefined, undefined, {
      context: 2,
      timeout: TIMEOUT_MS,
    });
    return patch === undefined ? [`${name} differs too much to be shown`] : unified(patch);
  });
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES), `… and ${lines.length - MOST_LINES} lines more`];
}

const textOf = (files: readonly NamedText[], name: string): string =>
  files.find((file) => file.name === name)?.text ?? "";

/** Without what stands above the names. */
const unified = (patch: string): string[] => {
  const lines = patch.trimEnd().split("\n");
  return lines.slice(lines.findIndex((line) => line.startsWith("--- ")));
};
