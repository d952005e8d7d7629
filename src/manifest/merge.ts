import type { Diagnostic } from "../model/diagnostic.ts";
import { diagnosticAt } from "./problem.ts";
import type { Entry, ListTree, MapTree } from "./tree.ts";
import { dotted } from "./words.ts";

export interface Merged {
  readonly tree: MapTree;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Several files as one document. Sections that are mappings are joined name by name, lists one after the other. A name,
 * or a section with one value, that two files define is an error; only `version: 1` may stand in each.
 */
export function mergeTrees(trees: readonly [MapTree, ...MapTree[]]): Merged {
  const [first, ...others] = trees;
  if (others.length === 0) return { tree: first, diagnostics: [] };
  const diagnostics: Diagnostic[] = [];
  const sections = new Map<string, Entry>();
  for (const tree of trees) {
    for (const [name, entry] of tree.entries) {
      const earlier = sections.get(name);
      sections.set(name, earlier ? join(name, earlier, entry, diagnostics) : entry);
    }
  }
  const size = trees.reduce((sum, tree) => sum + tree.size, 0);
  return { tree: { kind: "map", span: first.span, entries: sections, size }, diagnostics };
}

function join(name: string, earlier: Entry, later: Entry, diagnostics: Diagnostic[]): Entry {
  const [a, b] = [earlier.value, later.value];
  if (a.kind === "list" && b.kind === "list") {
    const list: ListTree = { kind: "list", span: a.span, items: [...a.items, ...b.items], size: a.size + b.size };
    return { key: earlier.key, value: list };
  }
  if (a.kind === "map" && b.kind === "map") {
    const entries = new Map(a.entries);
    for (const [key, entry] of b.entries) {
      const other = entries.get(key);
      if (other) diagnostics.push(twice(dotted([name, key]), other, entry));
      else entries.set(key, entry);
    }
    return { key: earlier.key, value: { kind: "map", span: a.span, entries, size: a.size + b.size } };
  }
  const same = a.kind === "scalar" && b.kind === "scalar" && a.value === b.value;
  if (!(name === "version" && same)) diagnostics.push(twice(name, earlier, later));
  return earlier;
}

const twice = (what: string, earlier: Entry, later: Entry): Diagnostic =>
  diagnosticAt(
    later.key,
    { code: "defined-twice", message: `${what} is defined in two files`, hint: "keep one of them" },
    [{ span: earlier.key, message: "first here" }],
  );
