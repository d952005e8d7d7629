import { Composer, type CST, type Document, isAlias, isMap, isScalar, isSeq, Lexer, Parser } from "yaml";
import type { Diagnostic } from "../model/diagnostic.ts";
import { diagnosticAt } from "./problem.ts";
import type { SourceText, Span } from "./text.ts";
import type { Entry, ListTree, MapTree, ScalarTree, Tree } from "./tree.ts";
import { quote } from "./words.ts";

/** Bounds on what one file may ask of us. All are far above any real manifest. */
const limits = {
  lexemes: 150_000,
  /** Length of one lexeme: a scalar, a comment. */
  lexeme: 16 * 1024,
  depth: 100,
  /** Values, with every alias written out. */
  values: 100_000,
  errors: 50,
} as const;

/** Ends the work on a file. */
class Refused extends Error {
  readonly offset: number;
  readonly code: string;
  readonly hint: string;

  constructor(message: string, offset: number, code: string, hint: string) {
    super(message);
    this.offset = offset;
    this.code = code;
    this.hint = hint;
  }
}

const tooMuch = (message: string, offset: number): Refused =>
  new Refused(
    message,
    offset,
    "too-large",
    "no real manifest needs this; split a large one into several files in a folder",
  );
const notYaml = (message: string, offset: number, hint: string): Refused => new Refused(message, offset, "yaml", hint);

export interface Parsed {
  /** Absent when the text is not YAML at all. */
  readonly tree?: MapTree;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * One YAML document with a mapping at the top. Takes bounded time and memory whatever the text. `tolerant`: what is around
 * a mistake is read all the same, and nothing is said about it.
 */
export function parseYaml(source: SourceText, { tolerant = false } = {}): Parsed {
  const spanOf = (start: number, end: number): Span => {
    const from = Math.min(Math.max(0, start), source.text.length);
    return { source, start: from, end: Math.max(from, Math.min(end, source.text.length)) };
  };
  const fail = (code: string, message: string, hint: string, start: number, end = start + 1): Diagnostic =>
    diagnosticAt(spanOf(start, end), { code, message, hint });
  try {
    const [document, second] = compose(source.text);
    const faults = firstOfEach([...(document?.errors ?? []), ...(document?.warnings ?? [])]).slice(0, limits.errors);
    if (faults.length > 0 && !tolerant) {
      return {
        diagnostics: faults.map(({ code, message, pos }) => diagnosticAt(spanOf(...pos), explain(code, message))),
      };
    }
    if (second) {
      const [start] = second.range;
      const hint = "put the second into a file of its own, in the same folder";
      return { diagnostics: [fail("multiple-documents", "the file holds more than one YAML document", hint, start)] };
    }
    const contents = document?.contents;
    if (!contents || (isScalar(contents) && contents.value === null)) {
      const hint = "a manifest says at least `version: 1`";
      return { diagnostics: [fail("empty", "the file is empty", hint, 0)] };
    }
    const builder = new TreeBuilder(spanOf);
    const tree = builder.build(contents);
    if (tree.size > limits.values) {
      const message = `written out, its aliases make more than ${limits.values} values`;
      return { diagnostics: [fail("too-large", message, "write what is meant without nesting aliases", 0)] };
    }
    if (tree.kind !== "map") {
      const hint = "begin with `version: 1`";
      return {
        diagnostics: [fail("wrong-type", "a manifest is a mapping of keys", hint, tree.span.start, tree.span.end)],
      };
    }
    return { tree, diagnostics: builder.diagnostics };
  } catch (error) {
    if (error instanceof Refused) return { diagnostics: [fail(error.code, error.message, error.hint, error.offset)] };
    // the YAML library recurses: what is nested too deeply exhausts the stack before our own bound sees it
    if (error instanceof RangeError) {
      return { diagnostics: [fail("too-large", "the file is nested too deeply", "no real manifest needs this", 0)] };
    }
    throw error;
  }
}

function compose(text: string): readonly [Document.Parsed | undefined, Document.Parsed | undefined] {
  const composer = new Composer({
    version: "1.2",
    schema: "core",
    strict: true,
    stringKeys: true,
    // found by TreeBuilder, which can name both places and is not quadratic
    uniqueKeys: false,
    merge: false,
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  const found: Document.Parsed[] = [];
  for (const document of composer.compose(tokens(text), true, text.length)) {
    found.push(document);
    if (found.length === 2) break;
  }
  return [found[0], found[1]];
}

function* tokens(text: string): Generator<CST.Token> {
  const parser = new Parser();
  let offset = 0;
  let count = 0;
  let errors = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > limits.lexemes) throw tooMuch(`the file has more than ${limits.lexemes} parts`, offset);
    if (lexeme.length > limits.lexeme) {
      throw tooMuch(`one value is longer than ${limits.lexeme / 1024} KiB`, offset);
    }
    for (const token of parser.next(lexeme)) {
      if (token.type === "error" && ++errors > limits.errors)
        throw notYaml("this is not YAML", token.offset, "write `version: 1` and go on from there");
      if (token.type === "directive")
        throw notYaml("YAML directives (%) are not supported", token.offset, "remove the line");
      yield token;
    }
    if (parser.stack.length > limits.depth) throw tooMuch("the file is nested too deeply", offset);
    offset += lexeme.length;
  }
  yield* parser.end();
}

/** One mistake often breaks several of YAML's rules at one place. */
function firstOfEach<T extends { readonly pos: readonly [number, number] }>(faults: readonly T[]): T[] {
  const seen = new Set<number>();
  return faults.filter(({ pos: [start] }) => !seen.has(start) && seen.add(start));
}

/** The library's texts may quote the file, secrets too; these do not. */
function explain(code: string, message: string): { code: string; message: string; hint?: string } {
  switch (code) {
    case "TAB_AS_INDENT":
      return { code: "tab", message: "a tab cannot indent YAML", hint: "use spaces" };
    case "TAG_RESOLVE_FAILED":
    case "BAD_COLLECTION_TYPE":
      return { code: "yaml", message: "YAML tags (!) are not supported", hint: "write the value without its tag" };
    case "NON_STRING_KEY":
      return { code: "yaml", message: "a key must be plain text", hint: "put it in quotes" };
    case "RESOURCE_EXHAUSTION":
      return { code: "too-large", message: "the file is nested too deeply" };
    case "UNEXPECTED_TOKEN":
      return {
        code: "yaml",
        message: "not valid YAML: this is unexpected here",
        hint: "check quotes, brackets and indentation",
      };
    case "BAD_SCALAR_START":
      return {
        code: "yaml",
        message: "not valid YAML: a plain value cannot begin like this",
        hint: "put it in quotes",
      };
    default:
      return { code: "yaml", message: `not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1, 200)}` };
  }
}

class TreeBuilder {
  readonly diagnostics: Diagnostic[] = [];
  readonly #anchors = new Map<string, Tree | "open">();
  readonly #spanOf: (start: number, end: number) => Span;
  #values = 0;

