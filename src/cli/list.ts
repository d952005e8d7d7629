import type { Inventory } from "../model/inventory.ts";
import { type Places, renderInventory } from "../render/inventory.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { requireMatches, selects } from "./selection.ts";
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
  const [{ sourcesOf }, { repositoryCopies }] = await Promise.all([
    import("../planner/index.ts"),
    import("../planner/repository-copies.ts"),
  ]);
  const { sources, directories } = sourcesOf(
    manifest,
    inventory,
    options.allHosts === undefined ? {} : { allHosts: true },
  );
  const all = [...sources, ...directories];
  requireMatches(
    manifest,
    all.map(({ address }) => address),
    patterns,
  );
  if (options.json) for (const line of jsonLines(inventory)) answer(line);
  else {
    const places = all
      .filter(({ address }) => patterns.length === 0 || patterns.some((one) => selects(manifest, one)(address)))
      .map((source): Places => {
        const { address, host } = source;
        return {
          source: address,
          datasets:
            "path" in source
              ? []
              : [
                  { name: "source", at: { host, dataset: source.dataset } },
                  ...source.copies.map((copy) => ({
                    name: copy.remote.name,
                    at: { host: copy.host, dataset: copy.target },
                  })),
                ],
          repositories: repositoryCopies(manifest, inventory, source),
        };
      });
    answer(renderInventory(inventory, places, { ...forStdout(options), self: manifest.self }));
  }
  const { hosts, repositories = {}, directories: paths = {} } = inventory;
  const complete = [hosts, repositories, paths].every((all) =>
    Object.values(all).every(({ state }) => state !== "unobserved"),
  );
  return complete ? EXIT.ok : EXIT.incomplete;
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
