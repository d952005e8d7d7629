import type { SnapshotType } from "../../model/manifest.ts";
import type { TypeName } from "../../model/units.ts";
import { isGlob, literalLength } from "../../planner/patterns.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";

interface Rule {
  readonly type: TypeName;
  readonly pattern: string;
  readonly path: Path;
}

/** Patterns of two types that are as literal as each other and can match one name: nothing would decide. */
export function tieProblems(types: ReadonlyMap<TypeName, SnapshotType>): Problem[] {
  const byLength = new Map<number, Rule[]>();
  for (const { name, adopt } of types.values()) {
    const path = ["snapshotTypes", name];
    const rules: Rule[] = adopt.map((pattern, index) => ({
      type: name,
      pattern,
      path: [...path, "adopt", String(index)],
    }));
    for (const rule of [{ type: name, pattern: `${name}-*`, path }, ...rules]) {
      const length = isGlob(rule.pattern) ? literalLength(rule.pattern) : rule.pattern.length;
      byLength.set(length, [...(byLength.get(length) ?? []), rule]);
    }
  }
  return [...byLength.values()].flatMap(tiesAmong);
}

function tiesAmong(rules: readonly Rule[]): Problem[] {
  const parsed = rules.map((rule) => ({ rule, tokens: tokensOf(rule.pattern) }));
  return parsed.flatMap((b, index) => {
    const a = parsed
      .slice(0, index)
      .find((other) => other.rule.type !== b.rule.type && canMeet(other.tokens, b.tokens));
    return a ? [tie(a.rule, b.rule)] : [];
  });
}

function tie(first: Rule, second: Rule): Problem {
  // the place is an adopt pattern wherever there is one: a type's own pattern stands nowhere
  const [a, b] = second.path.length > 2 ? [first, second] : [second, first];
  return {
    code: "ambiguous-types",
    message: `"${b.pattern}" of ${b.type} and "${a.pattern}" of ${a.type} match the same snapshots, and neither is more literal`,
    hint: "make one of the patterns longer",
    path: b.path,
    related: [{ path: a.path, message: `the one of ${a.type}` }],
  };
}

type Token = "*" | { readonly has: (character: string) => boolean; readonly some: readonly string[] };

/** Every character a snapshot's name may have. */
const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.: -"];

function tokensOf(pattern: string): readonly Token[] {
  return (pattern.match(/\*+|\[[!^]?[^\]]+\]|[^*]/g) ?? []).map((part): Token => {
    if (part.startsWith("*")) return "*";
    const set = part === "?" ? alphabet : part.startsWith("[") ? classOf(part) : [part];
    const members = new Set(set);
    return { has: (character) => members.has(character), some: set };
  });
}

function classOf(part: string): readonly string[] {
  const negated = /^\[[!^]/.test(part);
  const body = part.slice(negated ? 2 : 1, -1);
  const ranges = body.match(/.-.|./g) ?? [];
  const isIn = (character: string) =>
    ranges.some((range) =>
      range.length === 3 ? character >= range.charAt(0) && character <= range.charAt(2) : character === range,
    );
  return alphabet.filter((character) => isIn(character) !== negated);
}

/** True where some name matches both. */
function canMeet(a: readonly Token[], b: readonly Token[]): boolean {
  let reachable = new Set([0]);
  for (let i = 0; i <= a.length; i++) {
    const token = a[i];
    const here = [...reachable];
    const next = new Set<number>();
    for (let at = 0; at < here.length; at++) {
      const j = here[at] ?? 0;
      const other = b[j];
      // `*` on either side may match nothing, or take what the other side asks for and stay
      if (other === "*" || (token === "*" && other !== undefined)) reach(here, j + 1);
      if (token === "*" || (token !== undefined && other === "*")) next.add(j);
      else if (token !== undefined && other !== undefined && other !== "*" && token.some.some(other.has))
        next.add(j + 1);
    }
    if (i === a.length) return here.includes(b.length);
    reachable = next;
  }
  return false;
}

function reach(list: number[], value: number): void {
  if (!list.includes(value)) list.push(value);
}
