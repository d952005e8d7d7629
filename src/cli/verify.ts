import type { Manifest } from "../model/manifest.ts";
import type { Bytes, RemoteName } from "../model/units.ts";
import { renderPlan } from "../render/plan.ts";
import { visible } from "../render/text.ts";
import type { Hosts } from "../transport/types.ts";
import { carryOut } from "./carry-out.ts";
import { commandLines } from "./command-lines.ts";
import { forStderr, forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { type ExitCode, Failure } from "./exit.ts";
import { type Interruption, onInterrupt } from "./interrupt.ts";
import { lockHosts } from "./lock.ts";
import { type Remotes, withRemotes } from "./remotes.ts";
import { nameable, requireMatches, unseenHosts } from "./selection.ts";
import { answer, tell } from "./terminal.ts";
import { connect, observeWorld } from "./world.ts";

interface VerifyOptions extends GlobalOptions {
  readonly on?: readonly string[];
  readonly sample?: string;
  readonly full?: true;
  readonly json?: true;
  readonly verbose?: true;
  readonly allHosts?: true;
}

/** Drills now, whether they are due or not. Nobody is asked: nothing is changed but the record of how they went. */
export async function verify(options: VerifyOptions, patterns: readonly string[]): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const remotes = placesOf(manifest, options.on);
  const sample = await sampleOf(options);
  const interruption = onInterrupt();
  const lock = await lockHosts(manifest, options, interruption.signal);
  const hosts = await connect(manifest, options);
  const asked = {
    ...(patterns.length > 0 && { sources: patterns }),
    ...(remotes && { remotes }),
    ...(sample !== undefined && { sample }),
  };
  try {
    return await withRemotes(manifest, hosts, options, interruption, (opened) =>
      planAndVerify(manifest, hosts, options, asked, interruption, opened),
    );
  } finally {
    interruption.release();
    await hosts.close();
    lock.release();
  }
}

interface Asked {
  readonly sources?: readonly string[];
  readonly remotes?: ReadonlySet<RemoteName>;
  readonly sample?: Bytes | "full";
}

async function planAndVerify(
  manifest: Manifest,
  hosts: Hosts,
  options: VerifyOptions,
  asked: Asked,
  interruption: Interruption,
  remotes: Remotes,
): Promise<ExitCode> {
  const { planVerify, sourcesOf } = await import("../planner/index.ts");
  const looking = { ...options, unavailable: remotes.unavailable, signal: interruption.signal };
  const { inventory, now } = await observeWorld(manifest, hosts, looking);
  const scope = options.allHosts === undefined ? {} : { allHosts: true };
  const known = nameable(sourcesOf(manifest, inventory, scope));
  requireMatches(manifest, known, asked.sources ?? [], unseenHosts(manifest, inventory));
  const plan = planVerify(manifest, inventory, { ...asked, ...scope, now });
  const details = options.verbose ? { verbose: true, commands: commandLines(plan, manifest, inventory) } : {};
  if (plan.operations.length + plan.blocked.length + plan.unobserved.length === 0)
    throw new Failure("there is no copy to verify", {
      hint: "`holdfast list` shows which copies there are; suspended sources, and what other hosts transfer, are left out",
    });
  if (options.json) tell(renderPlan(plan, { ...forStderr(options), ...details }));
  else answer(renderPlan(plan, { ...forStdout(options), ...details }));
  return carryOut(plan, { manifest, hosts, options, interruption, remotes });
}

function placesOf(manifest: Manifest, on: readonly string[] | undefined): ReadonlySet<RemoteName> | undefined {
  if (on === undefined) return undefined;
  const known: readonly string[] = [...manifest.remotes.keys(), ...manifest.mirrors.keys()];
  for (const name of on)
    if (!known.includes(name))
      throw new Failure(`there is no remote or mirror ${visible(name)}`, { hint: `places: ${known.join(", ")}` });
  return new Set(on as readonly RemoteName[]);
}

async function sampleOf({ sample, full }: VerifyOptions): Promise<Bytes | "full" | undefined> {
  if (full) return "full";
  if (sample === undefined) return undefined;
  const { parseSize } = await import("../manifest/units.ts");
  const bytes = parseSize(sample);
  if (bytes !== undefined) return bytes;
  throw new Failure(`--sample ${visible(sample)} is no size`, { hint: "such as 1GiB or 500MB" });
}
