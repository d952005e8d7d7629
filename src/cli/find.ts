import { type Scope, scopeOf } from "../manifest/scope.ts";
import type { Found, FoundType, Hit, Unsearched, Wanted } from "../model/found.ts";
import type { Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import type { Address, EpochSeconds } from "../model/units.ts";
import type { Sighting } from "../planner/find/contents.ts";
import type { Point } from "../planner/restore/places.ts";
import { OWN_SNAPSHOTS } from "../planner/restore/request.ts";
import { type FoundOptions, renderFound } from "../render/found.ts";
import { shellLine } from "../render/shell-line.ts";
import { visible } from "../render/text.ts";
import type { Hosts } from "../transport/types.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { type Interruption, onInterrupt } from "./interrupt.ts";
import { showSearch } from "./progress.ts";
import { type Unavailable, withRemotes } from "./remotes.ts";
import { momentOf } from "./restore.ts";
import { momentsIn, type Subject, search } from "./search.ts";
import { requireMatches, selects, unseenHosts } from "./selection.ts";
import { answer, answerJson } from "./terminal.ts";
import { connect, observeWorld } from "./world.ts";

interface FindOptions extends GlobalOptions {
  readonly ignoreCase?: true;
  readonly literal?: true;
  readonly type?: FoundType;
  readonly from?: readonly string[];
  readonly newer?: string;
  readonly older?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly verbose?: true;
  readonly json?: true;
  readonly allHosts?: true;
}

/** Says which snapshots and copies have files and folders of a name; nothing is changed, and nothing stays mounted. */
export async function find(options: FindOptions, pattern: string, sources: readonly string[]): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const asked = await askedFor(manifest, options, pattern, sources);
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    const found = await withRemotes(manifest, hosts, options, interruption, ({ unavailable }) =>
      look(manifest, hosts, options, { ...asked, interruption, unavailable }),
    );
    if (options.json) answerJson(found);
    else for (const part of renderFound(found, shownAs(options))) answer(part);
    if (!found.complete) return EXIT.incomplete;
    return found.paths.length > 0 ? EXIT.ok : EXIT.error;
  } catch (error) {
    if (interruption.signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
    throw error;
  } finally {
    interruption.release();
    await hosts.close();
  }
}

const shownAs = (options: FindOptions): FoundOptions => ({
  ...forStdout(options),
  verbose: options.verbose ?? false,
  isLiteral: options.literal ?? false,
});

/** What is looked for, and where. */
interface Asked {
  readonly pattern: string;
  readonly sources: readonly string[];
  readonly wanted: Wanted;
  readonly isPlaceMeant: (place: string) => boolean;
  readonly isMomentMeant: (taken: EpochSeconds) => boolean;
  readonly isHitMeant: (hit: Hit) => boolean;
}

async function askedFor(
  manifest: Manifest,
  options: FindOptions,
  pattern: string,
  sources: readonly string[],
): Promise<Asked> {
  const { wantedOf } = await import("../planner/find/names.ts");
  const wanted = wantedOf(pattern, options);
  if (wanted === undefined)
    throw new Failure(`${visible(pattern) || "an empty name"} names nothing that a source can have`, {
      hint: "give a name such as thesis.tex, a pattern such as '*.tex', or a path in the source such as alice/thesis.tex",
    });
  const places = [...manifest.remotes.keys(), ...manifest.mirrors.keys(), OWN_SNAPSHOTS] as readonly string[];
  for (const place of options.from ?? [])
    if (!places.includes(place))
      throw new Failure(`there is no remote or mirror ${visible(place)}`, { hint: `places: ${places.join(", ")}` });
  const [newer, older, since, until] = await Promise.all([
    boundOf(options, "newer", manifest),
    boundOf(options, "older", manifest),
    boundOf(options, "since", manifest),
    boundOf(options, "until", manifest),
  ]);
  const isBetween = (time: number, from?: number, to?: number): boolean =>
    (from === undefined || time >= from) && (to === undefined || time <= to);
  return {
    pattern,
    sources,
    wanted,
    isPlaceMeant: (place) => options.from?.includes(place) ?? true,
    isMomentMeant: (taken) => isBetween(taken, since, until),
    isHitMeant: ({ modified }) => isBetween(Math.floor(Number(modified)), newer, older),
  };
}

/** A day alone is meant from its beginning on, or to its end. */
async function boundOf(
  options: FindOptions,
  name: "newer" | "older" | "since" | "until",
  manifest: Manifest,
): Promise<EpochSeconds | undefined> {
  const text = options[name];
  if (text === undefined) return undefined;
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text.trim());
  const isFrom = name === "newer" || name === "since";
  return momentOf(isDay && isFrom ? `${text.trim()} 00:00` : text, manifest, `--${name}`);
}

