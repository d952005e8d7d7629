import { visible } from "../render/text.ts";
import { type AuditOptions, examine } from "./audit.ts";
import { writeNew } from "./documents.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { passwordFileOf } from "./given.ts";
import { answer } from "./terminal.ts";

/** Writes the manifest that `audit` suggests; never over anything. */
export async function init(options: AuditOptions): Promise<ExitCode> {
  const path = options.file ?? "holdfast.yaml";
  const { suggestManifest } = await import("../audit/suggest.ts");
  const found = await examine(options);
  if (found.unobserved.length > 0)
    throw new Failure(
      [
        "not everything could be seen; nothing was written",
        ...found.unobserved.flatMap(({ what, reason, hint }) => [`${what}: ${reason}`, ...(hint ? [`  ${hint}`] : [])]),
      ].join("\n"),
      { code: EXIT.incomplete, hint: "put that right, then again; `holdfast audit` shows what was seen" },
    );
  await writeNew(
    path,
    suggestManifest(found, passwordFileOf(options)),
    "`holdfast audit` prints what would have been; --file NAME writes another file",
  );
  answer(`${visible(path)} is written. Read it, change what is not as you want it, then: holdfast plan\n`);
  return EXIT.ok;
}
