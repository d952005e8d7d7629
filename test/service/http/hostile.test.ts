import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { dial, everything, raw, serving, statusOf } from "./serve.ts";

/** Descriptors that this process may have: both ends of each connection are in it. */
const descriptors = (): number =>
  Number(/^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 1024);

const closed = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) => (socket.closed ? resolve(true) : socket.once("close", () => resolve(true))));

describe("connections", () => {
  test("thousands that ask for nothing take the room of a few, and keep nobody out", async () => {
    const { server, port } = await serving({ limits: { connections: 64 } });
    const many = Math.min(10_000, Math.floor(descriptors() / 3));
    const sockets: Socket[] = [];
    for (let opened = 0; opened < many; opened += 200)
      sockets.push(...(await Promise.all(Array.from({ length: Math.min(200, many - opened) }, () => dial(port)))));
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
    await vi.waitFor(() => expect(sockets.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(64), 20_000);
  });

  test("one without a whole header is ended in time, and does not stand in anybody's way", async () => {
    const { server, port } = await serving({ limits: { headersMs: 300, requestMs: 300, connections: 8 } });
    const slow = await Promise.all(
      Array.from({ length: 8 }, () => dial(port, "GET / HTTP/1.1", "Host: localhost", "X-A: ")),
    );
    const drip = setInterval(() => {
      for (const socket of slow) if (!socket.destroyed) socket.write("a");
    }, 50);
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
    const answers = await Promise.all(slow.slice(1).map(everything));
    clearInterval(drip);
    for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  test("a body that never comes is not waited for", async () => {
    const { port } = await serving({ limits: { headersMs: 300, requestMs: 300 } });
    const socket = await dial(
      port,
      "POST /api/v1/reconcile HTTP/1.1",
      "Host: localhost",
      "Content-Length: 100",
      "",
      "x",
    );
    expect(await everything(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("a reader that stops reading holds no more than what is on its way", async () => {
    const { server, port, service } = await serving({ limits: { eventBacklog: 64 * 1024, eventPauseMs: 1 } });
    const socket = await dial(port, "GET /api/v1/events HTTP/1.1", "Host: localhost", "", "");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    const ended = everything(socket);
    socket.pause();
    const run = service.view().runs[1];
    if (run === undefined) throw new Error("no run");
    // more than every buffer on the way takes, with a pause after each so that it can leave
    for (let told = 0; told < 40_000 && service.listeners() > 0; told += 500) {
      for (let i = 0; i < 500; i++) service.emit("ran", run);
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.resume();
    // it never gets the 40 MB: it is cut off
    expect((await ended).length).toBeLessThan(30_000_000);
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
  });

  test("closing ends idle connections and events at once", async () => {
    const { server, port, service } = await serving();
    const idle = await dial(port);
    const partial = await dial(port, "GET / HTTP/1.1", "Host: loc");
    const events = await dial(port, "GET /api/v1/events HTTP/1.1", "Host: localhost", "", "");
    await new Promise((resolve) => events.once("data", resolve));
    const ends = [idle, partial, events].map(closed);
    for (const socket of [idle, partial, events]) socket.resume();
    const started = performance.now();
    await server.close();
    await Promise.all(ends);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(service.listeners()).toBe(0);
  });
});

describe("requests", () => {
  test.each([
    ["a header of 1 MB", ["GET / HTTP/1.1", "Host: localhost", `X-A: ${"a".repeat(1 << 20)}`], 431],
    [
      "ten thousand headers",
      ["GET / HTTP/1.1", "Host: localhost", ...Array.from({ length: 10_000 }, (_, n) => `X-${n}: 1`)],
      431,
    ],
    ["a path of 1 MB", [`GET /${"a".repeat(1 << 20)} HTTP/1.1`, "Host: localhost"], 431],
    ["no HTTP", ["\u0016\u0003\u0001\u0002\u0000 hello"], 400],
    ["two lengths", ["POST /snapshot HTTP/1.1", "Host: localhost", "Content-Length: 1", "Content-Length: 2"], 400],
    [
      "a length and chunks, as for smuggling",
      ["POST /snapshot HTTP/1.1", "Host: localhost", "Content-Length: 4", "Transfer-Encoding: chunked"],
      400,
    ],
    ["a whole address as path", ["GET http://evil.example/ HTTP/1.1", "Host: localhost"], 404],
    ["a large body", ["POST /snapshot HTTP/1.1", "Host: localhost", "Content-Length: 1000000000"], 413],
  ])("%s", async (_, lines, status) => {
    const { server, port } = await serving();
    expect(statusOf(await raw(port, ...lines))).toBe(status);
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
  });

  test("chunks without end are cut off", async () => {
    const { port } = await serving();
    const socket = await dial(port, "POST /snapshot HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", "", "");
    const chunk = `1000\r\n${"a".repeat(4096)}\r\n`;
    socket.write(chunk.repeat(4));
    expect(statusOf(await everything(socket))).toBe(413);
  });
});
