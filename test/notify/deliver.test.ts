import { afterEach, describe, expect, test } from "vitest";
import type { Notification, NotificationTarget } from "../../src/model/manifest.ts";
import type { Notice, NoticeItem } from "../../src/model/notice.ts";
import { type Delivery, deliver } from "../../src/notify/deliver.ts";
import { payloadOf } from "../../src/notify/formats.ts";
import { noticeOf, testNotice, textOf, utf8 } from "../../src/notify/notice.ts";
import { redacted } from "../../src/notify/redact.ts";
import { validator } from "../published-schema.ts";
import { type Receiver, receiver, refusing } from "./receivers.ts";
import { at, EVERYTHING, HOUR } from "./worlds.ts";

const problem = (name: string, message = "2 snapshots exist only there") =>
  ({
    key: name,
    event: "blocked",
    reminder: false,
    problem: {
      source: `nas:tank/${name}`,
      remote: "vault",
      matter: "blocked",
      since: at(-2 * HOUR),
      tellFrom: at(-2 * HOUR),
      message,
      remedies: ["holdfast apply --resolve vault=rollback"],
    },
  }) as never;
const noticeAbout = (...problems: never[]): Notice => noticeOf(problems, "nas" as never, at(0));
const notice = noticeAbout(problem("data", "diverged: <b>2</b> & *more* @everyone"));

const open: Receiver[] = [];
const server = async (...args: Parameters<typeof receiver>): Promise<Receiver> => {
  const one = await receiver(...args);
  open.push(one);
  return one;
};
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const send = (target: NotificationTarget, env: Record<string, string>, timeoutMs = 5000): Promise<Delivery> =>
  deliver({ ...target, ...EVERYTHING } as Notification, notice, {
    env,
    signal: new AbortController().signal,
    timeoutMs,
  });
const url = { env: "URL" } as const;

describe("each service in its own format", () => {
  test("webhook: the published schema, with headers", async () => {
    const there = await server();
    const headers = { "X-Site": "attic", Authorization: { env: "AUTH" } };
    const env = { URL: `${there.url}/hook?key=1`, AUTH: "Bearer s3cret" };
    expect(await send({ type: "webhook", url, headers }, env)).toEqual({
      arrived: true,
      permanent: false,
      answer: "HTTP 200",
    });
    expect(there.heard).toMatchObject([
      { method: "POST", path: "/hook?key=1", headers: { "x-site": "attic", authorization: "Bearer s3cret" } },
    ]);
    const validate = validator("notice.v1");
    const [body] = there.bodies();
    expect([validate(body), validate.errors]).toEqual([true, null]);
    expect(body).toMatchObject({
      title: "Holdfast nas: tank/data → vault is blocked",
      items: [{ event: "blocked", source: "nas:tank/data", remote: "vault", since: "2026-11-22T10:00:00.000Z" }],
    });
    expect(validate(testNotice(null, at(0)))).toBe(true);
  });

  test("ntfy: JSON at the root, with topic, priority, tags and token", async () => {
    const there = await server();
    await send({ type: "ntfy", url, token: { env: "TOKEN" } }, { URL: `${there.url}/back%20ups`, TOKEN: "tk_1\n" });
    expect(there.heard).toMatchObject([{ path: "/", headers: { authorization: "Bearer tk_1" } }]);
    expect(there.bodies()).toEqual([
      {
        topic: "back ups",
        title: "Holdfast nas: tank/data → vault is blocked",
        message: [
          "BLOCKED: tank/data → vault",
          "diverged: <b>2</b> & *more* @everyone",
          "since 2026-11-22 10:00 UTC (2 h)",
          "next: holdfast apply --resolve vault=rollback",
        ].join("\n"),
        priority: 4,
        tags: ["no_entry"],
      },
    ]);
  });

  test("ntfy: name and password of the URL go into a header", async () => {
    const there = await server();
    await send({ type: "ntfy", url }, { URL: `${there.url.replace("//", "//me:p%40ss@")}/topic` });
    expect(there.heard[0]?.headers.authorization).toBe(`Basic ${Buffer.from("me:p@ss").toString("base64")}`);
  });

  test("slack: nothing in it is a mention", async () => {
    const there = await server();
    await send({ type: "slack", url }, { URL: `${there.url}/services/T/B/x` });
    expect(there.bodies()).toMatchObject([
      {
        text: "Holdfast nas: tank/data → vault is blocked",
        blocks: [{ type: "header" }, { text: { type: "plain_text" } }],
      },
    ]);
  });

  test("discord: nothing in it is markup, and it calls nobody", async () => {
    const there = await server((response) => response.writeHead(204).end());
    expect(await send({ type: "discord", url }, { URL: `${there.url}/api/webhooks/1/x` })).toMatchObject({
      answer: "HTTP 204",
    });
    const [body] = there.bodies();
    expect(body.allowed_mentions).toEqual({ parse: [] });
    expect(body.embeds[0].description).toContain("diverged: \\<b\\>2\\</b\\> & \\*more\\* @everyone");
  });

  test("telegram: the token is in the path", async () => {
    const there = await server();
    await send({ type: "telegram", token: { env: "T" }, chat: "-100", server: `${there.url}/` }, { T: "123:AbC" });
    expect(there.heard[0]?.path).toBe("/bot123:AbC/sendMessage");
    expect(there.bodies()).toMatchObject([{ chat_id: "-100", disable_notification: false }]);
  });

  test("gotify: below the server's URL, with its key", async () => {
    const there = await server();
    await send({ type: "gotify", url, token: { env: "T" } }, { URL: `${there.url}/gotify/`, T: "A.key" });
    expect(there.heard).toMatchObject([{ path: "/gotify/message", headers: { "x-gotify-key": "A.key" } }]);
    expect(there.bodies()).toMatchObject([{ priority: 8, title: expect.any(String), message: expect.any(String) }]);
  });

  test("none gets more than it takes, and all say how much is left out", () => {
    const many = noticeAbout(...Array.from({ length: 400 }, (_, index) => problem(`ü${index}`, "ä".repeat(60))));
    const sizes = (["ntfy", "slack", "discord", "telegram", "gotify"] as const).map((type) => {
      const body = payloadOf(type, many, { chat: "1", topic: "t" }) as {
        readonly message?: string;
        readonly text?: string;
        readonly blocks?: readonly { readonly text: { readonly text: string } }[];
        readonly embeds?: readonly { readonly description: string }[];
      };
      const text = body.blocks?.[1]?.text.text ?? body.embeds?.[0]?.description ?? body.message ?? body.text ?? "";
      expect(text).toMatch(/… and \d+ more: holdfast status$/);
      return [type, type === "ntfy" ? utf8(text) : text.length] as const;
    });
    const limits = { ntfy: 4096, slack: 3000, discord: 4096, telegram: 4096, gotify: 16_000 };
    for (const [type, size] of sizes)
      expect([type, size <= limits[type] && size > limits[type] / 2]).toEqual([type, true]);
    expect(many.title).toBe("Holdfast nas: 400 blocked");
  });

  test.each([10, 100, 1000])("a message that is too long by itself is cut to %i", (limit) => {
    expect(textOf(noticeAbout(problem("x", "🐢".repeat(2000))), limit).length).toBeLessThanOrEqual(limit);
    expect(textOf(noticeAbout(problem("x", "🐢".repeat(2000))), limit)).not.toMatch(
      /[\ud800-\udbff](?![\udc00-\udfff])/,
    );
  });

  test("what recovered says what it was", () => {
    const recovered = { ...(problem("data") as object), event: "recovered" } as never;
    const { items, title } = noticeAbout(recovered);
    expect(title).toBe("Holdfast nas: tank/data → vault has recovered");
    expect(items).toMatchObject([{ event: "recovered", was: "blocked", remedies: [] } satisfies Partial<NoticeItem>]);
    expect(textOf(noticeAbout(recovered), 999)).toBe(
      "RECOVERED: tank/data → vault\nwas blocked for 2 h: 2 snapshots exist only there",
    );
  });
});

