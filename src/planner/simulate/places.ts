import type { Retention } from "../../model/manifest.ts";
import type { AnyAt } from "../../model/plan.ts";
import type { SimulatedPlace } from "../../model/simulation.ts";
import type { RemoteName } from "../../model/units.ts";
import type { DirectorySource } from "../directories.ts";
import type { Observations } from "../observed.ts";
import type { Source } from "../sources.ts";

export type AnySource = Source | DirectorySource;

/** Where a source and its copies are. */
export interface Place extends Pick<SimulatedPlace, "name" | "kind"> {
  readonly at: AnyAt;
  readonly keep: Retention;
  /** Why nobody knows what is there. */
  readonly unobserved?: string;
}

export const OWN = "source" as RemoteName;

export function placesOf(observations: Observations, source: AnySource): Place[] {
  return [...("path" in source ? [] : datasets(observations, source)), ...repositories(observations, source)];
}

function datasets(observations: Observations, source: Source): Place[] {
  const { host, dataset, keys, copies } = source;
  return [
    { name: OWN, kind: "source", at: { host, dataset }, keep: keys.keep },
    ...copies.map(({ remote, host, target, keep }): Place => {
      const there = observations.look(host, target);
      return {
        name: remote.name,
        kind: "zfs",
        at: { host, dataset: target },
        keep,
        ...(there.state === "unobserved" && { unobserved: there.reason }),
      };
    }),
  ];
}

/** A mirror is filled from its repository: where nobody knows what that has, nobody knows what will be in the mirror. */
function repositories(observations: Observations, source: AnySource): Place[] {
  return source.repositories.flatMap(({ remote, at, keep, mirrors }): Place[] => {
    const there = observations.repository(at.repository);
    const reason = there.state === "unobserved" ? there.reason : undefined;
    return [
      { name: remote.name, kind: "restic", at, keep, ...(reason !== undefined && { unobserved: reason }) },
      ...mirrors.map(({ mirror, at, keep }): Place => {
        const there = observations.repository(at.repository);
        const own = there.state === "unobserved" ? there.reason : undefined;
        const unobserved = own ?? (reason && `it is filled from ${remote.name}: ${reason}`);
        return { name: mirror.name, kind: "mirror", at, keep, ...(unobserved !== undefined && { unobserved }) };
      }),
    ];
  });
}
