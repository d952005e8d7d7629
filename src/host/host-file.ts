import { lstatSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { parse } from "yaml";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Manifest } from "../model/manifest.ts";
import type { HostDocument } from "./generated/types.ts";
import validate from "./generated/validate.js";
import { KINDS, NAMES, powersOf } from "./powers.ts";

/** What a manifest may do on a machine, as its own administrator says. */
export interface HostPolicy {
  readonly path: string;
  readonly document: HostDocument;
}

/** A host file that cannot be relied upon: nothing is done until it can. */
export class HostFileError extends Error {
  override readonly name = "HostFileError";
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Reads a host file; undefined where there is none. One that others than `owners` (user ids) could have written, or put
 * in its place, is refused: it would forbid nothing to whom it is to hold for.
 */
export function readHostFile(path: string, owners: readonly number[]): HostPolicy | undefined {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return undefined;
  if (!file.isFile())
    throw new HostFileError(`${path} is not a plain file`, "put the file itself there, not a link to it");
  for (const [name, { uid, mode }] of [[path, file] as const, [dirname(path), lstatSync(dirname(path))] as const]) {
    if (!owners.includes(uid))
      throw new HostFileError(
        `${name} belongs to somebody else (uid ${uid}): it says nothing reliable`,
        `chown root ${name}`,
      );
    if ((mode & 0o022) !== 0 && (mode & 0o1000) === 0)
      throw new HostFileError(`others may write to ${name}: it says nothing reliable`, `chmod go-w ${name}`);
  }
  let document: unknown;
  try {
    document = parse(readFileSync(path, "utf8"), { strict: true, uniqueKeys: true, maxAliasCount: 0 });
  } catch (error) {
    throw new HostFileError(
      `${path} is not YAML: ${error instanceof Error ? error.message : String(error)}`,
      "correct it",
    );
  }
  if (validate(document)) return { path, document };
  const errors = validate.errors ?? [];
  const error = errors.find(({ parentSchema }) => parentSchema["x-expects"] !== undefined) ?? errors[0];
  const key = error?.params.additionalProperty;
  const what =
    key === undefined
      ? `${error?.instancePath.slice(1) || "it"} is not ${error?.parentSchema["x-expects"] ?? "what it has to be"}`
      : `unknown key ${JSON.stringify(key)}`;
  throw new HostFileError(`${path}: ${what}`, `it takes version: 1, ${KINDS.join(", ")}`);
}

/** What a manifest would do here that is not allowed. */
export function forbidden(manifest: Manifest, policies: readonly HostPolicy[]): Diagnostic[] {
  if (policies.length === 0) return [];
  const powers = powersOf(manifest);
  return policies.flatMap(({ path, document }) =>
    KINDS.flatMap((kind) => {
      const allowed = document[kind] ?? "any";
      if (allowed === "any") return [];
      const isAllowed = (power: string): boolean => allowed !== "none" && allowed.some((one) => fits(one, power));
      return powers[kind]
        .filter((power) => !isAllowed(power))
        .map((power) => ({
          severity: "error" as const,
          code: "forbidden-here",
          message: `${path} does not allow the ${NAMES[kind]} ${JSON.stringify(power)} on this machine`,
          hint: `take it out of the manifest, or have root add it to \`${kind}\` in ${path}`,
        }));
    }),
  );
}

/** `*` stands for anything; all else for itself. */
function fits(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "su").test(text);
}
