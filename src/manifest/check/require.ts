import type { Manifest, Repository, SourceKeys, Verify } from "../../model/manifest.ts";
import { type Address, type HostName, isDirectory, poolOf } from "../../model/units.ts";
import type { Problem } from "../problem.ts";
import { mirrorsOf, repositoryKey } from "../repositories.ts";
import {
  type CountedCopy,
  isImmutable,
  isRepositoryOffsite,
  isZfsOffsite,
  shortOf,
  writeShort,
} from "../requirements.ts";
import type { Path } from "../tree.ts";
import { longestGap } from "../units.ts";
import { quote } from "../words.ts";
import type { Known } from "./known.ts";
import type { StaticCopy, StaticSource } from "./sources.ts";
import type { StaticDirectory } from "./static-directories.ts";

type JudgedKey = "take" | "suspend" | "remotes" | "verify";

/** A dataset's entry or a directory, as far as it is judged here. */
type Judged = Pick<StaticSource | StaticDirectory, "address" | "path" | "copies"> & {
  find<K extends JudgedKey>(
    key: K,
  ): { readonly value: NonNullable<SourceKeys[K]>; readonly path: Path } | "broken" | undefined;
};

/**
 * What falls short of `require` whatever there is on the hosts. Only warnings: what protects too little is better than
 * nothing, and a manifest that is refused protects nothing.
 */
export function requireProblems(known: Known): Problem[] {
  const { require } = known.manifest;
  const sources: readonly Judged[] = [...known.datasets.all(), ...known.directories];
  const rare = sources.flatMap(rareDrills);
  if (require === undefined) return rare;
  const short = sources.flatMap((source): Problem[] => {
    if (!isJudged(source)) return [];
    const reasons = [
      ...shortOf(require, ownPlace(source), copiesOf(known.manifest, source)).map(writeShort),
      ...neverVerified(source, require.verifiedWithin),
    ];
    if (reasons.length === 0) return [];
    return [
      {
        severity: "warning",
        code: "falls-short",
        message: `${quote(source.path[1] ?? "")} falls short of require: ${reasons.join("; ")}`,
        hint: "add remotes or mirrors (`offsite: true` where one is elsewhere, `deletions: never`), `verify: { schedule: … }`, or ask for less",
        path: source.path,
        at: "key",
      },
    ];
  });
  return [...short, ...rare];
}

/** One that takes nothing is somebody else's copy, and one that is suspended is left alone; of others that are broken nobody knows. */
function isJudged(source: Judged): boolean {
  const [take, suspend, remotes] = [source.find("take"), source.find("suspend"), source.find("remotes")];
  if (take === "broken" || suspend === "broken" || remotes === "broken") return false;
  return take?.value.length !== 0 && suspend?.value !== true;
}

/** `HOST:POOL`; of a directory nobody knows more than where it is. */
const ownPlace = ({ address }: Judged): string => (isDirectory(address as Address) ? address : poolOf(address));

function copiesOf(manifest: Manifest, source: Judged): CountedCopy[] {
  const host = source.address.slice(0, source.address.indexOf(":")) as HostName;
  return source.copies().flatMap(({ remote, keys }: StaticCopy): CountedCopy[] => {
    if (remote.type === "zfs") {
      const pool = poolOf(keys.target ?? remote.root.replaceAll("{host}", host));
      const place = `${remote.host ?? host}:${pool}`;
      return [{ place, offsite: isZfsOffsite(remote, host), immutable: isImmutable(remote) }];
    }
    return [remote, ...mirrorsOf(manifest, remote.name)].map((repository: Repository) => ({
      place: repositoryKey(repository, host),
      offsite: isRepositoryOffsite(repository),
      immutable: isImmutable(repository),
    }));
  });
}

function neverVerified(source: Judged, within: number | undefined): string[] {
  const verify = source.find("verify");
  if (within === undefined || verify === "broken") return [];
  if (verify?.value.schedule === undefined) return ["no drills are scheduled, and verifiedWithin asks for them"];
  return longestGap(verify.value.schedule) > within
    ? [`drills by ${quote(verify.value.schedule.schedule)} come less often than verifiedWithin asks for`]
    : [];
}

/** Copies would be overdue again and again before the next drill. Said once where it was written: `inOrder` drops repetitions. */
function rareDrills(source: Judged): Problem[] {
  const verify = source.find("verify");
  if (typeof verify !== "object") return [];
  const { schedule, within }: Verify = verify.value;
  if (schedule === undefined || within === undefined || longestGap(schedule) <= within) return [];
  return [
    {
      severity: "warning",
      code: "rare-drills",
      message: `drills by ${quote(schedule.schedule)} come less often than \`within\` asks for: copies will be overdue in between`,
      hint: "let them come more often, or allow more time",
      path: [...verify.path, "verify", "within"],
    },
  ];
}
