import type { Diagnostic } from "../model/diagnostic.ts";
import { excerptOf, placeOf, type Span } from "./text.ts";
import { find, nearest, type Path, type Tree } from "./tree.ts";

/** Something wrong at a path of the merged document. */
export interface Problem {
  /** Default: error. */
  readonly severity?: "warning";
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly path: Path;
  /** Point at the key rather than at what stands after it. */
  readonly at?: "key";
  /** What stands there may be a secret: the excerpt does not show it. */
  readonly secret?: boolean;
  readonly related?: readonly { readonly path: Path; readonly message: string }[];
}

export function diagnosticAt(
  span: Span,
  { code, message, hint, severity }: Pick<Problem, "code" | "message" | "hint" | "severity">,
  related: readonly { readonly span: Span; readonly message: string }[] = [],
  hidden: readonly Span[] = [],
): Diagnostic {
  return {
    severity: severity ?? "error",
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    place: placeOf(span),
    excerpt: excerptOf(span, hidden),
    ...(related.length === 0
      ? {}
      : { related: related.map(({ span: other, message: text }) => ({ place: placeOf(other), message: text })) }),
  };
}

/** `hidden`: what none of them may show, as several may stand on one line. */
export function toDiagnostic(tree: Tree, problem: Problem, hidden: readonly Span[]): Diagnostic {
  const related = (problem.related ?? []).map(({ path, message }) => ({ span: spanAt(tree, path, "key"), message }));
  return diagnosticAt(spanAt(tree, problem.path, problem.at), problem, related, hidden);
}

export const secretSpans = (tree: Tree, problems: readonly Problem[]): Span[] =>
  problems.flatMap(({ secret, path }) => (secret ? (find(tree, path)?.value.span ?? []) : []));

/** Where to point. A mapping or list is pointed at by its key: its own first line says little. */
export function spanAt(tree: Tree, path: Path, at?: "key"): Span {
  const { key, value } = nearest(tree, path);
  if (key && (at === "key" || value.kind !== "scalar" || value.value === null)) return key;
  return value.span;
}

/** More than anybody reads. */
const maxShown = 200;

/** By file, line and column, each said once: an alias repeats what it stands for. */
export function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  const unique = diagnostics.filter(({ code, hint, place }) => {
    const id = `${place?.file}:${place?.line}:${place?.column}:${code}:${hint}`;
    return !seen.has(id) && seen.add(id);
  });
  unique.sort((a, b) => {
    const files = compareText(a.place?.file ?? "", b.place?.file ?? "");
    return files || (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0);
  });
  const errors = unique.filter(({ severity }) => severity === "error");
  const warnings = unique.filter(({ severity }) => severity === "warning");
  const shown = new Set([...errors, ...warnings].slice(0, maxShown));
  if (shown.size === unique.length) return unique;
  const rest: Diagnostic = {
    severity: errors.length > maxShown ? "error" : "warning",
    code: "too-many",
    message: `and ${unique.length - shown.size} more`,
    hint: "correct these first",
  };
  return [...unique.filter((diagnostic) => shown.has(diagnostic)), rest];
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
