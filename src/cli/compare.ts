import { newPowers } from "../host/powers.ts";
import type { HostInventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import type { HostName } from "../model/units.ts";
import { comparePlans, type Planned } from "../planner/compare.ts";
import { renderComparison, renderComparisonMarkdown } from "../render/comparison.ts";
import { baseManifest } from "./base.ts";
import { commandLines } from "./command-lines.ts";
import { forStdout } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { exitCode, makePlan, type PlanCommandOptions } from "./plan.ts";
import { answer, answerJson } from "./terminal.ts";
import { lookAround, type World } from "./world.ts";

/** `plan --base`: both manifests against one inventory and one clock, and only the difference is shown. */
export async function compareWithBase(head: Manifest, name: string, options: PlanCommandOptions): Promise<ExitCode> {
  const base = await baseManifest(name, options);
  const { sourcesOf } = await import("../planner/index.ts");
  const worlds = await lookForBoth(base, head, options);
  const planned = async (manifest: Manifest, world: World, title: string): Promise<Planned> => {
    const plan = await makePlan(manifest, world, options);
    const scope = options.allHosts === undefined ? {} : { allHosts: true };
    const { sources, directories } = sourcesOf(manifest, world.inventory, scope);
    return { manifest: title, plan, sources: [...sources, ...directories] };
  };
  const compared = comparePlans(
    await planned(base, worlds.base, name),
    await planned(head, worlds.head, options.file ?? "holdfast.yaml"),
  );
  const powers = newPowers(base, head);
  const comparison = { ...compared, ...(powers.length > 0 && { powers }) };
  if (options.json) answerJson(comparison);
  else if (options.markdown) answer(renderComparisonMarkdown(comparison));
  else {
    const all = { operations: [...comparison.does.operations, ...comparison.stops.operations] };
    const commands = commandLines(all, head, worlds.head.inventory);
    answer(renderComparison(comparison, { ...forStdout(options), verbose: options.verbose ?? false, commands }));
  }
  return exitCode({ ...comparison.does, complete: comparison.complete }, options);
}

/**
 * One inventory of hosts for both: each manifest says where to look, and what either saw is known. Repositories go by
 * names, which the two may give to different ones.
 */
async function lookForBoth(
  base: Manifest,
  head: Manifest,
  options: PlanCommandOptions,
): Promise<{ readonly base: World; readonly head: World }> {
  const { inventory, now } = await lookAround(head, options);
  if (options.inventory !== undefined) return { base: { inventory, now }, head: { inventory, now } };
  const other = (await lookAround(base, options)).inventory;
  const hosts: Record<HostName, HostInventory> = { ...other.hosts };
  for (const [host, state] of Object.entries(inventory.hosts) as [HostName, HostInventory][]) {
    const also = hosts[host];
    hosts[host] = also?.state === "observed" ? (state.state === "observed" ? union(state, also) : also) : state;
  }
  const known = { observedAt: inventory.observedAt, hosts };
  return { base: { inventory: { ...other, ...known }, now }, head: { inventory: { ...inventory, ...known }, now } };
}

type Observed = Extract<HostInventory, { readonly state: "observed" }>;

const union = (one: Observed, other: Observed): Observed => ({
  ...one,
  roots: [...new Set([...one.roots, ...other.roots])],
  datasets: [...new Map([...other.datasets, ...one.datasets].map((dataset) => [dataset.name, dataset])).values()].sort(
    (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  ),
});
