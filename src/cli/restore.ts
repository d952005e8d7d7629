import type { Scope } from "../manifest/scope.ts";
import type { Inventory } from "../model/inventory.ts";
import { type Manifest, zfsRemotes } from "../model/manifest.ts";
import type { Plan } from "../model/plan.ts";
import {
  type Address,
  address,
  type DatasetName,
  type DirectoryPath,
  type EpochSeconds,
  type HostName,
  isDirectory,
} from "../model/units.ts";
import type { RestoreRequest, RestoreTarget } from "../planner/restore/index.ts";
import { renderPlan } from "../render/plan.ts";
import { visible } from "../render/text.ts";
import type { Hosts } from "../transport/types.ts";
import { carryOut, emptyReport, exitCodeOf } from "./carry-out.ts";
import { commandLines } from "./command-lines.ts";
import { agreed } from "./consent.ts";
import { forStderr, forStdout, requireManifest, stateFolder } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { type Interruption, onInterrupt } from "./interrupt.ts";
import { lockHosts } from "./lock.ts";
import { type Remotes, withRemotes } from "./remotes.ts";
import { type Bare, type BareOptions, withoutManifest } from "./restore-bare.ts";
import { notFound, type Unseen, unseenHosts } from "./selection.ts";
import { answer, answerJson, tell } from "./terminal.ts";
import { clock, connect, observeWorld, type World } from "./world.ts";

export interface RestoreOptions extends BareOptions {
  readonly at?: string;
  readonly snapshot?: string;
  readonly from?: string;
  readonly toHost?: string;
  readonly inPlace?: true;
  readonly path?: readonly string[];
  readonly recursive?: true;
  readonly withSnapshots?: true;
  readonly out?: string;
  readonly print?: true;
  readonly yes?: true;
  readonly confirm?: string;
  readonly json?: true;
  readonly verbose?: true;
}

/** Brings copies back: a plan first, then, when it is agreed to, what it says. */
export async function restore(options: RestoreOptions, source: string | undefined): Promise<ExitCode> {
  const bare = await withoutManifest(options, source);
  const manifest = bare?.manifest ?? (await requireManifest(options));
  const said = bare?.toHost === undefined ? options : { ...options, toHost: bare.toHost };
  const request = { ...(await requestOf(manifest, said, bare?.source ?? source)), ...bare?.request };
  const asked: Asked = { request, ...(bare?.seen && { seen: bare.seen }) };
  const interruption = onInterrupt();
  // what is only brought beside stands in nobody's way
  const isAlone = options.print || options.out !== undefined || !(options.inPlace || options.all);
  const lock = isAlone ? undefined : await lockHosts(manifest, options, interruption.signal);
  const hosts = await connect(manifest, options);
  try {
    return await withRemotes(manifest, hosts, { ...options, allHosts: true }, interruption, (remotes) =>
      planAndRestore(manifest, hosts, options, asked, interruption, remotes),
    );
  } finally {
    interruption.release();
    await hosts.close();
    lock?.release();
  }
}

interface Asked extends Pick<Bare, "seen"> {
  readonly request: RestoreRequest;
}

async function planAndRestore(
  manifest: Manifest,
  hosts: Hosts,
  options: RestoreOptions,
  asked: Asked,
  interruption: Interruption,
  remotes: Remotes,
): Promise<ExitCode> {
  const { plan, world } = await planned(manifest, hosts, asked, interruption, remotes);
  const commands = commandLines(plan, manifest, world.inventory);
  if (options.print) {
    for (const line of plan.operations.flatMap(commands)) answer(`${line}\n`);
    const code = exitCodeOf({ finished: true, operations: [] }, plan);
    // what no command is printed for must not go unnoticed
    if (code !== EXIT.ok) tell(renderPlan(plan, forStderr(options)));
    return code;
  }
  const details = options.verbose ? { verbose: true, commands } : {};
  if (options.out !== undefined) {
    const { writeDocument } = await import("./documents.ts");
    await writeDocument(options.out, plan);
  }
  if (!options.json) {
    answer(renderPlan(plan, { ...forStdout(options), ...details }));
    const time = await howLong(plan);
    if (time !== undefined) answer(`${time}\n`);
  }
  if (options.json && !options.yes) tell(renderPlan(plan, { ...forStderr(options), ...details }));
  if (options.out !== undefined) {
    if (options.json) answerJson(plan);
    else answer(`Saved to ${visible(options.out)}: holdfast apply ${visible(options.out)}\n`);
    return exitCodeOf({ finished: true, operations: [] }, plan);
  }
  if (plan.operations.length === 0) {
    const report = emptyReport(plan);
    if (options.json) answerJson(report);
    return exitCodeOf(report, plan);
  }
  if (!(await agreed(plan, options, interruption.signal))) return EXIT.error;
  return carryOut(plan, { manifest, hosts, options, interruption, remotes });
}

