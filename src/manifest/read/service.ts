import type { ServiceSettings } from "../../model/manifest.ts";
import type { Seconds } from "../../model/units.ts";
import type { ManifestDocument } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { parseDuration, parsePercent } from "../units.ts";
import { quote } from "../words.ts";
import type { Context } from "./context.ts";
import { readSecret } from "./secrets.ts";

const EVERY = 300 as Seconds;
const JITTER = 10;
const LISTEN = "127.0.0.1:9469";

export function readService(
  context: Context,
  { every, jitter, listen = LISTEN, names, token }: NonNullable<ManifestDocument["service"]>,
  path: Path,
): ServiceSettings {
  const place = listen === "off" ? undefined : readListen(context, listen, [...path, "listen"]);
  const secret = token && readSecret(context, token, [...path, "token"]);
  if (place !== undefined && secret === undefined && !isLoopback(place.host)) {
    context.report({
      code: "open-service",
      message: `the service would answer everybody who reaches ${quote(listen)}, without a token`,
      hint: "add `token: { file: api.token }`, made by `openssl rand -hex 32`, or listen at 127.0.0.1:9469",
      path: [...path, "listen"],
    });
  }
  return {
    every: every === undefined ? EVERY : (interval(context, every, [...path, "every"]) ?? EVERY),
    jitter: jitter === undefined ? JITTER : parsePercent(jitter),
    ...(place && { listen: place }),
    ...(names && { names }),
    ...(secret && { token: secret }),
  };
}

const LEAST = 5;
const interval = (context: Context, text: string, path: Path): Seconds | undefined => {
  const seconds = parseDuration(text);
  return context.required(
    seconds !== undefined && seconds >= LEAST ? seconds : undefined,
    path,
    "bad-duration",
    `must be at least ${LEAST}s: each time everything is looked at`,
  );
};

/** `127.0.0.1:9469`, `[::1]:9469`, `nas.example.net:9469`. */
function readListen(context: Context, text: string, path: Path): ServiceSettings["listen"] {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  const isPort = port >= 1 && port <= 65_535;
  return context.required(
    isPort ? { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port } : undefined,
    path,
    "bad-listen",
    "needs a port from 1 to 65535",
  );
}

/** By what is written: a name is asked for only when the service starts, and may then mean any address. */
const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
