import { propertyRight } from "../../inventory/rights.ts";
import type { At } from "../../model/plan.ts";
import type { Problem } from "../../model/report.ts";
import { quote } from "../../transport/shell.ts";
import { forgetPlaceholderCommand, PLACEHOLDER } from "./commands.ts";
import { type RunContext, run } from "./context.ts";
import { grantOf, type Where } from "./errors.ts";

/** Whether the settings of a received dataset are what was asked for: `zfs receive` exits with 0 when some were not permitted. */

interface Setting {
  readonly value: string;
  /** `local`, `received`, `inherited from …`, `default`, `-`. */
  readonly source: string;
}

interface Inspection {
  /** Something that was asked for is not so. */
  readonly problem?: Problem;
  readonly warnings: readonly string[];
}

export async function inspectReceived(
  datasetType: "filesystem" | "volume",
  asked: ReadonlyMap<string, string>,
  stderr: string,
  where: Where,
  context: RunContext,
): Promise<Inspection> {
  const { at } = where;
  const settings = await settingsOf(at, [...asked.keys()], context);
  // What a first, cut receive left is not taken off by the `-x` of the resumed one.
  if (settings.get(PLACEHOLDER)?.source === "local") await run(context, at.host, forgetPlaceholderCommand(at));
  const wrong = [...asked.keys()].filter((name) => settings.get(name)?.source !== "local");
  const refused = refusedProperties(stderr);
  const warnings = otherWarnings(refused, asked, where);
  const canmount = settings.get("canmount")?.value;
  const mountpoint = settings.get("mountpoint");
  if (datasetType === "filesystem" && canmount === "on" && mountpoint?.source === "received") {
    warnings.push(
      `${at.host}:${at.dataset} came with mountpoint=${mountpoint.value} and canmount=on: the next boot would mount it there`,
    );
  }
  if (wrong.length === 0) return { warnings };
  const output = wrong.flatMap((name) => refused.get(name) ?? []).join("\n");
  const grant = grantFor(wrong, refused, where);
  const set = `zfs set ${wrong.map((name) => quote(`${name}=${asked.get(name)}`)).join(" ")} ${quote(at.dataset)}`;
  const lacks = grant === undefined ? "" : `: ${where.user} lacks ${grant.rights.join(", ")} there`;
  return {
    warnings,
    problem: {
      message: `everything arrived, but ${wrong.join(", ")} could not be set on ${at.host}:${at.dataset}${lacks}`,
      ...(output === "" ? {} : { output }),
      hint: grant === undefined ? `set it by hand: ${set}` : `${grant.line}\nand for what has arrived: ${set}`,
    },
  };
}

/** What would have allowed setting the properties that were refused for want of a right. */
function grantFor(
  names: readonly string[],
  refused: ReadonlyMap<string, string>,
  where: Where,
): { readonly rights: readonly string[]; readonly line: string } | undefined {
  const denied = names.filter((name) => refused.get(name)?.includes("permission denied"));
  const rights = [...new Set(denied.map(propertyRight))];
  return rights.length === 0 ? undefined : { rights, line: grantOf(where, rights) };
}

async function settingsOf(at: At, asked: readonly string[], context: RunContext): Promise<Map<string, Setting>> {
  const names = [...new Set([...asked, PLACEHOLDER, "canmount", "mountpoint"])].join(",");
  const { stdout } = await run(context, at.host, [
    "zfs",
    "get",
    "-Hp",
    "-o",
    "property,value,source",
    names,
    at.dataset,
  ]);
  return new Map(
    stdout
      .split("\n")
      .map((line) => line.split("\t"))
      .map(([name = "", value = "", source = ""]) => [name, { value, source }]),
  );
}

/** Properties that `zfs receive` could not set, with what it said. */
export function refusedProperties(stderr: string): Map<string, string> {
  const refused = new Map<string, string>();
  for (const match of stderr.matchAll(/^cannot receive (\S+) property on .+$/gm)) {
    if (match[1] !== undefined) refused.set(match[1], match[0]);
  }
  return refused;
}

/** The source's own settings that did not come along: the copy is complete without them. */
function otherWarnings(
  refused: ReadonlyMap<string, string>,
  asked: ReadonlyMap<string, string>,
  where: Where,
): string[] {
  const names = [...refused.keys()].filter((name) => !asked.has(name));
  if (names.length === 0) return [];
  const grant = grantFor(names, refused, where);
  const message = `settings of the source that could not be kept on ${where.at.dataset}: ${names.join(", ")}`;
  return [grant === undefined ? message : `${message}\nto keep them: ${grant.line}`];
}
