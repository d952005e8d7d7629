import { stat } from "node:fs/promises";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { SecretFile } from "./read/secrets.ts";

const groupOrOthersMayRead = 0o044;

/** A warning for each secret file that somebody else may read. One that is not on this machine is nobody's concern here. */
export async function warnOfReadableSecrets(files: readonly SecretFile[]): Promise<readonly Diagnostic[]> {
  const warnings = await Promise.all(files.map(warnOf));
  return warnings.filter((warning) => warning !== undefined);
}

async function warnOf({ file, place }: SecretFile): Promise<Diagnostic | undefined> {
  const info = await stat(file).catch(() => undefined);
  if (!info || (info.mode & groupOrOthersMayRead) === 0) return undefined;
  const mode = (info.mode & 0o777).toString(8).padStart(3, "0");
  return {
    severity: "warning",
    code: "readable-secret",
    message: `${file} holds a secret and others may read it (mode ${mode})`,
    hint: `chmod 600 ${/^[\w./-]+$/.test(file) ? file : "it"}`,
    place,
  };
}
