import type { Manifest } from "../model/manifest.ts";
import type { Simulation } from "../model/simulation.ts";
import type { EpochSeconds, Seconds } from "../model/units.ts";
import { visible } from "../render/text.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { nameable, requireMatches, unseenHosts } from "./selection.ts";
import { answer, answerJson } from "./terminal.ts";
import { clock, lookAround, type World } from "./world.ts";

interface SimulateOptions extends GlobalOptions {
  readonly for?: string;
  readonly every?: string;
  readonly empty?: true;
  readonly inventory?: string;
  readonly target?: readonly string[];
  readonly exclude?: readonly string[];
  readonly allHosts?: true;
  readonly json?: true;
}

const MOST_YEARS = 10;
const MOST_DATES = 1_000;
/** Some minutes of work. */
const MOST_PASSES = 200_000;
const YEAR = 365 * 86_400;

export async function simulate(options: SimulateOptions): Promise<ExitCode> {
  const dates = await datesFrom(options);
  const manifest = await requireManifest(options);
  const world = await startOf(manifest, options);
  const found = await play(manifest, world, options, dates);
  if (options.json) answerJson(found);
  else {
    const { renderSimulation } = await import("../render/simulation.ts");
    answer(renderSimulation(found, forStdout(options)));
  }
  return found.complete ? EXIT.ok : EXIT.incomplete;
}

/** Which dates are asked for, once the clock at the start is known. */
type Dates = (start: EpochSeconds) => readonly EpochSeconds[];

async function datesFrom(options: SimulateOptions): Promise<Dates> {
  if (options.for === undefined)
    throw new Failure("--for does not say how far ahead to look", { hint: "holdfast simulate --for 1y" });
  const [{ parseDuration }, { datesOf }] = await Promise.all([
    import("../manifest/units.ts"),
    import("../planner/simulate/dates.ts"),
  ]);
  const seconds = (option: string, text: string): Seconds => {
    const parsed = parseDuration(text);
    if (parsed === undefined)
      throw new Failure(`${option} ${text} is no time at all`, { hint: `${option} 1d, for example` });
    return parsed;
  };
  const length = seconds("--for", options.for);
  const every = options.every === undefined ? undefined : seconds("--every", options.every);
  if (length > MOST_YEARS * YEAR)
    throw new Failure(`--for ${options.for} is too long: nobody's manifest stays the same for so many years`, {
      hint: `--for takes up to ${MOST_YEARS}y`,
    });
  const count = every === undefined ? 0 : Math.ceil(length / every);
  if (count > MOST_DATES)
    throw new Failure(`--every ${options.every} would make ${count.toLocaleString("en-US")} lines of each table`, {
      hint: `at most ${MOST_DATES.toLocaleString("en-US")} are shown: give a longer --every or a shorter --for`,
    });
  return (start) => datesOf(start, length, every);
}

async function startOf(manifest: Manifest, options: SimulateOptions): Promise<World> {
  if (!options.empty) return lookAround(manifest, options);
  const { emptyInventory } = await import("../planner/simulate/empty.ts");
  const now = clock();
  return { inventory: emptyInventory(manifest, now, options.target), now };
}

async function play(
  manifest: Manifest,
  { inventory, now }: World,
  { target, exclude, allHosts, empty }: SimulateOptions,
  datesOf: Dates,
): Promise<Simulation> {
  const [planner, { sourcesOf }] = await Promise.all([
    import("../planner/simulate/index.ts"),
    import("../planner/index.ts"),
  ]);
  const scope = allHosts === undefined ? {} : { allHosts };
  const known = nameable(sourcesOf(manifest, inventory, scope));
  requireMatches(manifest, known, [...(target ?? []), ...(exclude ?? [])], unseenHosts(manifest, inventory));
  try {
    return planner.simulate(manifest, inventory, {
      ...scope,
      ...(target && { target }),
      ...(exclude && { exclude }),
      dates: datesOf(now),
      from: empty ? "nothing" : "observed",
      mostPasses: MOST_PASSES,
    });
  } catch (error) {
    if (!(error instanceof planner.TooManyPasses)) throw error;
    const groups = error.groups === 1 ? "1 group of sources" : `${error.groups} groups of sources that differ`;
    throw new Failure(
      `there is something to do more than ${MOST_PASSES.toLocaleString("en-US")} times, for ${groups}`,
      {
        hint: `give a shorter --for, or only some sources: --target ${visible(known[0] ?? "SOURCE")}`,
        cause: error,
      },
    );
  }
}
