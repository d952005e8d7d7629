import type { Span } from "./text.ts";

/** A manifest's YAML as plain data that remembers where it stood. Aliases and merge keys are resolved. */
export type Tree = MapTree | ListTree | ScalarTree;

interface Common {
  readonly span: Span;
  /** How many values this stands for when every alias is written out. */
  readonly size: number;
}
export interface Entry {
  readonly key: Span;
  readonly value: Tree;
}
export interface MapTree extends Common {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Entry>;
}
export interface ListTree extends Common {
  readonly kind: "list";
  readonly items: readonly Tree[];
}
export interface ScalarTree extends Common {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** Stands for what could not be read, which has been said. */
  readonly broken?: true;
}

/** Keys and indexes from the top. */
export type Path = readonly string[];

/** Where a path leads: the value, and the key it stands under (a list's item has none). */
export interface Found {
  readonly value: Tree;
  readonly key?: Span;
}

export function find(tree: Tree, path: Path): Found | undefined {
  let found: Found = { value: tree };
  for (const step of path) {
    const { value } = found;
    if (value.kind === "map") {
      const entry = value.entries.get(step);
      if (!entry) return undefined;
      found = entry;
    } else if (value.kind === "list") {
      const item = value.items[Number(step)];
      if (!item) return undefined;
      found = { value: item };
    } else return undefined;
  }
  return found;
}

/** The nearest thing on the way to `path` that exists. */
export function nearest(tree: Tree, path: Path): Found {
  for (let length = path.length; length > 0; length--) {
    const found = find(tree, path.slice(0, length));
    if (found) return found;
  }
  return { value: tree };
}

/** A fresh copy as plain data. Maps have no prototype, so that no key is special. */
export function toData(tree: Tree): unknown {
  switch (tree.kind) {
    case "scalar":
      return tree.value;
    case "list":
      return tree.items.map(toData);
    case "map": {
      const data: Record<string, unknown> = Object.create(null);
      for (const [key, { value }] of tree.entries) data[key] = toData(value);
      return data;
    }
  }
}
