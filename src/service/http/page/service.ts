import type { ServiceView } from "../../../model/service.ts";
import { type Html, html } from "../../../render/html.ts";
import { shortAddress, visible, visibleLines } from "../../../render/text.ts";
import { relative } from "./words.ts";

/** Of suspended sources, so many by name. */
const NAMED = 20;

/** The service itself: which manifest is in force, when it looks again, what is suspended. */
export function serviceFacts(
  { manifest, nextLook, suspended, startedAt, self, lockHeld }: ServiceView,
  now: number,
): Html {
  const { path, digest, valid, loadedAt, error, commit, stopped, unreachable } = manifest;
  return html`<dl class="facts">
    <div><dt>manifest</dt><dd><span class="badge ${valid ? "ok" : "failed"}"><span class="symbol" aria-hidden="true">${valid ? "✓" : "✕"}</span> ${valid ? "valid" : "not valid"}</span>
      <code>${visible(path)}</code></dd></div>
    <div><dt>in force</dt><dd><code title="${digest}">${visible(digest.slice(0, 12))}</code> since ${relative(Date.parse(loadedAt), now)}${
      commit !== undefined && html`, commit <code>${visible(commit.slice(0, 12))}</code>`
    }</dd></div>
    <div><dt>next look</dt><dd>${nextLook === undefined ? "when what runs is done" : html`${relative(Date.parse(nextLook.at), now)} <span class="quiet">${visible(nextLook.reason)}</span>`}</dd></div>
    <div><dt>suspended</dt><dd>${
      suspended.length === 0
        ? "nothing"
        : html`<ul>${suspended.slice(0, NAMED).map((source) => html`<li>${shortAddress(source, self)}</li>`)}${suspended.length > NAMED && html`<li>and ${suspended.length - NAMED} more</li>`}</ul>`
    }</dd></div>
    <div><dt>running since</dt><dd>${relative(Date.parse(startedAt), now)}${!lockHeld && ", without the lock"}</dd></div>
  </dl>
  ${unreachable !== undefined && html`<div class="problem"><p><strong>Whether there is a newer manifest cannot be told</strong>; the one above stays in force.</p><pre class="output" tabindex="0" role="region" aria-label="Why a newer manifest cannot be asked for">${visibleLines(unreachable).join("\n")}</pre></div>`}
  ${error !== undefined && html`<div class="problem"><p><strong>What is in the file is not valid</strong>; ${stopped ? "this machine no longer allows the one above, and nothing is started" : "the one above stays in force"}.</p><pre class="output" tabindex="0" role="region" aria-label="What is wrong with the manifest">${visibleLines(error).join("\n")}</pre></div>`}`;
}
