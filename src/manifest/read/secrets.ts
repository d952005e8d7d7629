import type { Place, SecretReference } from "../../model/manifest.ts";
import type { Secret } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import type { Context } from "./context.ts";

/** A file the manifest takes a secret from, and where it says so. */
export interface SecretFile {
  /** Absolute. */
  readonly file: string;
  readonly place: Place;
}

/** The reference with its path made absolute; the schema has seen to it that there is exactly one. */
export function readSecret(
  context: Context,
  secret: Secret,
  path: Path,
  files: SecretFile[],
): SecretReference | undefined {
  const { file, env, command, credential } = secret;
  if (file !== undefined) {
    const absolute = context.file(file);
    files.push({ file: absolute, place: context.place([...path, "file"]) });
    return { file: absolute };
  }
  if (env !== undefined) return { env };
  if (command !== undefined) return { command };
  return credential === undefined ? undefined : { credential };
}
