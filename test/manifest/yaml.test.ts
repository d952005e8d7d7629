import { describe, expect, it } from "vitest";
import { type ParsedManifest, parseManifest } from "../../src/manifest/index.ts";
import { cpuTimeOf, line, lines, now, parse, parseFiles, valid } from "./helpers.ts";

const options = { hostname: "nas", user: "me", folder: "/", now };
const raw = (text: string | Uint8Array) => parseManifest([{ name: "m.yaml", text }], options);

describe("text that is no manifest", () => {
  it.each([
    ["an empty file", "", ["1:1 empty"]],
    ["only comments", "# nothing\n", ["1:1 empty"]],
    ["an empty document", "---\n", ["1:1 empty"]],
    ["a tab", "version: 1\ndatasets:\n\ttank: {}", ["3:1 tab"]],
    ["a byte order mark", "\uFEFFversion: 1", ["1:1 byte-order-mark"]],
    ["a NUL", "version: 1\ntime\0zone: UTC", ["2:5 control-character"]],
    ["an escape sequence", "version: 1\n# \u001b[31m", ["2:3 control-character"]],
    ["a duplicate key", "version: 1\ntimezone: UTC\nversion: 1", ["3:1 duplicate-key"]],
    ["a duplicate dataset", "version: 1\ndatasets: { a: { keep: { daily: 1 } }, a: {} }", ["2:40 duplicate-key"]],
    ["two documents", "version: 1\n---\nversion: 1", ["2:1 multiple-documents"]],
    ["a directive", "%YAML 1.1\n---\nversion: 1", ["1:1 yaml"]],
    ["a tag", "version: !!int 1\ntimezone: !local UTC", ["2:11 yaml"]],
    ["a binary", "version: 1\ntimezone: !!binary aGk=", ["2:11 yaml"]],
    ["an alias to nothing", "version: 1\ntimezone: *nobody", ["2:11 bad-alias"]],
    ["an alias to itself", "version: 1\ndatasets: &a { x: *a }", ["2:19 bad-alias"]],
    ["a list for a key", "version: 1\n? [a]\n: b", ["2:3 yaml"]],
    ["an unclosed bracket", "version: 1\ndatasets: { tank: {", ["2:20 yaml"]],
    ["an unclosed quote", 'version: "1', ["1:12 yaml"]],
    ["bad indentation", "version: 1\n timezone: UTC", ["1:10 yaml"]],
  ])("%s", (_, text, expected) => {
    expect(raw(text).diagnostics.map(line)).toEqual(expected);
  });

  it("is not UTF-8", () => {
    const [first] = raw(Buffer.from("version: 1\nname: \xff\xfe", "latin1")).diagnostics;
    expect(first).toMatchObject({ code: "not-utf8", place: { file: "m.yaml", line: 2, column: 7 } });
  });

  it("names both places of a duplicate", () => {
    const [first] = raw("version: 1\ntimezone: UTC\ntimezone: UTC").diagnostics;
    expect(first?.related).toEqual([{ place: { file: "m.yaml", line: 2, column: 1 }, message: "first here" }]);
  });
});

const mebibyte = 1024 * 1024;
const laughs = (levels: number) =>
  Array.from({ length: levels }, (_, level) =>
    level === 0
      ? "a0: &a0 [x, x, x, x, x, x, x, x, x]"
      : `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(", ")}]`,
  ).join("\n");
const merges = (levels: number) =>
  Array.from({ length: levels }, (_, level) =>
    level === 0
      ? "m0: &m0 { a: 1, b: 2 }"
      : `m${level}: &m${level} { a${level}: &b${level} { <<: *m${level - 1} }, x: *b${level}, y: *b${level} }`,
  ).join("\n");

describe("text that wants to be expensive", { timeout: 60_000 }, () => {
  it.each([
    ["10 MB", `version: 1\n# ${"x".repeat(10 * mebibyte)}`],
    ["10 MB of NULs", "\0".repeat(10 * mebibyte)],
    ["a billion laughs", `version: 1\n${laughs(20)}`],
    ["merge keys on merge keys", `version: 1\n${merges(60)}`],
    ["deep brackets", "[".repeat(200_000)],
    ["deep braces", "{".repeat(200_000)],
    ["deep block sequences", "- ".repeat(100_000)],
    ["deep explicit keys", "? ".repeat(100_000)],
    ["closing brackets", "]".repeat(200_000)],
    ["commas", `[${",".repeat(200_000)}]`],
    ["many keys", Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join("\n")],
    ["many keys in braces", `{${Array.from({ length: 30_000 }, (_, index) => `k${index}`).join(",")}}`],
    ["colons", ":\n".repeat(100_000)],
    ["tabs", "\ta: b\n".repeat(40_000)],
    ["anchors", "&a ".repeat(80_000)],
    ["tags", "!a ".repeat(80_000)],
    ["directives", "%a\n".repeat(80_000)],
    ["escapes", `"${"\\x".repeat(120_000)}"`],
    ["a long word", "a".repeat(250_000)],
    ["documents", "--- a\n".repeat(40_000)],
    ["aliases", `a: &a 1\n${Array.from({ length: 15_000 }, (_, index) => `b${index}: *a`).join("\n")}`],
  ])("%s is refused soon", (_, text) => {
    const before = process.memoryUsage().rss;
    const results: ParsedManifest[] = [];
    const took = cpuTimeOf(() => results.push(raw(text)));
    const [{ manifest, diagnostics } = { manifest: undefined, diagnostics: [] }] = results;
    expect(manifest).toBeUndefined();
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(took).toBeLessThan(2000);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * mebibyte);
  });

  it("says the cap", () => {
    const [first] = raw(`version: 1\n# ${"x".repeat(mebibyte)}`).diagnostics;
    expect(first).toMatchObject({
      code: "too-large",
      hint: "split it into several files in a folder, and give the folder",
    });
    expect(first?.message).toContain("256 KiB");
  });

  it("takes a thousand entries", () => {
    const entries = Array.from(
      { length: 1000 },
      (_, index) => `  tank/data/${index}: { keep: { hourly: 24, daily: 7 }, remotes: { b: {} } }`,
    );
    const text = `version: 1\nremotes: { b: { type: zfs, root: b/b } }\ndatasets:\n${entries.join("\n")}`;
    expect(raw(text).manifest?.datasets.length).toBe(1000);
  });
});

