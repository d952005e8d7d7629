import type { Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import { type Places, renderInventory } from "../render/inventory.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { requireMatches, selects, unseenHosts } from "./selection.ts";
import { answer } from "./terminal.ts";
import { lookAround } from "./world.ts";

interface ListOptions extends GlobalOptions {
  readonly json?: true;
  readonly inventory?: string;
  readonly allHosts?: true;
}

export async function list(options: ListOptions, patterns: readonly string[]): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const { inventory } = await lookAround(manifest, options);
  const all = await placesIn(manifest, inventory, options);
  requireMatches(
    manifest,
    all.map(({ source }) => source),
    patterns,
    unseenHosts(manifest, inventory),
  );
  const isMeant = patterns.map((pattern) => selects(manifest, pattern));
  const places = isMeant.length === 0 ? all : all.filter(({ source }) => isMeant.some((means) => means(source)));
  if (options.json) {
    const shown = isMeant.length === 0 ? inventory : (await import("./narrow.ts")).narrowed(inventory, places);
    for (const line of jsonLines(shown)) answer(line);
  } else answer(renderInventory(inventory, places, { ...forStdout(options), self: manifest.self }));
  const { hosts, repositories = {}, directories: paths = {} } = inventory;
  const complete = [hosts, repositories, paths].every((all) =>
    Object.values(all).every(({ state }) => state !== "unobserved"),
  );
  return complete ? EXIT.ok : EXIT.incomplete;
}

/** Of each source where it and its copies are, and what keeps it from being backed up. */
async function placesIn(manifest: Manifest, inventory: Inventory, { allHosts }: ListOptions): Promise<Places[]> {
  const [{ sourcesOf }, { repositoryCopies }, { suspendedByHand, untilResumed }] = await Promise.all([
    import("../planner/index.ts"),
    import("../planner/repository-copies.ts"),
    import("../planner/suspended.ts"),
  ]);
  const found = sourcesOf(manifest, inventory, allHosts === undefined ? {} : { allHosts });
  const sources = [...found.sources, ...found.directories].map((source): Places => {
    const { address, host, keys } = source;
    const own = "path" in source ? [] : [{ name: "source", at: { host, dataset: source.dataset } }];
    const copies = "path" in source ? [] : source.copies;
    return {
      source: address,
      ...(keys.suspend && { note: `suspended${untilResumed(suspendedByHand(manifest, address))}` }),
      datasets: [
        ...own,
        ...copies.map(({ remote, host, target }) => ({ name: remote.name, at: { host, dataset: target } })),
      ],
      repositories: repositoryCopies(manifest, inventory, source),
    };
  });
  const known = new Set(sources.map(({ source }) => source));
  const blocked = found.blocked.flatMap(({ source, at, message }): Places[] =>
    known.has(source) || !("dataset" in at)
      ? []
      : [{ source, note: `blocked: ${message}`, datasets: [{ name: "source", at }], repositories: [] }],
  );
  return [...sources, ...blocked];
}

/** One line a dataset: with a million snapshots the whole would be longer than a string can be. */
function* jsonLines({ hosts, ...rest }: Inventory): Generator<string> {
  yield `{\n${Object.entries(rest)
    .map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`)
    .join("")}  "hosts": {`;
  let separator = "\n";
  for (const [name, host] of Object.entries(hosts)) {
    yield `${separator}    ${JSON.stringify(name)}: `;
    separator = ",\n";
    if (host.state === "unobserved") yield JSON.stringify(host);
    else {
      const { datasets, ...facts } = host;
      yield `{ ${JSON.stringify(facts).slice(1, -1)}, "datasets": [`;
      for (const [index, dataset] of datasets.entries())
        yield `${index === 0 ? "\n" : ",\n"}      ${JSON.stringify(dataset)}`;
      yield "\n    ] }";
    }
  }
  yield "\n  }\n}\n";
}
