import type { Group } from "../../model/manifest.ts";
import { poolOf } from "../../model/units.ts";
import type { Problem } from "../problem.ts";
import { splitKey } from "../read/patterns.ts";
import type { Path } from "../tree.ts";
import type { Known } from "./known.ts";

interface Member {
  readonly address: string;
  readonly host: string;
  readonly pool: string;
  readonly path: Path;
}

/** One snapshot for all of a group needs one command of zfs, and that reaches no further than a pool. */
export function groupProblems(known: Known, pathOf: (group: Group) => Path): Problem[] {
  const first = new Map<string, Member>();
  return known.manifest.groups.flatMap((group) => {
    const members = membersOf(known, group, pathOf(group));
    return [
      ...members.flatMap((member) => unknown(known, member)),
      ...members.flatMap((member) => {
        const other = first.get(member.address);
        if (other) return [twice(member, other)];
        first.set(member.address, member);
        return [];
      }),
      ...apart(members),
    ];
  });
}

function membersOf({ manifest, isBroken }: Known, { sources }: Group, path: Path): Member[] {
  const hosts = [...manifest.hosts.keys()];
  return sources.flatMap((source, index): Member[] => {
    const at = [...path, "sources", String(index)];
    const { host = manifest.self, dataset } = splitKey(source, hosts);
    if (host === null || isBroken(at)) return [];
    return [{ address: `${host}:${dataset}`, host, pool: poolOf(dataset), path: at }];
  });
}

function unknown(known: Known, { address, path }: Member): Problem[] {
  if (known.remotesOf(address) !== undefined) return [];
  const message = `no entry of datasets covers ${address}`;
  return [{ code: "unknown-source", message, hint: "name a source as the plan shows it", path }];
}

const twice = (member: Member, other: Member): Problem => ({
  code: "duplicate-item",
  message: `${member.address} is in two groups, or twice in one`,
  hint: "leave one of them out, or join the groups",
  path: member.path,
  related: [{ path: other.path, message: "first here" }],
});

function apart(members: readonly Member[]): Problem[] {
  const [first, ...others] = members;
  const other = others.find(({ host, pool }) => host !== first?.host || pool !== first.pool);
  if (!first || !other) return [];
  const isHost = other.host !== first.host;
  return [
    {
      code: "bad-group",
      message: `${first.address} and ${other.address} are ${isHost ? "on two hosts" : "in two pools"}: zfs takes one atomic snapshot of datasets of one pool only`,
      hint: "make a group for each pool",
      path: other.path,
      related: [{ path: first.path, message: `the one of ${isHost ? first.host : `pool ${first.pool}`}` }],
    },
  ];
}
