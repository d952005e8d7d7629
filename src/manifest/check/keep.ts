import type { Manifest, Retention } from "../../model/manifest.ts";
import type { TypeName } from "../../model/units.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";
import { quote } from "../words.ts";
import type { StaticCopy, StaticSource } from "./sources.ts";

/** Silence destroys nothing, but it also protects nothing: a source must say how much of it stays. */
export function keepProblems(manifest: Manifest, sources: readonly StaticSource[]): Problem[] {
  return sources.flatMap((source) => {
    const keep = source.find("keep");
    if (keep === "broken") return [];
    if (keep === undefined) return [missingKeep(source)];
    const take = source.find("take");
    if (take === "broken") return [];
    if (keep.value.by === "time" && take === undefined) return [needsTake(source, keep.path)];
    if (take?.value.length === 0) return [];
    const taken = new Set(take?.value ?? scheduledOf(manifest, keep.value));
    return source.copies().flatMap((copy) => neverTaken(manifest, source, copy, taken));
  });
}

const missingKeep = (source: StaticSource): Problem => ({
  code: "missing-keep",
  message: `${quote(source.path[1] ?? "")} has no keep: not here, not in an entry around it, not in its policy, not in defaults`,
  hint: "say how much stays, such as `keep: { hourly: 24, daily: 7 }`",
  path: source.path,
  at: "key",
});

const needsTake = (source: StaticSource, path: Path): Problem => ({
  code: "needs-take",
  message: `${quote(source.path[1] ?? "")} is thinned by keepByTime, which does not say what to take`,
  hint: "add take: the types of snapshots taken here, such as `take: [hourly]`, or `take: []` for none",
  path: [...path, "keepByTime"],
  at: "key",
});

function scheduledOf(manifest: Manifest, retention: Retention): TypeName[] {
  if (retention.by === "time") return [];
  return [...retention.types.keys()].filter((type) => manifest.snapshotTypes.get(type)?.schedule !== undefined);
}

/** A copy that falls back on the source's own keep asks for nothing of its own. */
function neverTaken(
  manifest: Manifest,
  source: StaticSource,
  { remote, keys, path }: StaticCopy,
  taken: ReadonlySet<TypeName>,
): Problem[] {
  const keep = keys.keep ?? remote.keep;
  if (keep?.by !== "type") return [];
  const problems: Problem[] = [];
  for (const [type, rule] of keep.types) {
    const keepsAny = rule.count > 0 || rule.within !== undefined;
    if (!keepsAny || taken.has(type) || manifest.snapshotTypes.get(type)?.schedule === undefined) continue;
    const at = keys.keep ? [...path, "keep", type] : path;
    problems.push({
      code: "never-taken",
      message: `remote ${remote.name} keeps ${type} of ${source.address}, which never takes it`,
      hint: `add ${type} to what the source takes (take, or its own keep), or leave it out here; take: [] says that somebody else takes them`,
      path: at,
      at: "key",
      ...(keys.keep
        ? {}
        : { related: [{ path: ["remotes", remote.name, "keep", type], message: `${type} is kept by this` }] }),
    });
  }
  return problems;
}
