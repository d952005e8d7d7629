import type { Bookmark, Dataset, Inventory, Snapshot } from "../model/inventory.ts";
import type { At, AtRepository } from "../model/plan.ts";
import { size } from "../model/size.ts";
import { type Address, type HostName, isDirectory, poolOf, type TypeName } from "../model/units.ts";
import { columns, palette, plural, shortAddress, type TextOptions, visible, visibleLines } from "./text.ts";

/** A source, and where it and its copies are: the columns of its matrix. */
export interface Places {
  readonly source: Address;
  /** What keeps it from being backed up. */
  readonly note?: string;
  readonly datasets: readonly { readonly name: string; readonly at: At }[];
  readonly repositories: readonly RepositoryPlace[];
}
interface RepositoryPlace {
  readonly name: string;
  readonly at: AtRepository;
  readonly state: "observed" | "absent" | "unobserved";
  readonly views: readonly (Row & { readonly isPartial: boolean; readonly types: readonly TypeName[] })[];
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
  for (const [key, state] of Object.entries(inventory.repositories ?? {}))
    if (state.state === "unobserved")
      unobserved.push(
        `! repository ${visible(key)} was not observed`,
        ...visibleLines(state.reason).map((line) => `    ${line}`),
        ...(state.hint === undefined ? [] : [`    next: ${visible(state.hint)}`]),
      );
  const nothing = blocks.length === 0 && unobserved.length === 0 ? ["Nothing here matches the manifest."] : [];
  return `${[...blocks, unobserved.join("\n"), ...nothing].filter((block) => block !== "").join("\n\n")}\n`;
}

interface Row {
  /** What is the same wherever it is. */
  readonly key: string;
  readonly name: string;
  readonly creation: number;
  /** Of copies, whose names do not tell. */
  readonly types?: readonly TypeName[];
}

/** One column. */
interface Side {
  readonly name: string;
  readonly place: string;
  readonly facts: string;
  readonly rows: readonly Row[];
  readonly shows: (key: string) => string;
}

function matrix(inventory: Inventory, places: Places, self: HostName | null, bold: (text: string) => string): string {
  const sides = [
    ...places.datasets.map(({ name, at }) => datasetSide(name, at, lookUp(inventory, at))),
    ...places.repositories.map(repositorySide),
  ];
  const rows = rowsOf(sides);
  const isOfDirectory = isDirectory(places.source);
  const mark = isOfDirectory ? "" : "@";
  const head = columns(sides.map(({ name, place, facts }) => [`  ${visible(name)}`, visible(place), facts]));
  const table = columns([
    [
      isOfDirectory ? "  COPY" : "  SNAPSHOT",
      "CREATED (UTC)",
      ...(isOfDirectory ? ["TYPES"] : []),
      ...sides.map(({ name }) => visible(name).toUpperCase()),
    ],
    ...rows.map(({ key, name, creation, types = [] }) => [
      `  ${mark}${visible(name)}`,
      new Date(creation * 1000).toISOString().slice(0, 19).replace("T", " "),
      ...(isOfDirectory ? [types.map(visible).join(", ")] : []),
      ...sides.map(({ shows }) => shows(key)),
    ]),
  ]);
  const note = places.note === undefined ? [] : [`  ! ${visible(places.note)}`];
  return [bold(shortAddress(places.source, self)), ...note, ...head, ...(rows.length === 0 ? [] : ["", ...table])].join(
    "\n",
  );
}

const datasetSide = (name: string, at: At, there: Looked): Side => ({
  name,
  place: `${at.host}:${at.dataset}`,
  facts: typeof there === "string" ? there : facts(there),
  rows:
    typeof there === "string" ? [] : there.snapshots.map(({ guid, name, creation }) => ({ key: guid, name, creation })),
  shows: presence(there),
});

function repositorySide({ name, at, state, views }: RepositoryPlace): Side {
  const kinds = new Map<string, string>();
  for (const { key, isPartial } of views) if (kinds.get(key) !== "yes") kinds.set(key, isPartial ? "partial" : "yes");
  const partial = [...kinds.values()].filter((kind) => kind === "partial").length;
  return {
    name,
    place: `repository ${at.repository}`,
    facts: {
      observed: `${plural(kinds.size, "copy", "copies")}${partial === 0 ? "" : `, ${partial} partial`}`,
      absent: "absent",
      unobserved: "not observed",
    }[state],
    rows: views,
    shows: (key) => (state === "unobserved" ? "?" : (kinds.get(key) ?? "-")),
  };
}

const facts = (dataset: Dataset): string =>
  [
    plural(dataset.snapshots.length, "snapshot"),
    `${size(dataset.used)} used`,
    ...(dataset.resume === undefined ? [] : ["a half-received stream"]),
  ].join(", ");

type Looked = Dataset | "absent" | "not observed";

function lookUp(inventory: Inventory, { host, dataset }: At): Looked {
  const state = inventory.hosts[host];
  if (state === undefined || state.state === "unobserved") return "not observed";
  const pool = poolOf(dataset);
  const found = state.datasets.find(({ name }) => name === dataset);
  if (found !== undefined) return found;
  const listed = state.roots.some((root) => dataset === root || dataset.startsWith(`${root}/`));
  return state.pools.includes(pool) && listed ? "absent" : "not observed";
}

/** How a place shows a guid: never by colour, and a bookmark is not a snapshot. */
function presence(there: Looked): (key: string) => string {
  if (there === "not observed") return () => "?";
  if (there === "absent") return () => "-";
  const guids = (entries: readonly (Snapshot | Bookmark)[]) => new Set<string>(entries.map(({ guid }) => guid));
  const snapshots = guids(there.snapshots);
  const bookmarks = guids(there.bookmarks);
  return (key) => (snapshots.has(key) ? "yes" : bookmarks.has(key) ? "bookmark" : "-");
}

/** Every point in time that exists anywhere, in order of creation; each place's own order is kept within a second. */
function rowsOf(sides: readonly Side[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { rows: own } of sides) for (const row of own) if (!rows.has(row.key)) rows.set(row.key, row);
  return [...rows.values()].sort((a, b) => a.creation - b.creation);
}
