import { open } from "node:fs/promises";
import { visible } from "../render/text.ts";
import { type AuditOptions, examine } from "./audit.ts";
import { cannotWrite } from "./documents.ts";
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
  const text = suggestManifest(found, passwordFileOf(options));
  try {
    const file = await open(path, "wx");
    await file.writeFile(text).finally(() => file.close());
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST")
      throw new Failure(`${visible(path)} is there already; nothing was written`, {
        hint: "`holdfast audit` prints what would have been; --file NAME writes another file",
      });
    throw cannotWrite(path, error);
  }
  answer(`${visible(path)} is written. Read it, change what is not as you want it, then: holdfast plan\n`);
  return EXIT.ok;
}
