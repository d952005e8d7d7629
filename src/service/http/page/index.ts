import { createHash } from "node:crypto";
import type { Plan } from "../../../model/plan.ts";
import type { ServiceView } from "../../../model/service.ts";
import type { SourceStatus, Status } from "../../../model/status.ts";
import { type Html, html } from "../../../render/html.ts";
import { renderPlan } from "../../../render/plan.ts";
import { plural, shortAddress, visible } from "../../../render/text.ts";
import { ICON, SCRIPT, STYLE } from "../assets.ts";
import { attention } from "./blocked.ts";
import { matrix } from "./matrix.ts";
import { fatesOf, type Lane, lanesOf } from "./points.ts";
import { serviceFacts } from "./service.ts";
import { pointTable, timeline } from "./timeline.ts";
import { badge, countBy, headline, relative, WORST_FIRST } from "./words.ts";
import { runList, running } from "./work.ts";

/** Sources with a timeline on the first page, and marks in all of them; the others have theirs on their own page. */
const TIMELINES = 12;
const MARKS = 2500;
/** A longer plan is folded. */
const PLAN_LINES = 80;

/** A part of the page that the script replaces when it is another one. */
interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
  /** Changes while something runs; the others only with a new look at the world. */
  readonly isLive?: true;
}

/** The whole page, `?part=live` only what changes often, `?source=ADDRESS` one source; and the status it is answered with. */
export function dashboard(view: ServiceView, query: URLSearchParams, now: number): [body: string, status: number] {
  const address = query.get("source");
  const isLive = query.get("part") === "live";
  if (address === null) return [layout(view, overview(view, now, isLive), now, {}).html, 200];
  const source = view.status?.sources.find((one) => one.source === address);
  if (source !== undefined) return [layout(view, sourcePage(view, source, now, isLive), now, { source }).html, 200];
  const body = html`<p>${
    view.status === undefined
      ? "Nothing was observed yet; this page shows it when it is."
      : html`No source has the address <code>${visible(address)}</code>.`
  }</p><p><a href="/">All sources</a></p>`;
  return [
    layout(view, [{ id: "sources", title: "No such source", body }], now, {}).html,
    view.status === undefined ? 503 : 404,
  ];
}

function overview(view: ServiceView, now: number, onlyLive: boolean): Section[] {
  const live: Section[] = [
    { id: "running", title: "Running", body: running(view.running, view.self, now), isLive: true },
    { id: "runs", title: "Last runs", body: runList(view.runs, view.self, now), isLive: true },
    { id: "service", title: "Service", body: serviceFacts(view, now), isLive: true },
  ];
  if (onlyLive) return live;
  const { plan, status } = view;
  if (plan === undefined || status === undefined) {
    const body = html`<p class="quiet">The first look at all hosts and repositories is not done. This page fills itself.</p>`;
    return [{ id: "sources", title: "Sources", body }, ...live];
  }
  return [
    { id: "attention", title: "What needs you", body: attention(plan, status.sources, now, true) },
    { id: "sources", title: "Sources", body: matrix(status, now) },
    { id: "timelines", title: "What exists where", body: timelines(view, status, plan, now) },
    { id: "plan", title: "Plan", body: planText(plan) },
    ...live,
  ];
}

/** Of those first that need somebody, as many as fit. */
function timelines({ inventory }: ServiceView, status: Status, plan: Plan, now: number): Html {
  const fates = fatesOf(plan);
  const sorted = [...status.sources].sort((a, b) => WORST_FIRST.indexOf(a.health) - WORST_FIRST.indexOf(b.health));
  const shown: Html[] = [];
  let marks = 0;
  for (const source of sorted.slice(0, TIMELINES)) {
    const lanes = lanesOf(source, inventory, fates);
    marks += lanes.reduce((sum, { points }) => sum + points.length, 0);
    if (shown.length > 0 && marks > MARKS) break;
    shown.push(timeline(source, lanes, status.self, now));
  }
  const left = sorted.length - shown.length;
  return html`${legend}${shown}${left > 0 && html`<p class="quiet">${plural(left, "more source")}: each has its timeline on its own page, behind its name.</p>`}`;
}

