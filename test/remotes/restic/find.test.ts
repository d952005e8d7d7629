import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Hit } from "../../../src/model/found.ts";
import { wantedOf } from "../../../src/planner/find/names.ts";
import { patternFor } from "../../../src/remotes/restic/find.ts";
import { Results } from "../../../src/remotes/restic/results.ts";

const ids = ["a".repeat(64), "b".repeat(64), "c".repeat(64)] as const;
const hitOf = (node: Readonly<Record<string, unknown>>): Hit | undefined =>
  node.type === "file" ? { path: `${node.path}`, exact: true, type: "file", modified: "0.0" } : undefined;
const read = (printed: string, cuts: readonly number[] = [], most = 100) => {
  const found: [string, string][] = [];
  const results = new Results(hitOf, (id, { path }) => found.push([id, path]), most);
  const bytes = Buffer.from(printed);
  const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
  for (const [index, end] of places.slice(1).entries()) results.add(bytes.subarray(places[index], end));
  return { found, results };
};

describe("what restic find --json prints", () => {
  test("whatever is in names, and however it comes", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom('"}],"snapshot":"0"', "\\", "é\u{1f600}[{", ""),
    );
    const nodes = fc.array(fc.record({ path: name, type: fc.constantFrom("file", "dir"), uid: fc.nat() }));
    fc.assert(
      fc.property(fc.tuple(nodes, nodes, nodes), fc.array(fc.nat()), (copies, cuts) => {
        const printed = copies.map((matches, index) => ({ matches, hits: matches.length, snapshot: ids[index] }));
        const expected = copies.flatMap((matches, index) =>
          matches.filter(({ type }) => type === "file").map(({ path }) => [ids[index], path]),
        );
        expect(read(JSON.stringify(printed), cuts).found).toEqual(expected);
      }),
    );
  });

  test("nothing", () => {
    expect(read("[]\n").found).toEqual([]);
  });

  test("of a copy with too many hits the rest is counted, the next one is whole", () => {
    const matches = Array.from({ length: 5 }, (_, index) => ({ path: `${index}`, type: "file" }));
    const { found, results } = read(
      JSON.stringify([
        { matches, hits: 5, snapshot: ids[0] },
        { matches: matches.slice(0, 2), hits: 2, snapshot: ids[1] },
      ]),
      [],
      3,
    );
    expect(found.map(([id]) => id)).toEqual([ids[0], ids[0], ids[0], ids[1], ids[1]]);
    expect(results.omitted).toBe(2);
  });

  test("what could not be read is told in between, or on stderr", () => {
    const warning = `Unable to load tree 12ab\n ... which belongs to snapshot ${ids[0]}\n`;
    const { found, results } = read(
      `[${warning}{"matches":[{"path":"x","type":"file"}],"hits":1,"snapshot":"${ids[1]}"}]`,
    );
    expect(found).toEqual([[ids[1], "x"]]);
    expect([...results.damaged]).toEqual([ids[0]]);
    const { results: alone } = read(`${warning}[]\n`);
    alone.end();
    expect([...alone.damaged]).toEqual([ids[0]]);
    results.say(` ... which belongs to snapshot ${ids[2]}`);
    expect([...results.damaged]).toEqual([ids[0], ids[2]]);
  });
});

test.each<[string, object, string, string]>([
  ["a.txt", {}, "/", "a.txt"],
  ["[x]*", { literal: true }, "/", "\\[x\\]\\*"],
  ["a.txt", {}, "/srv/[1]", "/srv/\\[1\\]/**/a.txt"],
  ["a/b*", {}, "/", "/a/b*"],
  ["a/b*", {}, "/srv", "/srv/a/b*"],
  ["a/**/b", {}, "/", "/a/**/b"],
  ["a/**", {}, "/", "/a/*"],
  ["**/b", {}, "/", "b"],
  ["*", {}, "/srv", "/srv/**/*"],
])("restic is asked for %j with %j below %j by %j", (pattern, options, within, expected) => {
  const wanted = wantedOf(pattern, options);
  if (wanted === undefined) throw new Error("no pattern");
  expect(patternFor(wanted, within)).toBe(expected);
});
