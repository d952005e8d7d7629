import { readFileSync } from "node:fs";
import type { RunResult } from "../../src/transport/types.ts";

/** What real versions of OpenZFS said: test/tools/zfs-VERSION, written by test/tools/capture. */
export const VERSIONS = ["2.1", "2.3"] as const;
export type Version = (typeof VERSIONS)[number];

export function captured(version: Version, name: string): RunResult & { readonly command: string } {
  const file = new URL(`../tools/zfs-${version}/${name}.json`, import.meta.url);
  const { command, exit, stdout, stderr } = JSON.parse(readFileSync(file, "utf8"));
  return { command, code: exit, stdout, stderr };
}
