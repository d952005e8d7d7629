import type { CopyKeys, DirectoryEntry, DirectoryKeys, Manifest, SourceKeys } from "../../model/manifest.ts";
import { type Address, address, type RemoteName } from "../../model/units.ts";
import { defaultOf } from "../inherited.ts";
import type { Path } from "../tree.ts";
import type { Inherited, StaticCopy } from "./sources.ts";

type InheritedKey = keyof SourceKeys & keyof DirectoryKeys;

/** A directory with the keys that hold for it: its own, then its policy's, then `defaults`. */
export class StaticDirectory {
  readonly address: Address;
  readonly path: Path;
  readonly #entry: DirectoryEntry;
  readonly #manifest: Manifest;
  readonly #isBroken: (path: Path) => boolean;

  constructor(manifest: Manifest, entry: DirectoryEntry, isBroken: (path: Path) => boolean) {
    this.address = address(entry.host, entry.path);
    this.path = ["directories", entry.key];
    this.#entry = entry;
    this.#manifest = manifest;
    this.#isBroken = isBroken;
  }

  /** As `StaticSource.find`. */
  find<K extends InheritedKey>(key: K): Omit<Inherited<NonNullable<SourceKeys[K]>>, "base"> | "broken" | undefined {
    for (const { keys, path } of this.#layers()) {
      const value = keys[key];
      if (value !== undefined) return { value, path };
      if (this.#isBroken(path)) return "broken";
    }
    const fallback = defaultOf(this.#manifest, key);
    if (fallback !== undefined) return { value: fallback, path: ["defaults"] };
    return this.#isBroken(["defaults"]) ? "broken" : undefined;
  }

  *#layers(): Generator<{ readonly keys: Pick<SourceKeys, InheritedKey>; readonly path: Path }> {
    const { keys } = this.#entry;
    yield { keys, path: this.path };
    if (keys.policy === undefined) return;
    yield { keys: this.#manifest.policies.get(keys.policy) ?? {}, path: ["policies", keys.policy] };
  }

  copies(): readonly StaticCopy[] {
    const remotes = this.find("remotes");
    if (typeof remotes !== "object") return [];
    return [...remotes.value].flatMap(([name, keys]: [RemoteName, CopyKeys]) => {
      const remote = this.#manifest.remotes.get(name);
      return remote ? [{ remote, keys, path: [...remotes.path, "remotes", name] }] : [];
    });
  }
}
