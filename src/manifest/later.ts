import { patternOf } from "./misplaced.ts";
import type { Path } from "./tree.ts";

/** Keys of the design that this version does not know yet: refused like unknown ones, but said differently. */
const laterKeys: readonly { readonly at: RegExp; readonly keys: readonly string[] }[] = [
  { at: /^remotes\/\*$/, keys: ["hooks"] },
  { at: /^remotes\/\*\/limit$/, keys: ["download"] },
];

const laterRemoteTypes: readonly string[] = ["archive", "rsync", "rclone"];

/** True for a key of the object at `path` that a later version brings. */
export const isLaterKey = (path: Path, key: string): boolean =>
  laterKeys.some(({ at, keys }) => at.test(patternOf(path)) && keys.includes(key));

export const isLaterRemoteType = (type: unknown): boolean =>
  typeof type === "string" && laterRemoteTypes.includes(type);
