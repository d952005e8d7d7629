import type { Blocked, Unobserved } from "../model/plan.ts";
import { writePlace } from "../model/plan.ts";
import type { SimulatedDate, SimulatedGroup, SimulatedPlace, Simulation } from "../model/simulation.ts";
import {
  columns,
  duration,
  palette,
  plural,
  shortAddress,
  type TextOptions,
  visible,
  visibleLines,
  wrap,
} from "./text.ts";

/** Further sources of a group are counted, not named; `--json` has them all. */
const NAMED = 4;

/** A table for each group of sources: a line for each date, a column for each place. */
export function renderSimulation(simulation: Simulation, { color, width }: TextOptions): string {
  const { bold } = palette(color);
  const { groups, from, start, end, timezone } = simulation;
  const length = (Date.parse(end) - Date.parse(start)) / 1000;
  const then = from === "nothing" ? "as if nothing were there yet" : "with what is there";
  const blocks = [
    [bold(`From ${clock(start, timezone)} (${visible(timezone)}) for ${duration(length)}, ${then}.`)],
    ...groups.map((group) => table(group, simulation, { bold, width })),
    ...(groups.length === 0 ? [["There is no source to simulate."]] : []),
    hindrances(simulation).flatMap((line) => wrap(line, width)),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function table(
  group: SimulatedGroup,
  { self, timezone, start }: Simulation,
  { bold, width }: { readonly bold: (text: string) => string; readonly width: number | undefined },
): string[] {
  const { sources, places } = group;
  const names = sources.slice(0, NAMED).map((source) => shortAddress(source, self));
  const more = sources.length - names.length;
  const title = `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  const seen = places.filter(({ unobserved }) => unobserved === undefined);
  const dates = seen[0]?.dates ?? [];
  const rows = dates.map(({ at }, index) => [
    `  ${clock(at, timezone)}`,
    index === 0 ? "now" : duration((Date.parse(at) - Date.parse(start)) / 1000),
    ...places.flatMap((place) => cells(place, index)),
  ]);
  const head = ["  DATE", "IN", ...places.flatMap(({ name }) => [visible(name).toUpperCase(), "OLDEST"])];
  return [
    ...wrap(bold(sources.length === 1 ? title : `${title}: ${plural(sources.length, "source")}, each`), width),
    ...columns(places.map((place) => [`  ${visible(place.name)}`, visible(writePlace(place.at)), place.keep])),
    "",
    ...(seen.length === 0
      ? ["  Nobody can tell: none of these places was seen."]
      : [...columns([head, ...rows]), "", ...remarks(group, timezone).flatMap((line) => wrap(`  ${line}`, width))]),
  ];
}

function cells({ dates, unobserved }: SimulatedPlace, index: number): string[] {
  const there = dates[index];
  if (unobserved !== undefined || there === undefined) return ["?", "?"];
  return [has(there), there.oldest === undefined ? "-" : duration(there.oldest.age)];
}

/** One copy may be of several types: then their number is another one. */
function has({ count, types }: SimulatedDate): string {
  const sum = types.reduce((total, each) => total + each.count, 0);
  const words = types.map(({ type, count }) => `${count} ${visible(type)}`).join(", ");
  return `${words || "none"}${sum === count ? "" : ` (${plural(count, "copy", "copies")})`}`;
}

function remarks({ suspended, places, steadySince }: SimulatedGroup, timezone: string): string[] {
  if (suspended) return ["Suspended: nothing is changed."];
  const destroyed = places.flatMap(({ name, kind, at, firstDestroyed }) => {
    const all = firstDestroyed.map(
      ({ type, creation, at }) =>
        `${visible(type)} on ${clock(at, timezone)} (taken ${clock(new Date(creation * 1000).toISOString(), timezone)})`,
    );
    const where = kind === "source" ? "the source" : visible(name);
    const verb = "repository" in at ? "forgotten" : "destroyed";
    return all.length === 0 ? [] : [`First ${verb} on ${where}: ${all.join(", ")}.`];
  });
  const steady =
    steadySince === undefined
      ? "The counts may still change after that."
      : `From ${clock(steadySince, timezone)} on the counts stay the same.`;
  return [...(destroyed.length === 0 ? ["Nothing is destroyed until then."] : destroyed), steady];
}

function hindrances({ self, blocked, withheld, unobserved }: Simulation): string[] {
  return [
    ...together(blocked).flatMap((same) => [
      `! blocked, and taken to stay so: ${inWords(same, self)}`,
      ...same.slice(0, 1).flatMap(({ remedies }) => remedies.map((remedy) => `    next: ${visible(remedy)}`)),
    ]),
    ...together(withheld).map((same) => `! withheld, and taken to be agreed to: ${inWords(same, self)}`),
    ...unobserved.flatMap(unseen),
  ];
}

/** What is the same of many sources is said once. */
function together(all: readonly Blocked[]): Blocked[][] {
  const groups = new Map<string, Blocked[]>();
  for (const each of all) {
    const key = JSON.stringify([each.remote, each.reason, each.message.replaceAll(each.source, "")]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

function inWords(same: readonly Blocked[], self: Simulation["self"]): string {
  const [first] = same;
  if (!first) return "";
  const remote = first.remote === undefined ? "" : ` on ${visible(first.remote)}`;
  const more = same.length === 1 ? "" : ` and ${plural(same.length - 1, "other source")}`;
  return `${shortAddress(first.source, self)}${more}${remote}: ${visible(first.message)}`;
}

function unseen({ host, pool, remote, repository, reason, hint }: Unobserved): string[] {
  const what =
    repository ?? `${remote === undefined ? "" : `${remote} at `}${pool === undefined ? host : `${host}:${pool}`}`;
  const [first = "", ...more] = visibleLines(reason);
  return [
    `? not seen, and left out: ${visible(what)}: ${first}`,
    ...more.map((line) => `    ${line}`),
    ...(hint === undefined ? [] : [`    next: ${visible(hint)}`]),
  ];
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** `2026-11-30 01:00` by the clocks of that zone. */
function clock(at: string, zone: string): string {
  const format =
    formats.get(zone) ?? new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  formats.set(zone, format);
  return format.format(new Date(at));
}
