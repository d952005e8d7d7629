import type { ManifestDocument } from "./generated/types.ts";
import type { Problem } from "./problem.ts";
import { isValid, maxProblems, structureProblems } from "./structure.ts";
import type { Path } from "./tree.ts";

/**
 * Takes out of `data`, in place, what the schema refuses, so that the rest can be looked at in the same run. The paths
 * that went are in `broken`: nothing can be said about what depends on them. `undefined` when nothing is left.
 */
export function prune(
  data: unknown,
  problems: readonly Problem[],
): { document?: ManifestDocument; broken: readonly Path[] } {
  const broken: Path[] = [];
  if (problems.length >= maxProblems) return { broken };
  let wrong = problems;
  // what lacks a key only because that key was taken out goes in the next round
  for (let round = 0; round < 10; round++) {
    for (const { path, code } of wrong) {
      const removed = code === "missing-key" && path.length === 0 ? setVersion(data) : remove(data, path);
      if (removed) broken.push(path);
    }
    compact(data);
    if (isValid(data)) return { document: data, broken };
    wrong = structureProblems(data);
  }
  return { broken };
}

function setVersion(data: unknown): boolean {
  if (!isContainer(data)) return false;
  data.version = 1;
  return true;
}

function remove(data: unknown, path: Path): boolean {
  const key = path.at(-1);
  if (key === undefined) return false;
  if (path.length === 1 && key === "version") return setVersion(data);
  let parent = data;
  for (const step of path.slice(0, -1)) parent = isContainer(parent) ? parent[step] : undefined;
  if (Array.isArray(parent)) {
    const item: unknown = parent[Number(key)];
    if (item === undefined) return false;
    // what stands in a list is known by its place, unless it is a mapping, which is remembered
    if (!isContainer(item)) return remove(data, path.slice(0, -1));
    parent[Number(key)] = undefined;
    return true;
  }
  if (!isContainer(parent)) return false;
  // a union's fault may be pointed at by a key that is not there
  if (!(key in parent)) return remove(data, path.slice(0, -1));
  if (isNeeded(path)) parent[key] = { env: "REFUSED" };
  else delete parent[key];
  return true;
}

/** Without it the whole repository would have to go, and with it all that is wrong there. */
const isNeeded = ([section, , key, ...rest]: Path): boolean =>
  (section === "remotes" || section === "mirrors") && (key === "password" || key === "repository") && rest.length === 0;

/** Only after a round: until then its problems count by the places that the items of lists had. */
function compact(data: unknown): void {
  if (!isContainer(data)) return;
  if (Array.isArray(data)) {
    for (let index = data.length - 1; index >= 0; index--) if (data[index] === undefined) data.splice(index, 1);
  }
  for (const value of Object.values(data)) compact(value);
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
