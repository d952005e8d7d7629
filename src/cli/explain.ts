import type { Explanation } from "../model/explanation.ts";
import type { Manifest } from "../model/manifest.ts";
import type { Blocked } from "../model/plan.ts";
import type { Address, RemoteName } from "../model/units.ts";
import type { DirectorySource } from "../planner/directories.ts";
import type { Copy, Source } from "../planner/sources.ts";
import { renderExplanation } from "../render/explanation.ts";
import { visible } from "../render/text.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { makePlan } from "./plan.ts";
import { couldHave, notFound, unseenHosts } from "./selection.ts";
import { answer, answerJson } from "./terminal.ts";
import { lookAround } from "./world.ts";

interface ExplainOptions extends GlobalOptions {
  readonly on?: string;
  readonly json?: true;
  readonly inventory?: string;
  readonly allHosts?: true;
}

export async function explain(options: ExplainOptions, address: string): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const world = await lookAround(manifest, options);
  const [{ explainBlocked, explainSnapshot, explainSource }, { explainCopy }, { sourcesOf }, { Observations }] =
    await Promise.all([
      import("../planner/explain.ts"),
      import("../planner/explain-copies.ts"),
      import("../planner/index.ts"),
      import("../planner/observed.ts"),
    ]);
  const scope = options.allHosts === undefined ? {} : { allHosts: true as const };
  const { sources, directories, blocked } = sourcesOf(manifest, world.inventory, scope);
  const found = find(manifest, [...sources, ...directories], address, options.on);
  const plan = await makePlan(manifest, world, scope);
  const show = (explanation: Explanation): ExitCode => {
    if (options.json) answerJson(explanation);
    else answer(renderExplanation(explanation, { ...forStdout(options), self: manifest.self }));
    return EXIT.ok;
  };
  if (found === undefined) {
    const obstructed = only(named(manifest, blocked, address), address, (source) => source);
    if (obstructed !== undefined) return show(explainBlocked(plan, obstructed));
    const none = new Failure(`${visible(address)} is neither a source of the manifest nor a copy of one`, {
      hint: "`holdfast list` shows all sources, with --all-hosts also those of other hosts",
    });
    throw notFound(
      none,
      `what ${visible(address)} is`,
      couldHave(manifest, address, unseenHosts(manifest, world.inventory)),
    );
  }
  const { source, remote, snapshot } = found;
  const explained = { manifest, inventory: world.inventory, observations: new Observations(world.inventory), plan };
  const isDataset = "dataset" in source && (remote === undefined || isZfs(manifest, remote));
  const explanation =
    snapshot === undefined
      ? explainSource(explained, source, remote)
      : ((isDataset ? explainSnapshot(explained, source, remote, snapshot) : undefined) ??
        explainCopy(explained, source, remote, snapshot));
  if (explanation === undefined)
    throw new Failure(
      `${visible(address)}: there is no such snapshot or copy${remote === undefined ? "" : ` on ${remote}`}`,
      {
        hint: `holdfast list ${visible(source.address)}`,
      },
    );
  return show(explanation);
}

const isZfs = ({ remotes }: Manifest, name: RemoteName): boolean => remotes.get(name)?.type === "zfs";

type AnySource = Source | DirectorySource;

interface Found {
  readonly source: AnySource;
  readonly remote: RemoteName | undefined;
  readonly snapshot: string | undefined;
}

/** What `[HOST:]DATASET[@SNAPSHOT]` or `[HOST:]PATH[@COPY]` names: a source, or a copy by where it is. */
function find(
  manifest: Manifest,
  sources: readonly AnySource[],
  address: string,
  on: string | undefined,
): Found | undefined {
  for (const { place, snapshot } of readings(address)) {
    const isThere = placeMatcher(manifest, place);
    const found = [
      ...sources
        .filter((source) => isThere({ host: source.host, place: "path" in source ? source.path : source.dataset }))
        .map((source) => ({ source, remote: onRemote(source, on), snapshot })),
      ...(on === undefined ? sources : []).flatMap((source) =>
        copiesOf(source)
          .filter(({ host, target }) => isThere({ host, place: target }))
          .map((copy) => ({ source, remote: copy.remote.name, snapshot })),
      ),
    ];
    if (found.length > 0) return only(found, place, ({ source }) => source.address);
  }
  return undefined;
}

/** Those that are no sources yet, as something is in the way. */
function named(manifest: Manifest, blocked: readonly Blocked[], address: string): Address[] {
  const found = readings(address).flatMap(({ place }) => {
    const isThere = placeMatcher(manifest, place);
    return blocked.filter(({ at }) => "dataset" in at && isThere({ host: at.host, place: at.dataset }));
  });
  return [...new Set(found.map(({ source }) => source))];
}

/** A path may have an @ in it. */
function readings(address: string): { readonly place: string; readonly snapshot: string | undefined }[] {
  const at = address.lastIndexOf("@");
  const whole = { place: address, snapshot: undefined };
  return at < 0 ? [whole] : [whole, { place: address.slice(0, at), snapshot: address.slice(at + 1) }];
}

/** Whether `[HOST:]DATASET` or `[HOST:]PATH` means what is there; without a host it means this machine, for a controller any. */
function placeMatcher(
  manifest: Manifest,
  text: string,
): (there: { readonly host: string; readonly place: string }) => boolean {
  const named = [...manifest.hosts.keys()].find((each) => text.startsWith(`${each}:`));
  const what = named === undefined ? text : text.slice(named.length + 1);
  const meant = named ?? manifest.self ?? undefined;
  return ({ host, place }) => place === what && (meant === undefined || host === meant);
}

function only<T>([first, ...more]: readonly T[], place: string, addressOf: (one: T) => Address): T | undefined {
  if (first === undefined || more.length === 0) return first;
  throw new Failure(`${visible(place)} is on several hosts`, {
    hint: `say which: ${[first, ...more].map(addressOf).join(", ")}`,
  });
}

const copiesOf = (source: AnySource): readonly Copy[] => ("path" in source ? [] : source.copies);

function onRemote(source: AnySource, on: string | undefined): RemoteName | undefined {
  if (on === undefined) return undefined;
  const names = [
    ...copiesOf(source).map(({ remote }) => remote.name),
    ...source.repositories.flatMap(({ remote, mirrors }) => [remote.name, ...mirrors.map(({ mirror }) => mirror.name)]),
  ];
  const found = names.find((name) => name === on);
  if (found !== undefined) return found;
  throw new Failure(`${source.address} has no copy on ${visible(on)}`, {
    hint: names.length === 0 ? "it has no remote" : `its remotes: ${names.join(", ")}`,
  });
}
