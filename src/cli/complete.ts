import { hostname } from "node:os";
import type { Command } from "commander";
import { type DeclaredNames, declaredNames } from "../manifest/declared.ts";
import { readManifestFiles } from "../manifest/files.ts";
import { isInvisible } from "../render/text.ts";
import { forBash, readBashLine } from "./completion/bash.ts";
import { candidates, type Offer, valueGiven } from "./completion/candidates.ts";
import type { Shell } from "./completion/scripts.ts";
import type { GlobalOptions } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { createProgram } from "./program.ts";
import { answer } from "./terminal.ts";

/** What the scripts of `holdfast completion` ask. Whatever goes wrong, nothing is offered and nothing is said. */
export async function complete(_: GlobalOptions, shell: Shell, typed: readonly string[]): Promise<ExitCode> {
  try {
    answer(await completed(shell, typed));
  } catch {
    // who presses Tab wants no message in the middle of the line
  }
  return EXIT.ok;
}

async function completed(shell: Shell, typed: readonly string[]): Promise<string> {
  const program = createProgram(() => {});
  if (shell === "bash") {
    const [line = "", breaks = ""] = typed;
    const read = readBashLine(line, breaks);
    const offer = await offered(program, read.words.slice(1), read.current);
    return reply(offer, (all) => forBash(all, read));
  }
  const offer = await offered(program, typed.slice(1, -1), typed.at(-1) ?? "");
  return reply(offer, (all) => all.map(({ value, description }) => `${value}\t${description}`.trimEnd()));
}

function reply(offer: Offer, lines: (offer: Exclude<Offer, "files">) => string[]): string {
  if (offer === "files") return "files\n";
  // a name that breaks the line, or is not what it looks like, is typed by hand
  const plain = offer.filter(({ value }) => !isInvisible(value));
  return ["names", ...lines(plain)].map((line) => `${line}\n`).join("");
}

async function offered(program: Command, words: readonly string[], current: string): Promise<Offer> {
  return candidates(program, words, current, await namesIn(valueGiven(program, words, "--file")));
}

async function namesIn(path: string | undefined): Promise<DeclaredNames> {
  const read = await readManifestFiles({
    ...(path === undefined ? {} : { path }),
    cwd: process.cwd(),
    env: process.env,
    hostname: hostname(),
    filesOnly: true,
  });
  return declaredNames("files" in read ? read.files : []);
}
