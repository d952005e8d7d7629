import type { Manifest, Remedy } from "../model/manifest.ts";
import type { Plan } from "../model/plan.ts";
import type { RemoteName } from "../model/units.ts";
import { renderPlanMarkdown } from "../render/markdown.ts";
import { renderPlan } from "../render/plan.ts";
import { visible } from "../render/text.ts";
import { commandLines } from "./command-lines.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { nameable, requireMatches, unseenHosts } from "./selection.ts";
import { answer, answerJson } from "./terminal.ts";
import { lookAround, type World } from "./world.ts";

/** What `plan` and `apply` both take: which part of the plan, and which consent beyond the manifest's. */
export interface PlanningOptions {
  readonly target?: readonly string[];
  readonly exclude?: readonly string[];
  readonly allHosts?: true;
  readonly allowDestroy?: number;
  readonly resolve?: ReadonlyMap<RemoteName, Remedy>;
  readonly retryPartial?: true;
}

export interface PlanCommandOptions extends GlobalOptions, PlanningOptions {
  readonly json?: true;
  readonly markdown?: true;
  readonly out?: string;
  readonly detailedExitcode?: true;
  readonly verbose?: true;
  readonly inventory?: string;
  readonly base?: string;
}

export async function plan(options: PlanCommandOptions): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  if (options.base !== undefined) {
    const { compareWithBase } = await import("./compare.ts");
    return compareWithBase(manifest, options.base, options);
  }
  const world = await lookAround(manifest, options);
  const made = await makePlan(manifest, world, options);
  if (options.out !== undefined) {
    const { writeDocument } = await import("./documents.ts");
    await writeDocument(options.out, made);
  }
  if (options.json) answerJson(made);
  else if (options.markdown) answer(renderPlanMarkdown(made));
  else {
    const text = { ...forStdout(options), verbose: options.verbose ?? false };
    answer(renderPlan(made, { ...text, commands: commandLines(made, manifest, world.inventory) }));
    if (options.out !== undefined) answer(`Saved to ${visible(options.out)}: holdfast apply ${visible(options.out)}\n`);
  }
  return exitCode(made, options);
}

/** The plan for this world; a `--target` or `--exclude` that names nothing ends the command. */
export async function makePlan(manifest: Manifest, { inventory, now }: World, options: PlanningOptions): Promise<Plan> {
  const planner = await import("../planner/index.ts");
  const { target, exclude, allHosts, allowDestroy, resolve, retryPartial } = options;
  const scope = { ...(allHosts === undefined ? {} : { allHosts }) };
  requireResolvable(manifest, resolve);
  const known = nameable(planner.sourcesOf(manifest, inventory, scope));
  requireMatches(manifest, known, [...(target ?? []), ...(exclude ?? [])], unseenHosts(manifest, inventory));
  return planner.plan(manifest, inventory, {
    now,
    ...scope,
    ...(target === undefined ? {} : { target }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(allowDestroy === undefined ? {} : { allowDestroy }),
    ...(resolve === undefined ? {} : { resolve }),
    ...(retryPartial === undefined ? {} : { retryPartial }),
  });
}

function requireResolvable({ remotes }: Manifest, resolve: PlanningOptions["resolve"]): void {
  const zfs = [...remotes.values()].filter(({ type }) => type === "zfs").map(({ name }) => name);
  for (const name of resolve?.keys() ?? []) {
    if (zfs.includes(name)) continue;
    const message = remotes.has(name)
      ? `${visible(name)} is a restic repository, where no copy can be in the way`
      : `there is no remote ${visible(name)} to resolve anything on`;
    throw new Failure(message, {
      hint: zfs.length === 0 ? "leave --resolve out" : `--resolve takes one of these: ${zfs.join(", ")}`,
    });
  }
}

/** Incomplete weighs more than changes: nobody knows what the rest would be. */
export function exitCode(
  made: Pick<Plan, "complete" | "operations" | "blocked" | "shortfalls">,
  { detailedExitcode }: Pick<PlanCommandOptions, "detailedExitcode">,
): ExitCode {
  if (!made.complete) return EXIT.incomplete;
  return detailedExitcode && made.operations.length + made.blocked.length + (made.shortfalls?.length ?? 0) > 0
    ? EXIT.changes
    : EXIT.ok;
}
