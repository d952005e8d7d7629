import type { Manifest } from "../model/manifest.ts";
import type { RemoteName } from "../model/units.ts";
import type { Source } from "../planner/sources.ts";
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
  const [{ explainSnapshot, explainSource }, { sourcesOf }, { Observations }] = await Promise.all([
    import("../planner/explain.ts"),
    import("../planner/index.ts"),
    import("../planner/observed.ts"),
  ]);
  const scope = options.allHosts === undefined ? {} : { allHosts: true as const };
  const { sources } = sourcesOf(manifest, world.inventory, scope);
  const { source, remote, snapshot } = find(manifest, sources, address, options.on);
  const plan = await makePlan(manifest, world, scope);
  const explained = { manifest, observations: new Observations(world.inventory), plan };
  const explanation =
    snapshot === undefined
      ? explainSource(explained, source, remote)
      : explainSnapshot(explained, source, remote, snapshot);
  if (explanation === undefined)
    throw new Failure(`${visible(address)}: there is no such snapshot${remote === undefined ? "" : ` on ${remote}`}`, {
      hint: `holdfast list ${visible(source.address)}`,
    });
  if (options.json) answerJson(explanation);
  else answer(renderExplanation(explanation, { ...forStdout(options), self: manifest.self }));
  return EXIT.ok;
}

interface Found {
  readonly source: Source;
  readonly remote: RemoteName | undefined;
  readonly snapshot: string | undefined;
}

/** What `[HOST:]DATASET[@SNAPSHOT]` names: a source, or a copy by where it is. */
function find(manifest: Manifest, sources: readonly Source[], address: string, on: string | undefined): Found {
  const [place = "", ...names] = address.split("@");
  const snapshot = names.length === 0 ? undefined : names.join("@");
  const named = [...manifest.hosts.keys()].find((host) => place.startsWith(`${host}:`));
  const dataset = named === undefined ? place : place.slice(named.length + 1);
  const host = named ?? manifest.self ?? undefined;
  const isHere = (at: { readonly host: string; readonly dataset: string }): boolean =>
    at.dataset === dataset && (host === undefined || at.host === host);
  const candidates: Found[] = [
    ...sources.filter(isHere).map((source) => ({ source, remote: onRemote(source, on), snapshot })),
    ...(on === undefined ? sources : []).flatMap((source) =>
      source.copies
        .filter((copy) => isHere({ host: copy.host, dataset: copy.target }))
        .map((copy) => ({ source, remote: copy.remote.name, snapshot })),
    ),
  ];
  const [first, second] = candidates;
  if (first === undefined)
    throw new Failure(`${visible(place)} is neither a source of the manifest nor a copy of one`, {
      hint: "`holdfast list` shows all sources, with --all-hosts also those of other hosts",
    });
  if (second !== undefined)
    throw new Failure(`${visible(place)} is on several hosts`, {
      hint: `say which: ${candidates.map((one) => one.source.address).join(", ")}`,
    });
  return first;
}

function onRemote(source: Source, on: string | undefined): RemoteName | undefined {
  if (on === undefined) return undefined;
  const copy = source.copies.find(({ remote }) => remote.name === on);
  if (copy !== undefined) return copy.remote.name;
  const others = source.copies.map(({ remote }) => remote.name).join(", ");
  throw new Failure(`${source.address} has no copy on ${visible(on)}`, {
    hint: others === "" ? "it has no remote" : `its remotes: ${others}`,
  });
}
