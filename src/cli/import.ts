import { readFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import type { Format } from "../import/formats.ts";
import { type Draft, type Given, importConfiguration, NothingToImport, writeManifest } from "../import/index.ts";
import { parseManifest } from "../manifest/index.ts";
import type { Imported } from "../model/import.ts";
import { plural, visible } from "../render/text.ts";
import type { GlobalOptions } from "./context.ts";
import { writeNew } from "./documents.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { answer, answerJson, tell } from "./terminal.ts";
import { clock } from "./world.ts";

interface ImportOptions extends GlobalOptions {
  readonly syncoid?: string;
  readonly out?: string;
  readonly json?: true;
}

/** More than any configuration has. */
const MOST_BYTES = 4 * 2 ** 20;

/** Prints the manifest that another tool's configuration means, and on stderr what has to be looked at. */
export async function importManifest(options: ImportOptions, format: Format, path: string): Promise<ExitCode> {
  if (options.syncoid !== undefined && format !== "sanoid")
    throw new Failure(`--syncoid goes with sanoid, not with ${format}`, {
      hint: "holdfast import sanoid /etc/sanoid/sanoid.conf --syncoid CRONTAB",
    });
  const files = await Promise.all([path, ...(options.syncoid === undefined ? [] : [options.syncoid])].map(given));
  const draft = drafted(options, format, files);
  const manifest = writeManifest(
    draft,
    files.map(({ name }) => name),
  );
  check(manifest, options);
  const imported: Imported = { formatVersion: 1, manifest, remarks: draft.remarks };
  if (options.json) answerJson(imported);
  else if (options.out === undefined) answer(manifest);
  else await writeNew(options.out, manifest, "without --out the manifest is printed; --out NAME writes another file");
  tell(summary(imported, format, options.out));
  return EXIT.ok;
}

async function given(path: string): Promise<Given> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`cannot read ${visible(path)}: ${visible(error.message)}`, {
      hint: "name the tool's own file, or /dev/stdin",
      cause: error,
    });
  });
  if (text.length > MOST_BYTES || text.includes("\0"))
    throw new Failure(`${visible(path)} is no configuration: it is too large, or no text`);
  return { name: path, text };
}

function drafted(options: ImportOptions, format: Format, [file, syncoid]: readonly Given[]): Draft {
  if (file === undefined) throw new Error("no file");
  const name = options.as === undefined || options.as === "none" ? hostname() : options.as;
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  try {
    return importConfiguration(format, file, { name, timezone: timeZone }, syncoid);
  } catch (error) {
    if (error instanceof NothingToImport)
      throw new Failure(visible(error.message), { hint: visible(error.hint), cause: error });
    throw error;
  }
}

/** What is printed can be used: anything else is a mistake of Holdfast's, and is not passed on. */
function check(manifest: string, { as }: ImportOptions): void {
  const { diagnostics } = parseManifest([{ name: "holdfast.yaml", text: manifest }], {
    ...(as === undefined ? {} : { as }),
    hostname: hostname(),
    user: userInfo().username,
    folder: process.cwd(),
    now: clock(),
  });
  const fault = diagnostics.find(({ severity }) => severity === "error");
  if (fault === undefined) return;
  throw new Failure(`the manifest that came out would not be valid: ${visible(fault.message)}`, {
    hint: "this is a bug: please report it, with the configuration, as far as you may show it",
  });
}

function summary({ remarks }: Imported, format: Format, out: string | undefined): string {
  const path = out === undefined ? "holdfast.yaml" : visible(out);
  const said =
    remarks.length === 0
      ? ["Everything was taken over."]
      : [
          `${plural(remarks.length, "thing")} to look at; each stands in the manifest as a comment, too:`,
          ...remarks.map(({ file, line, message }) => visible(`  ${file}:${line}: ${message}`)),
        ];
  return `${[
    ...said,
    "",
    out === undefined ? `Next, with it saved as ${path}:` : `${path} is written. Next:`,
    `  holdfast validate -f ${path}`,
    `  holdfast plan -f ${path}      # changes nothing; the first apply of a dataset destroys nothing unless it is allowed`,
    `  before the first apply, stop ${format === "sanoid" ? "sanoid's timer, and syncoid" : format}: two tools would thin and send the same datasets`,
  ].join("\n")}\n`;
}