/** How long it takes, by what ran on this machine before. */
async function howLong(plan: Plan): Promise<string | undefined> {
  const [words, { runsIn }] = await Promise.all([import("../render/how-long.ts"), import("../service/history.ts")]);
  return words.howLong(
    plan,
    runsIn(await stateFolder()).flatMap(({ operations }) => operations),
  );
}

/** Looks at the hosts that matter; once more, where what is to be restored goes to a place that was not looked at. */
async function planned(
  manifest: Manifest,
  hosts: Hosts,
  { request, seen }: Asked,
  { signal }: Interruption,
  { unavailable }: Remotes,
): Promise<{ readonly plan: Plan; readonly world: World }> {
  const host = typeof request.source === "string" ? hostOf(manifest, request.source) : request.source.allOf;
  const scope: Scope = { sources: (each) => each === host, copies: (each) => each === host };
  const looking = {
    scope,
    unavailable,
    signal,
    copiesOnly: true as const,
    ...(seen && { seen }),
    ...(request.to?.host !== undefined && { reader: request.to.host }),
  };
  let [world, { planRestore, targetsOf, restorable }, { Observations }] = await Promise.all([
    observeWorld(manifest, hosts, looking),
    import("../planner/restore/index.ts"),
    import("../planner/observed.ts"),
  ]);
  const sources = restorable(manifest, new Observations(world.inventory));
  const known = sources.map(({ address }) => address);
  await requireKnown(known, request, unseenPlaces(manifest, world.inventory));
  const targets = targetsOf(manifest, world.inventory, request);
  if (targets.length > 0) {
    const from = [...new Set(zfsRemotes(manifest).map((remote) => remote.host ?? host))];
    const also = targets.map((at) => ({ host: at.host, root: at.dataset, from: [...new Set([...from, host])] }));
    world = await observeWorld(manifest, hosts, { ...looking, also, copies: world.inventory });
  }
  return { plan: planRestore(manifest, world.inventory, { ...request, now: world.now }), world };
}

/** A typo must not look like a source without copies. */
export async function requireKnown(
  known: readonly Address[],
  { source }: RestoreRequest,
  unseen: readonly Unseen[],
): Promise<void> {
  if (typeof source !== "string") {
    if (known.some((each) => each.startsWith(`${source.allOf}:`))) return;
    const none = new Failure(`${source.allOf} has no sources`, {
      hint: "`holdfast list --all-hosts` shows all sources",
    });
    throw notFound(none, `whether ${source.allOf} has sources`, unseen);
  }
  if (known.includes(source)) return;
  const { nearestWord } = await import("../manifest/words.ts");
  const near = nearestWord(source, known);
  const none = new Failure(`there is no source ${visible(source)}`, {
    hint: near === undefined ? "`holdfast list` shows all sources" : `did you mean ${near}?`,
  });
  if (isDirectory(source)) throw none;
  const isElsewhere = ({ host, pool }: Unseen): boolean =>
    pool !== undefined && !`${source}/`.startsWith(`${host}:${pool}/`);
  throw notFound(
    none,
    `whether ${visible(source)} is a source`,
    unseen.filter((one) => !isElsewhere(one)),
  );
}

/** A dataset that is gone may still have copies in any of them. */
export const unseenPlaces = (manifest: Manifest, inventory: Inventory): Unseen[] => [
  ...unseenHosts(manifest, inventory),
  ...Object.entries(inventory.repositories ?? {}).flatMap(([key, there]) =>
    there.state === "unobserved" ? [{ place: `repository ${key}`, reason: there.reason }] : [],
  ),
];

export function hostOf(manifest: Manifest, source: Address): HostName {
  const found = [...manifest.hosts.keys()].find((host) => source.startsWith(`${host}:`));
  if (found === undefined) throw new Failure(`${visible(source)} names no host of the manifest`);
  return found;
}

export async function requestOf(
  manifest: Manifest,
  options: RestoreOptions,
  text: string | undefined,
): Promise<RestoreRequest> {
  const { all, from, recursive, inPlace, withSnapshots, path = [] } = options;
  if ((text === undefined) === (all === undefined))
    throw new Failure(
      text === undefined ? "which source is to be restored?" : "--all restores every source: name none",
      {
        hint: "holdfast restore SOURCE, or holdfast restore --all; `holdfast list` shows all sources",
      },
    );
  const places = [...manifest.remotes.keys(), ...manifest.mirrors.keys(), "source"] as readonly string[];
  if (from !== undefined && !places.includes(from))
    throw new Failure(`there is no remote or mirror ${visible(from)}`, { hint: `places: ${places.join(", ")}` });
  if (options.confirm !== undefined && !inPlace)
    throw new Failure("--confirm is for --in-place, which gives the source's present state up", {
      hint: "leave it out, or give --in-place too",
    });
  const { snapshot, source } =
    text === undefined ? { source: { allOf: hostOfAll(manifest, options) } } : addressIn(manifest, text);
  if (snapshot !== undefined && options.snapshot !== undefined)
    throw new Failure(`${visible(text ?? "")} and --snapshot ${visible(options.snapshot)} both say which snapshot`, {
      hint: "give one of them",
    });
  const name = options.snapshot ?? snapshot;
  const at = options.at === undefined ? undefined : await momentOf(options.at, manifest, "--at");
  const to = targetIn(manifest, options);
  return {
    now: clock(),
    source,
    ...(recursive && { recursive }),
    ...(at !== undefined && { at }),
    ...(name !== undefined && { snapshot: name.replace(/^@/, "") }),
    ...(from !== undefined && { from }),
    ...(to && { to }),
    ...(inPlace && { inPlace }),
    ...(path.length > 0 && { paths: path.map(pathIn) }),
    ...(withSnapshots && { withSnapshots }),
  };
}

