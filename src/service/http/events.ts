import type { ServerResponse } from "node:http";
import { assessmentOf, stateOf } from "../../model/http.ts";
import type { OperationId } from "../../model/plan.ts";
import type { ServiceEvents, ServiceSource } from "../../model/service.ts";
import { type Answer, refuse, SECURITY_HEADERS } from "./answer.ts";

export interface EventStream {
  /** Goes on until either side ends it. A refusal when too many listen already. */
  attach(response: ServerResponse): Answer | undefined;
  /** Ends all of them. */
  close(): void;
}

export interface EventLimits {
  readonly listeners: number;
  /** Bytes that may wait for a listener; a slower one is cut off, and connects anew. */
  readonly backlog: number;
  /** Between two `progress` of one operation, and two `service`. */
  readonly pauseMs: number;
  readonly keepAliveMs: number;
}

/** How long a browser waits before it connects again. */
const RETRY_MS = 2000;

/**
 * Server-sent events. Each listener first gets `service`, the state at that moment: after a cut nothing has to be made up
 * for. Then `started`, `progress`, `finished`, `reconciled`, `ran`, `assessed`, `manifest`, and `service` when it changed.
 */
export function createEventStream(service: ServiceSource, limits: EventLimits): EventStream {
  const listeners = new Set<ServerResponse>();
  let id = 0;
  const write = (response: ServerResponse, message: string): void => {
    response.write(message);
    if (response.writableLength > limits.backlog) response.destroy();
  };
  const message = (event: string, data: unknown): string =>
    `id: ${++id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  const tell = (event: string, data: unknown): void => {
    if (listeners.size === 0) return;
    const written = message(event, data);
    for (const response of listeners) write(response, written);
  };

  const progress = new Map<OperationId, ServiceEvents["progress"]>();
  let isChanged = false;
  let told = "";
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    timer = undefined;
    for (const event of progress.values()) tell("progress", event);
    progress.clear();
    if (isChanged) tellState();
    isChanged = false;
  };
  /** Bytes that go through are told as `progress`; each turn of the loop is no news. */
  const tellState = (): void => {
    const { turnedAt, running, ...state } = stateOf(service.view());
    const essence = JSON.stringify([state, running.map((one) => one.id)]);
    if (essence === told) return;
    told = essence;
    tell("service", { ...state, turnedAt, running });
  };
  const later = (): void => {
    if (listeners.size > 0) timer ??= setTimeout(flush, limits.pauseMs).unref();
  };

  const ends = [
    service.on("started", (event) => tell("started", event)),
    service.on("progress", (event) => {
      progress.set(event.id, event);
      later();
    }),
    service.on("finished", (event) => {
      progress.delete(event.id);
      tell("finished", event);
    }),
    service.on("reconciled", (event) => tell("reconciled", event)),
    service.on("ran", (event) => tell("ran", event)),
    service.on("assessed", ({ status }) => tell("assessed", assessmentOf(status))),
    service.on("manifest", (event) => tell("manifest", event)),
    service.on("changed", () => {
      isChanged = true;
      later();
    }),
  ];
  const keepAlive = setInterval(() => {
    for (const response of listeners) write(response, ":\n\n");
  }, limits.keepAliveMs).unref();

  return {
    attach(response) {
      if (listeners.size >= limits.listeners)
        return refuse(503, `${limits.listeners} listen already`, "close other dashboards, then try again", {
          "Retry-After": "30",
        });
      response.writeHead(200, {
        ...SECURITY_HEADERS,
        "Content-Type": "text/event-stream; charset=utf-8",
        "X-Accel-Buffering": "no", // a proxy in between must not hold them back
      });
      response.once("close", () => listeners.delete(response));
      response.write(`retry: ${RETRY_MS}\n${message("service", stateOf(service.view()))}`);
      listeners.add(response);
      return undefined;
    },
    close() {
      for (const end of ends) end();
      clearTimeout(timer);
      clearInterval(keepAlive);
      for (const response of listeners) response.end();
    },
  };
}
