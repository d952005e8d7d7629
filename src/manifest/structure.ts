import type { ManifestDocument } from "./generated/types.ts";
import validate, { type SchemaError } from "./generated/validate.js";
import { inlineSecret } from "./inline-secret.ts";
import { isLaterKey, isLaterRemoteType } from "./later.ts";
import { hintForMisplaced } from "./misplaced.ts";
import type { Problem } from "./problem.ts";
import { soundsSecret } from "./text.ts";
import type { Path } from "./tree.ts";
import { dotted, nearestWord, quote, suggestion } from "./words.ts";

/** Bounds the work on a file that is nothing but mistakes. */
export const maxProblems = 2000;

/** What the schema says about `data`; one problem for each thing that is wrong, but no more than `maxProblems`. */
export function structureProblems(data: unknown): Problem[] {
  if (validate(data)) return [];
  const byPlace = new Map<string, SchemaError[]>();
  for (const error of (validate.errors ?? []).slice(0, maxProblems)) {
    const group = byPlace.get(error.instancePath);
    if (group) group.push(error);
    else byPlace.set(error.instancePath, [error]);
  }
  return [...byPlace.values()].flatMap((errors) => relevant(errors).map(toProblem));
}

export const isValid = (data: unknown): data is ManifestDocument => validate(data);

/** The errors at one place without those that only follow from another: one for a union, one for a wrong type. */
function relevant(errors: readonly SchemaError[]): readonly SchemaError[] {
  const own = errors.filter(({ propertyName, keyword }) => propertyName === undefined && keyword !== "propertyNames");
  const names = errors.filter(({ propertyName }) => propertyName !== undefined);
  const wrongType = own.find(({ keyword, schemaPath }) => keyword === "type" && !schemaPath.includes("/oneOf/"));
  if (wrongType) return [wrongType];
  const union = own.find(({ keyword }) => keyword === "oneOf");
  if (union) {
    // a number that only is too large was meant for the branch that takes numbers
    const excess = own.find(({ keyword }) => keyword === "maximum");
    if (excess) return [...names, excess];
    const branches = union.parentSchema.oneOf ?? [];
    const kind = Array.isArray(union.data) ? "array" : isObject(union.data) ? "object" : undefined;
    const fits = branches.findIndex(({ type }) => type !== undefined && type === kind);
    const others = own.filter(({ schemaPath, keyword }) =>
      fits === -1 ? !schemaPath.includes("/oneOf") : schemaPath.includes(`/oneOf/${fits}/`) && keyword !== "oneOf",
    );
    return [...names, ...others, ...(fits === -1 ? [union] : [])];
  }
  // a key that is misspelt is not missing as well
  const misspelt = new Set(own.map(({ params, parentSchema }) => nearestKey(params.additionalProperty, parentSchema)));
  const isMissing = ({ keyword, params }: SchemaError) =>
    keyword !== "required" || !misspelt.has(String(params.missingProperty));
  const hasNoTag = own.some(({ keyword, params }) => keyword === "required" && params.missingProperty === "type");
  return [...names, ...own.filter((error) => isMissing(error) && !(hasNoTag && error.keyword === "discriminator"))];
}

const nearestKey = (key: unknown, { properties = {} }: SchemaError["parentSchema"]): string | undefined =>
  typeof key === "string" ? nearestWord(key, Object.keys(properties)) : undefined;

type Annotations = SchemaError["parentSchema"];

function toProblem(error: SchemaError): Problem {
  const path = pathOf(error.instancePath);
  const { keyword, params, data, parentSchema: parent } = error;
  if (error.propertyName !== undefined) return badName(path, error.propertyName, parent);
  switch (keyword) {
    case "additionalProperties":
      return unknownKey(path, String(params.additionalProperty), data, parent);
    case "required":
    case "dependentRequired":
      return missingKey(path, String(params.missingProperty), params.property);
    case "discriminator":
      return unknownType(path, params.tagValue);
    case "not":
      return {
        code: "conflicting-keys",
        message: `${dotted(path)} has both keep and keepByTime`,
        hint: "keep counts by type, keepByTime thins by time: leave one of them out",
        path: [...path, "keepByTime"],
        at: "key",
      };
    case "enum":
    case "const":
      return badChoice(path, data, parent, [params.allowedValues ?? params.allowedValue].flat());
    case "uniqueItems":
      return {
        code: "duplicate-item",
        message: `${dotted(path)} lists the same twice`,
        path: [...path, String(Math.max(Number(params.i), Number(params.j)))],
      };
    case "minProperties":
    case "minItems":
      if (Number(params.limit) > 1) {
        return { code: parent["x-code"] ?? "bad-value", message: `${subject(path)} must be ${expects(parent)}`, path };
      }
      return {
        code: parent["x-code"] ?? "empty-value",
        message: `${subject(path)} must not be empty`,
        hint: expects(parent),
        path,
      };
    case "maxProperties":
    case "maxItems":
      if (parent["x-secret"]) return mismatch(path, data, parent, keyword);
      return { code: "too-many", message: `${subject(path)} may hold ${params.limit} at most`, path };
    default:
      return mismatch(path, data, parent, keyword);
  }
}

