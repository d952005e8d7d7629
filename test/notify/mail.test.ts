import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterEach, describe, expect, test } from "vitest";
import type { Notification } from "../../src/model/manifest.ts";
import { type Delivery, deliver } from "../../src/notify/deliver.ts";
import { noticeOf } from "../../src/notify/notice.ts";
import { receiver, refusing } from "./receivers.ts";
import { at, EVERYTHING } from "./worlds.ts";

interface Received {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly user: unknown;
  readonly text: string;
}

const servers: SMTPServer[] = [];
afterEach(async () => {
  for (const one of servers.splice(0)) await new Promise<void>((resolve) => one.close(() => resolve()));
});

/** A mail server on loopback that knows `me` with the password `hunter2/hunter2`. */
async function mailServer(options: SMTPServerOptions = {}) {
  const received: Received[] = [];
  const tried: string[] = [];
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    onAuth({ username, password }, _, done) {
      tried.push(String(username));
      if (username === "me" && password === "hunter2/hunter2") done(null, { user: username });
      else done(new Error("no such user"));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          secure: Boolean(session.secure),
          user: session.user,
          text: Buffer.concat(chunks).toString("utf8"),
        });
        done();
      });
    },
    ...options,
  });
  server.on("error", () => undefined);
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  servers.push(server);
  return { port: (listening.address() as AddressInfo).port, received, tried };
}

const notice = noticeOf(
  [
    {
      key: "x",
      event: "failed",
      reminder: false,
      problem: {
        source: "nas:tank/bücher" as never,
        remote: "vault" as never,
        matter: "failed",
        since: at(-60),
        tellFrom: at(0),
        message: "connection lost",
        remedies: ["holdfast doctor"],
      },
    },
  ],
  "nas" as never,
  at(0),
);

const send = (url: string, signal = new AbortController().signal, timeoutMs = 5000): Promise<Delivery> => {
  const to = ["ops@example.net", "boss@example.net"];
  const one: Notification = {
    type: "email",
    smtp: { url: { env: "URL" } },
    from: "nas@example.net",
    to,
    ...EVERYTHING,
  };
  return deliver(one, notice, { env: { URL: url }, signal, timeoutMs });
};
const plain: SMTPServerOptions = { disabledCommands: ["STARTTLS", "AUTH"] };

describe("mail", () => {
  test("arrives, as text, from a program", async () => {
    const server = await mailServer(plain);
    expect(await send(`smtp://127.0.0.1:${server.port}`)).toEqual({
      arrived: true,
      permanent: false,
      answer: expect.stringMatching(/^SMTP 250 /),
    });
    const [mail] = server.received;
    expect(mail).toMatchObject({ from: "nas@example.net", to: ["ops@example.net", "boss@example.net"], secure: false });
    expect(mail?.text).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(mail?.text).toMatch(/^Subject: =\?UTF-8\?Q\?Holdfast_nas=3A_tank\/b=C3=BCcher/m);
    expect(mail?.text).toContain("next: holdfast doctor");
  });

  test("logs in over STARTTLS, with a password that has to be encoded in a URL", async () => {
    const server = await mailServer();
    const url = `smtp://me:hunter2%2Fhunter2@127.0.0.1:${server.port}?tls.rejectUnauthorized=false`;
    expect(await send(url)).toMatchObject({ arrived: true });
    expect(server.received).toMatchObject([{ secure: true, user: "me" }]);
  });

  test("goes over TLS from the start", async () => {
    const server = await mailServer({ secure: true });
    expect(await send(`smtps://127.0.0.1:${server.port}?tls.rejectUnauthorized=false`)).toMatchObject({
      arrived: true,
    });
    expect(server.received).toMatchObject([{ secure: true }]);
  });

  test("is not given to a server with a certificate that nobody knows", async () => {
    const server = await mailServer({ secure: true });
    const { arrived, answer } = await send(`smtps://me:hunter2%2Fhunter2@127.0.0.1:${server.port}`);
    expect([arrived, answer]).toEqual([false, expect.stringMatching(/^the mail failed: /)]);
    expect([server.received, server.tried]).toEqual([[], []]);
  });

  test("never gives a password to another machine without TLS", async () => {
    const server = await mailServer({ disabledCommands: ["STARTTLS"], allowInsecureAuth: true, hideSTARTTLS: true });
    // this machine too, but not by a name that says so
    const { arrived, permanent, answer } = await send(`smtp://me:hunter2%2Fhunter2@0.0.0.0:${server.port}`);
    expect([arrived, permanent]).toEqual([false, true]);
    expect(answer).toContain("the mail failed: no TLS, and a password goes no other way");
    expect([server.received, server.tried]).toEqual([[], []]);
  });

  test("says what the server says, without the password", async () => {
    const server = await mailServer({
      onAuth: ({ username, password }, _, done) => done(new Error(`no ${username} with ${password} here`)),
    });
    const { arrived, permanent, answer } = await send(
      `smtp://me:hunter2%2Fhunter2@127.0.0.1:${server.port}?tls.rejectUnauthorized=false`,
    );
    expect([arrived, permanent]).toEqual([false, true]);
    expect(answer).toMatch(/^the mail was answered with 535: 535 .*with \[secret\] here/);
  });

  test("that some do not get has not arrived", async () => {
    const server = await mailServer({
      ...plain,
      onRcptTo: ({ address }, _, done) => done(address.startsWith("boss") ? new Error("unknown") : null),
    });
    expect(await send(`smtp://127.0.0.1:${server.port}`)).toEqual({
      arrived: false,
      permanent: true,
      answer: "the mail was taken for some only, not for boss@example.net",
    });
  });

  test("may go later where the server is busy", async () => {
    const busy = Object.assign(new Error("busy"), { responseCode: 421 });
    const server = await mailServer({ ...plain, onMailFrom: (_, __, done) => done(busy) });
    expect(await send(`smtp://127.0.0.1:${server.port}`)).toMatchObject({ arrived: false, permanent: false });
  });

  test("is not waited for for ever", async () => {
    const silent = await receiver();
    const { port } = new URL(silent.url);
    const { arrived, answer } = await send(`smtp://127.0.0.1:${port}`, undefined, 200);
    expect([arrived, answer]).toEqual([false, "the mail was not answered in time"]);
    const controller = new AbortController();
    const sent = send(`smtp://127.0.0.1:${port}`, controller.signal);
    controller.abort();
    await expect(sent).rejects.toMatchObject({ kind: "aborted" });
    await silent.close();
  });

  test.each([["hunter2"], ["http://hunter2/"], ["smtp://"]])("says what %s should be", async (url) => {
    expect((await send(url)).answer).toBe("the mail has no server: it takes smtp://USER:PASSWORD@HOST:PORT");
  });

  test("says when nobody is there", async () => {
    const { port } = new URL(await refusing());
    expect(await send(`smtp://127.0.0.1:${port}`)).toMatchObject({ arrived: false, permanent: false });
  });
});
