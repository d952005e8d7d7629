import type { Manifest } from "../model/manifest.ts";
import type { Blocked } from "../model/plan.ts";
import { type Address, address, type DatasetName, type HostName, type TypeName } from "../model/units.ts";
import type { PlanContext } from "./context.ts";
import { isDue, takenTypes } from "./create.ts";
import type { Source } from "./sources.ts";
import { viewsOf } from "./view.ts";

/** What being in a group means for a source. */
export interface Membership {
  /** The same for all members. */
  readonly group: string;
  /** Types that are due for any of them. */
  readonly due: ReadonlySet<TypeName>;
  /** Why none of them is snapshotted. */
  readonly hindrance?: string;
}

/** By address of the source. */
export type Groups = ReadonlyMap<Address, Membership>;

export const noGroups: Groups = new Map();

/** Which sources are snapshotted together: all of a group, or none. */
export function groupsOf(context: PlanContext, sources: readonly Source[]): Groups {
  const byAddress = new Map(sources.map((source) => [source.address, source]));
  const memberships = new Map<Address, Membership>();
  context.manifest.groups.forEach(({ sources: names }, index) => {
    const members = names.map((name) => addressOf(context.manifest, name));
    const due = new Set<TypeName>();
    const hindrances = members.flatMap((member) => {
      const source = byAddress.get(member);
      const hindrance = hindranceOf(context, source);
      if (source && hindrance === undefined) for (const type of dueTypes(context, source)) due.add(type);
      return hindrance === undefined ? [] : [`${member} ${hindrance}`];
    });
    const [hindrance] = hindrances;
    const membership = { group: `group ${index + 1}`, due, ...(hindrance !== undefined && { hindrance }) };
    for (const member of members) memberships.set(member, membership);
  });
  return memberships;
}

function addressOf({ hosts, self }: Manifest, name: string): Address {
  const host = [...hosts.keys()].find((each) => name.startsWith(`${each}:`));
  if (host !== undefined) return name as Address;
  return address((self ?? "") as HostName, name as DatasetName);
}

/** Members of groups in the order that the manifest names them in, then all others in theirs. */
export function inGroupOrder<Any extends { readonly address: Address }>(
  manifest: Manifest,
  sources: readonly Any[],
): Any[] {
  const members = manifest.groups.flatMap((group) => group.sources.map((name) => addressOf(manifest, name)));
  const places = new Map(members.map((member, index) => [member, index]));
  const placeOf = ({ address }: Any): number => places.get(address) ?? places.size;
  return [...sources].sort((a, b) => placeOf(a) - placeOf(b));
}

function hindranceOf({ observations }: PlanContext, source: Source | undefined): string | undefined {
  if (!source) return "is left out, is not there, or cannot be observed";
  if (source.keys.suspend) return "is suspended";
  return observations.look(source.host, source.dataset).state === "present" ? undefined : "is not there";
}

function dueTypes(context: PlanContext, source: Source): TypeName[] {
  const there = context.observations.look(source.host, source.dataset);
  if (there.state !== "present") return [];
  const views = viewsOf(there.dataset, context.classify);
  return takenTypes(context, source)
    .filter((type) => isDue(context, type, views))
    .map(({ name }) => name);
}

/** The chosen sources, and the others of their groups. */
export function withGroups(groups: Groups, chosen: readonly Source[], all: readonly Source[]): Source[] {
  const named = new Set(chosen.flatMap(({ address }) => groups.get(address)?.group ?? []));
  const isChosen = new Set(chosen.map(({ address }) => address));
  return all.filter(({ address }) => isChosen.has(address) || named.has(groups.get(address)?.group ?? ""));
}

export const isSnapshotDue = (context: PlanContext, source: Source): boolean => dueTypes(context, source).length > 0;

/** Said where no snapshot of a source is taken because of another one. */
export function blockedByGroup({ groups, scope }: PlanContext, { address, host, dataset, keys }: Source): Blocked[] {
  const { hindrance } = groups.get(address) ?? {};
  if (hindrance === undefined || !scope.sources(host) || keys.suspend) return [];
  return [
    {
      source: address,
      at: { host, dataset },
      reason: "group",
      message: `no snapshot is taken: ${hindrance}, and this group is snapshotted whole or not at all`,
      evidence: [],
      remedies: ["bring it back", "or take it out of `groups` in the manifest"],
    },
  ];
}
