import type { OperationReport, Problem } from "../../../model/report.ts";
import type { PassResult, Run, RunningOperation } from "../../../model/service.ts";
import { part, size } from "../../../model/size.ts";
import type { HostName } from "../../../model/units.ts";
import { type Html, html } from "../../../render/html.ts";
import { duration, plural, shortAddress, visible, visibleLines } from "../../../render/text.ts";
import { command } from "./blocked.ts";
import { relative } from "./words.ts";

const RUNS = 12;
const PROBLEMS = 8;
const OPERATIONS = 200;

/** What runs now; the page's script moves the bars. */
export function running(operations: readonly RunningOperation[], self: HostName | null, now: number): Html {
  if (operations.length === 0) return html`<p class="quiet">Nothing runs at present.</p>`;
  return html`<ul class="running">${operations.map((one) => runningLine(one, self, now))}</ul>`;
}

function runningLine(one: RunningOperation, self: HostName | null, now: number): Html {
  const { id, source, description, startedAt, bytes = 0, expected, files } = one;
  const label = `${shortAddress(source, self)}: ${visible(description)}`;
  const since = (now - Date.parse(startedAt)) / 1000;
  return html`<li data-operation="${id}" data-started="${startedAt}">
    <span class="label">${shortAddress(source, self)} <span class="quiet">${visible(description)}</span></span>
    ${
      expected === undefined || expected === 0
        ? html`<progress aria-label="${label}"></progress>`
        : html`<progress max="${expected}" value="${Math.min(bytes, expected)}" aria-label="${label}"></progress>`
    }
    <span class="amount">${amount(bytes, expected, since)}${files !== undefined && `, ${files.done.toLocaleString("en-US")} of ${plural(files.total, "file")}`}</span>
  </li>`;
}

/** The script says it the same way, and adds a rate. */
const amount = (bytes: number, expected: number | undefined, seconds: number): string =>
  expected === undefined || expected === 0
    ? bytes === 0
      ? `for ${duration(seconds)}`
      : size(bytes)
    : `${part(Math.min(bytes, expected), expected)}, ${Math.floor(Math.min(1, bytes / expected) * 100)} %`;

const RESULTS: Readonly<Record<PassResult, readonly [symbol: string, word: string, style: string]>> = {
  clean: ["✓", "done", "ok"],
  waiting: ["○", "waiting", "waiting"],
  failed: ["✕", "failed", "failed"],
  blocked: ["!", "blocked", "blocked"],
};

/** The last runs; what went wrong stands open. */
export function runList(all: readonly Run[], self: HostName | null, now: number, only?: string): Html {
  const runs = only === undefined ? all : all.filter(({ sources }) => sources.some((source) => source === only));
  if (runs.length === 0) return html`<p class="quiet">Nothing was done yet since this service keeps count.</p>`;
  return html`<ol class="runs">${runs.slice(0, RUNS).map((run) => html`<li>${runEntry(run, self, now)}</li>`)}</ol>
    ${runs.length > RUNS && html`<p class="quiet">${plural(runs.length - RUNS, "earlier run")} in <a href="/api/v1/runs">/api/v1/runs</a>.</p>`}`;
}

function runEntry(
  { id, startedAt, finishedAt, trigger, sources, result, operations }: Run,
  self: HostName | null,
  now: number,
): Html {
  const [mark, word, style] = RESULTS[result];
  const problems = operations.filter(({ outcome }) => outcome !== "done" && outcome !== "skipped");
  const bytes = operations.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
  const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  const [first] = sources;
  const where =
    sources.length === 1 && first !== undefined ? shortAddress(first, self) : plural(sources.length, "source");
  return html`<p class="run"><span class="badge ${style}"><span class="symbol" aria-hidden="true">${mark}</span> ${word}</span>
      <span>${relative(Date.parse(finishedAt), now)}</span>
      <span class="quiet">${where}, ${visible(trigger)}, ${plural(operations.length, "operation")} in ${duration(seconds)}${bytes > 0 && `, ${size(bytes)}`}</span></p>
    ${problems.slice(0, PROBLEMS).map((one) => problemEntry(one, self))}
    ${problems.length > PROBLEMS && html`<p class="quiet">and ${plural(problems.length - PROBLEMS, "more problem")}</p>`}
    ${
      operations.length > problems.length &&
      html`<details id="run-${id}"><summary>what was done</summary><ul class="done">${operations
        .slice(0, OPERATIONS)
        .map(
          (one) =>
            html`<li>${one.outcome !== "done" && html`${one.outcome}: `}${shortAddress(one.source, self)} <span class="quiet">${visible(one.description)}${one.bytes !== undefined && one.bytes > 0 && `, ${size(one.bytes)}`}, ${duration(one.seconds)}</span></li>`,
        )}</ul></details>`
    }`;
}

const problemEntry = (
  { outcome, source, description, error }: OperationReport,
  self: HostName | null,
): Html => html`<div class="problem">
  <p><strong>${outcome}</strong> ${shortAddress(source, self)}: ${visible(description)}</p>${error !== undefined && problem(error)}</div>`;

function problem({ message, command: ran, output, hint }: Problem): Html {
  return html`<p>${visibleLines(message).map((line) => html`${line}<br>`)}</p>
    ${ran !== undefined && html`<p class="quiet">ran: <code>${visible(ran)}</code></p>`}
    ${output !== undefined && output.trim() !== "" && html`<pre class="output">${visibleLines(output).join("\n")}</pre>`}
    ${hint !== undefined && html`<p>next: ${command(hint)}</p>`}`;
}
