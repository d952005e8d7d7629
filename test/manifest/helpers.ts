import { type ParsedManifest, type ParseOptions, parseManifest } from "../../src/manifest/index.ts";
import type { Diagnostic } from "../../src/model/diagnostic.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { EpochSeconds } from "../../src/model/units.ts";

export const now = (Date.UTC(2026, 10, 22, 12) / 1000) as EpochSeconds;

const defaults: ParseOptions = { hostname: "nas", user: "me", home: "/home/me", folder: "/etc/holdfast", now };

/** YAML without the indentation that the test's own code gives it. */
function yaml(text: string): string {
  const lines = text
    .replace(/^\n/, "")
    .replace(/\n\s*$/, "\n")
    .split("\n");
  const indent = Math.min(
    ...lines.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length),
  );
  return lines.map((line) => line.slice(indent)).join("\n");
}

export function parse(text: string, options: Partial<ParseOptions> = {}): ParsedManifest {
  return parseManifest([{ name: "m.yaml", text: yaml(text) }], { ...defaults, ...options });
}

export function parseFiles(
  files: Readonly<Record<string, string>>,
  options: Partial<ParseOptions> = {},
): ParsedManifest {
  const list = Object.entries(files).map(([name, text]) => ({ name, text: yaml(text) }));
  return parseManifest(list, { ...defaults, ...options });
}

/** `3:5 unknown-key`, `3:5 warning not-a-host`; with the file where it is not the only one. */
export function line({ severity, code, place }: Diagnostic): string {
  const file = place && place.file !== "m.yaml" ? `${place.file}:` : "";
  const at = place ? `${file}${place.line}:${place.column}` : "-";
  return `${at} ${severity === "warning" ? "warning " : ""}${code}`;
}

export const lines = ({ diagnostics }: ParsedManifest): string[] => diagnostics.map(line);

/** What is said and advised about it: `MESSAGE | HINT`. */
export const said = ({ diagnostics }: ParsedManifest): string[] =>
  diagnostics.map(({ message, hint }) => (hint === undefined ? message : `${message} | ${hint}`));

/** The manifest, or a failure that shows what is wrong with it. */
export function valid(text: string, options: Partial<ParseOptions> = {}): Manifest {
  const { manifest, diagnostics } = parse(text, options);
  if (!manifest) throw new Error(diagnostics.map((one) => `${line(one)}: ${one.message}`).join("\n"));
  return manifest;
}

/** Runs it and gives the CPU time it took, in milliseconds: a busy machine makes that no longer. */
export function cpuTimeOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
