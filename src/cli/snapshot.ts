import type { Manifest } from "../model/manifest.ts";
import type { Plan } from "../model/plan.ts";
import type { TypeName } from "../model/units.ts";
import { renderPlan } from "../render/plan.ts";
import { visible } from "../render/text.ts";
import { carryOut } from "./carry-out.ts";
import { forStderr, forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { type ExitCode, Failure } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { type Remotes, withRemotes } from "./remotes.ts";
import { nameable, requireMatches, unseenHosts } from "./selection.ts";
import { answer, tell } from "./terminal.ts";
import { connect, observeWorld, type World } from "./world.ts";

interface SnapshotOptions extends GlobalOptions {
  readonly json?: true;
  readonly allHosts?: true;
}

/** Takes no lock: a snapshot need not wait for a long transfer, and collides with nothing. */
export async function snapshot(options: SnapshotOptions, type: string, patterns: readonly string[]): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  requireType(manifest, type);
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    return await withRemotes(manifest, hosts, options, interruption, take);
  } finally {
    interruption.release();
    await hosts.close();
  }

  async function take(remotes: Remotes): Promise<ExitCode> {
    const looking = { ...options, unavailable: remotes.unavailable, signal: interruption.signal };
    const world = await observeWorld(manifest, hosts, looking);
    const plan = await planOfSnapshot(manifest, world, { ...options, type, patterns });
    if (plan.blocked.length + plan.unobserved.length > 0) {
      if (options.json) tell(renderPlan(plan, forStderr(options)));
      else answer(renderPlan(plan, forStdout(options)));
    }
    return carryOut(plan, { manifest, hosts, options, interruption, remotes });
  }
}

export function requireType({ snapshotTypes }: Pick<Manifest, "snapshotTypes">, type: string): void {
  if (!snapshotTypes.has(type as TypeName))
    throw new Failure(`the manifest declares no snapshot type ${visible(type)}`, {
      hint: `its types: ${[...snapshotTypes.keys()].join(", ")}`,
    });
}

/** What takes one snapshot now; a pattern that names nothing, and nothing to take, end the command. */
export async function planOfSnapshot(
  manifest: Manifest,
  { inventory, now }: World,
  {
    type,
    patterns,
    allHosts,
  }: { readonly type: string; readonly patterns: readonly string[]; readonly allHosts?: true },
): Promise<Plan> {
  const { planSnapshot, sourcesOf } = await import("../planner/index.ts");
  const scope = allHosts === undefined ? {} : { allHosts: true };
  const known = nameable(sourcesOf(manifest, inventory, scope));
  requireMatches(manifest, known, patterns, unseenHosts(manifest, inventory));
  const plan = planSnapshot(manifest, inventory, {
    now,
    type: type as TypeName,
    ...(patterns.length === 0 ? {} : { sources: patterns }),
    ...scope,
  });
  if (plan.operations.length + plan.blocked.length + plan.unobserved.length === 0)
    throw new Failure("there is no source to take a snapshot of", {
      hint: "`holdfast list` shows all sources; suspended ones, those of other hosts, and directories that no remote keeps that type of are left out",
    });
  return plan;
}
