import { describe, expect, test, vi } from "vitest";
import type { ServiceEvents } from "../../../src/model/service.ts";
import type { Bytes } from "../../../src/model/units.ts";
import { badDay } from "./fixture.ts";
import { serving } from "./serve.ts";

interface Heard {
  readonly event: string;
  readonly data: unknown;
}

/** What a listener hears, as it comes. */
async function listen(address: string): Promise<{ heard: Heard[]; text: () => string; stop: () => void }> {
  const abort = new AbortController();
  const answer = await fetch(`${address}/api/v1/events`, { signal: abort.signal });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  const heard: Heard[] = [];
  let text = "";
  let rest = "";
  const read = async (): Promise<void> => {
    for await (const bytes of answer.body ?? []) {
      const part = new TextDecoder().decode(bytes);
      text += part;
      const messages = (rest + part).split("\n\n");
      rest = messages.pop() ?? "";
      for (const message of messages) {
        const [, event] = /^event: (.*)$/m.exec(message) ?? [];
        const [, data] = /^data: (.*)$/m.exec(message) ?? [];
        if (event !== undefined && data !== undefined) heard.push({ event, data: JSON.parse(data) });
      }
    }
  };
  read().catch(() => {}); // it was ended
  await vi.waitFor(() => expect(heard.length).toBeGreaterThan(0));
  return { heard, text: () => text, stop: () => abort.abort() };
}

const finished = badDay().runs[1]?.operations[0] as ServiceEvents["finished"];
const kinds = (heard: readonly Heard[]): string[] => heard.map(({ event }) => event);

describe("events", () => {
  test("begin with the state, then say what happens", async () => {
    const { server, service } = await serving({ limits: { eventPauseMs: 10 } });
    const { heard, stop } = await listen(server.address);
    const view = badDay();
    expect(heard).toEqual([{ event: "service", data: await (await fetch(`${server.address}/api/v1/service`)).json() }]);
    service.emit("started", { id: "a", description: "send" });
    service.emit("finished", finished);
    service.emit("assessed", { status: view.status, plan: view.plan });
    service.emit("manifest", { ...view.manifest, valid: false, error: "line 3" });
    await vi.waitFor(() => expect(heard).toHaveLength(5));
    expect(kinds(heard)).toEqual(["service", "started", "finished", "assessed", "manifest"]);
    expect(heard[3]?.data).toMatchObject({ health: "blocked", sources: { blocked: 1, ok: 2 } });
    stop();
  });

  test("a flood of progress is a trickle, of which the last is the newest", async () => {
    const { server, service } = await serving({ limits: { eventPauseMs: 50 } });
    const { heard, stop } = await listen(server.address);
    for (let bytes = 1; bytes <= 10_000; bytes++) {
      service.emit("progress", { id: "a", bytes: bytes as Bytes });
      service.emit("progress", { id: "b", bytes: (2 * bytes) as Bytes });
    }
    await vi.waitFor(() => expect(heard).toHaveLength(3));
    expect(heard.slice(1).map(({ data }) => data)).toEqual([
      { id: "a", bytes: 10_000 },
      { id: "b", bytes: 20_000 },
    ]);
    // what has ended says nothing of how far it is
    service.emit("progress", { id: finished.id, bytes: 1 as Bytes });
    service.emit("finished", finished);
    service.emit("progress", { id: "b", bytes: 7 as Bytes });
    await vi.waitFor(() => expect(heard).toHaveLength(5));
    expect(kinds(heard.slice(3))).toEqual(["finished", "progress"]);
    stop();
  });

  test("a changed view is told when more changed than bytes and the time", async () => {
    const { server, service } = await serving({ limits: { eventPauseMs: 10 } });
    const { heard, stop } = await listen(server.address);
    const change = async (view: ReturnType<typeof service.view>, count: number): Promise<void> => {
      service.set(view);
      service.emit("changed", view);
      service.emit("progress", { id: String(count), bytes: 1 as Bytes }); // flushed with it
      await vi.waitFor(() => expect(kinds(heard).filter((kind) => kind === "progress")).toHaveLength(count));
      await vi.waitFor(() => expect(heard.at(-1)?.event === "service" || count !== 1).toBe(true));
    };
    await change({ ...service.view(), suspended: [] }, 1);
    const before = heard.length;
    const running = service.view().running.map((one) => ({ ...one, bytes: 9 as Bytes }));
    await change({ ...service.view(), running, turnedAt: "2026-11-22T12:05:00.000Z" }, 2);
    expect(kinds(heard.slice(before))).toEqual(["progress"]);
    stop();
  });

  test("are kept alive, and all end at close; one that connects again has the present state", async () => {
    const { server, service } = await serving({ limits: { eventKeepAliveMs: 20 } });
    const first = await listen(server.address);
    await vi.waitFor(() => expect(first.text()).toContain("\n:\n\n"));
    expect(first.text()).toMatch(/^retry: 2000\n/);
    first.stop();
    service.set({ ...service.view(), suspended: [] });
    const second = await listen(server.address);
    expect(second.heard[0]).toMatchObject({ event: "service", data: { suspended: [] } });
    await server.close();
  });

  test("more listeners than there is room for are told so", async () => {
    const { server } = await serving({ limits: { eventListeners: 1 } });
    const { stop } = await listen(server.address);
    const refused = await fetch(`${server.address}/api/v1/events`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "30"]);
    stop();
    await vi.waitFor(async () => {
      const again = new AbortController();
      const answer = await fetch(`${server.address}/api/v1/events`, { signal: again.signal });
      again.abort();
      expect(answer.status).toBe(200);
    });
  });
});