/** `[HOST:]DATASET[@SNAPSHOT]`, or a directory's `[HOST:]PATH`. */
function addressIn(manifest: Manifest, text: string): { readonly source: Address; readonly snapshot?: string } {
  const { host, rest } = splitHost(manifest, text);
  const owner = host ?? ownHost(manifest, text);
  if (rest.startsWith("/"))
    return { source: address(owner, (rest.length > 1 ? rest.replace(/\/+$/, "") : rest) as DirectoryPath) };
  const [dataset = "", snapshot] = rest.split("@", 2);
  return { source: address(owner, dataset as DatasetName), ...(snapshot !== undefined && { snapshot }) };
}

function splitHost(manifest: Manifest, text: string): { readonly host?: HostName; readonly rest: string } {
  const host = [...manifest.hosts.keys()].find((each) => text.startsWith(`${each}:`));
  return host === undefined ? { rest: text } : { host, rest: text.slice(host.length + 1) };
}

function ownHost({ self, hosts }: Manifest, what: string): HostName {
  const [only, ...others] = hosts.keys();
  if (self !== null) return self;
  if (only !== undefined && others.length === 0) return only;
  throw new Failure(`on which host is ${visible(what)}?`, {
    hint: `write HOST:${visible(what)}; hosts: ${[...hosts.keys()].join(", ")}`,
  });
}

function hostOfAll(manifest: Manifest, { all }: RestoreOptions): HostName {
  if (typeof all === "string" && manifest.hosts.has(all as HostName)) return all as HostName;
  if (manifest.self !== null && all === true) return manifest.self;
  throw new Failure(typeof all === "string" ? `there is no host ${visible(all)}` : "all of which host?", {
    hint: `holdfast restore --all HOST; hosts: ${[...manifest.hosts.keys()].join(", ")}`,
  });
}

/** `option`: where it was given. */
export async function momentOf(
  text: string,
  { timezone }: Pick<Manifest, "timezone">,
  option: string,
): Promise<EpochSeconds> {
  const { parseMoment } = await import("../manifest/units.ts");
  const moment = parseMoment(text, timezone, clock());
  if (moment !== undefined) return moment;
  throw new Failure(`${option} ${visible(text)} is no time`, {
    hint: `such as "2026-11-21 18:00" (in ${timezone}), 2026-11-21, 2026-11-21T18:00:00Z, or 3h for three hours ago`,
  });
}

function targetIn(manifest: Manifest, { to, toHost, inPlace }: RestoreOptions): RestoreTarget | undefined {
  if (to !== undefined && inPlace)
    throw new Failure("--to names another place, and --in-place is the original's own", { hint: "give one of them" });
  if (toHost !== undefined && !manifest.hosts.has(toHost as HostName))
    throw new Failure(`there is no host ${visible(toHost)}`, {
      hint: `hosts: ${[...manifest.hosts.keys()].join(", ")}`,
    });
  if (to === undefined) return toHost === undefined ? undefined : { host: toHost as HostName };
  const { host = toHost as HostName | undefined, rest } = splitHost(manifest, to);
  const place = rest.replace(/(?<=.)\/+$/, "");
  if (place === "" || (!place.startsWith("/") && !/^[\w.:-][\w.: -]*(?:\/[\w.:-][\w.: -]*)*$/.test(place)))
    throw new Failure(`--to ${visible(to)} is no dataset and no folder`, {
      hint: "such as tank/restored, /srv/restored or nas02:tank/restored",
    });
  return {
    ...(host !== undefined && { host }),
    ...(place.startsWith("/") ? { directory: place as DirectoryPath } : { dataset: place as DatasetName }),
  };
}

/** Relative to the source, however it was written. */
function pathIn(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes(".."))
    throw new Failure(`--path ${visible(path)} is nothing within a source`, {
      hint: "it takes a file or folder relative to the source, such as etc/passwd",
    });
  return parts.join("/");
}
