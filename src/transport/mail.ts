import type { Secret } from "./secret.ts";
import { TransportError } from "./types.ts";

export interface Mail {
  /** `smtp://USER:PASSWORD@HOST:587?…` or `smtps://…`, as nodemailer takes it. */
  readonly server: Secret;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Of each step: connecting, greeting, silence. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type MailAnswer =
  /** `said`: what the server answered. */
  | { readonly ok: true; readonly said: string }
  /** `permanent`: the same again would end the same. `said` may repeat what is secret. */
  | { readonly ok: false; readonly permanent: boolean; readonly said?: string; readonly message: string };

/**
 * Gives one mail to a server. A password goes over TLS only, unless the server is this machine or the URL says otherwise.
 * Says nothing of the address. Throws a `TransportError` of kind `aborted`.
 */
export async function sendMail({ server, from, to, subject, text, timeoutMs, signal }: Mail): Promise<MailAnswer> {
  const url = parseServer(server);
  if (url === undefined)
    return { ok: false, permanent: true, message: "has no server: it takes smtp://USER:PASSWORD@HOST:PORT" };
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({
    url: server.reveal(),
    ...(needsTls(url) && { requireTLS: true }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    // a server in one's own network is the usual one
    allowInternalNetworkInterfaces: true,
  });
  const interruption = whenAborted(signal);
  try {
    const sent = await Promise.race([
      transport.sendMail({
        from,
        to: [...to],
        subject,
        text,
        headers: { "Auto-Submitted": "auto-generated" },
        textEncoding: "quoted-printable",
      }),
      interruption.promise,
    ]);
    if (sent.rejected.length === 0) return { ok: true, said: sent.response };
    return { ok: false, permanent: true, message: `was taken for some only, not for ${sent.rejected.join(", ")}` };
  } catch (error) {
    if (signal.aborted) throw new TransportError("aborted", "the mail was interrupted", { cause: error });
    return failureOf(error);
  } finally {
    interruption.release();
    transport.close();
  }
}

/** Rejected as soon as the signal is aborted. */
function whenAborted(signal: AbortSignal): { readonly promise: Promise<never>; release(): void } {
  let stop = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  return { promise, release: () => signal.removeEventListener("abort", stop) };
}

function parseServer(server: Secret): URL | undefined {
  const text = server.reveal();
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return /^smtps?:$/.test(url.protocol) && url.hostname !== "" ? url : undefined;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

const needsTls = ({ protocol, username, password, hostname, searchParams }: URL): boolean =>
  protocol === "smtp:" &&
  (username !== "" || password !== "") &&
  !LOOPBACK.test(hostname) &&
  searchParams.get("requireTLS") !== "false";

function failureOf(error: unknown): MailAnswer {
  const { code, responseCode, response } = error as {
    readonly code?: string;
    readonly responseCode?: number;
    readonly response?: string;
  };
  const said = typeof response === "string" ? response : undefined;
  const known = REASONS[code ?? ""];
  const message =
    responseCode !== undefined && code !== "ETLS"
      ? `was answered with ${responseCode}`
      : (known ?? `failed: ${code ?? "it could not be sent"}`);
  const permanent = (responseCode ?? 0) >= 500 || code === "EAUTH" || code === "ENOAUTH" || code === "ETLS";
  return { ok: false, permanent, ...(said !== undefined && { said }), message };
}

/** nodemailer's own messages may hold the address. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNECTION: "failed: no connection",
  ESOCKET: "failed: no connection",
  ECONNREFUSED: "failed: ECONNREFUSED",
  ETIMEDOUT: "was not answered in time",
  EDNS: "failed: the name of the server is not known",
  ETLS: "failed: no TLS, and a password goes no other way",
  EAUTH: "failed: the server does not take the name and the password",
  ENOAUTH: "failed: the server wants a name and a password",
};
