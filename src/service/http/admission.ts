import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { type Answer, refuse } from "./answer.ts";

/** Who may ask for what. Each check answers with a refusal, or lets pass. */

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** `::ffff:127.0.0.1` is 127.0.0.1. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");

export const isLoopback = (address: string): boolean => /^127\./.test(plain(address)) || address === "::1";

/** As it stands in a `Host` header. */
const inHeader = (address: string): string => (isIP(address) === 6 ? `[${address}]` : address).toLowerCase();

/** Names by which this server may be asked, besides any address. */
export const namesOf = (...names: readonly string[]): ReadonlySet<string> =>
  new Set([...LOOPBACK, ...names.map(inHeader)]);

/**
 * A page whose name was made to point here afterwards (DNS rebinding) still says its own name. An address cannot be made to
 * point elsewhere: behind a published port or a NAT it need not be one of this machine's.
 */
export function checkHost(request: IncomingMessage, names: ReadonlySet<string>): Answer | undefined {
  const given = request.rawHeaders.filter((_, index, all) => index % 2 === 0 && all[index]?.toLowerCase() === "host");
  const [, name] = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::\d+)?$/i.exec(request.headers.host ?? "") ?? [];
  if (given.length !== 1 || name === undefined)
    return refuse(400, "the request needs one Host header", "ask by the name or address that the service listens on");
  const known = name.toLowerCase().replace(/\.$/, "");
  if (names.has(known) || isIP(known.replace(/^\[|\]$/g, "")) !== 0) return undefined;
  return refuse(
    421,
    "this service is not known by that name",
    `ask for ${[...names].join(", ")}, or an address; or add the name to service.names in the manifest`,
  );
}

/** What a browser sends for another site's page is refused; programs send neither header. */
export function checkOrigin({ headers }: IncomingMessage): Answer | undefined {
  const { origin, host } = headers;
  const site = headers["sec-fetch-site"];
  const isOwn = origin === undefined || hostOf(origin) === host?.toLowerCase();
  if (isOwn && (site === undefined || site === "same-origin" || site === "none")) return undefined;
  return refuse(403, "pages of other sites may not ask this", "ask from the dashboard itself, or without a browser");
}

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);

/** Compares digests, which are of one length, in a time that tells nothing. */
export function checkToken({ headers }: IncomingMessage, token: string | undefined): Answer | undefined {
  if (token === undefined)
    return refuse(
      403,
      "nothing may be asked for here, since no token is configured",
      "name a file that holds one at service.token in the manifest",
    );
  const [, given] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "") ?? [];
  if (given !== undefined && timingSafeEqual(digest(given), digest(token))) return undefined;
  return refuse(
    401,
    given === undefined ? "this needs the service's token" : "that is not the service's token",
    "send it as `Authorization: Bearer TOKEN`; it is in the file at service.token in the manifest",
    { "WWW-Authenticate": 'Bearer realm="holdfast"' },
  );
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
