import type { DirectoryEntry, DirectoryKeys } from "../../model/manifest.ts";
import { address } from "../../model/units.ts";
import type { Directory, ManifestDocument } from "../generated/types.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";
import { dotted, quote } from "../words.ts";
import { readDirectory } from "./addresses.ts";
import type { Context } from "./context.ts";
import { readCommonKeys } from "./keys.ts";
import type { Reading } from "./reading.ts";

export function readDirectories(context: Context, document: ManifestDocument, reading: Reading): DirectoryEntry[] {
  const entries = new Map<string, DirectoryEntry>();
  for (const [key, written] of Object.entries(document.directories ?? {})) {
    const at = ["directories", key];
    const { stdin } = written;
    const keys: DirectoryKeys = {
      ...readCommonKeys(context, document, written, at, reading),
      ...(stdin && { stdin }),
    };
    checkHooks(context, written);
    checkStdin(context, written, at);
    const found = readDirectory(context, reading.naming, key, at);
    if (!found) continue;
    const means = address(found.host, found.path);
    const same = entries.get(means);
    if (same) context.report(sameEntry(key, same, means));
    else entries.set(means, { key, ...found, keys, place: context.place(at) });
  }
  return [...entries.values()];
}

const sameEntry = (key: string, same: DirectoryEntry, means: string): Problem => ({
  code: "duplicate-entry",
  message: `${quote(key)} and ${quote(same.key)} are the same: ${means}`,
  hint: "join them into one entry",
  path: ["directories", key],
  at: "key",
  related: [{ path: ["directories", same.key], message: "first here" }],
});

function checkHooks(context: Context, { hooks = [] }: Directory): void {
  for (const hook of hooks.filter(({ around }) => around === "snapshot")) {
    context.report({
      code: "bad-value",
      message: "no snapshot is taken of a directory",
      hint: "write `around: backup`",
      path: [...context.pathOf(hook), "around"],
    });
  }
}

/** The output of a command is one stream: there are no files to choose from or to count. */
function checkStdin(context: Context, { stdin, files, expect }: Directory, path: Path): void {
  if (!stdin) return;
  const refuse = (beside: Path) =>
    context.report({
      code: "conflicting-keys",
      message: `${dotted(path)} keeps the output of a command, and ${beside.join(".")} is about files`,
      hint: "leave one of them out",
      path: [...path, ...beside],
      at: "key",
      related: [{ path: [...path, "stdin"], message: "the command" }],
    });
  if (files) refuse(["files"]);
  if (expect?.minFiles !== undefined) refuse(["expect", "minFiles"]);
}
