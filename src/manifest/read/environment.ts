import type { Text } from "../../model/manifest.ts";
import type { Environment } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import type { Context } from "./context.ts";
import { readTexts } from "./secrets.ts";

/** Variables that Holdfast sets itself, with the key that says what to. */
const own: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/^RESTIC_REPOSITORY/, "write it as `repository`"],
  [/^RESTIC_PASSWORD/, "write it as `password`"],
  [/^RESTIC_FROM_/, "a repository that is filled from another one is declared in mirrors"],
  [/^RESTIC_COMPRESSION$/, "write it as `compression`"],
  [/^RESTIC_PACK_SIZE$/, "write it as `packSize`"],
  [/^RESTIC_CACHE_DIR$/, "write it as `cacheDir`"],
  [/^RESTIC_HOST$/, "remove it: copies carry the name of the source's host"],
  [/^PATH$/, "remove it: restic and what it needs are looked for where commands of that host's account are"],
  [/^(RESTIC_PROGRESS_FPS|TZ)$/, "remove it"],
];

export function readEnvironment(context: Context, keys: Environment, path: Path): ReadonlyMap<string, Text> {
  for (const name of Object.keys(keys)) {
    const hint = own.find(([pattern]) => pattern.test(name))?.[1];
    if (hint === undefined) continue;
    context.report({
      code: "own-variable",
      message: `${name} is set by Holdfast itself`,
      hint,
      path: [...path, name],
      at: "key",
      secret: true,
    });
  }
  return readTexts(context, keys, path);
}