const legend = html`<p class="legend quiet" aria-hidden="true">● stays &ensp; × leaves with the plan &ensp; ○ bookmark &ensp; ◐ files missing &ensp; □ of no declared type</p>`;

function planText(plan: Plan): Html {
  const text = renderPlan(plan, { color: false });
  const lines = text.trimEnd().split("\n");
  const pre = html`<pre class="plan" tabindex="0" role="region" aria-label="The plan, as holdfast plan prints it">${lines.map(planLine)}</pre>`;
  if (lines.length <= PLAN_LINES) return pre;
  return html`<p>${lines.at(-1) ?? ""}</p><details id="whole-plan"><summary>all ${plural(lines.length, "line")}</summary>${pre}</details>`;
}

const KINDS: Readonly<Record<string, string>> = {
  "+": "create",
  ">": "send",
  "~": "change",
  "-": "destroy",
  "!": "blocked",
};

/** The text stays what it is; its symbol also gets a colour. */
function planLine(line: string): Html {
  const [, indent, mark, rest] = /^( {4})([+>~!-])( \w.*)$/.exec(line) ?? [];
  const kind = KINDS[mark ?? ""];
  if (kind === undefined || rest === undefined) return /^ {2}\S/.test(line) ? html`<b>${line}</b>\n` : html`${line}\n`;
  const word = rest.slice(0, 11);
  return html`${indent}<span class="op ${kind}">${mark}${word}</span>${rest.slice(11)}\n`;
}

function sourcePage(view: ServiceView, source: SourceStatus, now: number, onlyLive: boolean): Section[] {
  const { plan, inventory, self } = view;
  const mine = view.running.filter((one) => one.source === source.source);
  const live: Section[] = [
    { id: "running", title: "Running", body: running(mine, self, now), isLive: true },
    { id: "runs", title: "Last runs", body: runList(view.runs, self, now, source.source), isLive: true },
  ];
  if (onlyLive || plan === undefined) return live;
  const lanes: Lane[] = lanesOf(source, inventory, fatesOf(plan));
  const own = {
    ...plan,
    operations: plan.operations.filter((one) => one.source === source.source),
    blocked: plan.blocked.filter((one) => one.source === source.source),
  };
  return [
    { id: "attention", title: "What needs you", body: attention(plan, [source], now, false) },
    {
      id: "timelines",
      title: "What exists where",
      body: html`${legend}${timeline(source, lanes, self, now)}${conditions(source, now)}`,
    },
    { id: "plan", title: "Plan", body: sourcePlan(own) },
    { id: "points", title: "Every point in time", body: pointTable(lanes, now) },
    ...live,
  ];
}

function sourcePlan(plan: Plan): Html {
  if (plan.operations.length + plan.blocked.length === 0) return html`<p class="quiet">Nothing is to be done.</p>`;
  const bare = { ...plan, unobserved: [], foreign: [], notes: [], kept: [] };
  const lines = renderPlan(bare, { color: false }).trimEnd().split("\n").slice(0, -2); // its sums are of all sources
  return html`<pre class="plan" tabindex="0" role="region" aria-label="The plan for this source">${lines.map(planLine)}</pre>`;
}

/** As the service holds them, place by place. */
function conditions({ own, copies }: SourceStatus, now: number): Html | undefined {
  const places = [
    ...(own === undefined ? [] : [{ name: "here", ...own }]),
    ...copies.map((copy) => ({ name: copy.remote, ...copy })),
  ];
  const told = places.flatMap(({ name, conditions: all = [], message }) => [
    ...(message === undefined ? [] : [html`<li><b>${visible(name)}</b> ${visible(message)}</li>`]),
    ...all
      .filter(({ status }) => status)
      .map(
        (one) =>
          html`<li><b>${visible(name)}</b> ${one.type} <span class="quiet">${visible(one.message)}, ${relative(Date.parse(one.since), now)}</span></li>`,
      ),
  ]);
  return told.length === 0 ? undefined : html`<ul class="conditions">${told}</ul>`;
}

