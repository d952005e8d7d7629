import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wantedOf } from "../../../src/planner/find/names.ts";

const matching = (pattern: string, paths: readonly string[], options = {}): string[] =>
  paths.filter((path) => wantedOf(pattern, options)?.matches(path));

const files = ["a", "A", "ab", "b/a", "c/b/a", "[x]", "x", "a(1)", "a\nb", "été", "\u{1f600}", "a\\b", "-", "d/]"];

describe("what a name or pattern means", () => {
  test.each<[string, readonly string[], object?]>([
    ["a", ["a", "b/a", "c/b/a"]],
    ["a", ["a", "A", "b/a", "c/b/a"], { ignoreCase: true }],
    ["/a", ["a"]],
    ["./a", ["a"]],
    ["b/a", ["b/a"]],
    ["*/a", ["b/a"]],
    ["**/a", ["a", "b/a", "c/b/a"]],
    ["**/b/a", ["b/a", "c/b/a"]],
    ["c/**", ["c/b/a"]],
    ["?", ["a", "A", "b/a", "c/b/a", "x", "\u{1f600}", "-", "d/]"]],
    ["a*", ["a", "ab", "b/a", "c/b/a", "a(1)", "a\nb", "a\\b"]],
    ["a?b", ["a\nb", "a\\b"]],
    ["[x]", ["x"]],
    ["[x]", ["[x]"], { literal: true }],
    ["\\[x]", ["[x]"]],
    ["[x", []],
    ["a(1)", ["a(1)"]],
    ["[!a-z]", ["A", "\u{1f600}", "-", "d/]"]],
    ["[^a]", ["A", "x", "\u{1f600}", "-", "d/]"]],
    ["[]x]", ["x", "d/]"]],
    ["[z-a]", []],
    ["[a-]", ["a", "b/a", "c/b/a", "-"]],
    ["b[+-9]a", []],
    ["ÉTÉ", ["été"], { ignoreCase: true }],
    ["a\\\\b", ["a\\b"]],
    ["a\\b", ["a\\b"], { literal: true }],
    ["*", files],
    ["**", files],
  ])("%j", (pattern, expected, options) => {
    expect(matching(pattern, files, options)).toEqual(expected);
  });

  test.each(["", "/", ".", "..", "a/../b", "./", "a\0"])("%j names nothing", (pattern) => {
    expect(wantedOf(pattern, {})).toBeUndefined();
  });
});

describe("what listings are asked for", () => {
  const asked = (pattern: string, options = {}) => {
    const { under, parts } = wantedOf(pattern, options) ?? {};
    return { under, parts };
  };
  test.each<[string, object, readonly string[], readonly (string | undefined)[]]>([
    ["a.txt", {}, [], [undefined, "a.txt"]],
    ["a/b/c*.txt", {}, ["a", "b"], ["c*.txt"]],
    ["a/b*/c", {}, ["a"], ["b*", "c"]],
    ["a/**/c", {}, ["a"], [undefined, "c"]],
    ["a/**", {}, ["a"], [undefined]],
    ["A/É?x", { ignoreCase: true }, [], ["A", "*x"]],
    ["[a-c]x?", {}, [], [undefined, "*x*"]],
    ["**", {}, [], [undefined, "*"]],
    ["\\*[x]*", { literal: true }, [], [undefined, "\\\\\\*\\[x\\]\\*"]],
  ])("%j", (pattern, options, under, parts) => {
    expect(asked(pattern, options)).toEqual({ under, parts });
  });
});

/** By the definition, one character after the other; without ranges. */
function naive(pattern: readonly string[], name: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return name.length === 0;
  if (first === "*") return naive(rest, name) || (name.length > 0 && naive(pattern, name.slice(1)));
  const [character, ...others] = name;
  if (character === undefined) return false;
  const isSet = first.startsWith("[");
  const fits = first === "?" || (isSet ? first.slice(1, -1).includes(character) : first === character);
  return fits && naive(rest, others);
}

const letters = fc.constantFrom("a", "b", "é", "(", "+", ".", "\n", "^", "$", "|", "\u{1f600}");

test("a name matches as by the definition, and a listing asked coarsely never hides a match", () => {
  const piece = fc.oneof(letters, fc.constantFrom("*", "?", "[ab]", "[é.]", "[(+]"));
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1 }), fc.array(letters, { minLength: 1 }), (pattern, name) => {
      fc.pre(!/^\.\.?$/.test(pattern.join(""))); // names nothing in a source
      const wanted = wantedOf(pattern.join(""), {});
      const isMatch = wanted?.matches(`folder/${name.join("")}`);
      expect(isMatch).toBe(naive(pattern, name));
      const coarse = [...(wanted?.parts.at(-1) ?? "")];
      if (isMatch) expect(naive(coarse, name)).toBe(true);
    }),
  );
});
