import { userInfo } from "node:os";
import { forbidden, HostFileError, type HostPolicy, readHostFile } from "../host/host-file.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Manifest } from "../model/manifest.ts";
import { EXIT, Failure } from "./exit.ts";

const ROOT = 0;
const HOST_FILE = "/etc/holdfast/host.yaml";

/**
 * What this machine's administrator allows: root's own file, and one more that HOLDFAST_HOST_FILE names. Each can only
 * forbid more than the other, so that whoever sets that variable gains nothing by it.
 */
export function policiesHere(env: Readonly<Record<string, string | undefined>> = process.env): readonly HostPolicy[] {
  try {
    const policies = [readHostFile(HOST_FILE, [ROOT])];
    const more = env.HOLDFAST_HOST_FILE;
    if (more) {
      const found = readHostFile(more, [ROOT, userInfo().uid]);
      if (found === undefined) throw new HostFileError(`there is no ${more}`, "HOLDFAST_HOST_FILE names it");
      policies.push(found);
    }
    return policies.filter((policy) => policy !== undefined);
  } catch (error) {
    if (error instanceof HostFileError)
      throw new Failure(error.message, { code: EXIT.error, hint: error.hint, cause: error });
    throw error;
  }
}

export const forbiddenHere = (manifest: Manifest, policies = policiesHere()): Diagnostic[] =>
  forbidden(manifest, policies);
