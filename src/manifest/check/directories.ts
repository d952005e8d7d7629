import type { Manifest, Retention } from "../../model/manifest.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";
import { quote } from "../words.ts";
import { neverTaken } from "./keep.ts";
import type { Known } from "./known.ts";
import type { StaticCopy } from "./sources.ts";
import type { StaticDirectory } from "./static-directories.ts";

/** What is kept of a directory are its copies: without a remote, or without a keep for one, nothing is. */
export function directoryProblems({ manifest, directories }: Known): Problem[] {
  return directories.flatMap((directory) => {
    const remotes = directory.find("remotes");
    if (remotes === "broken") return [];
    const copies = directory.copies().filter(({ remote }) => remote.type === "restic");
    if (copies.length > 0) return keepProblems(manifest, directory, copies);
    // a remote that was refused, or is here and of another type, has been reported
    const isSaid =
      remotes !== undefined &&
      [...remotes.value.keys()].some((name) => remotes.path[0] === "directories" || !manifest.remotes.has(name));
    return isSaid ? [] : [missingRemote(manifest, directory)];
  });
}

/** How much of a copy stays, and where that is said. */
interface Kept {
  readonly copy: StaticCopy;
  readonly keep: Retention;
  readonly path: Path;
}

function keepProblems(manifest: Manifest, directory: StaticDirectory, copies: readonly StaticCopy[]): Problem[] {
  const own = directory.find("keep");
  const kept = copies.flatMap((copy): Kept[] => {
    const { remote, keys, path } = copy;
    if (keys.keep) return [{ copy, keep: keys.keep, path }];
    if (remote.keep) return [{ copy, keep: remote.keep, path: ["remotes", remote.name] }];
    return typeof own === "object" ? [{ copy, keep: own.value, path: own.path }] : [];
  });
  const without = copies.filter((copy) => !kept.some((each) => each.copy === copy));
  if (without.length > 0) return own === "broken" ? [] : without.map((copy) => missingKeep(directory, copy));
  const take = directory.find("take");
  if (take === "broken") return [];
  if (take === undefined) return needsTake(directory, kept);
  if (take.value.length === 0) return [];
  const taken = new Set(take.value);
  return kept.flatMap(({ copy, keep, path }) =>
    path[0] === "defaults" ? [] : neverTaken(manifest, directory.address, copy, { keep, path }, taken),
  );
}

function missingRemote(manifest: Manifest, { path, address }: StaticDirectory): Problem {
  const restic = [...manifest.remotes.values()].find(({ type }) => type === "restic");
  return {
    code: "missing-remote",
    message: `nothing would keep ${address}: it has no remote of type restic, neither here nor in its policy`,
    hint: restic ? `add \`remotes: { ${restic.name}: {} }\`` : "declare a remote of type restic and name it in remotes",
    path,
    at: "key",
  };
}

const missingKeep = ({ path }: StaticDirectory, { remote }: StaticCopy): Problem => ({
  code: "missing-keep",
  message: `${quote(path[1] ?? "")} has no keep for remote ${remote.name}: not there, not here, not in its policy, not in defaults`,
  hint: "say how much stays, such as `keep: { daily: 7, monthly: 12 }`",
  path,
  at: "key",
});

function needsTake({ path }: StaticDirectory, kept: readonly Kept[]): Problem[] {
  const [first] = kept;
  if (!first || kept.some(({ keep }) => keep.by === "type")) return [];
  return [
    {
      code: "needs-take",
      message: `${quote(path[1] ?? "")} is thinned by keepByTime, which does not say what to take`,
      hint: "add take: the types of backups made of it, such as `take: [daily]`, or `take: []` for none",
      path,
      at: "key",
      related: [{ path: [...first.path, "keepByTime"], message: "thinned by this" }],
    },
  ];
}
