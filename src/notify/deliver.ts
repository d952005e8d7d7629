import type { Notification, SecretReference, Text } from "../model/manifest.ts";
import type { Notice } from "../model/notice.ts";
import { request } from "../transport/http.ts";
import { sendMail } from "../transport/mail.ts";
import { describeSecret, readSecret, Secret } from "../transport/secret.ts";
import { TransportError } from "../transport/types.ts";
import { mailText, payloadOf, subjectOf } from "./formats.ts";
import { redacted } from "./redact.ts";

export interface Means {
  /** For secrets that are kept there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Of one attempt. */
  readonly timeoutMs: number;
}

/** How one attempt ended; `answer` is one line without secrets. `permanent`: the same again would end the same. */
export interface Delivery {
  readonly arrived: boolean;
  readonly permanent: boolean;
  readonly answer: string;
}

/** The secret that says where it goes. */
export const secretOf = (one: Notification): SecretReference =>
  one.type === "email" ? one.smtp.url : one.type === "telegram" ? one.token : one.url;

/** `ntfy (file /etc/holdfast/ntfy.url)`, for messages and logs. */
export const nameOf = (one: Notification): string => `${one.type} (${describeSecret(secretOf(one))})`;

/** One attempt. Throws for an abort only (a `TransportError`). */
export async function deliver(one: Notification, notice: Notice, means: Means): Promise<Delivery> {
  try {
    return one.type === "email" ? await mail(one, notice, means) : await post(one, notice, means);
  } catch (error) {
    if (!(error instanceof TransportError) || error.kind === "aborted") throw error;
    const hint = error.hint === undefined ? "" : `; ${error.hint}`;
    return { arrived: false, permanent: false, answer: `${error.message}${hint}` };
  }
}

type OverHttp = Exclude<Notification, { readonly type: "email" }>;

async function post(one: OverHttp, notice: Notice, { env, signal, timeoutMs }: Means): Promise<Delivery> {
  const secret = (text: Text, what: string): Promise<Secret> => secretOr(text, { what, env, signal });
  const main = await secret(secretOf(one), `${one.type === "telegram" ? "token" : "url"} of notification ${one.type}`);
  const token =
    (one.type === "ntfy" || one.type === "gotify") && one.token
      ? await secret(one.token, `token of notification ${one.type}`)
      : undefined;
  const headers = await headersOf(one, secret);
  const target = targetOf(one, main.reveal().trim());
  if (target === undefined)
    return {
      arrived: false,
      permanent: true,
      answer: `${describeSecret(secretOf(one))} holds no ${EXPECTED[one.type] ?? "http or https URL"}`,
    };
  const authorization = token && (one.type === "gotify" ? { "X-Gotify-Key": token } : { Authorization: bearer(token) });
  const answer = await request({
    url: new Secret(target.url),
    method: "POST",
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "User-Agent": "holdfast",
      ...authorization,
      ...headers,
    },
    body: JSON.stringify(
      payloadOf(one.type, notice, { ...(one.type === "telegram" && { chat: one.chat }), ...target }),
    ),
    timeoutMs,
    signal,
  });
  const secrets = [main, ...(token ? [token] : []), ...Object.values(headers)].map((each) => each.reveal());
  if (answer.ok) return { arrived: true, permanent: false, answer: `HTTP ${answer.status}` };
  return failed(answer, [...secrets, target.url]);
}

export function failed(
  { status, said = "", message }: { readonly status?: number; readonly said?: string; readonly message: string },
  secrets: readonly string[],
): Delivery {
  const words = redacted(said, secrets);
  if (status === undefined) return { arrived: false, permanent: false, answer: message };
  const redirects = status >= 300 && status < 400 ? ", which leads elsewhere: redirects are not followed" : "";
  return {
    arrived: false,
    permanent: redirects !== "" || (status < 500 && ![408, 425, 429].includes(status)),
    answer: `HTTP ${status}${redirects}${words === "" || redirects ? "" : `: ${words}`}`,
  };
}

const EXPECTED: Partial<Record<Notification["type"], string>> = {
  ntfy: "URL of a topic, such as https://ntfy.example.net/backups",
  telegram: "token of a bot",
};

const bearer = (token: Secret): Secret => new Secret(`Bearer ${token.reveal()}`);

async function secretOr(text: Text, options: Parameters<typeof readSecret>[1]): Promise<Secret> {
  const secret = typeof text === "string" ? new Secret(text) : await readSecret(text, options);
  return new Secret(secret.reveal().trim());
}

async function headersOf(
  one: OverHttp,
  secret: (text: Text, what: string) => Promise<Secret>,
): Promise<Readonly<Record<string, Secret>>> {
  if (one.type !== "webhook") return {};
  const read = Object.entries(one.headers).map(
    async ([name, text]) => [name, await secret(text, `header ${name} of notification webhook`)] as const,
  );
  return Object.fromEntries(await Promise.all(read));
}

/** Where it goes, and the topic of ntfy, which takes JSON at its root only. Undefined for what is no such thing. */
function targetOf(one: OverHttp, main: string): { readonly url: string; readonly topic?: string } | undefined {
  if (one.type === "telegram")
    return /^[\w:-]+$/.test(main) ? { url: `${one.server.replace(/\/+$/, "")}/bot${main}/sendMessage` } : undefined;
  const url = httpUrl(main);
  if (url === undefined) return undefined;
  if (one.type === "gotify" && !url.pathname.endsWith("/message")) url.pathname = below(url, "message");
  if (one.type !== "ntfy") return { url: url.href };
  const [topic, ...above] = url.pathname.split("/").filter(Boolean).reverse();
  if (topic === undefined) return undefined;
  url.pathname = `/${above.reverse().join("/")}`;
  return { url: url.href, topic: decodeURIComponent(topic) };
}

export function httpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

const below = ({ pathname }: URL, name: string): string => `${pathname.replace(/\/+$/, "")}/${name}`;

async function mail(
  { smtp, from, to }: Extract<Notification, { readonly type: "email" }>,
  notice: Notice,
  { env, signal, timeoutMs }: Means,
): Promise<Delivery> {
  const server = await secretOr(smtp.url, { what: "smtp.url of notification email", env, signal });
  const answer = await sendMail({
    server,
    from,
    to,
    subject: subjectOf(notice),
    text: mailText(notice),
    timeoutMs,
    signal,
  });
  const words = redacted(answer.said ?? "", [server.reveal()]);
  if (answer.ok) return { arrived: true, permanent: false, answer: `SMTP ${words}` };
  const said = words === "" ? "" : `: ${words}`;
  return { arrived: false, permanent: answer.permanent, answer: `the mail ${answer.message}${said}` };
}
