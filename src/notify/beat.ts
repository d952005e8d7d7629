import type { Heartbeat } from "../model/manifest.ts";
import { clip, utf8 } from "./notice.ts";
import type { Sight } from "./problems.ts";

/** `start`: work begins. `clean`: nothing is the matter. */
export interface Beat {
  readonly kind: "start" | "clean" | "bad";
  readonly text: string;
  /** How long the pass took. */
  readonly seconds?: number;
}

/** What a pass comes to: anything that is the matter, or that could not be seen, makes it a bad one. */
export function beatOf({ places, complete }: Sight, more: readonly string[] = [], seconds?: number): Beat {
  const lines = places.flatMap(({ source, remote, troubles }) =>
    troubles.map(
      ({ matter, message }) => `${matter}: ${source}${remote === undefined ? "" : ` → ${remote}`}: ${message}`,
    ),
  );
  const all = [...lines, ...more];
  const isClean = all.length === 0 && complete;
  const bad = all.length === 0 ? "something could not be observed" : all.join("\n");
  return {
    kind: isClean ? "clean" : "bad",
    text: isClean ? "all is well" : bad,
    ...(seconds !== undefined && { seconds }),
  };
}

export interface BeatRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly body?: string;
}

/** Undefined for what a service is not told: one that only waits for silence hears nothing of what is bad. */
export function requestOf(type: Heartbeat["type"], base: URL, beat: Beat): BeatRequest | undefined {
  const url = new URL(base);
  switch (type) {
    case "healthchecks":
      if (beat.kind !== "clean")
        url.pathname = `${url.pathname.replace(/\/+$/, "")}/${beat.kind === "start" ? "start" : "fail"}`;
      // what it keeps of a body by default
      return { url: url.href, method: "POST", body: clip(beat.text, 10_000, utf8) };
    case "uptimekuma":
      if (beat.kind === "start") return undefined;
      url.searchParams.set("status", beat.kind === "clean" ? "up" : "down");
      url.searchParams.set("msg", clip(beat.text.replaceAll("\n", "; "), 250));
      url.searchParams.set("ping", beat.seconds === undefined ? "" : String(Math.round(beat.seconds * 1000)));
      return { url: url.href, method: "GET" };
    case "deadmanssnitch":
    case "get":
      return beat.kind === "clean" ? { url: url.href, method: "GET" } : undefined;
  }
}

/** Some answer 200 and say in words that they did not take it. */
export const isRefusal = (type: Heartbeat["type"], said: string): boolean =>
  (type === "healthchecks" && /\((not found|rate limited)\)/.test(said)) ||
  (type === "uptimekuma" && /"ok"\s*:\s*false/.test(said));

/** Services limit how often they are called, and a service of ours may look every few seconds. */
const PACE = 55;

/** Whether it says nothing that was not just said. `sent` is when each kind was last sent, in the order of sending. */
export function isTooSoon(beat: Beat, sent: ReadonlyMap<Beat["kind"], number>, now: number): boolean {
  const last = sent.get(beat.kind);
  if (last === undefined || Math.abs(now - last) >= PACE) return false;
  return beat.kind === "start" || [...sent.keys()].at(-1) === beat.kind;
}
