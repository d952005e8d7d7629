import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { HttpProblem } from "../../model/http.ts";

/** What a request gets; large bodies come in parts. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Iterable<string>;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = "application/json; charset=utf-8";

/** Only what this server itself serves may run, style, or be asked; nothing may frame it or be sent elsewhere from it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": POLICY,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
  "Cache-Control": "no-store",
};

export const json = (value: unknown, status = 200): Answer => ({ status, type: JSON_TYPE, body: inParts(value) });
export const text = (body: string, status = 200): Answer => ({ status, type: "text/plain; charset=utf-8", body });
export const page = (body: string, status = 200): Answer => ({ status, type: "text/html; charset=utf-8", body });

/** Never without what to do next. */
export const refuse = (
  status: number,
  error: string,
  hint: string,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({
  status,
  type: JSON_TYPE,
  body: `${JSON.stringify({ error, hint } satisfies HttpProblem)}\n`,
  headers,
});

export async function send(response: ServerResponse, answer: Answer, withBody: boolean): Promise<void> {
  const headers = { ...SECURITY_HEADERS, "Content-Type": answer.type, ...answer.headers };
  if (typeof answer.body === "string") {
    response.writeHead(answer.status, { ...headers, "Content-Length": Buffer.byteLength(answer.body) });
    response.end(withBody ? answer.body : "");
    return;
  }
  response.writeHead(answer.status, headers);
  if (!withBody) {
    response.end();
    return;
  }
  await pipeline(Readable.from(chunked(answer.body), { objectMode: false }), response);
}

/** Where JSON is cut into parts: below `hosts`, a host, `datasets`, one dataset is a part. */
const DEPTH = 4;

/** JSON in parts: an inventory of a million snapshots is longer than a string can be, and would stop the loop. */
function* inParts(value: unknown, depth = DEPTH): Generator<string> {
  if (depth === 0 || value === null || typeof value !== "object") {
    yield JSON.stringify(value) ?? "null";
  } else if (Array.isArray(value)) {
    yield "[";
    for (const [index, item] of value.entries()) {
      if (index > 0) yield ",";
      yield* inParts(item, depth - 1);
    }
    yield "]";
  } else {
    let mark = "{";
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue;
      yield `${mark}${JSON.stringify(key)}:`;
      mark = ",";
      yield* inParts(item, depth - 1);
    }
    yield mark === "{" ? "{}" : "}";
  }
  if (depth === DEPTH) yield "\n";
}

const CHUNK = 64 * 1024;

/** Small parts together; between two chunks other requests, and the service, have their turn. */
async function* chunked(parts: Iterable<string>): AsyncGenerator<Buffer> {
  let chunk = "";
  for (const part of parts) {
    chunk += part;
    if (chunk.length < CHUNK) continue;
    yield Buffer.from(chunk);
    chunk = "";
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (chunk !== "") yield Buffer.from(chunk);
}