function badName(path: Path, name: string, parent: Annotations): Problem {
  return {
    code: parent["x-code"] ?? "bad-name",
    message: `${quote(name)} cannot be used here: it must be ${expects(parent)}`,
    path: [...path, name],
    at: "key",
  };
}

function unknownKey(path: Path, key: string, data: unknown, parent: Annotations): Problem {
  const known = Object.keys(parent.properties ?? {});
  const where = path.length === 0 ? "" : ` in ${dotted(path)}`;
  if (isLaterKey(path, key)) {
    return {
      code: "not-supported",
      message: `${quote(key)} is not supported yet${where}`,
      hint: "remove it; a later version of Holdfast brings it",
      path: [...path, key],
      at: "key",
    };
  }
  return {
    code: "unknown-key",
    message: `unknown key ${quote(key)}${where}`,
    hint: hintForMisplaced(path, key) ?? suggestion(key, known, "key"),
    path: [...path, key],
    at: "key",
    ...(mayBeSecret(key, (data as Readonly<Record<string, unknown>>)[key], parent) && { secret: true }),
  };
}

/** Whether an unknown key may stand for one that takes a secret, so that what it has is the secret itself. */
function mayBeSecret(key: string, value: unknown, parent: Annotations): boolean {
  if (parent["x-secret"]) return true;
  const near = nearestKey(key, parent);
  const takesSecret = ([, schema]: [string, unknown]) => secretRef.test((schema as { $ref?: string }).$ref ?? "");
  const secrets = Object.entries(parent.properties ?? {}).filter(takesSecret);
  const isOther = near !== undefined && !secrets.some(([name]) => name === near) && typeof value === "object";
  return (secrets.length > 0 && !isOther) || soundsSecret(key) || nearestWord(key, secretKeys) !== undefined;
}
const secretRef = /\/(?:secret|identity|text)$/;
const secretKeys = ["password", "passphrase", "secret", "token"];

