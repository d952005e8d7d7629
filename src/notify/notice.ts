import type { Notice, NoticeItem } from "../model/notice.ts";
import type { Address, EpochSeconds, HostName } from "../model/units.ts";
import { duration, shortAddress, visible, visibleLines } from "../render/text.ts";
import type { News } from "./news.ts";

const iso = (seconds: EpochSeconds): string => new Date(seconds * 1000).toISOString();

export function noticeOf(news: readonly News[], self: HostName | null, now: EpochSeconds): Notice {
  const items = news.map(({ event, reminder, problem }): NoticeItem => {
    const { source, remote, since, matter, message, remedies } = problem;
    return {
      event,
      reminder,
      source,
      ...(remote !== undefined && { remote }),
      since: iso(since),
      ...(event === "recovered" && { was: matter }),
      message,
      remedies: event === "recovered" ? [] : remedies,
    };
  });
  return { formatVersion: 1, at: iso(now), self, test: false, title: titleOf(items, self), items };
}

export const testNotice = (self: HostName | null, now: EpochSeconds): Notice => ({
  formatVersion: 1,
  at: iso(now),
  self,
  test: true,
  title: `Holdfast ${self ?? "controller"}: a test message`,
  items: [],
});

/** `Holdfast nas: tank/data → vault has failed`, `Holdfast nas: 2 failed, 1 still overdue`. */
function titleOf(items: readonly NoticeItem[], self: HostName | null): string {
  const who = `Holdfast ${visible(self ?? "controller")}`;
  const [only, ...others] = items;
  if (only && others.length === 0) return `${who}: ${placeOf(only, self)} ${VERBS[only.event](only.reminder)}`;
  const counts = new Map<string, number>();
  for (const { event, reminder } of items) {
    const word = reminder ? `still ${event}` : event;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return `${who}: ${[...counts].map(([word, count]) => `${count} ${word}`).join(", ")}`;
}

const VERBS: Readonly<Record<NoticeItem["event"], (reminder: boolean) => string>> = {
  failed: (reminder) => (reminder ? "still fails" : "has failed"),
  blocked: (reminder) => (reminder ? "is still blocked" : "is blocked"),
  overdue: (reminder) => (reminder ? "is still overdue" : "is overdue"),
  recovered: () => "has recovered",
};

/** `tank/data → vault`; what is not this machine's own, with its host. */
function placeOf({ source, remote }: Pick<NoticeItem, "source" | "remote">, self: HostName | null): string {
  const from = shortAddress(source as Address, self);
  return remote === undefined || source === (remote as string) ? from : `${from} → ${visible(remote)}`;
}

const TEST_TEXT = "This is a test. Nothing is the matter: whoever reads it will also read what Holdfast has to tell.";

/** As people read it; of many items so many as fit into `limit` (counted by `length`), and how many there are besides. */
export function textOf(notice: Notice, limit: number, length: (text: string) => number = chars): string {
  if (notice.test) return TEST_TEXT;
  const items = notice.items.map((item) => itemText(item, notice));
  const whole = items.join(GAP);
  if (length(whole) <= limit) return whole;
  const [first = ""] = items;
  const withRest = (shown: readonly string[]): string => [...shown, restText(items.length - shown.length)].join(GAP);
  let shown = 1;
  while (shown < items.length && length(withRest(items.slice(0, shown + 1))) <= limit) shown++;
  const fits = items.length > 1 && length(withRest(items.slice(0, shown))) <= limit;
  if (fits) return withRest(items.slice(0, shown));
  // one that is too long by itself is cut rather than left out
  if (items.length === 1) return clip(first, limit, length);
  return withRest([clip(first, limit - length(withRest([""])), length)]);
}

const GAP = "\n\n";

const restText = (count: number): string => `… and ${count} more: holdfast status`;

function itemText(item: NoticeItem, { at, self }: Notice): string {
  const { event, reminder, since, was, message, remedies } = item;
  const seconds = (Date.parse(at) - Date.parse(since)) / 1000;
  const head = `${reminder ? "STILL " : ""}${event.toUpperCase()}: ${placeOf(item, self)}`;
  if (event === "recovered") return `${head}\nwas ${was} for ${duration(seconds)}: ${visible(message)}`;
  return [
    head,
    ...visibleLines(message),
    `since ${since.slice(0, 16).replace("T", " ")} UTC${seconds >= 60 ? ` (${duration(seconds)})` : ""}`,
    ...remedies.map((remedy) => `next: ${visible(remedy)}`),
  ].join("\n");
}

const chars = (text: string): number => text.length;
export const utf8 = (text: string): number => Buffer.byteLength(text, "utf8");

/** No longer than `limit`, and never half a character. */
export function clip(text: string, limit: number, length: (text: string) => number = chars): string {
  if (length(text) <= limit) return text;
  const points = [...text];
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (length(`${points.slice(0, middle).join("")}…`) <= limit) low = middle;
    else high = middle - 1;
  }
  return `${points.slice(0, low).join("").trimEnd()}…`;
}
