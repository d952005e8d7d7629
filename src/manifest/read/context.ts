import { isAbsolute, join } from "node:path";
import type { Place } from "../../model/manifest.ts";
import { type Problem, spanAt } from "../problem.ts";
import type { ParseOptions } from "../settings.ts";
import { placeOf } from "../text.ts";
import { find, type MapTree, type Path } from "../tree.ts";
import { dotted, quote, suggestion } from "../words.ts";
import type { SecretFile } from "./secrets.ts";

/** What every reader needs: where things stand, which names there are, and where to report. */
export class Context {
  readonly problems: Problem[] = [];
  /** Every file that a secret is taken from. */
  readonly secretFiles: SecretFile[] = [];
  readonly options: ParseOptions;
  readonly #tree: MapTree;
  readonly #paths = new WeakMap<object, Path>();

  constructor(tree: MapTree, options: ParseOptions) {
    this.#tree = tree;
    this.options = options;
  }

  /** Ties what was read to where it stands; for lists, whose items have no name. */
  remember<T extends object>(value: T, path: Path): T {
    this.#paths.set(value, path);
    return value;
  }

  pathOf(value: object): Path {
    return this.#paths.get(value) ?? [];
  }

  report(problem: Problem): void {
    this.problems.push(problem);
  }

  /** Whether anything is written at a path, were it refused. */
  isWritten(path: Path): boolean {
    return find(this.#tree, path) !== undefined;
  }

  place(path: Path): Place {
    return placeOf(spanAt(this.#tree, path, "key"));
  }

  /** Names declared in a section, those of broken declarations too: what refers to them is not wrong. */
  declared(section: string): readonly string[] {
    const value = find(this.#tree, [section])?.value;
    return value?.kind === "map" ? [...value.entries.keys()] : [];
  }

  /** Reports a name that nothing known has, with the nearest that does. */
  reference(kind: string, name: string, known: readonly string[], path: Path, at?: "key"): boolean {
    if (known.includes(name)) return true;
    this.report({
      code: `unknown-${kind}`,
      message: `there is no ${kindNames[kind] ?? kind} ${quote(name)}`,
      hint: suggestion(name, known, kindNames[kind] ?? kind),
      path,
      ...(at && { at }),
    });
    return false;
  }

  /** A value that has the right form and yet no meaning. */
  required<T>(value: T | undefined, path: Path, code: string, message: string): T | undefined {
    if (value === undefined) this.report({ code, message: `${dotted(path)} ${message}`, path });
    return value;
  }

  /** Absolute; `~/` is the user's home, a relative path starts at the manifest's folder. */
  file(path: string): string {
    const { home, folder } = this.options;
    if (home !== undefined && path.startsWith("~/")) return join(home, path.slice(2));
    return isAbsolute(path) ? path : join(folder, path);
  }
}

const kindNames: Readonly<Record<string, string>> = {
  type: "snapshot type",
  host: "host",
  remote: "remote",
  policy: "policy",
};