function missingKey(path: Path, key: string, because: unknown): Problem {
  const reason = because === undefined ? "" : ` beside ${String(because)}`;
  const name = path.length === 0 ? "the manifest" : dotted(path);
  const hints: Readonly<Record<string, string>> = {
    version: "begin with `version: 1`",
    type: `add ${listed(typesOf(path).map((type) => `\`type: ${type}\``))}`,
  };
  const hint = hints[key] ?? `add ${key}`;
  return { code: "missing-key", message: `${name} needs the key ${key}${reason}`, hint, path };
}

/** What `type` may be, by the section. */
const types: Readonly<Record<string, readonly string[]>> = {
  remotes: ["zfs", "restic"],
  notifications: ["webhook", "ntfy", "slack", "discord", "telegram", "gotify", "email"],
  heartbeats: ["healthchecks", "uptimekuma", "deadmanssnitch", "get"],
};
const typesOf = ([section = ""]: Path): readonly string[] => types[section] ?? [];

function unknownType(path: Path, type: unknown): Problem {
  const at = [...path, "type"];
  if (path[0] === "remotes" && isLaterRemoteType(type)) {
    const hint = "remove this remote; a later version of Holdfast brings it";
    return { code: "not-supported", message: `remotes of type ${type} are not supported yet`, hint, path: at };
  }
  const known = typesOf(path);
  const near = typeof type === "string" ? nearestWord(type, known) : undefined;
  return {
    code: "bad-value",
    message: `${dotted(at)} must be ${listed(known)}, not ${show(type)}`,
    ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
    path: at,
  };
}

function badChoice(path: Path, data: unknown, parent: Annotations, allowed: readonly unknown[]): Problem {
  const words = allowed.map(String);
  const near = typeof data === "string" ? nearestWord(data, words) : undefined;
  return {
    code: parent["x-code"] ?? "bad-value",
    message: `${subject(path)} must be ${parent["x-expects"] ?? listed(words)}, not ${show(data)}`,
    ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
    path,
  };
}

function mismatch(path: Path, data: unknown, parent: Annotations, keyword: string): Problem {
  const code = parent["x-code"] ?? (keyword === "type" ? "wrong-type" : "bad-value");
  const key = path.at(-1) ?? "";
  if (parent["x-secret"] && (key === "env" || key === "credential") && typeof data === "string") {
    return { code: "bad-name", message: `${dotted(path)} must be a name, not the secret itself`, path, secret: true };
  }
  const isSecret = parent["x-secret"] || (code === "bad-text" && soundsSecret(key));
  if (isSecret && ["string", "number", "boolean"].includes(typeof data)) {
    return inlineSecret(path, String(data));
  }
  if (code === "bad-property" && !isObject(data)) return badProperty(path, key, data);
  const shown = parent["x-secret"] || (keyword === "oneOf" && isObject(data)) ? "" : `, not ${show(data)}`;
  const limit = limitOf(data, parent, keyword);
  if (limit !== undefined && !isSecret)
    return { code, message: `${subject(path)} must be ${limit}, not ${show(data)}`, path };
  const bare =
    typeof data === "number" && ["bad-duration", "bad-rate", "bad-size", "bad-percent"].includes(code)
      ? `; ${data} has no unit`
      : undefined;
  return {
    code,
    message: `${subject(path)} must be ${expects(parent)}${bare ?? shown}`,
    ...hintFor(key, data, parent),
    path,
    ...(parent["x-secret"] && { secret: true }),
  };
}

/** What a value exceeds that is otherwise as it should be. */
function limitOf(data: unknown, { maximum, pattern = "" }: Annotations, keyword: string): string | undefined {
  if (keyword === "maximum") return `${maximum} at most`;
  const digits = /\[0-9\]\{1,(\d+)\}/.exec(pattern)?.[1];
  if (keyword !== "pattern" || digits === undefined || typeof data !== "string" || data.length > 1000) return undefined;
  const endless = new RegExp(pattern.replaceAll(/\[0-9\]\{1,\d+\}/g, "[0-9]+"), "u");
  return endless.test(data) ? `of numbers with ${digits} digits at most` : undefined;
}

function badProperty(path: Path, key: string, data: unknown): Problem {
  if (typeof data === "boolean" && !key.includes(":")) {
    const word = data ? "on" : "off";
    return {
      code: "bad-property",
      message: `${dotted(path)}: ZFS wants the text "${word}" here; YAML reads a bare ${data} as a boolean`,
      hint: `write \`${key}: "${word}"\``,
      path,
    };
  }
  const hint =
    typeof data === "string" ? "a property has one line of text" : `write \`${key}: ${quote(String(data ?? "none"))}\``;
  return { code: "bad-property", message: `${dotted(path)} must be text, not ${show(data)}`, hint, path };
}

function hintFor(key: string, data: unknown, parent: Annotations): { hint?: string } {
  if (data === null && parent.properties) return { hint: `write \`${key}: {}\` where nothing is to be said` };
  const expected = expects(parent);
  if (expected === "true or false" && typeof data === "string" && /^(yes|on|no|off)$/i.test(data)) {
    return { hint: `write \`${key}: ${/^(yes|on)$/i.test(data)}\`` };
  }
  if (parent["x-code"] === "bad-command" && typeof data === "string")
    return { hint: `write \`${key}: ${argv(data)}\`` };
  if (parent["x-code"] === "bad-text" && ["number", "boolean"].includes(typeof data)) {
    return { hint: `write \`${key}: "${data}"\`` };
  }
  if (expected.startsWith("a list") && typeof data === "string") return { hint: `write \`${key}: [${quote(data)}]\`` };
  return {};
}

/** A command line as a list; what only a shell understands is left to one. */
function argv(line: string): string {
  const words = /[|&;<>$`"'\\*?(){}\n]/.test(line) ? ["sh", "-c", line] : line.trim().split(/\s+/);
  return `[${words.map(quote).join(", ")}]`;
}

const expects = (parent: Annotations): string => parent["x-expects"] ?? "something else";

const subject = (path: Path): string => (path.length === 0 ? "the manifest" : dotted(path));

function show(data: unknown): string {
  if (typeof data === "string") return quote(data);
  if (data === null || data === undefined) return "nothing";
  if (Array.isArray(data)) return "a list";
  return typeof data === "object" ? "a mapping" : String(data);
}

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

const isObject = (data: unknown): boolean => typeof data === "object" && data !== null && !Array.isArray(data);

const pathOf = (pointer: string): Path =>
  pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
