import type { Comparison, CopyName } from "../model/comparison.ts";
import { goneId, type Operation, placeOnHost } from "../model/plan.ts";
import type { Address, HostName } from "../model/units.ts";

/** The change in a sentence: what is lost first. */
export function headline(
  change: Pick<Comparison, "does" | "stops" | "sources" | "copies"> & { readonly self: HostName | null },
): string {
  const { does, stops, sources, copies, self } = change;
  const lost = destroyedBy(does.operations);
  const spared = destroyedBy(stops.operations);
  const withheld = does.blocked.flatMap((entry) =>
    (entry.withheld?.snapshots ?? []).map((gone) => ({
      host: entry.at.host,
      id: `${placeOnHost(entry.at)} ${goneId(gone)}`,
    })),
  );
  // what was destroyed before and is withheld now is neither asked for by this change nor spared for good
  const asked = beyond(withheld, spared);
  const safe = beyond(spared, withheld);
  const endedSources = new Set(sources.ended);
  const endedCopies = copies.ended.filter(({ source }) => !endedSources.has(source));
  const obstacles = does.blocked.filter((entry) => entry.withheld === undefined).length;
  const clauses = [
    lost.length > 0 ? `destroys ${snapshotsOnHosts(lost)}` : "",
    asked.length > 0
      ? `would destroy ${snapshotsOnHosts(asked, lost.length > 0 ? "more " : "")}, which is withheld until it is allowed`
      : "",
    endedCopies.length > 0 ? `ends ${copiesInWords(endedCopies, self)}` : "",
    sources.ended.length > 0 ? `ends the protection of ${some(sources.ended, "source", self)}` : "",
    obstacles > 0
      ? `blocks ${plural(obstacles, "thing")} that ${obstacles === 1 ? "was" : "were"} not blocked before`
      : "",
    sources.added.length > 0 ? `protects ${some(sources.added, "more source", self)}` : "",
    does.summary.create > 0 ? `takes ${plural(does.summary.create, "snapshot")}` : "",
    arrivals(does.operations) > 0 ? `sends ${plural(arrivals(does.operations), "snapshot")}` : "",
    safe.length > 0 ? `spares ${plural(safe.length, "snapshot")} that would be destroyed without it` : "",
  ].filter((clause) => clause !== "");
  if (clauses.length === 0)
    return does.operations.length + stops.operations.length === 0
      ? "This change does nothing now."
      : "This change destroys nothing.";
  return `This change ${clauses.length === 1 ? clauses[0] : `${clauses.slice(0, -1).join(", ")} and ${clauses.at(-1)}`}.`;
}

interface Gone {
  readonly host: HostName;
  /** The same for the same snapshot of the same dataset. */
  readonly id: string;
}

const beyond = (some: readonly Gone[], others: readonly Gone[]): Gone[] => {
  const known = new Set(others.map(({ id }) => id));
  return some.filter(({ id }) => !known.has(id));
};

const destroyedBy = (operations: readonly Operation[]): Gone[] =>
  operations.flatMap((operation) => {
    const gone =
      operation.kind === "rollback"
        ? operation.destroys
        : operation.kind === "destroy" || operation.kind === "destroy-orphan"
          ? operation.snapshots
          : operation.kind === "forget"
            ? operation.copies
            : [];
    const { host } = operation.at;
    return gone.map((each) => ({ host, id: `${placeOnHost(operation.at)} ${goneId(each)}` }));
  });

const snapshotsOnHosts = (gone: readonly Gone[], more = ""): string =>
  `${plural(gone.length, `${more}snapshot`)} on ${plural(new Set(gone.map(({ host }) => host)).size, "host")}`;

const arrivals = (operations: readonly Operation[]): number =>
  operations.reduce(
    (sum, operation) =>
      sum + (operation.kind === "send" ? operation.snapshots.length : operation.kind === "resume" ? 1 : 0),
    0,
  );

/** `the off-site copy of tank/db`, `3 copies (2 of them off-site)`. */
function copiesInWords(copies: readonly CopyName[], self: HostName | null): string {
  const [first] = copies;
  const offSite = copies.filter((copy) => copy.offSite).length;
  if (first !== undefined && copies.length === 1)
    return `the ${first.offSite ? "off-site " : ""}copy of ${short(first.source, self)} on ${first.remote}`;
  return `${plural(copies.length, "copy", "copies")}${offSite === 0 ? "" : offSite === copies.length ? ", all off-site" : `, ${offSite} of them off-site`}`;
}

const some = (sources: readonly Address[], what: string, self: HostName | null): string =>
  sources.length <= 2 ? sources.map((source) => short(source, self)).join(" and ") : plural(sources.length, what);
const short = (source: Address, self: HostName | null): string =>
  self !== null && source.startsWith(`${self}:`) ? source.slice(self.length + 1) : source;
const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
