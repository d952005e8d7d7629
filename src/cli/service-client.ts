import type { Manifest } from "../model/manifest.ts";
import type { Status } from "../model/status.ts";

/** Where the service of this manifest answers, as `HOST:PORT`; undefined where it does not. */
export function listenOf({ service: { listen } }: Pick<Manifest, "service">): string | undefined {
  if (listen === undefined) return undefined;
  const { host, port } = listen;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export type FromService =
  | { readonly state: "answered"; readonly status: Status }
  /** Nobody is there: nothing unusual. */
  | { readonly state: "none" }
  /** Somebody is there, but that is no answer. */
  | { readonly state: "useless"; readonly reason: string };

const PATIENCE_MS = 5000;
/** A status of some ten thousand sources. */
const MOST_BYTES = 64 * 1024 * 1024;

/** What the running service of this very manifest says. */
export async function statusFromService(manifest: Manifest, signal: AbortSignal): Promise<FromService> {
  const { readText } = await import("../transport/http.ts");
  const listen = listenOf(manifest);
  if (listen === undefined) return { state: "none" };
  const url = `http://${reachable(listen)}/api/v1/status`;
  const answer = await readText(url, { timeoutMs: PATIENCE_MS, maxBytes: MOST_BYTES, signal });
  if (!answer.ok) {
    if (answer.status === undefined && answer.message.endsWith("ECONNREFUSED")) return { state: "none" };
    const reason = answer.status === 503 ? "it has not looked at everything yet" : `the question ${answer.message}`;
    return { state: "useless", reason };
  }
  const status = await parsed(answer.text);
  if (status === undefined) return { state: "useless", reason: "it answers something else" };
  if (status.manifestDigest !== manifest.digest)
    return { state: "useless", reason: "it works by another manifest, or by an older one" };
  if (status.self !== manifest.self)
    return {
      state: "useless",
      reason: `it is ${status.self ?? "a controller"}, this is ${manifest.self ?? "a controller"}`,
    };
  return { state: "answered", status };
}

/** What listens on every address is reached on this machine's own. */
function reachable(listen: string): string {
  const colon = listen.lastIndexOf(":");
  const [host, port] = [listen.slice(0, colon), listen.slice(colon + 1)];
  return `${OWN.get(host) ?? host}:${port}`;
}
const OWN: ReadonlyMap<string, string> = new Map([
  ["", "127.0.0.1"],
  ["*", "127.0.0.1"],
  ["0.0.0.0", "127.0.0.1"],
  ["[::]", "[::1]"],
]);

async function parsed(text: string): Promise<Status | undefined> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { default: validate } = await import("../model/generated/status.v1.js");
  return validate(document) ? (document as Status) : undefined;
}