  constructor(spanOf: (start: number, end: number) => Span) {
    this.#spanOf = spanOf;
  }

  build(node: unknown): Tree {
    if (isAlias(node)) return this.#alias(node.source, this.#span(node));
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, "open");
    const tree = this.#content(node);
    if (anchor !== undefined) this.#anchors.set(anchor, tree);
    return tree;
  }

  #content(node: unknown): Tree {
    const span = this.#span(node);
    this.#count(span);
    if (isMap(node)) return this.#map(node.items, span);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.build(item));
      return { kind: "list", span, items, size: sizeOf(items) } satisfies ListTree;
    }
    const value = isScalar(node) ? node.value : null;
    if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      return { kind: "scalar", span, value, size: 1 } satisfies ScalarTree;
    }
    this.#report(span, "yaml", "this kind of value is not supported", "write text, a number, true or false");
    return { kind: "scalar", span, value: null, size: 1, broken: true };
  }

  #map(pairs: readonly { readonly key: unknown; readonly value: unknown }[], span: Span): MapTree {
    const entries = new Map<string, Entry>();
    const merged: { readonly tree: Tree; readonly key: Span }[] = [];
    for (const pair of pairs) {
      const key = this.#span(pair.key);
      const name = isScalar(pair.key) && !isAlias(pair.key) ? pair.key.value : undefined;
      if (name === "") {
        this.#report(key, "yaml", "a key must not be empty", "write its name before the colon, or remove it");
        continue;
      }
      if (typeof name !== "string") {
        this.#report(key, "yaml", "a key must be plain text", "put it in quotes");
        continue;
      }
      const value = this.build(pair.value);
      const earlier = entries.get(name);
      if (name === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN") merged.push({ tree: value, key });
      else if (earlier) {
        const fault = {
          code: "duplicate-key",
          message: `the key ${quote(name)} is there twice`,
          hint: "remove one of them",
        };
        this.diagnostics.push(diagnosticAt(key, fault, [{ span: earlier.key, message: "first here" }]));
      } else entries.set(name, { key, value });
    }
    for (const { tree, key } of merged) this.#merge(entries, tree, key);
    return { kind: "map", span, entries, size: sizeOf([...entries.values()].map(({ value }) => value)) };
  }

  /** `<<`: keys of another mapping, or of several in a list, where the map has none of its own. */
  #merge(entries: Map<string, Entry>, tree: Tree, key: Span): void {
    for (const from of tree.kind === "list" ? tree.items : [tree]) {
      if (from.kind !== "map") {
        this.#report(key, "yaml", "<< takes a mapping or a list of mappings", "name one with *ANCHOR");
        continue;
      }
      for (const [name, entry] of from.entries) {
        this.#count(key);
        if (!entries.has(name)) entries.set(name, entry);
      }
    }
  }

  #alias(name: string, span: Span): Tree {
    const tree = this.#anchors.get(name);
    if (typeof tree === "object") return tree;
    const message = tree === "open" ? `*${name} refers to itself` : `there is no anchor &${name} before this`;
    this.#report(span, "bad-alias", message.slice(0, 200), "name an anchor that is complete before this line");
    return { kind: "scalar", span, value: null, size: 1, broken: true };
  }

  #count(span: Span): void {
    if (++this.#values > limits.values) {
      throw tooMuch(`the file has more than ${limits.values} values`, span.start);
    }
  }

  #report(span: Span, code: string, message: string, hint: string): void {
    if (this.diagnostics.length < limits.errors) this.diagnostics.push(diagnosticAt(span, { code, message, hint }));
  }

  #span(node: unknown): Span {
    const range = isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range : undefined;
    return this.#spanOf(range?.[0] ?? 0, range?.[1] ?? 0);
  }
}

const sizeOf = (children: readonly Tree[]): number => children.reduce((sum, { size }) => sum + size, 1);
