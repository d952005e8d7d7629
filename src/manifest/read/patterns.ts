import type { HostPattern } from "../../model/manifest.ts";
import { matcher } from "../../planner/patterns.ts";
import { datasetFault, patternFault } from "../names.ts";
import type { Path } from "../tree.ts";
import { nearestWord, quote } from "../words.ts";
import type { Context } from "./context.ts";
import type { Self } from "./self.ts";

/** The two parts of `[HOST:]DATASET`. What stands before a colon is a host only if it is, or matches, one of `hosts`. */
export function splitKey(key: string, hosts: readonly string[]): { readonly host?: string; readonly dataset: string } {
  const colon = key.indexOf(":");
  if (colon <= 0) return { dataset: key };
  const host = key.slice(0, colon);
  return matchesAny(host, hosts) ? { host, dataset: key.slice(colon + 1) } : { dataset: key };
}

function matchesAny(pattern: string, hosts: readonly string[]): boolean {
  try {
    const matches = matcher(pattern);
    return hosts.some((host) => matches(host));
  } catch {
    return false;
  }
}

export interface Naming {
  readonly self: Self;
  /** Every host of the manifest, this machine too. */
  readonly hosts: readonly string[];
}

const directoryHint = "write [HOST:]DATASET, or give it an entry in directories";

/** A key or pattern with its host settled; `undefined` when it cannot be used, which has been reported. */
export function readPattern(context: Context, naming: Naming, key: string, path: Path): HostPattern | undefined {
  const { self, hosts } = naming;
  const at = path.at(-1) === key ? ({ at: "key" } as const) : {};
  const { host, dataset } = splitKey(key, hosts);
  const fault = patternFault(dataset) ?? (/[*?[{]/.test(dataset) ? undefined : datasetFault(dataset));
  if (fault !== undefined) {
    context.report({
      code: "bad-dataset",
      message: `${quote(dataset)} ${fault}`,
      hint: path[0] === "datasets" && dataset.startsWith("/") ? directoryHint : "write [HOST:]DATASET",
      path,
      ...at,
    });
    return undefined;
  }
  if (host !== undefined) return { host, dataset };
  if (self.self === null) {
    needsHost(context, naming, key, path, at);
    return undefined;
  }
  warnOfHostLike(context, key, hosts, path, at);
  return { host: self.self, dataset };
}

/** What names no host where there is no "this machine": said only to who says so with `--as none`. */
export function needsHost(
  context: Context,
  { hosts }: Naming,
  key: string,
  path: Path,
  at: { readonly at?: "key" },
): void {
  if (context.options.as !== "none") return;
  context.report({
    code: "needs-host",
    message: `${quote(key)} names no host, and with --as none there is no "this machine"`,
    hint: `write HOST:${key.slice(0, 100)}, with one of ${hosts.slice(0, 10).join(", ")}`,
    path,
    ...at,
  });
}

/** `nsa01:tank` is a legal name of a pool, but with hosts declared hardly meant as one. */
function warnOfHostLike(
  context: Context,
  key: string,
  hosts: readonly string[],
  path: Path,
  at: { readonly at?: "key" },
): void {
  const before = /^([^/:]+):/.exec(key)?.[1];
  if (before === undefined || context.declared("hosts").length === 0) return;
  const near = nearestWord(before, hosts);
  context.report({
    severity: "warning",
    code: "not-a-host",
    message: `no host is called ${quote(before)}, so ${quote(key)} is read as a dataset of this machine`,
    hint: near === undefined ? `hosts: ${hosts.slice(0, 10).join(", ")}` : `did you mean ${near}?`,
    path,
    ...at,
  });
}
