import type { Manifest } from "../model/manifest.ts";
import type { RemoteName } from "../model/units.ts";
import type { DirectorySource } from "../planner/directories.ts";
import type { Copy, Source } from "../planner/sources.ts";
import { renderExplanation } from "../render/explanation.ts";
import { visible } from "../render/text.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { makePlan } from "./plan.ts";
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
  const [{ explainSnapshot, explainSource }, { explainCopy }, { sourcesOf }, { Observations }] = await Promise.all([
    import("../planner/explain.ts"),
    import("../planner/explain-copies.ts"),
    import("../planner/index.ts"),
    import("../planner/observed.ts"),
  ]);
  const scope = options.allHosts === undefined ? {} : { allHosts: true as const };
  const { sources, directories } = sourcesOf(manifest, world.inventory, scope);
  const { source, remote, snapshot } = find(manifest, [...sources, ...directories], address, options.on);
  const plan = await makePlan(manifest, world, scope);
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
  if (options.json) answerJson(explanation);
  else answer(renderExplanation(explanation, { ...forStdout(options), self: manifest.self }));
  return EXIT.ok;
}

const isZfs = ({ remotes }: Manifest, name: RemoteName): boolean => remotes.get(name)?.type === "zfs";

type AnySource = Source | DirectorySource;

interface Found {
  readonly source: AnySource;
  readonly remote: RemoteName | undefined;
  readonly snapshot: string | undefined;
}

/** What `[HOST:]DATASET[@SNAPSHOT]` or `[HOST:]PATH[@COPY]` names: a source, or a copy by where it is. */
function find(manifest: Manifest, sources: readonly AnySource[], address: string, on: string | undefined): Found {
  // a path may have an @ in it
  const whole = placed(manifest, sources, address, on, undefined);
  if (whole.length > 0) return only(whole, address);
  const at = address.lastIndexOf("@");
  const place = at < 0 ? address : address.slice(0, at);
  return only(placed(manifest, sources, place, on, at < 0 ? undefined : address.slice(at + 1)), place);
}

function placed(
  manifest: Manifest,
  sources: readonly AnySource[],
  place: string,
  on: string | undefined,
  snapshot: string | undefined,
): Found[] {
  const named = [...manifest.hosts.keys()].find((host) => place.startsWith(`${host}:`));
  const what = named === undefined ? place : place.slice(named.length + 1);
  const host = named ?? manifest.self ?? undefined;
  const isHere = (there: string, at: { readonly host: string }): boolean =>
    there === what && (host === undefined || at.host === host);
  return [
    ...sources
      .filter((source) => isHere("path" in source ? source.path : source.dataset, source))
      .map((source) => ({ source, remote: onRemote(source, on), snapshot })),
    ...(on === undefined ? sources : []).flatMap((source) =>
      copiesOf(source)
        .filter((copy) => isHere(copy.target, copy))
        .map((copy) => ({ source, remote: copy.remote.name, snapshot })),
    ),
  ];
}

function only([first, second, ...more]: readonly Found[], place: string): Found {
  if (first === undefined)
    throw new Failure(`${visible(place)} is neither a source of the manifest nor a copy of one`, {
      hint: "`holdfast list` shows all sources, with --all-hosts also those of other hosts",
    });
  if (second !== undefined)
    throw new Failure(`${visible(place)} is on several hosts`, {
      hint: `say which: ${[first, second, ...more].map((one) => one.source.address).join(", ")}`,
    });
  return first;
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
