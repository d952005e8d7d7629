import type { Draft } from "../../src/import/index.ts";
import { writeManifest } from "../../src/import/index.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import { valid } from "../manifest/helpers.ts";

export const machine = { name: "nas", timezone: "Europe/Berlin" };

/** The manifest as it is written, which has to be valid; and the remarks, `LINE: MESSAGE`. */
export function outcome(
  draft: Draft,
  from = ["tool.conf"],
): { readonly text: string; readonly manifest: Manifest; readonly remarks: readonly string[] } {
  const text = writeManifest(draft, from);
  return {
    text,
    manifest: valid(text),
    remarks: draft.remarks.map(({ file, line, message }) => `${file}:${line}: ${message}`),
  };
}

/** Its lines without remarks and empty ones. */
export const plain = (text: string): string =>
  text
    .split("\n")
    .filter((line) => line !== "" && !/^\s*#/.test(line))
    .join("\n");
