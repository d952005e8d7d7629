import type { Path } from "./tree.ts";

/** Keys of the design that this version does not know yet: refused like unknown ones, but said differently. */
const laterKeys: readonly { readonly at: RegExp; readonly keys: readonly string[] }[] = [
  {
    at: /^$/,
    keys: ["mirrors", "directories", "groups", "notifications", "heartbeats", "service", "require", "verify"],
  },
  { at: /^(datasets|policies)\/\*$/, keys: ["expect", "files", "hooks", "verify", "priority", "stdin"] },
  { at: /^remotes\/\*$/, keys: ["hooks"] },
  { at: /^remotes\/\*\/limit$/, keys: ["download"] },
];

const laterRemoteTypes: readonly string[] = ["restic", "archive", "rsync", "rclone"];

/** True for a key of the object at `path` that a later version brings. */
export function isLaterKey(path: Path, key: string): boolean {
  const place = path.map((step, index) => (index === 1 ? "*" : step)).join("/");
  return laterKeys.some(({ at, keys }) => at.test(place) && keys.includes(key));
}

export const isLaterRemoteType = (type: unknown): boolean =>
  typeof type === "string" && laterRemoteTypes.includes(type);
