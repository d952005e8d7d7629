import type { Place, SecretReference, Text } from "../../model/manifest.ts";
import type { Secret, Text as TextKeys } from "../generated/types.ts";
import { inlinePassword, inlineSecret } from "../inline-secret.ts";
import { hasPasswordInUrl, soundsSecret } from "../text.ts";
import type { Path } from "../tree.ts";
import type { Context } from "./context.ts";

/** A file the manifest takes a secret from, and where it says so. */
export interface SecretFile {
  /** Absolute. */
  readonly file: string;
  readonly place: Place;
}

/** The reference with its path made absolute; the schema has seen to it that there is exactly one. */
export function readSecret(context: Context, secret: Secret, path: Path): SecretReference {
  const { file, env, command, credential = "" } = secret;
  if (file !== undefined) {
    const absolute = context.file(file);
    context.secretFiles.push({ file: absolute, place: context.place([...path, "file"]) });
    return { file: absolute };
  }
  if (env !== undefined) return { env };
  if (command !== undefined) return { command };
  return { credential };
}

/**
 * Text that may be a reference, and has to be one where it is a secret: by the name of its key, or as a URL. `undefined`
 * for a secret written out, which has been reported.
 */
export function readText(context: Context, text: TextKeys, path: Path): Text | undefined {
  if (typeof text !== "string") return readSecret(context, text, path);
  const isSecret = text !== "" && soundsSecret(path.at(-1) ?? "");
  if (!isSecret && !hasPasswordInUrl(text)) return text;
  context.report(isSecret ? inlineSecret(path, text) : inlinePassword(path));
  return undefined;
}

/** A mapping of names to texts. */
export function readTexts(
  context: Context,
  texts: Readonly<Record<string, TextKeys>>,
  path: Path,
): ReadonlyMap<string, Text> {
  return new Map(
    Object.entries(texts).flatMap(([name, keys]): [string, Text][] => {
      const text = readText(context, keys, [...path, name]);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}
