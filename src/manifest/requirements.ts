import type { Repository, Requirements, ZfsRemote } from "../model/manifest.ts";
import type { HostName } from "../model/units.ts";
import { isLocal } from "./repositories.ts";

/** One copy of a source, as `require` counts it. */
export interface CountedCopy {
  /** Where it is: what has one place is lost together. `HOST:POOL`, or a repository. */
  readonly place: string;
  readonly offsite: boolean;
  readonly immutable: boolean;
}

export interface Short {
  readonly rule: "copies" | "offsite" | "immutable";
  readonly wanted: number;
  readonly found: number;
}

/** On another host, unless the manifest knows better: that one may stand beside the source's, or its disk be carried away. */
export const isZfsOffsite = (remote: Pick<ZfsRemote, "offsite" | "host">, source: HostName): boolean =>
  remote.offsite ?? (remote.host !== undefined && remote.host !== source);

/** Neither a folder of the source's host, nor a server on it. Of a location that is kept elsewhere nobody knows: it is taken for one that is. */
export const isRepositoryOffsite = (repository: Pick<Repository, "offsite" | "location">): boolean =>
  repository.offsite ?? !(isLocal(repository) || isOwnServer(repository));

const isOwnServer = ({ location }: Pick<Repository, "location">): boolean =>
  typeof location === "string" && /(?:[:/@])(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/]|$)/.test(location);

/** Nothing is ever planned for destruction there. */
export const isImmutable = ({ deletions }: Pick<Repository, "deletions">): boolean => deletions === "never";

/** What the copies of one source lack; `own` is the source's own place. */
export function shortOf(require: Requirements, own: string, copies: readonly CountedCopy[]): Short[] {
  const places = (some: readonly CountedCopy[]): number => new Set(some.map(({ place }) => place)).size;
  const elsewhere = copies.filter(({ place }) => place !== own);
  const found = {
    copies: 1 + places(elsewhere),
    offsite: places(elsewhere.filter(({ offsite }) => offsite)),
    immutable: places(copies.filter(({ immutable }) => immutable)),
  };
  return (["copies", "offsite", "immutable"] as const).flatMap((rule): Short[] => {
    const wanted = require[rule];
    return wanted === undefined || found[rule] >= wanted ? [] : [{ rule, wanted, found: found[rule] }];
  });
}

/** `in 2 places where 3 are required`. */
export function writeShort({ rule, wanted, found }: Short): string {
  const words = { copies: "places", offsite: "off site", immutable: "immutable" } as const;
  if (rule === "copies") return `it is in ${found} of the ${wanted} places required`;
  return `${found} of the ${wanted} copies required are ${words[rule]}`;
}
