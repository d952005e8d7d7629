import type { Manifest } from "../model/manifest.ts";
import type { Address } from "../model/units.ts";
import { visible } from "../render/text.ts";
import { type GlobalOptions, requireManifest, stateFolder } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { couldHave, nameable, requireMatches, selects, type Unseen, unseenHosts } from "./selection.ts";
import { answer } from "./terminal.ts";
import { lookAround } from "./world.ts";

/** Nothing more is done with these sources, from now on, on this machine. */
export async function suspend(options: GlobalOptions, sources: readonly string[]): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const doubtful = await requireKnown(manifest, options, sources);
  const { suspend: add } = await import("../service/suspensions.ts");
  const fresh = await changing(async (folder) => add(folder, sources, new Date().toISOString()));
  for (const source of sources) {
    const { place } = doubtful.get(source) ?? {};
    answer(
      fresh.includes(source)
        ? `${visible(source)} is suspended: holdfast resume ${visible(source)}\n`
        : `${visible(source)} was suspended before\n`,
    );
    if (place !== undefined)
      answer(`  whether it is a source could not be checked: ${visible(place)} was not observed\n`);
  }
  return EXIT.ok;
}

interface ResumeOptions extends GlobalOptions {
  readonly all?: true;
}

export async function resume(options: ResumeOptions, sources: readonly string[]): Promise<ExitCode> {
  if (sources.length === 0 && !options.all)
    throw new Failure("nothing is named that is to be resumed", {
      hint: "name what was given to `holdfast suspend`, or --all",
    });
  const { readSuspensions, resume: remove } = await import("../service/suspensions.ts");
  const isMeant = (one: string): boolean => options.all === true || sources.includes(one);
  return changing(async (folder) => {
    const known = readSuspensions(folder).map(({ source }) => source);
    const unknown = sources.find((source) => !known.includes(source));
    if (unknown !== undefined) {
      const covering = known.filter((pattern) => selects({ self: null }, pattern)(unknown as Address));
      throw new Failure(`${visible(unknown)} was not suspended by \`holdfast suspend\``, {
        hint:
          known.length === 0
            ? "nothing is; look for `suspend: true` in the manifest"
            : `what was: ${[...new Set([...covering, ...known])].map(visible).join(", ")}`,
      });
    }
    const ended = remove(folder, isMeant);
    for (const { source, since } of ended) answer(`${visible(source)} is resumed; it was suspended since ${since}\n`);
    if (ended.length === 0) answer("nothing was suspended\n");
    return EXIT.ok;
  });
}

/** Two that change it at the same time would lose one change. */
async function changing<T>(change: (folder: string) => Promise<T>): Promise<T> {
  const [{ acquireLock }, { SuspensionsError }] = await Promise.all([
    import("../transport/index.ts"),
    import("../service/suspensions.ts"),
  ]);
  const lock = await acquireLock({
    name: "suspended",
    env: process.env,
    command: "holdfast suspend",
    timeoutMs: 10_000,
  });
  const folder = await stateFolder();
  try {
    return await change(folder);
  } catch (error) {
    if (error instanceof SuspensionsError) throw new Failure(error.message, { hint: error.hint, cause: error });
    if (error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EROFS"))
      throw new Failure(`cannot write to ${folder}: ${error.message}`, {
        hint: "run it as the user who runs the service, or name another folder with HOLDFAST_STATE_DIR",
        cause: error,
      });
    throw error;
  } finally {
    lock.release();
  }
}

/**
 * A typo must not look like a source that is suspended. Hosts are only asked about what the manifest does not name; what
 * cannot be seen now may be what is meant, and is returned with where.
 */
async function requireKnown(
  manifest: Manifest,
  options: GlobalOptions,
  sources: readonly string[],
): Promise<ReadonlyMap<string, Unseen>> {
  const named = [
    ...manifest.directories.map(({ host, path }) => `${host}:${path}`),
    ...manifest.datasets.flatMap(({ pattern }) =>
      [...manifest.hosts.keys()].map((host) => `${host}:${pattern.dataset}`),
    ),
  ] as Address[];
  const unnamed = sources.filter((source) => !named.some(selects(manifest, source)));
  if (unnamed.length === 0) return new Map();
  const { inventory } = await lookAround(manifest, options);
  const { sourcesOf } = await import("../planner/index.ts");
  const known = nameable(sourcesOf(manifest, inventory, {}));
  const missing = unnamed.filter((source) => !known.some(selects(manifest, source)));
  const doubtful = new Map(
    missing.flatMap((source) =>
      couldHave(manifest, source, unseenHosts(manifest, inventory)).map((unseen) => [source, unseen]),
    ),
  );
  const unknown = missing.filter((source) => !doubtful.has(source));
  requireMatches(manifest, known, unknown, []);
  return doubtful;
}
