import { size } from "../../../model/size.ts";
import type { SourceStatus } from "../../../model/status.ts";
import type { HostName } from "../../../model/units.ts";
import { type Html, html } from "../../../render/html.ts";
import { duration, plural, shortAddress, visible } from "../../../render/text.ts";
import { sourceLink } from "./matrix.ts";
import type { Lane, Point } from "./points.ts";
import { badge, clockTime } from "./words.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Below it, ages are shown evenly; above, each further length takes as much room as the one before. */
const BEND = HOUR / 2;
const TICKS: readonly (readonly [seconds: number, label: string])[] = [
  [HOUR, "1 h"],
  [6 * HOUR, "6 h"],
  [DAY, "1 d"],
  [7 * DAY, "1 w"],
  [30 * DAY, "1 mo"],
  [182 * DAY, "6 mo"],
  [365 * DAY, "1 y"],
  [1826 * DAY, "5 y"],
];

/** Room at both ends, in percent, so that the outermost marks are whole. */
const EDGE = 1.5;
const LANE_HEIGHT = 22;
const MIDDLE = LANE_HEIGHT / 2;

/** Where an age stands, in percent from the left: now is at the right, and what is old is packed more densely. */
export function scale(oldest: number): (age: number) => number {
  const whole = Math.log1p(Math.max(oldest, HOUR) / BEND);
  return (age) => 100 - EDGE - (100 - 2 * EDGE) * (Math.log1p(Math.max(0, age) / BEND) / whole);
}

/** Which points in time exist where: one line a place, the same point at the same height of the page. */
export function timeline(source: SourceStatus, lanes: readonly Lane[], self: HostName | null, now: number): Html {
  const nowSeconds = now / 1000;
  const oldest = Math.max(
    0,
    ...lanes.flatMap(({ points }) => points.slice(0, 1).map(({ creation }) => nowSeconds - creation)),
  );
  const x = scale(oldest);
  const newest = lanes.flatMap(({ points }) => points.slice(-1))[0];
  const name = shortAddress(source.source, self);
  return html`<article class="timeline" id="timeline-${source.source}" aria-label="${name}">
    <h3><a href="${sourceLink(source.source)}">${name}</a> ${badge(source.health)}</h3>
    <div class="lanes">
      ${lanes.map((lane) => laneLine(lane, x, nowSeconds))}
      <div class="lane axis" aria-hidden="true"><span class="name"></span>${axis(x, oldest)}</div>
    </div>
    <p class="readout" aria-hidden="true">${newest === undefined ? "Nothing is there yet." : describe(newest)}</p>
  </article>`;
}

function laneLine(lane: Lane, x: (age: number) => number, now: number): Html {
  const { points, state } = lane;
  const name = visible(lane.name);
  const leaving = points.filter(({ isLeaving }) => isLeaving).length;
  const counts = [
    state === "unobserved" ? "not observed" : state === "absent" ? "nothing there" : String(points.length),
    ...(leaving === 0 ? [] : [`${leaving} leaving`]),
  ].join(", ");
  return html`<div class="lane ${state}">
    <span class="name">${name} <span class="quiet">${counts}</span></span>
    <svg role="group" aria-label="${name}: ${state === "observed" ? plural(points.length, "point in time", "points in time") : counts}" width="100%" height="${LANE_HEIGHT}">
      <line x1="0" x2="100%" y1="${MIDDLE}" y2="${MIDDLE}" class="rail"/>
      ${points.map((point, index) => mark(point, x(now - point.creation), name, index === points.length - 1))}
    </svg>
  </div>`;
}

/** Told apart by form: a disc stays, a cross leaves, a ring is a bookmark, a square belongs to no type, a half lacks files. */
function mark(point: Point, at: number, lane: string, isEntry: boolean): Html {
  const x = `${at.toFixed(2)}%`;
  const shape = point.isLeaving
    ? html`<text x="${x}" y="${MIDDLE}" class="cross">×</text>`
    : point.kind === "bookmark"
      ? html`<circle cx="${x}" cy="${MIDDLE}" r="3.5" class="ring"/>`
      : point.kind === "partial"
        ? html`<circle cx="${x}" cy="${MIDDLE}" r="3.5" class="partial"/>`
        : point.isForeign
          ? html`<rect x="${x}" y="${MIDDLE}" width="7" height="7" transform="translate(-3.5 -3.5)" class="foreign"/>`
          : html`<circle cx="${x}" cy="${MIDDLE}" r="4" class="disc"/>`;
  const text = describe(point);
  return html`<g class="point" role="img" tabindex="${isEntry ? 0 : -1}" data-key="${point.key}" aria-label="${lane}: ${text}"><title>${text}</title>${shape}</g>`;
}

