import { builtinSchedules } from "./builtin-schedules.ts";
import type { ManifestFile } from "./parse.ts";
import { decode } from "./text.ts";
import { parseYaml } from "./yaml.ts";

/** What the files of a manifest call things, as it is written there. */
export interface DeclaredNames {
  readonly remotes: readonly string[];
  readonly mirrors: readonly string[];
  readonly hosts: readonly string[];
  readonly snapshotTypes: readonly string[];
  /** Keys, which may be patterns. */
  readonly datasets: readonly string[];
  readonly directories: readonly string[];
}

/** Whatever can be read of them, however wrong they are. No I/O. */
export function declaredNames(files: readonly ManifestFile[]): DeclaredNames {
  const trees = files.flatMap(({ name, text }) => {
    const source = decode(name, text);
    return "severity" in source ? [] : (parseYaml(source, { tolerant: true }).tree ?? []);
  });
  const keysOf = (section: string): string[] => {
    const found = trees.flatMap(({ entries }) => {
      const value = entries.get(section)?.value;
      return value?.kind === "map" ? [...value.entries.keys()] : [];
    });
    return [...new Set(found)];
  };
  return {
    remotes: keysOf("remotes"),
    mirrors: keysOf("mirrors"),
    hosts: keysOf("hosts"),
    snapshotTypes: [...new Set([...builtinSchedules.keys(), ...keysOf("snapshotTypes")])],
    datasets: keysOf("datasets"),
    directories: keysOf("directories"),
  };
}
