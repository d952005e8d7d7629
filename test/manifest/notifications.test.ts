import { describe, expect, it } from "vitest";
import { lines, parse, said, valid } from "./helpers.ts";

const doc = (text: string): string => `version: 1\n${text}`;

describe("notifications", () => {
  it("are read with their defaults", () => {
    const { notifications, heartbeats } = valid(
      doc(`notifications:
  - { type: ntfy, url: { file: ntfy.url } }
  - { type: telegram, token: { env: TG }, chat: "-100123", events: [overdue, recovered], remind: never }
  - { type: email, smtp: { url: { credential: smtp } }, from: a@example.net, to: [b@example.net], remind: 7d }
  - { type: webhook, url: { command: [pass, hook] }, headers: { X-Site: attic, Authorization: { file: /t } } }
heartbeats:
  - { type: uptimekuma, url: { file: /kuma } }`),
    );
    expect(notifications).toEqual([
      {
        type: "ntfy",
        url: { file: "/etc/holdfast/ntfy.url" },
        events: ["failed", "recovered", "blocked", "overdue"],
        remind: 86_400,
      },
      {
        type: "telegram",
        token: { env: "TG" },
        chat: "-100123",
        server: "https://api.telegram.org",
        events: ["overdue", "recovered"],
      },
      {
        type: "email",
        smtp: { url: { credential: "smtp" } },
        from: "a@example.net",
        to: ["b@example.net"],
        events: ["failed", "recovered", "blocked", "overdue"],
        remind: 604_800,
      },
      {
        type: "webhook",
        url: { command: ["pass", "hook"] },
        headers: { "X-Site": "attic", Authorization: { file: "/t" } },
        events: ["failed", "recovered", "blocked", "overdue"],
        remind: 86_400,
      },
    ]);
    expect(heartbeats).toEqual([{ type: "uptimekuma", url: { file: "/kuma" } }]);
  });

  it("take their secrets from files that validate looks at", () => {
    const { secretFiles } = parse(
      doc(`notifications: [{ type: email, smtp: { url: { file: a } }, from: a@b, to: [c@d] }]
heartbeats: [{ type: get, url: { file: b } }]`),
    );
    expect(secretFiles.map(({ file }) => file)).toEqual(["/etc/holdfast/a", "/etc/holdfast/b"]);
  });

  it.each([
    [
      "an inline URL",
      "notifications: [{ type: slack, url: https://hooks.example.net/T00/SECRET }]",
      "notifications[0].url is a secret and cannot stand in the manifest | write `url: { file: /etc/holdfast/notification.url }`",
    ],
    [
      "an inline token",
      "notifications: [{ type: telegram, token: 123:SECRET, chat: '1' }]",
      "notifications[0].token is a secret and cannot stand in the manifest | write `token: { file: /etc/holdfast/notification.token }`",
    ],
    [
      "an inline mail server",
      "notifications: [{ type: email, smtp: { url: smtp://u:SECRET@h }, from: a@b, to: [c@d] }]",
      "notifications[0].smtp.url is a secret and cannot stand in the manifest | write `url: { file: /etc/holdfast/smtp.url }`",
    ],
    [
      "an inline header",
      "notifications: [{ type: webhook, url: { file: f }, headers: { Authorization: Bearer SECRET } }]",
      "notifications[0].headers.Authorization is a secret and cannot stand in the manifest | write `Authorization: { file: /etc/holdfast/notification.Authorization }`",
    ],
    [
      "an inline heartbeat",
      "heartbeats: [{ type: healthchecks, url: https://hc.example.net/SECRET }]",
      "heartbeats[0].url is a secret and cannot stand in the manifest | write `url: { file: /etc/holdfast/heartbeat.url }`",
    ],
  ])("refuse %s, and do not show it", (_, text, message) => {
    const parsed = parse(doc(text));
    expect(said(parsed)).toEqual([message]);
    expect(JSON.stringify(parsed.diagnostics)).not.toContain("SECRET");
  });

  it.each([
    ["no type", "notifications: [{ url: { file: f } }]", "notifications[0] needs the key type"],
    ["an unknown type", "notifications: [{ type: ntfi, url: { file: f } }]", 'not "ntfi" | did you mean ntfy?'],
    ["an unknown heartbeat", "heartbeats: [{ type: cronitor, url: { file: f } }]", "must be healthchecks, uptimekuma"],
    [
      "what a type needs",
      "notifications: [{ type: gotify, url: { file: f } }]",
      "notifications[0] needs the key token",
    ],
    ["what a type has not", "notifications: [{ type: slack, url: { file: f }, chat: x }]", 'unknown key "chat"'],
    ["an unknown event", "notifications: [{ type: slack, url: { file: f }, events: [fail] }]", "did you mean failed?"],
    ["a bare number", "notifications: [{ type: slack, url: { file: f }, remind: 24 }]", "24 has no unit"],
    ["nothing at all", "notifications: [{ type: slack, url: { file: f }, remind: 0h }]", "must be longer than nothing"],
    [
      "a chat as a number",
      "notifications: [{ type: telegram, token: { file: f }, chat: -100 }]",
      'write `chat: "-100"`',
    ],
    [
      "what is no address",
      "notifications: [{ type: email, smtp: { url: { file: f } }, from: x, to: [a@b] }]",
      "an address",
    ],
    [
      "no event but recovered",
      "notifications: [{ type: slack, url: { file: f }, events: [recovered] }]",
      "never be sent",
    ],
    [
      "the same place twice",
      "notifications: [{ type: slack, url: { file: f } }, { type: slack, url: { file: f }, remind: 7d }]",
      "notifications[1] goes where notifications[0] goes",
    ],
    [
      "the same heartbeat twice",
      "heartbeats: [{ type: get, url: { file: f } }, { type: get, url: { file: f } }]",
      "goes where",
    ],
    [
      "a server with a password",
      "notifications: [{ type: telegram, token: { file: f }, chat: '1', server: 'http://a:b@c' }]",
      "a URL such as",
    ],
  ])("refuse %s", (_, text, message) => {
    const parsed = parse(doc(text));
    expect(said(parsed)).toEqual([expect.stringContaining(message)]);
    expect(parsed.manifest).toBeUndefined();
  });

  it("are refused where they stand", () => {
    expect(lines(parse(doc("heartbeats:\n  - { type: get, url: x, secret: { file: f } }")))).toEqual([
      "3:18 inline-secret",
      "3:26 unknown-key",
    ]);
  });
});
