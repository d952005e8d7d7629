import type { Path } from "./tree.ts";

/** Keys that have a meaning elsewhere, and what to do about one here. */
const misplaced: readonly { readonly at: RegExp; readonly hints: Readonly<Record<string, string>> }[] = [
  { at: /^$/, hints: { verify: "drills of every source are set below defaults: `defaults: { verify: … }`" } },
  {
    at: /^directories\/\*$/,
    hints: {
      recursive: "remove it: a directory is always kept with all that is below it",
      skip: "say with `files: { exclude: [PATTERN] }` what is left out of a directory",
      pin: "remove it: only datasets have it; `keep` says how much stays",
    },
  },
  {
    at: /^directories\/\*\/remotes\/[^/]+$/,
    hints: { target: "remove it: in a repository the copies of all sources lie side by side" },
  },
  {
    at: /^(datasets|policies)\/\*$/,
    hints: { stdin: "only directories have it: the output of a command is an entry of directories" },
  },
  { at: /^mirrors\/\*$/, hints: { type: "remove it: a mirror is always a restic repository" } },
  {
    at: /^remotes\/\*$/,
    hints: { of: "a repository that is filled from another one is declared in mirrors" },
  },
];

/** Names of sections with `*` for the name of the thing: `remotes/*`. */
export const patternOf = (path: Path): string => path.map((step, index) => (index === 1 ? "*" : step)).join("/");

/** What to write instead of an unknown key, where that is known. */
export function hintForMisplaced(path: Path, key: string): string | undefined {
  const pattern = patternOf(path);
  if (/^(remotes|mirrors)\/\*$/.test(pattern) && /^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(key)) {
    return "variables of the environment stand below `environment`";
  }
  return misplaced.find(({ at, hints }) => at.test(pattern) && Object.hasOwn(hints, key))?.hints[key];
}
