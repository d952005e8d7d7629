import { lookup } from "node:dns/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Duplex } from "node:stream";
import type { ServiceSource } from "../../model/service.ts";
import { checkHost, isLoopback, namesOf } from "./admission.ts";
import { type Answer, refuse, send } from "./answer.ts";
import { type Connections, limitConnections } from "./connections.ts";
import { createEventStream, type EventStream } from "./events.ts";
import { type Method, type Routes, routesOf } from "./routes.ts";
import { isToken, TOKEN_RULE } from "./token.ts";

export interface HttpOptions {
  /** A descriptor is a socket that listens already, as systemd hands it over. */
  readonly listen: { readonly host: string; readonly port: number } | { readonly fd: number };
  /** What a POST must bring; without it none is answered, and only this machine is listened to. */
  readonly token?: string;
  /** Further names that this is asked by. */
  readonly names?: readonly string[];
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  readonly log: HttpLog;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly limits?: Partial<Limits>;
}

export interface HttpLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface HttpServer {
  /** `http://127.0.0.1:9797`, or the path of a socket. */
  readonly address: string;
  /** Goes by another token and other names from now on. Throws, and changes nothing, where it must not. */
  admit(who: Pick<HttpOptions, "token" | "names">): void;
  /** Ends idle connections and events at once, and waits for what is being answered. */
  close(): Promise<void>;
}

/** What a client may take. Milliseconds, and bytes. */
export interface Limits {
  readonly connections: number;
  readonly headerBytes: number;
  /** No request here has a body to speak of. */
  readonly bodyBytes: number;
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  readonly closeMs: number;
  readonly eventListeners: number;
  readonly eventBacklog: number;
  readonly eventPauseMs: number;
  readonly eventKeepAliveMs: number;
}

const LIMITS: Limits = {
  connections: 512,
  headerBytes: 8 * 1024,
  bodyBytes: 4 * 1024,
  headersMs: 10_000,
  requestMs: 15_000,
  keepAliveMs: 65_000, // a scrape a minute keeps its connection
  idleMs: 120_000,
  closeMs: 10_000,
  eventListeners: 100,
  eventBacklog: 1024 * 1024,
  eventPauseMs: 500,
  eventKeepAliveMs: 15_000,
};

/** Serves metrics, health, the API and the dashboard. Throws where it must not listen, or cannot. */
export async function serveHttp(service: ServiceSource, options: HttpOptions): Promise<HttpServer> {
  const limits = { ...LIMITS, ...options.limits };
  const { log, listen } = options;
  let { token } = options;
  requireFit(token);
  const place = "fd" in listen ? listen : await placeOf(listen, token);
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersMs),
  });
  server.timeout = limits.idleMs;
  const connections = limitConnections(server, limits.connections);
  const events = createEventStream(service, {
    listeners: limits.eventListeners,
    backlog: limits.eventBacklog,
    pauseMs: limits.eventPauseMs,
    keepAliveMs: limits.eventKeepAliveMs,
  });
  const withOwn = (names: readonly string[] = []): ReadonlySet<string> =>
    namesOf(hostname(), ...("fd" in listen ? [] : [listen.host]), ...names);
  let names = withOwn(options.names);
  const { metrics, now = Date.now } = options;
  const routes = routesOf({ service, events, token: () => token, metrics, now });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, routes, names, limits.bodyBytes).catch((error: unknown) => {
      if (response.destroyed) return; // whoever asked has gone
      log.warn({ path: pathOf(request), error: String(error) }, "a request was not answered");
      if (response.headersSent) response.destroy();
      else void send(response, FAILED, request.method !== "HEAD");
    });
  });
  server.on("clientError", refuseUnreadable);
  try {
    await listening(server, place);
    requireCloseness(server, token);
  } catch (error) {
    events.close();
    server.close();
    throw error;
  }
  const address = addressOf(server);
  log.info({ address, posts: token === undefined ? "refused, without a token" : "with the token" }, "listening");
  return {
    address,
    admit(who) {
      requireFit(who.token);
      requireCloseness(server, who.token);
      token = who.token;
      names = withOwn(who.names);
    },
    close: () => close(server, connections, events, limits.closeMs),
  };
}

function requireFit(token: string | undefined): void {
  if (token !== undefined && !isToken(token)) throw new Error(`the token of the service ${TOKEN_RULE}`);
}

function requireCloseness(server: Server, token: string | undefined): void {
  const bound = server.address();
  if (typeof bound === "object" && bound !== null && !isLoopback(bound.address) && token === undefined)
    throw beyondLoopback(bound.address);
}

/** What is listened on; a name is looked up first, so that what it stands for is known before anybody can connect. */
async function placeOf(
  { host, port }: { readonly host: string; readonly port: number },
  token: string | undefined,
): Promise<{ readonly host: string; readonly port: number }> {
  const address = isIP(host) === 0 ? (await lookup(host)).address : host;
  if (!isLoopback(address) && token === undefined) throw beyondLoopback(host);
  return { host: address, port };
}

const beyondLoopback = (host: string): Error =>
  Object.assign(new Error(`the service would listen on ${host}, beyond this machine, and no token is configured`), {
    hint: "name a file with a token at service.token in the manifest, or listen on 127.0.0.1",
  });

const listening = (server: Server, place: { host: string; port: number } | { fd: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...place, backlog: 511 }, () => {
      server.off("error", reject);
      resolve();
    });
  });

function addressOf(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") return bound ?? "";
  return `http://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

const pathOf = ({ url = "" }: IncomingMessage): string => url.split("?", 1)[0] ?? "";

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  names: ReadonlySet<string>,
  bodyBytes: number,
): Promise<void> {
  response.on("error", () => {}); // whoever asked has gone
  const found =
    checkHost(request, names) ?? (await ignoreBody(request, bodyBytes)) ?? (await route(request, response, routes));
  if (found === undefined) return;
  if (found.status === 413) response.setHeader("Connection", "close");
  await send(response, found, request.method !== "HEAD");
}

async function route(request: IncomingMessage, response: ServerResponse, routes: Routes): Promise<Answer | undefined> {
  const path = pathOf(request);
  const methods = routes.get(path);
  if (methods === undefined) return refuse(404, "there is no such page", "what there is, is in /api/v1/openapi.json");
  const handler = methods[(request.method === "HEAD" ? "GET" : request.method) as Method];
  if (handler === undefined) {
    const allowed = Object.keys(methods).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    return refuse(405, `${path} does not take this method`, `use ${allowed.join(" or ")}`, {
      Allow: allowed.join(", "),
    });
  }
  const query = new URLSearchParams((request.url ?? "").slice(path.length + 1));
  return handler({ request, response, query });
}

/** Bodies mean nothing here: a small one is read and dropped, a large one ends the connection. */
async function ignoreBody(request: IncomingMessage, most: number): Promise<Answer | undefined> {
  const tooLarge = refuse(413, "that is more than any request here needs", "send no body");
  if (Number(request.headers["content-length"] ?? 0) > most) return tooLarge;
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > most) return tooLarge;
  }
  return undefined;
}

const FAILED = refuse(500, "this could not be answered", "see the log of the service");

const UNREADABLE: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** What is no request, too large or too slow. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = UNREADABLE[error.code ?? ""] ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

async function close(server: Server, connections: Connections, events: EventStream, patienceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  events.close();
  connections.closeIdle();
  const patience = setTimeout(() => server.closeAllConnections(), patienceMs);
  await closed;
  clearTimeout(patience);
}
