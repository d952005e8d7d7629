import type { Comparison, CopyName } from "../model/comparison.ts";
import type { Operation } from "../model/plan.ts";
import type { Address, HostName } from "../model/units.ts";

/** The change in a sentence: what is lost first. */
export function headline(
  change: Pick<Comparison, "does" | "stops" | "sources" | "copies"> & { readonly self: HostName | null },
): string {
  const { does, stops, sources, copies, self } = change;
  const lost = destroyedOn(does.operations);
  const withheld = does.blocked.flatMap((entry) =>
    entry.withheld === undefined ? [] : [{ ...entry.withheld, at: entry.at }],
  );
  const asked = withheld.reduce((sum, { snapshots }) => sum + snapshots.length, 0);
  const spared = destroyedOn(stops.operations).count;
  const endedSources = new Set(sources.ended);
  const endedCopies = copies.ended.filter(({ source }) => !endedSources.has(source));
  const obstacles = does.blocked.filter((entry) => entry.withheld === undefined).length;
  const clauses = [
    lost.count > 0 ? `destroys ${plural(lost.count, "snapshot")} on ${plural(lost.hosts, "host")}` : "",
    asked > 0
      ? `would destroy ${plural(asked, `${lost.count > 0 ? "more " : ""}snapshot`)} on ${plural(new Set(withheld.map(({ at }) => at.host)).size, "host")}, which is withheld until it is allowed`
      : "",
    endedCopies.length > 0 ? `ends ${copiesInWords(endedCopies, self)}` : "",
    sources.ended.length > 0 ? `ends the protection of ${some(sources.ended, "source", self)}` : "",
    obstacles > 0
      ? `blocks ${plural(obstacles, "thing")} that ${obstacles === 1 ? "was" : "were"} not blocked before`
      : "",
    sources.added.length > 0 ? `protects ${some(sources.added, "more source", self)}` : "",
    does.summary.create > 0 ? `takes ${plural(does.summary.create, "snapshot")}` : "",
    arrivals(does.operations) > 0 ? `sends ${plural(arrivals(does.operations), "snapshot")}` : "",
    spared > 0 ? `spares ${plural(spared, "snapshot")} that would be destroyed without it` : "",
  ].filter((clause) => clause !== "");
  if (clauses.length === 0)
    return does.operations.length + stops.operations.length === 0
      ? "This change does nothing now."
      : "This change destroys nothing.";
  return `This change ${clauses.length === 1 ? clauses[0] : `${clauses.slice(0, -1).join(", ")} and ${clauses.at(-1)}`}.`;
}

function destroyedOn(operations: readonly Operation[]): { count: number; hosts: number } {
  const hosts = new Set<HostName>();
  let count = 0;
  for (const operation of operations) {
    const gone =
      operation.kind === "rollback"
        ? operation.destroys
        : operation.kind === "destroy" || operation.kind === "destroy-orphan"
          ? operation.snapshots
          : [];
    if (gone.length > 0) hosts.add(operation.at.host);
    count += gone.length;
  }
  return { count, hosts: hosts.size };
}

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