describe("what does not arrive", () => {
  const secret = "/services/T0000/verysecrettoken";

  test.each([
    [400, true, "HTTP 400: bad [secret]"],
    [404, true, "HTTP 404: bad [secret]"],
    [429, false, "HTTP 429: bad [secret]"],
    [500, false, "HTTP 500: bad [secret]"],
  ])("says the status %i, and no secret that is repeated", async (code, permanent, answer) => {
    const there = await server((response, { path }) => response.writeHead(code).end(`bad ${path}`));
    expect(await send({ type: "slack", url }, { URL: there.url + secret })).toEqual({
      arrived: false,
      permanent,
      answer,
    });
  });

  test("is not sent to where a redirect leads", async () => {
    const elsewhere = await server();
    const there = await server((response) => response.writeHead(307, { Location: `${elsewhere.url}/x` }).end());
    expect(await send({ type: "slack", url }, { URL: there.url + secret })).toEqual({
      arrived: false,
      permanent: true,
      answer: "HTTP 307, which leads elsewhere: redirects are not followed",
    });
    expect(elsewhere.heard).toEqual([]);
  });

  test("says when nobody answers in time, also in the middle of an answer", async () => {
    const silent = await server(() => undefined);
    const slow = await server((response) => response.writeHead(200).write("o"));
    const answer = { arrived: false, permanent: false, answer: "was not answered within 0.2 s" };
    expect(await send({ type: "slack", url }, { URL: silent.url }, 200)).toEqual(answer);
    expect(await send({ type: "slack", url }, { URL: slow.url }, 200)).toEqual(answer);
  });

  test("says when nobody is there", async () => {
    const answer = { arrived: false, permanent: false, answer: "failed: ECONNREFUSED" };
    expect(await send({ type: "slack", url }, { URL: (await refusing()) + secret })).toEqual(answer);
  });

  test.each([
    ["slack", "hunter2", "environment variable URL holds no http or https URL"],
    ["slack", "ftp://hunter2@x/", "environment variable URL holds no http or https URL"],
    [
      "ntfy",
      "http://127.0.0.1:1",
      "environment variable URL holds no URL of a topic, such as https://ntfy.example.net/backups",
    ],
  ] as const)("says what the secret of %s should be, and not what it is", async (type, text, answer) => {
    expect(await send({ type, url }, { URL: text })).toEqual({ arrived: false, permanent: true, answer });
  });

  test("says which secret is missing", async () => {
    expect(await send({ type: "slack", url }, {})).toMatchObject({
      arrived: false,
      answer: "url of notification slack: environment variable URL is not set; set it where Holdfast is started",
    });
  });
});

test("secrets are taken out in every form", () => {
  const secret = "https://user:p%40ssword@host.example.net/api/push/abcdefgh?token=zyxwvuts";
  const said = "no p@ssword for abcdefgh at host.example.net (zyxwvuts)\n/api/push/abcdefgh";
  expect(redacted(said, [secret])).toBe("no [secret] for [secret] at [secret] ([secret]) [secret]");
});
