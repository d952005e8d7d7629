import type { Blocked, Plan, Unobserved } from "../../../model/plan.ts";
import { size } from "../../../model/size.ts";
import type { SourceStatus } from "../../../model/status.ts";
import { type Html, html } from "../../../render/html.ts";
import { duration, plural, shortAddress, visible } from "../../../render/text.ts";
import { sourceLink } from "./matrix.ts";
import { badge, NEEDS_YOU, relative } from "./words.ts";

/** More of them are folded away. */
const SHOWN = 20;

/** What waits for a person: what is blocked, with the evidence and what can be done; what is late; what was not seen. */
export function attention(plan: Plan, sources: readonly SourceStatus[], now: number, isAll: boolean): Html {
  const asked = new Set<string>(sources.map(({ source }) => source));
  const seen = isAll ? plan.unobserved : [];
  const entries = [
    ...seen.filter(({ expected }) => !expected).map(unobservedEntry),
    ...plan.blocked.filter(({ source }) => isAll || asked.has(source)).map((entry) => blockedEntry(entry, plan.self)),
    ...sources.flatMap((source) => troubles(source, plan.self, now)),
  ];
  const away = seen.filter(({ expected }) => expected).map(unobservedEntry);
  if (entries.length + away.length === 0)
    return html`<p class="quiet">Nothing is blocked or late${isAll && ", and everything could be observed"}.</p>`;
  return html`
    ${entries.slice(0, SHOWN)}
    ${entries.length > SHOWN && html`<details id="more-blocked"><summary>${entries.length - SHOWN} more</summary>${entries.slice(SHOWN)}</details>`}
    ${away}`;
}

/** Places that are late, failed or unknown, and not because they are blocked. */
function troubles({ source, own, copies }: SourceStatus, self: Plan["self"], now: number): Html[] {
  const places = [
    ...(own === undefined ? [] : [{ name: "here", place: own }]),
    ...copies.map((copy) => ({ name: copy.remote, place: copy })),
  ];
  return places.flatMap(({ name, place: { health, newest, dueWithin, message } }) =>
    health === "blocked" || !NEEDS_YOU.has(health)
      ? []
      : html`<article class="entry late ${health}">
    <h3>${badge(health)} <a href="${sourceLink(source)}">${shortAddress(source, self)}</a> → ${visible(name)}</h3>
    <p>${message !== undefined ? visible(message) : newest === undefined ? "nothing is there yet" : html`the newest is from ${relative(newest.creation * 1000, now)}`}${
      dueWithin !== undefined && html` <span class="quiet">due within ${duration(dueWithin)}</span>`
    }</p>
  </article>`,
  );
}

function blockedEntry(
  { source, remote, reason, message, evidence, remedies, waiting }: Blocked,
  self: Plan["self"],
): Html {
  return html`<article class="entry blocked">
    <h3><span class="badge blocked"><span class="symbol" aria-hidden="true">!</span> ${reason}</span>
      <a href="${sourceLink(source)}">${shortAddress(source, self)}</a>${remote !== undefined && html` → ${visible(remote)}`}</h3>
    <p>${visible(message)}${
      waiting !== undefined &&
      waiting.snapshots > 0 &&
      html` <span class="quiet">${plural(waiting.snapshots, "snapshot")}${waiting.bytes > 0 && `, ${size(waiting.bytes)}`} wait for it.</span>`
    }</p>
    ${evidence.length > 0 && html`<ul class="evidence">${evidence.map((line) => html`<li>${visible(line)}</li>`)}</ul>`}
    ${remedies.length > 0 && html`<p class="what">What can be done</p><ul class="remedies">${remedies.map((remedy) => html`<li>${command(remedy)}</li>`)}</ul>`}
  </article>`;
}

/** What is to be typed or written, which can be copied; all else is advice. */
export function command(remedy: string): Html {
  const text = visible(remedy);
  const [, words, line] = /^(an approval: )(\{.*\})$/.exec(text) ?? [];
  if (line !== undefined) return html`${words}<code class="copy">${line}</code>`;
  if (/^(apply|plan|snapshot|unlock|restore|resume|verify|doctor) /.test(text))
    return html`<code class="copy">holdfast ${text}</code>`;
  return /^(holdfast|zfs|zpool|restic) /.test(text) ? html`<code class="copy">${text}</code>` : html`${text}`;
}

function unobservedEntry({ host, pool, repository, remote, reason, hint, expected }: Unobserved): Html {
  const what =
    repository !== undefined
      ? `repository ${repository}`
      : pool !== undefined
        ? `pool ${pool} on ${host}`
        : `host ${host}`;
  return html`<article class="entry ${expected ? "away" : "unknown"}">
    <h3><span class="badge ${expected ? "away" : "unknown"}"><span class="symbol" aria-hidden="true">${expected ? "◌" : "?"}</span> ${
      expected ? "away" : "not observed"
    }</span> ${visible(what)}${remote !== undefined && html` <span class="quiet">remote ${visible(remote)}</span>`}</h3>
    <p>${reason
      .trim()
      .split("\n")
      .map((line) => html`${visible(line)}<br>`)}</p>
    ${expected && html`<p class="quiet">It is removable and not overdue: nothing is planned there.</p>`}
    ${hint !== undefined && html`<p class="what">What can be done</p><ul class="remedies"><li>${command(hint)}</li></ul>`}
  </article>`;
}
