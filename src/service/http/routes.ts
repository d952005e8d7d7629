import type { IncomingMessage, ServerResponse } from "node:http";
import { type Runs, stateOf } from "../../model/http.ts";
import type { ServiceSource, ServiceView } from "../../model/service.ts";
import { checkOrigin, checkToken } from "./admission.ts";
import { type Answer, json, page, refuse, text } from "./answer.ts";
import { ASSETS } from "./assets.ts";
import type { EventStream } from "./events.ts";
import { isTurning } from "./life.ts";
import { openApi } from "./openapi.ts";
import { dashboard } from "./page/index.ts";
import { SCHEMAS } from "./schemas.ts";
import { takeSnapshots } from "./snapshots.ts";

export interface Routing {
  readonly service: ServiceSource;
  readonly events: EventStream;
  readonly token: () => string | undefined;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

/** Undefined when it has taken the response over. */
type Handler = (exchange: Exchange) => Answer | undefined | Promise<Answer | undefined>;
export type Method = "GET" | "POST";
export type Routes = ReadonlyMap<string, Partial<Readonly<Record<Method, Handler>>>>;

const NOT_YET = refuse(503, "nothing was observed yet", "ask again when /readyz answers 200", { "Retry-After": "5" });

/** A path is looked up as it is: no pattern, no file system, so nothing to climb out of. */
export function routesOf({ service, events, token, metrics, now }: Routing): Routes {
  const known =
    (part: (view: ServiceView) => unknown): Handler =>
    () => {
      const value = part(service.view());
      return value === undefined ? NOT_YET : json(value);
    };
  const asked =
    (act: Handler): Handler =>
    (exchange) =>
      checkOrigin(exchange.request) ?? checkToken(exchange.request, token()) ?? act(exchange);
  const snapshot = (parameter: string): Handler =>
    asked(({ request, query }) => {
      request.socket.setTimeout(0); // a snapshot takes as long as it takes
      return takeSnapshots(service, query.get(parameter), query.getAll("source"), parameter);
    });
  return new Map(
    Object.entries({
      "/": { GET: ({ query }) => page(...dashboard(service.view(), query, now())) },
      "/metrics": {
        GET: async () => {
          const { contentType, body } = await metrics();
          return { status: 200, type: contentType, body };
        },
      },
      "/healthz": {
        GET: () =>
          isTurning(service.view(), now())
            ? text("ok\n")
            : text(
                "stuck: the loop has not turned when it was due\nnext: see the log, then restart the service\n",
                503,
              ),
      },
      "/readyz": {
        GET: () =>
          service.view().ready ? text("ok\n") : text("not yet: the first full observation is not done\n", 503),
      },
      "/api/v1/status": { GET: known(({ status }) => status) },
      "/api/v1/plan": { GET: known(({ plan }) => plan) },
      "/api/v1/inventory": { GET: known(({ inventory }) => inventory) },
      "/api/v1/runs": { GET: known(({ runs }) => ({ formatVersion: 1, runs }) satisfies Runs) },
      "/api/v1/service": { GET: known(stateOf) },
      "/api/v1/events": {
        GET: ({ request, response }) => checkOrigin(request) ?? events.attach(response),
      },
      "/api/v1/snapshots": { POST: snapshot("type") },
      "/snapshot": { POST: snapshot("periodicity") },
      "/api/v1/reconcile": {
        POST: asked(() => {
          service.actions.reconcile();
          return json({ accepted: true }, 202);
        }),
      },
      "/api/v1/openapi.json": { GET: () => json(openApi(service.view().version)) },
      ...Object.fromEntries(SCHEMAS.map(({ path, schema }) => [path, { GET: () => json(schema) }])),
      ...Object.fromEntries(ASSETS.map(({ path, ...asset }) => [path, { GET: () => ({ status: 200, ...asset }) }])),
    } satisfies Record<string, Partial<Record<Method, Handler>>>),
  );
}