describe("YAML that is more than plain", () => {
  it("reads on, off, yes and no as text", () => {
    const { remotes } = valid(
      "version: 1\nremotes: { a: { type: zfs, root: a/b, compress: off, properties: { readonly: on } } }",
    );
    expect([...remotes.values()][0]).toMatchObject({ compress: "off", properties: { readonly: "on" } });
  });

  it("follows aliases and merge keys, and points where the value was written", () => {
    const text = `
    version: 1
    policies:
      a: &a { recursive: true, keep: { daily: 7 } }
      b: { <<: *a, recursive: false }
      c: *a
    datasets:
      tank: { policy: b }
      dozer: { policy: c }
    `;
    const { policies } = valid(text);
    expect(policies.get("b")).toMatchObject({ recursive: false, keep: { by: "type" } });
    expect(policies.get("c")).toEqual(policies.get("a"));
    expect(lines(parse(text.replace("daily: 7", "daily: seven")))).toEqual(["3:43 bad-keep"]);
  });

  it("treats no key as special", () => {
    const { manifest, diagnostics } = parse(
      "version: 1\npolicies: { __proto__: {}, constructor: {} }\ndatasets: { toString: { keep: { daily: 1 } } }",
    );
    expect(diagnostics.map(line)).toEqual(["2:13 bad-name"]);
    expect(manifest).toBeUndefined();
    expect(Object.prototype).not.toHaveProperty("recursive");
  });
});

describe("several files", () => {
  const common = { "a.yaml": "version: 1\nremotes: { usb: { type: zfs, root: usb/b } }" };

  it("joins sections by name, and lists", () => {
    const { manifest, diagnostics } = parseFiles({
      ...common,
      "b.yaml":
        "version: 1\nremotes: { second: { type: zfs, root: second/b } }\napprovals: [{ source: tank, destroy: 1, until: 2026-12-01 }]",
      "c.yaml":
        "datasets: { tank: { keep: { daily: 1 }, remotes: { usb: {}, second: {} } } }\napprovals: [{ source: tank, destroy: 2, until: 2026-12-01 }]",
    });
    expect(diagnostics).toEqual([]);
    expect([...(manifest?.remotes.keys() ?? [])]).toEqual(["usb", "second"]);
    expect(manifest?.approvals.map(({ place }) => place.file)).toEqual(["b.yaml", "c.yaml"]);
    expect(manifest?.datasets[0]?.place).toEqual({ file: "c.yaml", line: 1, column: 13 });
  });

  it("refuses what two of them define, and shows both places", () => {
    const result = parseFiles({
      ...common,
      "b.yaml": "remotes:\n  usb: { type: zfs, root: x/y }\ntimezone: UTC\nguards: { destroyAtMost: { above: 1 } }",
      "c.yaml": "timezone: UTC\nguards: { destroyAtMost: { total: 1 } }",
    });
    expect(lines(result)).toEqual([
      "b.yaml:2:3 defined-twice",
      "c.yaml:1:1 defined-twice",
      "c.yaml:2:11 defined-twice",
    ]);
    expect(result.diagnostics.map(({ related }) => related?.[0]?.place)).toEqual([
      { file: "a.yaml", line: 2, column: 12 },
      { file: "b.yaml", line: 3, column: 1 },
      { file: "b.yaml", line: 4, column: 11 },
    ]);
  });

  it("reports what is wrong in each of them", () => {
    const result = parseFiles({
      "a.yaml": "version: 1\n\ttimezone: UTC",
      "b.yaml": "",
      "c.yaml": "version: 1\nzork: 1",
    });
    expect(lines(result)).toEqual(["a.yaml:2:1 tab", "b.yaml:1:1 empty"]);
  });

  it("has a bound for all together", () => {
    const files = Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [`${index}.yaml`, `# ${"x ".repeat(100_000)}\nversion: 1`]),
    );
    expect(lines(parseFiles(files))).toContain("5.yaml:1:1 too-large");
  });

  it("has one digest for one meaning", () => {
    const one = valid("version: 1\ntimezone: UTC\ndatasets: { tank: { keep: { daily: 1, hourly: 2 } } }");
    const same = valid(
      "# said otherwise\ndatasets:\n  tank:\n    keep: { hourly: 2, daily: 1 }\ntimezone: 'UTC'\nversion: 1",
    );
    const other = valid("version: 1\ntimezone: UTC\ndatasets: { tank: { keep: { daily: 1, hourly: 3 } } }");
    expect(one.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(same.digest).toBe(one.digest);
    expect(other.digest).not.toBe(one.digest);
  });
});
