import type { CopyKeys, Manifest, SourceKeys } from "../../model/manifest.ts";
import type { RemoteName } from "../../model/units.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";
import { quote } from "../words.ts";

/** Keys of copies that the type of their remote has no use for. */
export function remoteProblems(manifest: Manifest): Problem[] {
  const written: readonly (readonly [keys: Pick<SourceKeys, "remotes">, path: Path])[] = [
    ...[...manifest.policies].map(([name, keys]) => [keys, ["policies", name]] as const),
    ...manifest.datasets.map(({ key, keys }) => [keys, ["datasets", key]] as const),
  ];
  return [
    ...written.flatMap(([{ remotes = new Map() }, path]) =>
      [...remotes].flatMap(([name, keys]) => targetProblem(manifest, name, keys, [...path, "remotes", name])),
    ),
    ...manifest.directories.flatMap(({ key, keys: { remotes = new Map() } }) =>
      [...remotes.keys()].flatMap((name) => datasetsOnly(manifest, name, key)),
    ),
  ];
}

function targetProblem(manifest: Manifest, name: RemoteName, { target }: CopyKeys, path: Path): Problem[] {
  if (target === undefined || manifest.remotes.get(name)?.type !== "restic") return [];
  return [
    {
      code: "conflicting-keys",
      message: `remote ${name} is a restic repository: target names a dataset, and there is none`,
      hint: "remove target: in a repository the copies of all sources lie side by side",
      path: [...path, "target"],
      at: "key",
    },
  ];
}

function datasetsOnly(manifest: Manifest, name: RemoteName, key: string): Problem[] {
  if (manifest.remotes.get(name)?.type !== "zfs") return [];
  const others = [...manifest.remotes.values()].filter(({ type }) => type === "restic").map((remote) => remote.name);
  return [
    {
      code: "wrong-remote",
      message: `remote ${name} is of type zfs and takes datasets, not a directory such as ${quote(key)}`,
      hint: others.length === 0 ? "declare a remote of type restic" : `name one of ${others.slice(0, 10).join(", ")}`,
      path: ["directories", key, "remotes", name],
      at: "key",
    },
  ];
}
