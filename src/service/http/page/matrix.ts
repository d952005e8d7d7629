import { size } from "../../../model/size.ts";
import type { CopyStatus, PlaceStatus, SourceStatus, Status } from "../../../model/status.ts";
import type { HostName } from "../../../model/units.ts";
import { type Html, html } from "../../../render/html.ts";
import { duration, plural, shortAddress, visible } from "../../../render/text.ts";
import { age, badge, NEEDS_YOU, SYMBOLS, WORST_FIRST } from "./words.ts";

/** More healthy ones than this are folded away, host by host. */
const UNFOLDED = 24;

/** Every source against every place that has its copies: how old the newest is, against what is due. */
export function matrix(status: Status, now: number): Html {
  const remotes = [...new Set(status.sources.flatMap(({ copies }) => copies.map(({ remote }) => remote)))];
  const sorted = [...status.sources].sort((a, b) => WORST_FIRST.indexOf(a.health) - WORST_FIRST.indexOf(b.health));
  const isFolded = sorted.filter(({ health }) => health === "ok").length > UNFOLDED;
  const shown = isFolded ? sorted.filter(({ health }) => health !== "ok") : sorted;
  const context = { remotes, self: status.self, now };
  const folded = isFolded ? byHost(status.sources.filter(({ health }) => health === "ok")) : [];
  return html`
    ${shown.length > 0 && table(shown, context, "Sources, and how old the newest copy in each place is")}
    ${folded.map(
      ([host, sources]) => html`<details class="fold" id="ok-${host}">
        <summary>${badge("ok")} ${plural(sources.length, "source")} on ${visible(host)}</summary>
        ${table(sources, context, `Sources on ${visible(host)} that are well`)}
      </details>`,
    )}`;
}

function byHost(sources: readonly SourceStatus[]): [HostName, SourceStatus[]][] {
  const hosts = new Map<HostName, SourceStatus[]>();
  for (const source of sources) {
    const there = hosts.get(source.host);
    if (there === undefined) hosts.set(source.host, [source]);
    else there.push(source);
  }
  return [...hosts];
}

interface Context {
  readonly remotes: readonly CopyStatus["remote"][];
  readonly self: HostName | null;
  readonly now: number;
}

/** Roles are said again: on a phone the style makes blocks of the rows, and browsers then forget that it is a table. */
function table(sources: readonly SourceStatus[], context: Context, caption: string): Html {
  const hasOwn = sources.some(({ own }) => own !== undefined);
  const places = [...(hasOwn ? ["here"] : []), ...context.remotes.map(visible)];
  return html`<table class="matrix" role="table">
    <caption class="quiet">${caption}</caption>
    <thead role="rowgroup"><tr role="row">
      <th role="columnheader" scope="col">source</th>
      ${places.map((place) => html`<th role="columnheader" scope="col">${place}</th>`)}
    </tr></thead>
    <tbody role="rowgroup">${sources.map((source) => row(source, context, hasOwn))}</tbody>
  </table>`;
}

const row = (source: SourceStatus, { remotes, self, now }: Context, hasOwn: boolean): Html => html`
  <tr role="row" class="${source.health}">
    <th role="rowheader" scope="row"><a href="${sourceLink(source.source)}">${shortAddress(source.source, self)}</a>${
      source.suspended && html` ${badge("suspended")}`
    }</th>
    ${hasOwn && cell("here", source.own, now)}
    ${remotes.map((remote) =>
      cell(
        visible(remote),
        source.copies.find((copy) => copy.remote === remote),
        now,
      ),
    )}
  </tr>`;

export const sourceLink = (source: string): string => `/?source=${encodeURIComponent(source)}`;

function cell(label: string, place: PlaceStatus | CopyStatus | undefined, now: number): Html {
  if (place === undefined)
    return html`<td role="cell" class="none" data-label="${label}"><span aria-hidden="true">·</span><span class="unseen">no copy is wanted there</span></td>`;
  const { health, newest } = place;
  return html`<td role="cell" class="${health}" data-label="${label}">
    <span class="age"><span class="symbol" aria-hidden="true">${SYMBOLS[health]}</span>
    ${newest === undefined ? (place.unseen ? "unknown" : "none") : age(newest.creation * 1000, now)}</span>
    <span class="word">${word(place)}</span>${gauge(place)}</td>`;
}

/** `ok`, or what is the matter. */
function word(place: PlaceStatus | CopyStatus): string {
  const { health } = place;
  if (health === "overdue" && place.dueWithin !== undefined) return `overdue, due within ${duration(place.dueWithin)}`;
  if ("waiting" in place && place.waiting.snapshots > 0 && (health === "waiting" || health === "away"))
    return `${health}, ${place.waiting.snapshots} to come${place.waiting.bytes > 0 ? `, ${size(place.waiting.bytes)}` : ""}`;
  if (place.withheld > 0 && NEEDS_YOU.has(health)) return `${health}, ${place.withheld} withheld`;
  return health;
}

/** How much of the time it may take has gone by. */
function gauge({ age: seconds, dueWithin }: PlaceStatus): Html | undefined {
  if (seconds === undefined || dueWithin === undefined || dueWithin <= 0) return undefined;
  const share = Math.min(100, Math.round((seconds / dueWithin) * 100));
  return html`<svg class="gauge" width="100%" height="3" aria-hidden="true"><rect class="track" width="100%" height="3" rx="1.5"/><rect class="fill" width="${Math.max(2, share)}%" height="3" rx="1.5"/></svg>`;
}
