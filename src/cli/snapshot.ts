import type { TypeName } from "../model/units.ts";
import { visible } from "../render/text.ts";
import { carryOut } from "./carry-out.ts";
import { type GlobalOptions, requireManifest } from "./context.ts";
import { type ExitCode, Failure } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { requireMatches } from "./selection.ts";
import { connect, observeWorld } from "./world.ts";

interface SnapshotOptions extends GlobalOptions {
  readonly json?: true;
  readonly allHosts?: true;
}

/** Takes no lock: a snapshot need not wait for a long transfer, and collides with nothing. */
export async function snapshot(options: SnapshotOptions, type: string, patterns: readonly string[]): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  if (!manifest.snapshotTypes.has(type as TypeName))
    throw new Failure(`the manifest declares no snapshot type ${visible(type)}`, {
      hint: `its types: ${[...manifest.snapshotTypes.keys()].join(", ")}`,
    });
  const { planSnapshot, sourcesOf } = await import("../planner/index.ts");
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    const { inventory, now } = await observeWorld(manifest, hosts, { ...options, signal: interruption.signal });
    const scope = options.allHosts === undefined ? {} : { allHosts: true };
    const { sources } = sourcesOf(manifest, inventory, scope);
    requireMatches(
      manifest,
      sources.map(({ address }) => address),
      patterns,
    );
    const plan = planSnapshot(manifest, inventory, {
      now,
      type: type as TypeName,
      ...(patterns.length === 0 ? {} : { sources: patterns }),
      ...scope,
    });
    if (plan.operations.length === 0 && plan.unobserved.length === 0)
      throw new Failure("there is no source to take a snapshot of", {
        hint: "`holdfast list` shows all sources; suspended ones and those of other hosts are left out",
      });
    return await carryOut(plan, { manifest, hosts, options, interruption });
  } finally {
    interruption.release();
    await hosts.close();
  }
}
