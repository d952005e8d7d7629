import { type Heartbeat, type Manifest, receiverOf } from "../model/manifest.ts";
import { request } from "../transport/http.ts";
import { describeSecret, readSecret, Secret } from "../transport/secret.ts";
import { TransportError } from "../transport/types.ts";
import { type Patience, withRetries } from "./attempts.ts";
import { type Beat, isRefusal, isTooSoon, requestOf } from "./beat.ts";
import { type Delivery, failed, httpUrl, type Means } from "./deliver.ts";
import type { NotifyLog } from "./desk.ts";

export interface HeartsOptions {
  readonly manifest: () => Pick<Manifest, "heartbeats">;
  readonly env: Means["env"];
  readonly log: NotifyLog;
  /** Seconds. */
  readonly now: () => number;
  readonly patience: Patience;
  readonly timeoutMs: number;
}

/** Calls every heartbeat; one call at a time to each, and only the newest waits. Nothing here throws. */
export interface Hearts {
  beat(beat: Beat): void;
  idle(): Promise<void>;
  close(graceMs: number): Promise<void>;
}

interface Line {
  busy?: Promise<void>;
  next?: Beat;
  readonly sent: Map<Beat["kind"], number>;
}

export function openHearts({ manifest, env, log, now, patience, timeoutMs }: HeartsOptions): Hearts {
  const ending = new AbortController();
  const { signal } = ending;
  const lines = new Map<string, Line>();

  function lineOf(one: Heartbeat): Line {
    const id = receiverOf(one);
    const line = lines.get(id) ?? { sent: new Map() };
    lines.set(id, line);
    return line;
  }

  async function work(one: Heartbeat, line: Line): Promise<void> {
    while (line.next !== undefined && !signal.aborted) {
      const beat = line.next;
      delete line.next;
      if (isTooSoon(beat, line.sent, now())) continue;
      const name = `heartbeat to ${one.type} (${describeSecret(one.url)})`;
      const delivery = await withRetries(() => call(one, beat, { env, signal, timeoutMs }), {
        ...patience,
        signal,
      }).catch((error: unknown) => {
        if (!signal.aborted) log.error({}, `${name}: ${String(error)}`);
        return undefined;
      });
      if (delivery === undefined) continue;
      if (!delivery.arrived) log.warn({ beat: beat.kind }, `${name} did not arrive: ${delivery.answer}`);
      else if (delivery.answer !== UNTOLD) log.debug({ beat: beat.kind }, `${name}: ${delivery.answer}`);
      // the last kind stands last
      line.sent.delete(beat.kind);
      if (delivery.arrived) line.sent.set(beat.kind, now());
    }
  }

  async function idle(): Promise<void> {
    await Promise.all([...lines.values()].map(({ busy }) => busy));
  }

  return {
    beat(beat) {
      for (const one of manifest().heartbeats) {
        const line = lineOf(one);
        line.next = beat;
        line.busy ??= work(one, line).finally(() => {
          delete line.busy;
        });
      }
    },
    idle,
    async close(graceMs) {
      const grace = AbortSignal.timeout(graceMs);
      await Promise.race([idle(), new Promise((resolve) => grace.addEventListener("abort", resolve, { once: true }))]);
      ending.abort();
      await idle();
    },
  };
}

const UNTOLD = "is not told of this";

async function call(one: Heartbeat, beat: Beat, { env, signal, timeoutMs }: Means): Promise<Delivery> {
  const fault = (answer: string, permanent: boolean): Delivery => ({ arrived: false, permanent, answer });
  try {
    const secret = await readSecret(one.url, { what: `url of heartbeat ${one.type}`, env, signal });
    const text = secret.reveal().trim();
    const base = httpUrl(text);
    if (base === undefined) return fault(`${describeSecret(one.url)} holds no http or https URL`, true);
    const asked = requestOf(one.type, base, beat);
    if (asked === undefined) return { arrived: true, permanent: false, answer: UNTOLD };
    const { url, method, body } = asked;
    const answer = await request({
      url: new Secret(url),
      method,
      headers: { "User-Agent": "holdfast", ...(body !== undefined && { "Content-Type": "text/plain; charset=utf-8" }) },
      ...(body !== undefined && { body }),
      timeoutMs,
      signal,
    });
    if (!answer.ok) return failed(answer, [text, url]);
    if (!isRefusal(one.type, answer.said)) return { arrived: true, permanent: false, answer: `HTTP ${answer.status}` };
    return failed({ ...answer, message: "" }, [text, url]);
  } catch (error) {
    if (!(error instanceof TransportError) || error.kind === "aborted") throw error;
    return fault(error.message, false);
  }
}
