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
    return source.copies().flatMap((copy) => {
      const { keys, remote, path } = copy;
      if (keys.keep) return neverTaken(manifest, source.address, copy, { keep: keys.keep, path }, taken);
      const of = { keep: remote.keep, path: ["remotes", remote.name] };
      // one that falls back on the source's own keep asks for nothing of its own
      return of.keep ? neverTaken(manifest, source.address, copy, { ...of, keep: of.keep }, taken) : [];
    });
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

/** What a copy keeps of scheduled types that its source never takes: it would wait for them for ever. */
export function neverTaken(
  manifest: Manifest,
  source: string,
  { remote, path }: StaticCopy,
  kept: { readonly keep: Retention; readonly path: Path },
  taken: ReadonlySet<TypeName>,
): Problem[] {
  if (kept.keep.by !== "type") return [];
  const isOwn = kept.path === path;
  return [...kept.keep.types].flatMap(([type, rule]): Problem[] => {
    const keepsAny = rule.count > 0 || rule.within !== undefined;
    if (!keepsAny || taken.has(type) || manifest.snapshotTypes.get(type)?.schedule === undefined) return [];
    const at = [...kept.path, "keep", type];
    return [
      {
        code: "never-taken",
        message: `remote ${remote.name} keeps ${type} of ${source}, which never takes it`,
        hint: `add ${type} to what the source takes (take, or its own keep), or leave it out here; take: [] says that somebody else takes them`,
        path: isOwn ? at : path,
        at: "key",
        ...(isOwn ? {} : { related: [{ path: at, message: `${type} is kept by this` }] }),
      },
    ];
  });
}