/** Name, guid, time, size, and why it stays or goes. */
function describe({ name, id, creation, bytes, kind, reasons, isLeaving, isForeign }: Point): string {
  return [
    visible(name),
    kind === "snapshot" || kind === "bookmark" ? `guid ${id}` : `id ${id.slice(0, 16)}`,
    clockTime(creation * 1000),
    ...(bytes === undefined ? [] : [size(bytes)]),
    ...(kind === "bookmark" ? ["a bookmark: what the next increment starts from"] : []),
    ...(kind === "partial" ? ["files are missing in it"] : []),
    ...(isLeaving ? ["the plan takes it away"] : reasons),
    ...(isForeign ? ["of no declared type: never touched"] : []),
  ].join(" · ");
}

function axis(x: (age: number) => number, oldest: number): Html {
  const shown = TICKS.filter(([seconds]) => seconds < oldest);
  return html`<svg width="100%" height="16">
    ${[[0, "now"] as const, ...shown].map(
      ([seconds, label]) =>
        html`<text x="${x(seconds).toFixed(2)}%" y="12" class="tick${seconds === 0 ? " last" : ""}">${label}</text>`,
    )}</svg>`;
}

/** All of it as a table, for one source. */
export function pointTable(lanes: readonly Lane[], now: number): Html {
  const rows = new Map<string, { readonly point: Point; readonly where: Map<Lane, Point> }>();
  for (const lane of lanes)
    for (const point of lane.points) {
      const there = rows.get(point.key) ?? { point, where: new Map<Lane, Point>() };
      there.where.set(lane, point);
      rows.set(point.key, there);
    }
  const sorted = [...rows.values()].sort((a, b) => b.point.creation - a.point.creation);
  return html`<table class="points" role="table">
    <caption class="quiet">${plural(sorted.length, "point in time", "points in time")}, newest first, and why each stays</caption>
    <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">name</th><th role="columnheader" scope="col">age</th>${lanes.map(
      ({ name }) => html`<th role="columnheader" scope="col">${visible(name)}</th>`,
    )}</tr></thead>
    <tbody role="rowgroup">${sorted.map(
      ({ point, where }) => html`<tr role="row"><th role="rowheader" scope="row">${visible(point.name)}
        <span class="quiet">${point.kind === "snapshot" || point.kind === "bookmark" ? "guid" : "id"} ${point.id.slice(0, 20)}${point.bytes !== undefined && ` · ${size(point.bytes)}`}</span></th>
        <td role="cell" data-label="age"><time datetime="${new Date(point.creation * 1000).toISOString()}" title="${clockTime(point.creation * 1000)}">${duration(now / 1000 - point.creation)}</time></td>
        ${lanes.map((lane) => html`<td role="cell" data-label="${visible(lane.name)}">${fate(where.get(lane), lane)}</td>`)}</tr>`,
    )}</tbody></table>`;
}

function fate(point: Point | undefined, { state }: Lane): Html {
  if (point === undefined)
    return state === "unobserved"
      ? html`<span class="quiet"><span aria-hidden="true">?</span><span class="unseen">not observed</span></span>`
      : html`<span class="quiet"><span aria-hidden="true">–</span><span class="unseen">no</span></span>`;
  if (point.isLeaving) return html`<span class="leaving">− leaves with the plan</span>`;
  const what = { snapshot: "yes", copy: "yes", bookmark: "bookmark", partial: "partial" }[point.kind];
  const why = point.isForeign ? ["of no declared type: never touched"] : point.reasons;
  return html`${what}${why.length > 0 && html` <span class="quiet">${why.join(" · ")}</span>`}`;
}
