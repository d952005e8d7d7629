import { maxNameLength, poolOf } from "../model/units.ts";
import { matcher } from "../planner/patterns.ts";
import { quote } from "./words.ts";

/** What keeps ZFS from having a dataset of this name, if anything does. */
export function datasetFault(name: string): string | undefined {
  return componentFault(name, /[^A-Za-z0-9_.: /-]/u) ?? poolFault(name) ?? lengthFault(name);
}

/** The same for a pattern of dataset names. */
export function patternFault(pattern: string): string | undefined {
  const fault = componentFault(pattern, /[^A-Za-z0-9_.: /*?[\]{},!^-]/u);
  if (fault !== undefined) return fault;
  if (!balanced(pattern)) return "has a bracket without its partner";
  try {
    matcher(pattern);
    return lengthFault(pattern);
  } catch {
    return "is not a pattern";
  }
}

function componentFault(name: string, foreign: RegExp): string | undefined {
  const bad = foreign.exec(name)?.[0];
  if (bad === "@") return "names a snapshot, not a dataset";
  if (bad === "#") return "names a bookmark, not a dataset";
  if (bad !== undefined) return `contains ${quote(bad)}, which no dataset name can`;
  if (name.startsWith("/")) return "begins with /: a dataset is named by its pool, not by where it is mounted";
  const components = name.split("/");
  if (components.includes("")) return "has an empty part between its slashes";
  if (components.some((part) => part === "." || part === "..")) return "has . or .. for a part";
  return undefined;
}

function poolFault(name: string): string | undefined {
  const pool = poolOf(name);
  if (!/^[A-Za-z]/.test(pool)) return "begins with a pool's name, and that begins with a letter";
  if (/^(mirror|raidz|draid|spare)/.test(pool) || pool === "log")
    return `begins with ${pool}, which no pool can be called`;
  return undefined;
}

const lengthFault = (name: string): string | undefined =>
  name.length > maxNameLength ? `is longer than the ${maxNameLength} characters ZFS takes` : undefined;

function balanced(pattern: string): boolean {
  let open = "";
  for (const character of pattern) {
    if (character === "[" || character === "{") {
      if (open !== "") return false;
      open = character;
    } else if (character === "]" || character === "}") {
      if (open !== (character === "]" ? "[" : "{")) return false;
      open = "";
    }
  }
  return open === "";
}
