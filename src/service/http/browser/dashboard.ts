import { part, size } from "../../../model/size.ts";
import { duration, plural } from "../../../render/text.ts";

/**
 * Keeps the page true while it is open. The server renders; this listens to its events, asks for the parts that may be
 * new, moves the bars, and counts the ages on. Without it the page says the same, as of when it was loaded.
 */

const offset = Date.now() - Number(document.body.dataset.now);
/** The server's clock, which all times on the page are of. */
const now = (): number => Date.now() - offset;

const byId = (id: string): HTMLElement | null => document.getElementById(id);
const say = (id: "live" | "news", text: string): void => {
  const place = byId(id);
  if (place !== null && place.textContent !== text) place.textContent = text;
};

// --- ages ----------------------------------------------------------------------------------------------------------

const TICK_MS = 10_000;

function countOn(): void {
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-age], time[data-relative]")) {
    const seconds = (now() - Date.parse(time.dateTime)) / 1000;
    const length = duration(Math.abs(seconds));
    const text =
      time.dataset.age !== undefined
        ? length
        : Math.abs(seconds) < 1
          ? "now"
          : seconds > 0
            ? `${length} ago`
            : `in ${length}`;
    if (time.textContent !== text) time.textContent = text;
  }
}

// --- parts that are new --------------------------------------------------------------------------------------------

/** XMLHttpRequest makes a document of the answer itself: no text ever becomes markup here. */
function load(url: string): Promise<Document | null> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.onloadend = () => resolve(request.status === 200 ? request.responseXML : null);
    request.send();
  });
}

const labelOf = (one: Element): string => `${one.tagName} ${one.getAttribute("aria-label") ?? one.textContent}`;

function replaceParts(fresh: Document): void {
  for (const next of fresh.querySelectorAll<HTMLElement>("[data-part]")) {
    const present = byId(next.id);
    if (present === null || present.dataset.version === next.dataset.version) continue;
    for (const open of present.querySelectorAll<HTMLDetailsElement>("details[open][id]"))
      next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    const focused = present.contains(document.activeElement) ? document.activeElement : null;
    const part = document.importNode(next, true);
    present.replaceWith(part);
    addCopyButtons();
    if (focused !== null) focusSame(part, labelOf(focused));
  }
  countOn();
}

/** What had the focus has it again, where it is still there; a place that is gone gives it to its part. */
function focusSame(part: HTMLElement, label: string): void {
  const [tag = ""] = label.split(" ", 1);
  const same = [...part.querySelectorAll<HTMLElement | SVGElement>(tag)].find((one) => labelOf(one) === label);
  if (same === undefined) part.tabIndex = -1;
  (same ?? part).focus({ preventScroll: true });
}

/** What is asked for next: only what changes often, or all of it. */
let wanted: "live" | "all" | undefined;
let isLoading = false;
/** A burst of events is one question, and the server has a pause between two. */
const PAUSE_MS = 400;

function refresh(what: "live" | "all"): void {
  const isFirst = wanted === undefined;
  if (wanted !== "all") wanted = what;
  if (isFirst && !isLoading) setTimeout(ask, PAUSE_MS);
}

async function ask(): Promise<void> {
  const url = new URL(location.href);
  url.hash = "";
  if (wanted === "live") url.searchParams.set("part", "live");
  wanted = undefined;
  isLoading = true;
  const fresh = await load(url.href);
  isLoading = false;
  if (fresh !== null) replaceParts(fresh);
  if (wanted !== undefined) setTimeout(ask, PAUSE_MS);
}

// --- bars ----------------------------------------------------------------------------------------------------------

interface Progress {
  readonly id: string;
  readonly bytes: number;
  readonly expected?: number;
  readonly files?: { readonly done: number; readonly total: number };
}

const rates = new Map<string, { at: number; bytes: number; rate: number }>();

/** Bytes per second of late, so that a burst does not make it jump. */
function rateOf({ id, bytes }: Progress): number {
  const at = performance.now();
  const last = rates.get(id);
  if (last === undefined) {
    rates.set(id, { at, bytes, rate: 0 });
    return 0;
  }
  const seconds = Math.max(0.1, (at - last.at) / 1000);
  const present = Math.max(0, bytes - last.bytes) / seconds;
  const rate = last.rate === 0 ? present : last.rate * 0.7 + present * 0.3;
  rates.set(id, { at, bytes, rate });
  return rate;
}

function move(progress: Progress): void {
  const line = document.querySelector(`[data-operation="${CSS.escape(progress.id)}"]`);
  const bar = line?.querySelector("progress");
  const amount = line?.querySelector(".amount");
  if (!bar || !amount) return;
  const { bytes, expected, files } = progress;
  const rate = rateOf(progress);
  const words = files === undefined ? [] : [`${files.done.toLocaleString("en-US")} of ${plural(files.total, "file")}`];
  if (expected !== undefined && expected > 0) {
    bar.max = expected;
    bar.value = Math.min(bytes, expected);
    const share = Math.floor(Math.min(1, bytes / expected) * 100);
    words.unshift(part(Math.min(bytes, expected), expected), `${share} %`);
    if (rate > 0 && bytes < expected) words.push(`${size(rate)}/s`, `${duration((expected - bytes) / rate)} left`);
  } else if (bytes > 0) {
    words.unshift(size(bytes), `${size(rate)}/s`);
  }
  amount.textContent = words.join(", ");
}

