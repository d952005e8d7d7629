import type { Manifest } from "../model/manifest.ts";
import type { KitManifest, RecoveryKit } from "../model/recovery-kit.ts";
import { visible } from "../render/text.ts";
import type { Hosts } from "../transport/types.ts";
import { type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { type Interruption, onInterrupt } from "./interrupt.ts";
import { writeKit } from "./kit-file.ts";
import { manifestInGit } from "./manifest-place.ts";
import { VERSION } from "./package.ts";
import { withRemotes } from "./remotes.ts";
import { requireMatches, selects, unseenHosts } from "./selection.ts";
import { answer } from "./terminal.ts";
import { clock, connect, observeWorld, type World } from "./world.ts";

export interface RecoveryKitOptions extends GlobalOptions {
  readonly html?: true;
  readonly json?: true;
  readonly out?: string;
  readonly inventory?: string;
  readonly allHosts?: true;
  /** False with `--no-fingerprints`. */
  readonly fingerprints: boolean;
}

/** Prints what restores everything without Holdfast. Reads and asks; changes nothing but the file of `--out`. */
export async function recoveryKit(options: RecoveryKitOptions, patterns: readonly string[]): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    const place = await manifestInGit(options, interruption.signal);
    const kit = await looked(manifest, hosts, options, interruption, (world) =>
      make(manifest, world, { hosts, options, patterns, place, interruption }),
    );
    await show(kit, options);
    return kit.complete ? EXIT.ok : EXIT.incomplete;
  } finally {
    interruption.release();
    await hosts.close();
  }
}

/** At what is really there, or at what was recorded of it. */
async function looked<T>(
  manifest: Manifest,
  hosts: Hosts,
  options: RecoveryKitOptions,
  interruption: Interruption,
  work: (world: World) => Promise<T>,
): Promise<T> {
  if (options.inventory !== undefined) {
    const { readInventory } = await import("./documents.ts");
    return work({ inventory: await readInventory(options.inventory), now: clock() });
  }
  return withRemotes(manifest, hosts, options, interruption, async ({ unavailable }) =>
    work(await observeWorld(manifest, hosts, { ...options, unavailable, signal: interruption.signal })),
  );
}

interface Making {
  readonly hosts: Hosts;
  readonly options: RecoveryKitOptions;
  readonly patterns: readonly string[];
  readonly place: Omit<KitManifest, "digest">;
  readonly interruption: Interruption;
}

async function make(
  manifest: Manifest,
  { inventory, now }: World,
  { hosts, options, patterns, place, interruption: { signal } }: Making,
): Promise<RecoveryKit> {
  const { gatherFacts, layoutOf, makeKit, questionsFor } = await import("../kit/index.ts");
  const isMeant = patterns.map((pattern) => selects(manifest, pattern));
  const layout = layoutOf(manifest, inventory, {
    now,
    allHosts: options.allHosts ?? false,
    isMeant: (source) => isMeant.length === 0 || isMeant.some((means) => means(source)),
  });
  requireMatches(
    manifest,
    layout.sources.map(({ source }) => source.address),
    patterns,
    unseenHosts(manifest, inventory),
  );
  const facts = await gatherFacts(questionsFor(layout), {
    ...(options.inventory === undefined && { hosts }),
    env: process.env,
    signal,
    fingerprints: options.fingerprints,
  });
  if (signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
  return makeKit(layout, facts, { now, version: VERSION, manifest: place });
}

async function show(kit: RecoveryKit, options: RecoveryKitOptions): Promise<void> {
  const written = options.json ? `${JSON.stringify(kit, null, 2)}\n` : await render(kit, options);
  if (options.out === undefined) return answer(written);
  await writeKit(options.out, written);
  answer(
    `Written to ${visible(options.out)}, which only you can read. Print it, and keep the secrets it names beside it.\n`,
  );
}

async function render(kit: RecoveryKit, { html }: RecoveryKitOptions): Promise<string> {
  const [{ CHECKS }, { pageOf }] = await Promise.all([
    import("../kit/fingerprint.ts"),
    import("../render/kit/content.ts"),
  ]);
  const page = pageOf(kit, CHECKS);
  if (html) return (await import("../render/kit/html.ts")).renderHtml(page);
  return (await import("../render/kit/markdown.ts")).renderMarkdown(page);
}
