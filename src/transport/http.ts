import { Secret } from "./secret.ts";
import { TransportError } from "./types.ts";

export interface HttpRequest {
  readonly url: string | Secret;
  readonly method: "GET" | "POST" | "PUT";
  readonly headers: Readonly<Record<string, string | Secret>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** `said`: the beginning of the answer, as it came. It may repeat what is secret in the request. */
export type HttpAnswer =
  | { readonly ok: true; readonly status: number; readonly said: string }
  /** Absent `status`: nobody answered. */
  | { readonly ok: false; readonly status?: number; readonly said?: string; readonly message: string };

const plain = (text: string | Secret): string => (text instanceof Secret ? text.reveal() : text);

/** One call; any status below 300 is fine. Says nothing of the address. Throws a `TransportError` of kind `aborted`. */
export async function request({ url, method, headers, body, timeoutMs, signal }: HttpRequest): Promise<HttpAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const { address, authorization } = withoutCredentials(plain(url));
    const response = await fetch(address, {
      method,
      headers: {
        ...authorization,
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, plain(value)])),
      },
      ...(body !== undefined && { body }),
      // elsewhere nobody may hear what is secret in it
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout]),
    });
    const { ok, status } = response;
    const said = await beginningOf(response);
    return ok ? { ok, status, said } : { ok, status, said, message: `was answered with ${status}` };
  } catch (error) {
    if (signal.aborted) throw new TransportError("aborted", "the call was interrupted", { cause: error });
    if (timeout.aborted) return { ok: false, message: `was not answered within ${timeoutMs / 1000} s` };
    return { ok: false, message: `failed: ${reasonOf(error)}` };
  }
}

export type TextAnswer =
  | { readonly ok: true; readonly text: string }
  /** Absent `status`: nobody answered. */
  | { readonly ok: false; readonly status?: number; readonly message: string };

/** Reads a text of at most `maxBytes`; longer is no answer. Throws a `TransportError` of kind `aborted`. */
export async function readText(
  url: string,
  { timeoutMs, maxBytes, signal }: Pick<HttpRequest, "timeoutMs" | "signal"> & { readonly maxBytes: number },
): Promise<TextAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.any([signal, timeout]) });
    const { ok, status, body } = response;
    if (!ok || body === null) {
      await body?.cancel();
      return { ok: false, status, message: `was answered with ${status}` };
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) return { ok: false, status, message: `was answered with more than ${maxBytes} bytes` };
    }
    return { ok: true, text: Buffer.concat(chunks).toString("utf8") };
  } catch (error) {
    if (signal.aborted) throw new TransportError("aborted", "the call was interrupted", { cause: error });
    if (timeout.aborted) return { ok: false, message: `was not answered within ${timeoutMs / 1000} s` };
    return { ok: false, message: `failed: ${reasonOf(error)}` };
  }
}

/** `fetch` itself only says that it failed, and its messages may hold the address. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause ? String(cause.code) : "it could not be sent";
}

/** `fetch` refuses what browsers would ask for: a name and a password in the URL go into the header that they mean. */
function withoutCredentials(text: string): { readonly address: string; readonly authorization?: object } {
  const url = new URL(text);
  if (url.username === "" && url.password === "") return { address: text };
  const credentials = [url.username, url.password].map(decodeURIComponent).join(":");
  url.username = "";
  url.password = "";
  return {
    address: url.href,
    authorization: { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
  };
}

const BEGINNING = 2048;

/** No more than is looked at, so that an endless answer is a short one. */
async function beginningOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= BEGINNING) break;
  }
  return Buffer.concat(chunks).subarray(0, BEGINNING).toString("utf8");
}
