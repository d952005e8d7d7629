import type { Blocked, Plan, Unobserved } from "../../../model/plan.ts";
import { plural, shortAddress, size, visible } from "../../../render/text.ts";
import { type Html, html } from "./html.ts";
import { sourceLink } from "./matrix.ts";

/** More of them are folded away. */
const SHOWN = 20;

/** What waits for a person: the evidence, and what can be done. */
export function attention(plan: Plan, only?: string): Html {
  const blocked = plan.blocked.filter(({ source }) => only === undefined || source === only);
  const unseen = only === undefined ? plan.unobserved.filter(({ expected }) => !expected) : [];
  const away = only === undefined ? plan.unobserved.filter(({ expected }) => expected) : [];
  if (blocked.length + unseen.length + away.length === 0)
    return html`<p class="quiet">Nothing is blocked, and everything could be observed.</p>`;
  const entries = blocked.map((entry) => blockedEntry(entry, plan.self));
  return html`
    ${unseen.map((entry) => unobservedEntry(entry))}
    ${entries.slice(0, SHOWN)}
    ${entries.length > SHOWN && html`<details id="more-blocked"><summary>${plural(entries.length - SHOWN, "more")}</summary>${entries.slice(SHOWN)}</details>`}
    ${away.map((entry) => unobservedEntry(entry))}`;
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
