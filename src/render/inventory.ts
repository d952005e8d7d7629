import type { Bookmark, Dataset, Inventory, Snapshot } from "../model/inventory.ts";
import type { At } from "../model/plan.ts";
import type { Address, Guid, HostName } from "../model/units.ts";
import { columns, palette, plural, shortAddress, size, type TextOptions, visible, visibleLines } from "./text.ts";

/** A source and where its copies go: the columns of its matrix. */
export interface Places {
  readonly source: Address;
  readonly at: At;
  readonly copies: readonly { readonly name: string; readonly at: At }[];
}

/** One matrix a source: its snapshots against the places they are in. */
export function renderInventory(
  inventory: Inventory,
  sources: readonly Places[],
  options: TextOptions & { readonly self: HostName | null },
): string {
  const colors = palette(options.color);
  const blocks = sources.map((places) => matrix(inventory, places, options.self, colors.bold));
  const unobserved = Object.entries(inventory.hosts).flatMap(([host, state]) =>
    state.state === "observed"
      ? []
      : [`! host ${visible(host)} was not observed`, ...visibleLines(state.reason).map((line) => `    ${line}`)],
  );
  const nothing = blocks.length === 0 && unobserved.length === 0 ? ["No dataset here matches the manifest."] : [];
  return `${[...blocks, unobserved.join("\n"), ...nothing].filter((block) => block !== "").join("\n\n")}\n`;
}

interface Row {
  readonly guid: Guid;
  readonly name: string;
  readonly creation: number;
}

function matrix(inventory: Inventory, places: Places, self: HostName | null, bold: (text: string) => string): string {
  const sides = [{ name: "source", at: places.at }, ...places.copies].map(({ name, at }) => ({
    name,
    at,
    state: lookUp(inventory, at),
  }));
  const rows = rowsOf(sides.flatMap(({ state }) => (typeof state === "string" ? [] : [state])));
  const present = sides.map(({ state }) => presence(state));
  const head = columns(
    sides.map(({ name, at, state }) => [
      `  ${visible(name)}`,
      visible(`${at.host}:${at.dataset}`),
      typeof state === "string" ? state : facts(state),
    ]),
  );
  const table = columns([
    ["  SNAPSHOT", "CREATED (UTC)", ...sides.map(({ name }) => visible(name).toUpperCase())],
    ...rows.map(({ guid, name, creation }) => [
      `  @${visible(name)}`,
      new Date(creation * 1000).toISOString().slice(0, 19).replace("T", " "),
      ...present.map((word) => word(guid)),
    ]),
  ]);
  return [bold(shortAddress(places.source, self)), ...head, ...(rows.length === 0 ? [] : ["", ...table])].join("\n");
}

const facts = (dataset: Dataset): string =>
  [
    plural(dataset.snapshots.length, "snapshot"),
    `${size(dataset.used)} used`,
    ...(dataset.resume === undefined ? [] : ["a half-received stream"]),
  ].join(", ");

type Side = Dataset | "absent" | "not observed";

function lookUp(inventory: Inventory, { host, dataset }: At): Side {
  const state = inventory.hosts[host];
  if (state === undefined || state.state === "unobserved") return "not observed";
  const pool = dataset.split("/", 1)[0] ?? "";
  const found = state.datasets.find(({ name }) => name === dataset);
  if (found !== undefined) return found;
  const listed = state.roots.some((root) => dataset === root || dataset.startsWith(`${root}/`));
  return state.pools.includes(pool) && listed ? "absent" : "not observed";
}

/** How a place shows a guid: never by colour, and a bookmark is not a snapshot. */
function presence(side: Side): (guid: Guid) => string {
  if (side === "not observed") return () => "?";
  if (side === "absent") return () => "-";
  const guids = (entries: readonly (Snapshot | Bookmark)[]) => new Set(entries.map(({ guid }) => guid));
  const snapshots = guids(side.snapshots);
  const bookmarks = guids(side.bookmarks);
  return (guid) => (snapshots.has(guid) ? "yes" : bookmarks.has(guid) ? "bookmark" : "-");
}

/** Every point in time that exists anywhere as a snapshot, in order of creation; each place's own order is kept within a second. */
function rowsOf(datasets: readonly Dataset[]): Row[] {
  const rows = new Map<Guid, Row>();
  for (const { snapshots } of datasets)
    for (const { guid, name, creation } of snapshots) if (!rows.has(guid)) rows.set(guid, { guid, name, creation });
  return [...rows.values()].sort((a, b) => a.creation - b.creation);
}
