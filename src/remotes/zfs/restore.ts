import type { At } from "../../model/plan.ts";
import { restoringMark } from "../../planner/restore/marks.ts";
import { quoteAll } from "../../transport/shell.ts";
import { done, type Result } from "../result.ts";
import { makeCommand, mountCommand, RESTORED, receivedSettingsCommand, setCommand, settleCommand } from "./commands.ts";
import { must, type OperationOf, type RunContext, run, whereOf } from "./context.ts";
import { createParents } from "./send.ts";

/** What a restore does besides transfers. */

export async function make(
  { at, beside, createParents: parents }: OperationOf<"make">,
  context: RunContext,
): Promise<Result> {
  await createParents(at, parents, context);
  const above = at.dataset.slice(0, at.dataset.lastIndexOf("/"));
  await must(context, makeCommand(at, restoringMark(at, beside)), whereOf(context, at, "create,mount,userprop", above));
  return done();
}

/** All data is there by now: what cannot be set or mounted is told, and is no failure. */
export async function settle(operation: OperationOf<"settle">, context: RunContext): Promise<Result> {
  const { at, beside, datasetType, settingsOf, excludeProperties } = operation;
  const warnings = settingsOf ? await bringSettings(settingsOf, at, new Set(excludeProperties), context) : [];
  if (datasetType === "filesystem") warnings.push(...(await mount(at, context)));
  // the mark goes last: what is cut before that is done again
  if (beside) await must(context, setCommand(at, { [RESTORED]: at.dataset }), whereOf(context, at, "userprop"));
  await must(context, settleCommand(at), whereOf(context, at, "userprop"));
  return done(warnings.length === 0 ? {} : { warnings });
}

/** Fixed when a dataset is made, part of a raw stream, or Holdfast's own. */
const NOT_SET =
  /^(?:holdfast:.*|encryption|keyformat|keylocation|pbkdf2iters|casesensitivity|normalization|utf8only|version|volblocksize|volsize)$/;

async function bringSettings(from: At, at: At, excluded: ReadonlySet<string>, context: RunContext): Promise<string[]> {
  const { stdout } = await must(context, receivedSettingsCommand(from), whereOf(context, from, "send"));
  const settings = Object.entries(parseSettings(stdout)).filter(
    ([name, value]) => value !== "-" && !NOT_SET.test(name) && !excluded.has(name),
  );
  if (settings.length === 0) return [];
  const all = await run(context, at.host, setCommand(at, Object.fromEntries(settings)));
  if (all.code === 0) return [];
  const refused: string[] = [];
  for (const [name, value] of settings) {
    const argv = setCommand(at, { [name]: value });
    const { code } = await run(context, at.host, argv);
    if (code !== 0) refused.push(quoteAll(argv));
  }
  return refused.length === 0 ? [] : [`settings that could not be set; with the rights to:\n${refused.join("\n")}`];
}

/** A value of a user's own property may have line breaks in it. */
function parseSettings(printed: string): Record<string, string> {
  const settings: Record<string, string> = {};
  let last: string | undefined;
  for (const line of printed.replace(/\n$/, "").split("\n")) {
    const [, name, value] = /^([a-z0-9_:.@+-]+)\t(.*)$/i.exec(line) ?? [];
    if (name !== undefined && value !== undefined) {
      settings[name] = value;
      last = name;
    } else if (last !== undefined) settings[last] += `\n${line}`;
  }
  return settings;
}

/** `MOUNTPOINT`: 0 where nothing is mounted or kept there. */
const IS_FREE = `! mountpoint -q -- "$0" && { [ ! -e "$0" ] || [ -z "$(ls -A -- "$0")" ]; }`;

/** Only where nothing is hidden by it. */
export async function mount(at: At, context: RunContext): Promise<string[]> {
  const names = "mounted,canmount,mountpoint,keystatus,encryptionroot";
  const { stdout } = await run(context, at.host, ["zfs", "get", "-Hp", "-o", "property,value", names, at.dataset]);
  const { mounted, canmount, mountpoint = "", keystatus, encryptionroot } = parseSettings(stdout);
  if (mounted !== "no" || canmount !== "on" || !mountpoint.startsWith("/")) return [];
  const byHand = `zfs mount ${at.dataset}`;
  if (keystatus === "unavailable")
    return [`not mounted: its key is not loaded; as root on ${at.host}: zfs load-key ${encryptionroot} && ${byHand}`];
  const { code } = await run(context, at.host, ["sh", "-c", IS_FREE, mountpoint]);
  if (code !== 0) return [`not mounted: something is at ${mountpoint} already; when that is out of the way: ${byHand}`];
  const result = await run(context, at.host, mountCommand(at));
  if (result.code === 0) return [];
  return [`not mounted: ${result.stderr.trim()}; as root on ${at.host}: ${byHand}`];
}
