import type { Audit, AuditedDataset, AuditedRepository, Protection } from "../model/audit.ts";
import { size } from "../model/size.ts";
import type { EpochSeconds } from "../model/units.ts";
import { columns, duration, type Palette, palette, plural, type TextOptions, visible, wrap } from "./text.ts";

/** More would not fit on a screen; the worst come first. */
const MOST = 15;

/** One screen: what nothing protects first, then what is wrong with what does, then a manifest that would. */
export function renderAudit(audit: Audit, suggestion: string, { color, width }: TextOptions): string {
  const colors = palette(color);
  const now = Date.parse(audit.now) / 1000;
  const sections = [
    renderDatasets(audit, now, colors),
    section("Copies", renderReplicas(audit), colors),
    section("Snapshots by who makes them", renderOwners(audit, now), colors),
    section("Holds", renderHolds(audit, now), colors),
    section(
      "Repositories",
      audit.repositories.flatMap((each) => renderRepository(each, now)),
      colors,
    ),
    section(
      "Not seen",
      audit.unobserved.flatMap(({ what, reason, hint }) => [
        `${visible(what)}: ${visible(reason)}`,
        ...(hint === undefined ? [] : [`  ${visible(hint)}`]),
      ]),
      colors,
    ),
    [
      colors.bold(
        audit.unobserved.length === 0
          ? "A manifest to begin with (holdfast init writes it)"
          : "A manifest to begin with, of what was seen",
      ),
      ...suggestion
        .trimEnd()
        .split("\n")
        .map((line) => (line === "" ? "" : `  ${colors.dim(visible(line))}`)),
    ],
  ].filter((lines) => lines.length > 0);
  return `${sections.flatMap((lines) => [...lines.flatMap((line) => wrap(line, color ? undefined : width)), ""]).join("\n")}`;
}

const section = (title: string, lines: readonly string[], colors: Palette): string[] =>
  lines.length === 0 ? [] : [colors.bold(title), ...lines.map((line) => `  ${line}`)];

const WORDS: Readonly<Record<Protection, string>> = {
  none: "NOTHING",
  snapshots: "snapshots",
  behind: "behind",
  copied: "copied",
};

function renderDatasets({ host, datasets }: Audit, now: number, colors: Palette): string[] {
  if (datasets.length === 0) return [];
  const shown = datasets.slice(0, MOST);
  const rows = columns([
    ["PROTECTED BY", "DATASET", "SIZE", "SNAPSHOTS", "NEWEST", "ELSEWHERE", "ONLY HERE SINCE"],
    ...shown.map((each) => rowOf(each, now)),
  ]);
  const paint = { none: colors.red, snapshots: colors.yellow, behind: colors.yellow, copied: colors.green };
  const count = (protection: Protection): number => datasets.filter((each) => each.protection === protection).length;
  return [
    colors.bold(
      `${visible(host)}: of ${plural(datasets.length, "dataset")} ${count("none")} have nothing, ${count("snapshots")} only snapshots beside themselves, ${count("behind")} a copy that lacks something, ${count("copied")} a whole copy`,
    ),
    ...rows.map((row, index) => {
      const dataset = shown[index - 1];
      return `  ${dataset === undefined ? colors.dim(row) : paint[dataset.protection](row)}`;
    }),
    ...(datasets.length > MOST ? [`  … and ${datasets.length - MOST} more: --json has all`] : []),
  ];
}

function rowOf(each: AuditedDataset, now: number): string[] {
  const [copy] = each.copies;
  return [
    WORDS[each.protection],
    visible(each.dataset),
    size(each.referenced),
    String(each.snapshots),
    each.newest === undefined ? "never" : ago(each.newest, now),
    copy === undefined ? "nowhere" : `${visible(copy.place)}, ${ago(copy.newest, now)}`,
    each.uncopiedSince === undefined ? "-" : each.uncopiedSince === "ever" ? "ever" : ago(each.uncopiedSince, now),
  ];
}

const ago = (time: EpochSeconds, now: number): string => (time > now ? "in the future" : `${duration(now - time)} ago`);

/** Only what is wrong: the rest stands beside its source. */
const renderReplicas = ({ replicas }: Audit): string[] =>
  replicas.flatMap(({ source, replica, diverged, ahead, behind, written, newestShared }) => {
    const since = `since ${new Date(newestShared * 1000).toISOString().slice(0, 16)}Z`;
    const names = `${visible(replica)} of ${visible(source)}`;
    if (diverged)
      return [
        `${names}: diverged ${since}: ${plural(ahead, "snapshot")} that only the copy has, ${behind} that only the source has`,
      ];
    if (ahead > 0) return [`${names}: the copy has ${plural(ahead, "snapshot")} of its own ${since}`];
    return written > 0 && behind > 0 ? [`${names}: ${size(written)} were written to the copy ${since}`] : [];
  });

const renderOwners = ({ owners }: Audit, now: number): string[] =>
  columns(
    owners.map(({ tool, snapshots, datasets, used, oldest, newest, silent }) => [
      tool === "unknown" ? "nobody known" : tool,
      `${plural(snapshots, "snapshot")} of ${plural(datasets, "dataset")}`,
      `at least ${size(used)}`,
      `oldest ${ago(oldest, now)}`,
      `newest ${ago(newest, now)}${silent ? ": seems to have stopped" : ""}`,
    ]),
  );

const renderHolds = ({ holds }: Audit, now: number): string[] =>
  holds
    .filter(({ leaked }) => leaked)
    .slice(0, MOST)
    .map(
      ({ snapshot, tags, creation, used }) =>
        `${visible(snapshot)}: held by ${tags.map(visible).join(", ")}, ${ago(creation, now)}, ${size(used)}: leaked? zfs release TAG SNAPSHOT`,
    );

function renderRepository(
  { repository, copies, newest, sources, checked, staleLocks }: AuditedRepository,
  now: number,
): string[] {
  return [
    `${visible(repository)}: ${plural(copies, "copy", "copies")}${newest === undefined ? "" : `, the newest ${ago(newest, now)}`}; ${checked === undefined ? "no record of a check" : `checked ${ago(checked, now)}`}${staleLocks > 0 ? `; ${plural(staleLocks, "lock")} left behind: restic unlock` : ""}`,
    ...sources
      .slice(0, MOST)
      .map(({ host, paths, newest: last }) => `  ${visible(host)}:${paths.map(visible).join(", ")}  ${ago(last, now)}`),
  ];
}
