import type { Text } from "../../model/manifest.ts";
import type { Text as TextKeys } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { normalPath } from "../units.ts";
import { nearestWord, quote } from "../words.ts";
import type { Context } from "./context.ts";
import { readText } from "./secrets.ts";

/** What may stand before restic's first colon, beside `local`. */
const backends: readonly string[] = ["azure", "b2", "gs", "rclone", "rest", "s3", "sftp", "swift"];

/**
 * Where a repository is, as restic takes it; the path of a local one is made absolute, and stands there without `local:`.
 * `undefined` when it cannot be used, which has been reported.
 */
export function readLocation(context: Context, repository: TextKeys, path: Path): Text | undefined {
  const text = readText(context, repository, path);
  if (typeof text !== "string") return text;
  const refuse = (message: string, hint: string): undefined => {
    context.report({ code: "bad-repository", message, hint, path });
  };
  const braces = /\{(?!host\})[^}]*\}?/.exec(text)?.[0];
  if (braces !== undefined) {
    return refuse(
      `only {host} may stand in braces, not ${quote(braces)}`,
      "write {host} for the name of the source's host",
    );
  }
  const [, scheme, rest = ""] = /^([^/.~:][^/:]*):(.*)$/s.exec(text) ?? [];
  if (scheme !== undefined && scheme !== "local") {
    if (backends.includes(scheme)) {
      return rest === "" ? refuse(`${quote(text)} says no place`, `write it after \`${scheme}:\``) : text;
    }
    return refuse(`restic has no backend ${quote(scheme)}`, hintFor(scheme));
  }
  const folder = scheme === "local" ? rest : text;
  if (folder === "")
    return refuse("a repository must be somewhere", "write a path such as /mnt/usb/restic, or s3:https://…");
  return normalPath(context.file(folder));
}

function hintFor(scheme: string): string {
  if (/^https?$/.test(scheme)) return `write rest:${scheme}://… for a REST server, s3:${scheme}://… for S3`;
  const near = nearestWord(scheme, [...backends, "local"]);
  return near === undefined
    ? `for a folder write local:PATH; backends: ${backends.join(", ")}`
    : `did you mean ${near}:?`;
}
