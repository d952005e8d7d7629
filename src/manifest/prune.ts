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
    compactApprovals(data);
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
    if (path.length > 2) return remove(data, path.slice(0, -1));
    parent[Number(key)] = undefined;
    return true;
  }
  if (!isContainer(parent)) return false;
  // a union's fault may be pointed at by a key that is not there
  if (!(key in parent)) return remove(data, path.slice(0, -1));
  delete parent[key];
  return true;
}

/** Only after a round: until then its problems count by the places the approvals had. */
function compactApprovals(data: unknown): void {
  if (!isContainer(data) || !Array.isArray(data.approvals)) return;
  data.approvals = data.approvals.filter((approval) => approval !== undefined);
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