interface Where {
  readonly source?: SourceStatus;
}

function layout(view: ServiceView, sections: readonly Section[], now: number, { source }: Where): Html {
  const { self, status } = view;
  const name = source === undefined ? (self ?? "controller") : shortAddress(source.source, self);
  const main = sections.filter(({ isLive }) => !isLive);
  const side = sections.filter(({ isLive }) => isLive);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${visible(name)} · Holdfast</title>
<link rel="icon" href="${ICON}" type="image/svg+xml">
<link rel="stylesheet" href="${STYLE}">
<script src="${SCRIPT}" type="module"></script>
</head>
<body data-now="${now}">
<a class="skip" href="#main">To the sources</a>
<header>
  <p class="brand"><a href="/">Holdfast</a> <span class="quiet">${self === null ? "controller" : visible(self)}</span><span id="live" class="quiet" role="status" aria-live="polite"></span></p>
  ${wrapped("head", source === undefined ? summary(view, status, now) : sourceHead(view, source))}
</header>
<main id="main" tabindex="-1">${main.map(section)}</main>
<aside aria-label="What runs, and what ran">${side.map(section)}</aside>
<footer class="quiet"><p>Holdfast ${visible(view.version)} · <a href="/api/v1/openapi.json">API</a> · <a href="/metrics">metrics</a></p></footer>
<p id="news" class="unseen" role="log" aria-live="polite"></p>
</body>
</html>
`;
}

const section = ({ id, title, body }: Section): Html =>
  html`<section id="${id}" data-part data-version="${versionOf(body)}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${body}</section>`;

const wrapped = (id: string, body: Html): Html =>
  html`<div id="${id}" data-part data-version="${versionOf(body)}">${body}</div>`;

/** Ages and amounts change all the time, and are kept true by the script: they make no other version. */
const VOLATILE = /(?<=<time [^>]*data-(?:age|relative)>)[^<]*|(?<=<progress)[^>]*|(?<=<span class="amount">)[^<]*/g;
const versionOf = ({ html: text }: Html): string =>
  createHash("sha256").update(text.replace(VOLATILE, "")).digest("base64url").slice(0, 12);

function summary({ manifest, plan }: ServiceView, status: Status | undefined, now: number): Html {
  const counts = countBy(status?.sources ?? []);
  return html`
    <h1>${status === undefined ? "Looking around for the first time" : headline(status)}</h1>
    ${
      status !== undefined &&
      html`<p class="counts">${WORST_FIRST.flatMap((health) => {
        const count = counts.get(health);
        return count === undefined ? [] : [badge(health, `${count.toLocaleString("en-US")} ${health}`)];
      })}</p>
    <p class="quiet">observed ${relative(Date.parse(status.observedAt), now)}${!status.complete && ", not completely"}${
      status.unprotected > 0 && ` · ${plural(status.unprotected, "dataset")} that nothing protects`
    }${plan !== undefined && plan.operations.length > 0 && html` · <a href="#plan">${plural(plan.operations.length, "operation")} planned</a>`}</p>`
    }
    ${!manifest.valid && html`<p class="alarm"><span class="badge failed"><span class="symbol" aria-hidden="true">✕</span> manifest not valid</span> ${manifest.stopped ? "This machine no longer allows the one in force, and nothing is started" : "The last good one stays in force"}; <a href="#service">what is wrong with it</a>.</p>`}`;
}

const sourceHead = ({ self }: ServiceView, { source, health }: SourceStatus): Html => html`
  <p><a href="/">← all sources</a></p>
  <h1>${shortAddress(source, self)} ${badge(health)}</h1>`;
