import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse as parseAsYaml } from "yaml";
import { type ParsedManifest, parseManifest } from "../../src/manifest/index.ts";
import type { TypeName } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { randomCases } from "../random.ts";
import { cpuTimeOf, now } from "./helpers.ts";

const examples = readdirSync("examples")
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => readFileSync(`examples/${name}`, "utf8"));

const runs = randomCases(0.03, "texts");
const patience = 60_000;

/** Whatever the text: an answer, soon, and one that can be shown. */
function answers(text: string | Uint8Array, as?: string): void {
  const options = { hostname: "nas", user: "me", folder: "/", now, ...(as === undefined ? {} : { as }) };
  const results: ParsedManifest[] = [];
  const took = cpuTimeOf(() => results.push(parseManifest([{ name: "m.yaml", text }], options)));
  expect(took).toBeLessThan(1000);
  const [{ manifest, diagnostics } = { manifest: undefined, diagnostics: [] }] = results;
  expect(diagnostics.some(({ severity }) => severity === "error")).toBe(manifest === undefined);
  const lineCount = (typeof text === "string" ? text : new TextDecoder().decode(text)).split("\n").length;
  for (const { code, message, place, excerpt } of diagnostics) {
    expect(code).toMatch(/^[a-z0-9-]+$/);
    expect(message).toMatch(/^\P{Cc}+$/u);
    expect(message).not.toMatch(/undefined|\[object|NaN/);
    if (place) {
      expect(place.line).toBeLessThanOrEqual(lineCount);
      expect(Math.min(place.line, place.column)).toBeGreaterThan(0);
    }
    if (excerpt) {
      expect(excerpt.text).not.toMatch(/[\p{Cc}]/u);
      expect(excerpt.column).toBeGreaterThan(0);
      expect(excerpt.length).toBeGreaterThan(0);
      expect(excerpt.column).toBeLessThanOrEqual(excerpt.text.length + 1);
    }
  }
}

const scraps = fc.constantFrom(
  ..."{ } [ ] : , - ? & * ! | > % @ ` \" ' # \n \n\n \t < << &a *a !!int --- ... ~ null true 0 -1 1e999 .inf 0x10 \u0000 \uFEFF \u2028 $(id) -rf ../.. __proto__ constructor".split(
    " ",
  ),
  " ",
  "  ",
);

describe("names that every object has as members", () => {
  it.each(["constructor", "toString", "valueOf", "hasOwnProperty"])("%s is a name like any other", (name) => {
    const text = `version: 1
hosts: { ${name}: {} }
snapshotTypes: { ${name}: {} }
policies: { ${name}: { keep: { ${name}: 3 } } }
remotes: { ${name}: { type: zfs, root: usb/x, keep: { ${name}: 1 } } }
datasets: { "${name}:tank/a": { policy: ${name}, remotes: { ${name}: {} } } }
`;
    const { manifest, diagnostics } = parseManifest([{ name: "m.yaml", text }], {
      hostname: name,
      user: "me",
      folder: "/",
      now,
    });
    expect(diagnostics).toEqual([]);
    if (manifest === undefined) throw new Error("it is not understood");
    expect(manifest.snapshotTypes.get(name as TypeName)).toMatchObject({ name, adopt: [] });
    const nothing = { formatVersion: 1, observedAt: now, hosts: {} } as const;
    expect(plan(manifest, nothing, { now }).unobserved).toMatchObject([{ host: name, reason: "was not listed" }]);
  });
});

describe("any text", { timeout: patience }, () => {
  it("gets an answer: bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => answers(bytes)),
      runs,
    );
  });

  it("gets an answer: scraps of YAML", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(scraps, fc.string({ maxLength: 5 })), { maxLength: 60 }), (parts) =>
        answers(parts.join("")),
      ),
      runs,
    );
  });

  it("gets an answer: manifests with something cut out, put in or repeated", () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(12),
      put: fc.oneof(scraps, fc.string({ maxLength: 4 })),
      repeat: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.constantFrom(...examples), fc.array(edit, { minLength: 1, maxLength: 4 }), (text, edits) => {
        const changed = edits.reduce((before, { at, cut, put, repeat }) => {
          const start = Math.floor(at * before.length);
          return before.slice(0, start) + put.repeat(repeat) + before.slice(start + cut);
        }, text);
        answers(changed);
      }),
      runs,
    );
  });

  it("gets an answer: manifests with any value anywhere", () => {
    const word = fc.constantFrom(
      "tank",
      "*:tank/**",
      "{a,b}:x",
      "nas:tank/[",
      "30d",
      "1GiB/s",
      "0 0 31 2 *",
      "hourly",
      "vault",
      "all",
      "",
      "a".repeat(300),
      "2026-02-30",
      "b2",
      "/etc",
      "nas01:/srv/*",
      "5%",
      "10GiB",
      "rest:https://me:secret@host/{host}",
    );
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      word,
      fc.array(word, { maxLength: 3 }),
      fc.dictionary(word, fc.constant({})),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...examples),
        fc.array(fc.tuple(fc.array(fc.nat(1000), { maxLength: 5 }), value), { minLength: 1, maxLength: 3 }),
        fc.constantFrom("none", "nas01", undefined),
        (text, changes, as) => {
          let document: unknown = parseAsYaml(text);
          for (const [path, replacement] of changes) document = replaced(document, path, replacement);
          answers(JSON.stringify(document), as);
        },
      ),
      runs,
    );
  });
});

/** The document with the value that the steps lead to, counted modulo what is there, replaced. */
function replaced(node: unknown, [step, ...rest]: readonly number[], value: unknown): unknown {
  if (step === undefined || typeof node !== "object" || node === null) return value;
  const entries = Object.entries(node);
  const changed = entries.map(([key, old], index): [string, unknown] => [
    key,
    index === step % entries.length ? replaced(old, rest, value) : old,
  ]);
  return Array.isArray(node) ? changed.map(([, old]) => old) : Object.fromEntries(changed);
}
