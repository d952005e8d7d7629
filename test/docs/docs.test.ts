import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit.ts";
import { parseManifest } from "../../src/manifest/index.ts";
import type { EpochSeconds } from "../../src/model/units.ts";
import { renderDiagnostics } from "../../src/render/diagnostics.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const pages = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

const blocks = (path: string, language: string): string[] =>
  [...read(path).matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, found, text]) =>
    found === language ? [text ?? ""] : [],
  );

const parse = (text: string) =>
  parseManifest([{ name: "holdfast.yaml", text }], {
    hostname: "nas",
    user: "root",
    folder: "/etc/holdfast",
    now: (Date.UTC(2026, 10, 22) / 1000) as EpochSeconds,
  });

describe("the pages", () => {
  test.each(pages)("%s links to what is there", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, target = ""]) => target);
    expect(links.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });

  const manifests = pages.flatMap((page) =>
    blocks(page, "yaml")
      .filter((text) => /^version: 1$/m.test(text))
      .map((text, index) => ({ title: `manifest ${index + 1} of ${page}`, text, wrong: text.includes("dayly") })),
  );

  test("show manifests", () => expect(manifests.length).toBeGreaterThan(3));

  test.each(manifests.filter(({ wrong }) => !wrong))("$title is valid", ({ text }) => {
    const { manifest, diagnostics } = parse(text);
    expect(renderDiagnostics(diagnostics, { color: false })).toBe("");
    expect(manifest).toBeDefined();
  });

  test("the README shows the errors that its wrong manifest gives", () => {
    const [wrong] = manifests.filter((one) => one.wrong);
    const { diagnostics } = parse(wrong?.text ?? "");
    expect(read("README.md")).toContain(renderDiagnostics(diagnostics, { color: false }));
  });
});

test("every dependency has its line", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  const rows = read("docs/dependencies.md")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const named = rows.flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const programs = ["zfs", "zpool", "ssh", "flock", "git", "systemd-notify", "sudo", "zstd", "pv"];
  expect(named.filter((name) => !programs.includes(name ?? "")).sort()).toEqual(
    [...Object.keys(dependencies ?? {}), ...Object.keys(devDependencies ?? {})].sort(),
  );
});

test("the exit codes are those of the commands", () => {
  const [, table = ""] = read("README.md").split("## Exit codes");
  const codes = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual(Object.values(EXIT));
});
