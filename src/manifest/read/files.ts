import type { Expectation, FileSelection } from "../../model/manifest.ts";
import type { Expect, Files } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { parsePercent, parseSize } from "../units.ts";
import { quote } from "../words.ts";
import type { Context } from "./context.ts";

export const readExpectation = ({ minFiles, shrinkAtMost }: Expect): Expectation => ({
  ...(minFiles === undefined ? {} : { minFiles }),
  ...(shrinkAtMost === undefined ? {} : { shrinkAtMost: parsePercent(shrinkAtMost) }),
});

export function readFiles(context: Context, keys: Files, path: Path): FileSelection {
  const largest =
    keys.excludeLargerThan &&
    context.required(
      parseSize(keys.excludeLargerThan),
      [...path, "excludeLargerThan"],
      "bad-size",
      "must be at least 1B",
    );
  return {
    include: (keys.include ?? []).map((text, index) => readInclude(context, text, [...path, "include", String(index)])),
    exclude: (keys.exclude ?? []).map((text, index) => readExclude(context, text, [...path, "exclude", String(index)])),
    excludeIfPresent: keys.excludeIfPresent ?? [],
    excludeCaches: keys.excludeCaches ?? false,
    ...(largest && { excludeLargerThan: largest }),
    oneFileSystem: keys.oneFileSystem ?? false,
  };
}

/** In normal form. */
function readInclude(context: Context, text: string, path: Path): string {
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  if (text.startsWith("/")) {
    const hint = "write it from the source's own top, such as srv/www";
    context.report({ code: "bad-path", message: `${quote(text)} is absolute, not relative to the source`, hint, path });
  } else if (parts.includes("..")) {
    const hint = "only what is below the source can be included";
    context.report({ code: "bad-path", message: `${quote(text)} has .. for a part`, hint, path });
  } else if (parts.length === 0) {
    const hint = "leave include out: then all of it is read";
    context.report({ code: "bad-path", message: `${quote(text)} is the source itself`, hint, path });
  }
  return parts.join("/");
}

function readExclude(context: Context, text: string, path: Path): string {
  const fault = patternFault(text.replace(/^!/, ""));
  if (fault !== undefined) {
    const hint = "patterns have * ? ** and [a-z]; a \\ in front takes their meaning away";
    context.report({ code: "bad-pattern", message: `${quote(text)} ${fault}`, hint, path });
  }
  return text;
}

/** What may be skipped in a pattern: an escaped character, or a class such as `[^a-z]`, within one part of a path. */
const sound = /\\[^/]|\[(?!\^\])\^?(?:(?:\\[^/]|[^\]\\/-])(?:-(?:\\[^/]|[^\]\\/-]))?)+\]/gu;

/** What keeps restic from taking a pattern, if anything does. */
function patternFault(pattern: string): string | undefined {
  if (pattern === "") return "matches nothing";
  const rest = pattern.replace(sound, "");
  if (rest.includes("\\")) return "has a \\ with nothing after it";
  return rest.includes("[") ? "has a [ that begins no class such as [a-z]" : undefined;
}
