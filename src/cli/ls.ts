import type { Scope } from "../manifest/scope.ts";
import type { Folder, FolderEntry } from "../model/folder.ts";
import type { Manifest } from "../model/manifest.ts";
import type { Problem } from "../model/report.ts";
import type { Point } from "../planner/restore/places.ts";
import { OWN_SNAPSHOTS, type RestoreRequest } from "../planner/restore/request.ts";
import { renderFolder } from "../render/folder.ts";
import { visible } from "../render/text.ts";
import type { Hosts } from "../transport/types.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { type Interruption, onInterrupt } from "./interrupt.ts";
import { type Unavailable, withRemotes } from "./remotes.ts";
import { hostOf, requestOf, requireKnown, unseenPlaces } from "./restore.ts";
import { answer, answerJson } from "./terminal.ts";
import { connect, observeWorld } from "./world.ts";

interface LsOptions extends GlobalOptions {
  readonly on?: string;
  readonly at?: string;
  readonly snapshot?: string;
  readonly json?: true;
}

/** Shows what is in a folder of a snapshot or copy; nothing is changed, and nothing stays mounted. */
export async function ls(options: LsOptions, address: string, path = ""): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const { on, ...rest } = options;
  const request = await requestOf(manifest, { ...rest, ...(on !== undefined && { from: on }) }, address);
  const inside = pathIn(path);
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    const folder = await withRemotes(manifest, hosts, { ...options, allHosts: true }, interruption, (remotes) =>
      look(manifest, hosts, { request, path: inside, interruption, ...remotes }),
    );
    if (options.json) answerJson(folder);
    else answer(renderFolder(folder, forStdout(options)));
    return EXIT.ok;
  } finally {
    interruption.release();
    await hosts.close();
  }
}

interface Asked {
  readonly request: RestoreRequest;
  readonly path: string;
  readonly interruption: Interruption;
  readonly unavailable: Unavailable;
}

async function look(manifest: Manifest, hosts: Hosts, asked: Asked): Promise<Folder> {
  const { request, path, interruption, unavailable } = asked;
  const { signal } = interruption;
  const { point, source } = await choose(manifest, hosts, request, { signal, unavailable });
  return {
    formatVersion: 1,
    source,
    place: point.place,
    at: point.kind === "snapshot" ? point.from : point.at,
    snapshot: point.name,
    ...(point.kind === "copy" && { copy: point.id }),
    taken: new Date(point.taken * 1000).toISOString().replace(".000", ""),
    path,
    entries: (await entriesOf(manifest, hosts, point, path, signal)).toSorted(byName),
  };
}

const byName = (a: FolderEntry, b: FolderEntry): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** The source's own snapshot where it has one that fits, otherwise what a restore of files would take. */
async function choose(
  manifest: Manifest,
  hosts: Hosts,
  request: RestoreRequest,
  looking: { readonly signal: AbortSignal; readonly unavailable: Unavailable },
): Promise<{ readonly point: Point; readonly source: Folder["source"] }> {
  const [{ restorable }, { placesOf }, { Observations }] = await Promise.all([
    import("../planner/restore/sources.ts"),
    import("../planner/restore/places.ts"),
    import("../planner/observed.ts"),
  ]);
  const address = request.source as Folder["source"];
  const host = hostOf(manifest, address);
  const scope: Scope = { sources: (each) => each === host, copies: (each) => each === host };
  const { inventory } = await observeWorld(manifest, hosts, { scope, ...looking });
  const observations = new Observations(inventory);
  const sources = restorable(manifest, observations);
  const known = sources.map((each) => each.address);
  await requireKnown(known, request, unseenPlaces(manifest, inventory));
  const source = sources.find((each) => each.address === address);
  if (source === undefined) throw new Failure(`there is no source ${visible(address)}`);
  // single files may come from the source's own snapshots, too
  const places = placesOf(manifest, inventory, observations, source, { ...request, paths: ["."] }, host);
  const point = places.points.find(({ place }) => place === OWN_SNAPSHOTS) ?? places.points[0];
  if (point !== undefined) return { point, source: address };
  const unseen = places.unseen.map(({ place, reason }) => `${place} could not be seen: ${reason}`);
  const where = request.from === undefined ? "no place that was seen has a" : `${request.from} has no`;
  const which = request.snapshot === undefined ? "" : ` called ${request.snapshot}`;
  const when = request.at === undefined ? "" : ` from ${new Date(request.at * 1000).toISOString()} or before`;
  throw new Failure([`${where} snapshot or copy of ${address}${which}${when}`, ...unseen].join("\n"), {
    hint: `what there is: holdfast list ${address}`,
  });
}

async function entriesOf(
  manifest: Manifest,
  hosts: Hosts,
  point: Point,
  path: string,
  signal: AbortSignal,
): Promise<FolderEntry[]> {
  try {
    if (point.kind === "copy") {
      const { openRepository } = await import("../remotes/restic/restic.ts");
      const { placeOf } = await import("../remotes/restic/run-context.ts");
      const repository = openRepository(placeOf({ manifest }, point.at), { hosts, env: process.env, signal });
      return await repository.look({ id: point.id, within: point.within, path });
    }
    const { from, dataset, snapshot } = point;
    if (dataset.type === "volume")
      throw new Failure(`${from.host}:${from.dataset} is a volume: Holdfast cannot look into what is on it`, {
        hint: "restore it beside the original, and look there: holdfast restore",
      });
    if (dataset.keystatus === "unavailable")
      throw new Failure(`${from.host}:${from.dataset}@${snapshot.name} cannot be read: its key is not loaded`, {
        hint: `on ${from.host}: zfs load-key ${dataset.encryptionroot ?? from.dataset}; or look into another copy: --on`,
      });
    const { lookInSnapshot } = await import("../remotes/zfs/look.ts");
    const at = { ...from, snapshot: snapshot.name, mountpoint: dataset.mountpoint ?? "" };
    return await lookInSnapshot(at, path, { hosts, signal });
  } catch (error) {
    if (signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    throw new Failure(problem.message, { ...(problem.hint !== undefined && { hint: problem.hint }), cause: error });
  }
}

/** Both kinds of remotes tell what went wrong in the same way. */
const problemOf = (error: unknown): Problem | undefined =>
  error instanceof Error && "problem" in error ? (error.problem as Problem) : undefined;

/** As it was typed, without slashes around it and dots in it; empty for the top. */
function pathIn(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (!parts.includes("..")) return parts.join("/");
  throw new Failure(`${visible(path)} leads out of the source`, {
    hint: "give a file or folder relative to the source, such as etc/ssl",
  });
}