// --- events --------------------------------------------------------------------------------------------------------

function listen(): void {
  const events = new EventSource("/api/v1/events");
  const on = (kind: string, act: (data: never) => void): void =>
    events.addEventListener(kind, (event) => act(JSON.parse((event as MessageEvent<string>).data) as never));
  events.onopen = () => {
    say("live", "live");
    refresh("all"); // what happened while nobody listened, be it only since the page was made
  };
  events.onerror = () => {
    say("live", "not connected; trying again");
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, TICK_MS); // refused: the browser gave up
  };
  on("service", () => refresh("live"));
  on("started", () => refresh("live"));
  on("progress", move);
  on("finished", ({ id, outcome, source, description }: Finished) => {
    rates.delete(id);
    if (outcome !== "done") say("news", `${outcome}: ${source}, ${description}`);
    refresh("live");
  });
  on("ran", ({ result }: { result: string }) => {
    say("news", `A run has ended: ${result}`);
    refresh("live");
  });
  on("assessed", () => refresh("all"));
  on("manifest", ({ valid, stopped }: { valid: boolean; stopped?: true }) => {
    const left = stopped ? "nothing is started by the one in force either" : "the last good one stays in force";
    say("news", valid ? "A new manifest is in force" : `The manifest is not valid; ${left}`);
    refresh("all");
  });
}

interface Finished {
  readonly id: string;
  readonly outcome: string;
  readonly source: string;
  readonly description: string;
}

// --- timelines -----------------------------------------------------------------------------------------------------

function show(point: Element): void {
  const article = point.closest(".timeline");
  const readout = article?.querySelector(".readout");
  if (!article || !readout) return;
  readout.textContent = point.getAttribute("aria-label");
  const key = point.getAttribute("data-key");
  for (const other of article.querySelectorAll(".point"))
    other.classList.toggle("same", other.getAttribute("data-key") === key);
}

const pointAt = (target: EventTarget | null): SVGElement | null =>
  target instanceof Element ? target.closest<SVGElement>(".point") : null;

/** Left and right in time, up and down between the places: to the nearest mark there. */
function step(point: SVGElement, key: string): SVGElement | undefined {
  const lane = point.closest(".lane");
  const points = [...(lane?.querySelectorAll<SVGElement>(".point") ?? [])];
  const index = points.indexOf(point);
  if (key === "ArrowLeft") return points[index - 1];
  if (key === "ArrowRight") return points[index + 1];
  if (key === "Home") return points[0];
  if (key === "End") return points.at(-1);
  const lanes = [...(lane?.parentElement?.querySelectorAll(".lane:not(.axis)") ?? [])];
  const other = lane && lanes[lanes.indexOf(lane) + (key === "ArrowUp" ? -1 : 1)];
  const x = (one: Element): number => one.getBoundingClientRect().x;
  return [...(other?.querySelectorAll<SVGElement>(".point") ?? [])].sort(
    (a, b) => Math.abs(x(a) - x(point)) - Math.abs(x(b) - x(point)),
  )[0];
}

function onKey(event: KeyboardEvent): void {
  const point = pointAt(event.target);
  if (point === null || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const next = step(point, event.key);
  if (next === undefined) return;
  next.focus();
}

/** Coming back to a line leads to where one was on it. */
function rove(point: Element): void {
  for (const other of point.closest(".lane")?.querySelectorAll(".point[tabindex='0']") ?? [])
    other.setAttribute("tabindex", "-1");
  point.setAttribute("tabindex", "0");
}

// --- commands that can be copied -----------------------------------------------------------------------------------

function addCopyButtons(): void {
  for (const code of document.querySelectorAll("code.copy:not([data-button])")) {
    code.setAttribute("data-button", "");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "copy";
    button.setAttribute("aria-label", `copy ${code.textContent ?? ""}`);
    button.addEventListener("click", () => void copy(code, button));
    code.after(" ", button);
  }
}

/** Where the browser gives no clipboard, as without TLS, the command is selected. */
async function copy(code: Element, button: HTMLButtonElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    button.textContent = "copied";
  } catch {
    getSelection()?.selectAllChildren(code);
    button.textContent = "selected";
  }
  setTimeout(() => {
    button.textContent = "copy";
  }, 2000);
}

document.addEventListener("pointerover", (event) => {
  const point = pointAt(event.target);
  if (point !== null) show(point);
});
document.addEventListener("focusin", (event) => {
  const point = pointAt(event.target);
  if (point === null) return;
  rove(point);
  show(point);
});
document.addEventListener("keydown", onKey);
addCopyButtons();
countOn();
setInterval(countOn, TICK_MS);
listen();
