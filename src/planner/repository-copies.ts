import type { Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import type { AtRepository } from "../model/plan.ts";
import type { Guid, RemoteName } from "../model/units.ts";
import { type CopyView, copiesOf, type Known } from "../remotes/restic/plan-views.ts";
import { pathOf } from "./backup-sources.ts";
import type { DirectorySource } from "./directories.ts";
import { Observations } from "./observed.ts";
import type { Source } from "./sources.ts";

/** A repository as one source sees it. */
export interface RepositoryPlace {
  readonly name: RemoteName;
  readonly at: AtRepository;
  readonly state: "observed" | "absent" | "unobserved";
  /** Copies of the source there, in order. */
  readonly views: readonly CopyView[];
}

/** The copies of one source on its restic remotes and their mirrors. */
export function repositoryCopies(
  manifest: Manifest,
  inventory: Inventory,
  source: Source | DirectorySource,
): RepositoryPlace[] {
  const observations = new Observations(inventory);
  const known = knownIn(observations, source);
  return source.repositories
    .flatMap(({ remote, at, keep, mirrors }) => [
      { repository: remote, at, keep },
      ...mirrors.map(({ mirror, ...rest }) => ({ repository: mirror, ...rest })),
    ])
    .map(({ repository, at, keep }) => {
      const there = observations.repository(at.repository);
      return {
        name: repository.name,
        at,
        state: there.state,
        views: copiesOf(manifest, { repository, keep }, there, known),
      };
    });
}

/** What its copies are known by. */
function knownIn(observations: Observations, source: Source | DirectorySource): Known {
  const { address, host } = source;
  if ("path" in source) return { address, host, path: source.path, nameOf: () => undefined };
  const there = observations.look(source.host, source.dataset);
  const dataset = there.state === "present" ? there.dataset : undefined;
  const names = new Map(dataset?.snapshots.map(({ guid, name }) => [guid, name]));
  return {
    address,
    host,
    ...(dataset && pathOf(dataset)),
    nameOf: (key) => names.get(key as Guid),
  };
}