interface Looking extends Asked {
  readonly interruption: Interruption;
  readonly unavailable: Unavailable;
}

async function look(manifest: Manifest, hosts: Hosts, options: FindOptions, looking: Looking): Promise<Found> {
  const { pattern, wanted, isHitMeant, interruption, unavailable } = looking;
  const { signal } = interruption;
  const responsible = scopeOf(manifest, { allHosts: options.allHosts ?? false });
  // whoever makes them, copies are looked into
  const scope: Scope = { sources: responsible.sources, copies: responsible.sources };
  const { inventory } = await observeWorld(manifest, hosts, { scope, unavailable, signal });
  const { subjects, unseen, volumes } = await subjectsIn(manifest, inventory, scope, looking);
  const { Collected } = await import("../planner/find/collect.ts");
  const collected = new Collected();
  const snapshots = subjects.reduce((sum, { contents }) => sum + momentsIn(contents), 0);
  const progress = await showSearch(snapshots, options);
  const searched = await search(subjects, {
    manifest,
    hosts,
    signal,
    wanted,
    lanes: options.concurrency,
    take: ({ source, contents }, index, hit) => {
      if (isHitMeant(hit)) collected.add(source, contents, index, hit);
    },
    done: progress.add,
  }).finally(progress.end);
  const unsearched = [...unseen, ...searched.unsearched];
  return {
    formatVersion: 1,
    pattern,
    complete: unsearched.length === 0,
    searched: { sources: subjects.length, snapshots },
    paths: collected.paths(options.limit, {
      isReadable: (sighting) => !searched.unreadable.has(sighting),
      restore: (source, hit, sighting) => restoreLine(options, source, hit, sighting),
    }),
    omitted: collected.omitted + searched.omitted,
    unsearched,
    volumes,
  };
}

interface Subjects {
  readonly subjects: readonly Subject[];
  readonly unseen: readonly Unsearched[];
  readonly volumes: readonly Address[];
}

/** Every source that is meant, those that only their copies tell of too, with all that can be searched of it. */
async function subjectsIn(
  manifest: Manifest,
  inventory: Inventory,
  scope: Scope,
  { sources: patterns, isPlaceMeant, isMomentMeant }: Asked,
): Promise<Subjects> {
  const [{ restorable }, { everyPoint }, { contentsOf }, { Observations }] = await Promise.all([
    import("../planner/restore/sources.ts"),
    import("../planner/restore/places.ts"),
    import("../planner/find/contents.ts"),
    import("../planner/observed.ts"),
  ]);
  const observations = new Observations(inventory);
  const known = restorable(manifest, observations).filter(({ host }) => scope.sources(host));
  const addresses = known.map(({ address }) => address);
  requireMatches(manifest, addresses, patterns, unseenHosts(manifest, inventory));
  const isMeant = (point: Point): boolean => isPlaceMeant(point.place) && isMomentMeant(point.taken);
  const subjects: Subject[] = [];
  const unseen: Unsearched[] = [];
  const volumes: Address[] = [];
  for (const source of known) {
    const { address } = source;
    if (patterns.length > 0 && !patterns.some((pattern) => selects(manifest, pattern)(address))) continue;
    const places = everyPoint(manifest, inventory, observations, source);
    const isVolume = places.points.some((point) => point.kind === "snapshot" && point.dataset.type === "volume");
    if (isVolume) volumes.push(address);
    else subjects.push({ source: address, contents: contentsOf(places.points, isMeant) });
    for (const { place, reason } of places.unseen)
      if (isPlaceMeant(place)) unseen.push({ source: address, place, reason });
  }
  // which sources a host has that was not seen, its entries alone do not tell
  for (const [host, there] of Object.entries(inventory.hosts))
    if (there.state === "unobserved" && patterns.length === 0 && !unseen.some(({ reason }) => reason === there.reason))
      unseen.push({ place: host, reason: there.reason });
  return { subjects, unseen, volumes };
}

/** The command that brings just this back, from just there. */
function restoreLine({ file, as }: FindOptions, source: Address, { path }: Hit, { point }: Sighting): string {
  return shellLine([
    "holdfast",
    ...(file === undefined ? [] : ["-f", file]),
    ...(as === undefined ? [] : ["--as", as]),
    ...["restore", source, "--snapshot", point.kind === "copy" ? point.id.slice(0, 8) : point.name],
    ...["--path", path.startsWith("-") ? `./${path}` : path, "--from", point.place],
  ]);
}
