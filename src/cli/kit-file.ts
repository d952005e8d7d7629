import { lstat, readFile } from "node:fs/promises";
import { KIT_MARK } from "../render/kit/document.ts";
import { visible } from "../render/text.ts";
import { writeWhole } from "./documents.ts";
import { Failure } from "./exit.ts";

/** Only the owner may read it: it tells where everything is. */
const MODE = 0o600;

/** Writes a kit into a file; over one that is there only where that is an older kit. */
export async function writeKit(path: string, text: string): Promise<void> {
  if (!(await isFreeForKit(path)))
    throw new Failure(`${visible(path)} is there already, and is no recovery kit: nothing was written`, {
      hint: "give another name with --out, or move that file away",
    });
  await writeWhole(path, text, MODE);
}

async function isFreeForKit(path: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isFile()) return false;
    const there = await readFile(path, "utf8");
    return there.includes(KIT_MARK) || isJsonKit(there);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw new Failure(`cannot look at ${visible(path)}: ${(error as Error).message}`, { cause: error });
  }
}

function isJsonKit(text: string): boolean {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === "object" && document !== null && "made" in document && "prepare" in document;
  } catch {
    return false;
  }
}
