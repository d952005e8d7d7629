import { maxNameLength } from "../../model/units.ts";
import type { Problem } from "../problem.ts";
import type { StaticSource, StaticZfsCopy } from "./sources.ts";

/** Names that ZFS would refuse at the worst moment: with the first snapshot, the first receive, the first bookmark. */
export function lengthProblems(sources: readonly StaticSource[]): Problem[] {
  return sources.flatMap((source): Problem[] => {
    if (source.isPattern || source.dataset.length > maxNameLength) return [];
    const snapshot = longestSnapshot(source);
    const copies = source.zfsCopies();
    const bookmark = Math.max(0, ...copies.map(({ remote }) => `#holdfast-${remote.name}-`.length + guidDigits));
    if (source.dataset.length + Math.max(snapshot, bookmark) > maxNameLength) {
      return [{ ...tooLong(source.address), path: source.path, at: "key" }];
    }
    return copies.flatMap((copy) => copyProblem(source, copy, snapshot));
  });
}

function copyProblem(
  source: StaticSource,
  { remote, keys, target = "", path }: StaticZfsCopy,
  snapshot: number,
): Problem[] {
  if (target.length > maxNameLength || target.length + snapshot <= maxNameLength) return [];
  const fault = tooLong(`the copy of ${source.address} on remote ${remote.name}`);
  return [keys.target === undefined ? { ...fault, path, at: "key" } : { ...fault, path: [...path, "target"] }];
}

const tooLong = (what: string) => ({
  code: "name-too-long",
  message: `with its snapshots, ${what} needs names longer than the ${maxNameLength} characters ZFS takes`,
  hint: "shorten the dataset's name, the root or the target",
});

/** `@TYPE-YYYYMMDDTHHMMSSZ` of the longest type that is taken there. */
function longestSnapshot(source: StaticSource): number {
  const take = source.find("take");
  const keep = source.find("keep");
  const counted = typeof keep === "object" && keep.value.by === "type" ? [...keep.value.types.keys()] : [];
  const types = typeof take === "object" ? take.value : counted;
  return Math.max(0, ...types.map((type) => `@${type}-`.length + stampLength));
}

const stampLength = 16;
const guidDigits = 20;
