import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Heartbeat, Notification } from "../../src/model/manifest.ts";
import { startNotifications } from "../../src/notify/index.ts";
import { type Receiver, receiver, refusing } from "./receivers.ts";
import {
  at,
  blockedCopy,
  DAY,
  EVERYTHING,
  fakeService,
  manifestWith,
  operation,
  overdueCopy,
  status,
  wanting,
} from "./worlds.ts";

let folder: string;
let there: Receiver;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-notify-"));
  there = await receiver();
});
afterEach(async () => {
  await there.close();
  rmSync(folder, { recursive: true });
});

const hook = (name = "URL"): Notification => ({ type: "webhook", url: { env: name }, headers: {}, ...EVERYTHING });

interface Setup {
  readonly notifications?: readonly Notification[];
  readonly heartbeats?: readonly Heartbeat[];
  readonly env?: Record<string, string>;
  readonly retries?: number;
  readonly timeoutMs?: number;
}

/** Notifications of a service whose clock stands until it is moved. */
function running({ notifications = [hook()], heartbeats = [], env = {}, retries = 0, timeoutMs = 5000 }: Setup = {}) {
  const { service, ...fake } = fakeService();
  const logged: string[] = [];
  const say = (level: string) => (_: object, message: string) => void logged.push(`${level}: ${message}`);
  let seconds = 0;
  const notes = startNotifications(service, {
    manifest: () => manifestWith({ notifications, heartbeats }),
    env: { URL: there.url, ...env },
    stateFolder: folder,
    log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
    now: () => at(seconds),
    patience: { retries, firstPauseMs: 1 },
    timeoutMs,
  });
  return {
    ...fake,
    notes,
    logged,
    later: (by: number) => {
      seconds += by;
    },
    /** What one look brings about. */
    look: async (...args: Parameters<typeof fake.assessed>) => {
      fake.assessed(...args);
      await notes.idle();
      await notes.idle();
    },
  };
}

const titles = (): string[] => there.bodies().map(({ title }) => title.replace("Holdfast nas: ", ""));
const memory = (): string => readFileSync(join(folder, readdirSync(folder)[0] ?? ""), "utf8");

describe("a service", () => {
  test("tells what is bad once, and when it is over", async () => {
    const { look, notes, listeners, later, tried } = running();
    await look(status());
    await look(status(blockedCopy));
    await look(status(blockedCopy));
    tried(operation("failed"));
    await look(status({ health: "waiting" }), wanting);
    await look(status({ health: "waiting" }), wanting);
    tried(operation("done"));
    await look(status());
    expect(titles()).toEqual([
      "tank/data → vault is blocked",
      "1 failed, 1 recovered",
      "tank/data → vault has recovered",
    ]);
    later(DAY);
    await look(status());
    expect(there.heard).toHaveLength(3);
    expect(notes.counts().get("webhook")).toEqual({ delivered: 3, undelivered: 0 });
    await notes.close();
    expect(listeners()).toBe(0);
  });

  test("repeats nothing after a restart, and knows what has recovered meanwhile", async () => {
    const first = running();
    await first.look(status(blockedCopy));
    await first.notes.close();
    const second = running();
    await second.look(status(blockedCopy));
    await second.notes.close();
    expect(titles()).toEqual(["tank/data → vault is blocked"]);
    const third = running();
    await third.look(status());
    await third.notes.close();
    expect(titles()).toEqual(["tank/data → vault is blocked", "tank/data → vault has recovered"]);
    expect(memory()).not.toContain(there.url);
  });

  test("remembers as told what was told only", async () => {
    there.answers((response) => response.writeHead(503).end());
    const first = running();
    await first.look(status(blockedCopy));
    await first.notes.close();
    expect(first.logged).toContain(
      "error: notification to webhook (environment variable URL) could not be delivered: HTTP 503",
    );
    there.answers((response) => response.end());
    const second = running();
    await second.look(status(blockedCopy));
    await second.notes.close();
    expect(titles()).toEqual(["tank/data → vault is blocked", "tank/data → vault is blocked"]);
  });

  test.each([
    ["no JSON", "{"],
    ["another version", '{"formatVersion":9}'],
    ["nonsense", '{"formatVersion":1,"problems":{"x":1,"y":{"source":"s"}},"told":[1],"failures":"no"}'],
  ])("tells what is bad once more where its memory is %s", async (_, text) => {
    const first = running();
    await first.look(status(blockedCopy));
    await first.notes.close();
    writeFileSync(join(folder, readdirSync(folder)[0] ?? ""), text);
    const second = running();
    await second.look(status(blockedCopy));
    await second.notes.close();
    expect(titles()).toHaveLength(2);
  });

  test("works without a folder that it may write, and says so once", async () => {
    writeFileSync(join(folder, "file"), "");
    const { look, notes, logged } = running();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "");
    await look(status(blockedCopy));
    await look(status(overdueCopy));
    await notes.close();
    expect(there.heard.length).toBe(2);
    expect(logged.filter((one) => one.includes("cannot be remembered"))).toHaveLength(1);
  });

  test("tries again, and tells what is true by then", async () => {
    there.answers((response, _, count) => response.writeHead(count < 3 ? 500 : 200).end());
    const { look, notes } = running({ retries: 3 });
    await look(status(blockedCopy));
    expect(there.heard).toHaveLength(3);
    await notes.close();
  });

  test("does not try what can only end the same, and waits longer each time", async () => {
    there.answers((response) => response.writeHead(404).end());
    const { look, later, notes } = running({ retries: 3 });
    const heard: number[] = [];
    for (const pause of [0, 59, 1, 60, 60]) {
      later(pause);
      await look(status(blockedCopy));
      heard.push(there.heard.length);
    }
    expect(heard).toEqual([1, 1, 2, 2, 3]);
    expect(notes.counts().get("webhook")).toEqual({ delivered: 0, undelivered: 3 });
    await notes.close();
  });

  test("does not wait by a clock that was ahead", async () => {
    there.answers((response) => response.writeHead(404).end());
    const { look, later, notes } = running();
    later(DAY);
    await look(status(blockedCopy));
    later(-DAY);
    await look(status(blockedCopy));
    expect(there.heard).toHaveLength(2);
    await notes.close();
  });

  test("sends one message at a time; what comes meanwhile is in the next", async () => {
    let release = (): void => undefined;
    there.answers((response, _, count) => {
      if (count === 1) release = () => response.end();
      else response.end();
    });
    const { assessed, notes } = running();
    assessed(status(blockedCopy));
    await there.count(1);
    assessed(status({ ...blockedCopy, ...overdueCopy, health: "blocked" }));
    assessed(status(overdueCopy));
    release();
    await there.count(2);
    await notes.idle();
    expect(titles()).toEqual(["tank/data → vault is blocked", "1 overdue, 1 recovered"]);
    await notes.close();
  });

  test("one receiver that is gone, or silent, keeps none from the others", async () => {
    const silent = await receiver(() => undefined);
    const env = { GONE: await refusing(), SILENT: silent.url };
    const { assessed, notes } = running({ notifications: [hook("GONE"), hook("SILENT"), hook()], env });
    assessed(status(blockedCopy));
    await there.count(1);
    await silent.close();
    await notes.close();
    expect(titles()).toEqual(["tank/data → vault is blocked"]);
  });

  test("puts no secret into its log or its memory", async () => {
    const env = { URL: `${await refusing()}/hunter2-hunter2` };
    const { look, notes, logged } = running({ env, heartbeats: [{ type: "get", url: { env: "URL" } }] });
    await look(status(blockedCopy));
    await look(status());
    await notes.close();
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.join("\n") + memory()).not.toContain("hunter2");
  });
});

describe("heartbeats", () => {
  const beats = (type: Heartbeat["type"]): Setup => ({
    notifications: [],
    heartbeats: [{ type, url: { env: "PING" } }],
    env: { PING: `${there.url}/ping/x?a=1` },
  });
  const heard = (): string[] =>
    there.heard.map(({ method, path, body }) => `${method} ${decodeURIComponent(path)} ${body}`.trim());

  test("healthchecks: start, success, failure with what is the matter", async () => {
    const { look, emit, later, notes } = running(beats("healthchecks"));
    emit("started", { id: "1", description: "" });
    emit("started", { id: "2", description: "" });
    await notes.idle();
    await look(status());
    later(60);
    await look(status(blockedCopy));
    await notes.close();
    expect(heard()).toEqual([
      "POST /ping/x/start?a=1",
      "POST /ping/x?a=1 all is well",
      "POST /ping/x/fail?a=1 blocked: nas:tank/data → vault: 2 snapshots exist only there",
    ]);
  });

  test("uptime kuma: up and down, with a message and how long it took", async () => {
    const { look, emit, later, notes } = running(beats("uptimekuma"));
    emit("started", { id: "1", description: "" });
    later(2);
    await look(status());
    await look(status(overdueCopy));
    await notes.close();
    expect(heard()).toEqual([
      "GET /ping/x?a=1&status=up&msg=all+is+well&ping=2000",
      "GET /ping/x?a=1&status=down&msg=overdue:+nas:tank/data+→+vault:+the+newest+is+3+d+old,+due+within+1+d+2+h&ping=",
    ]);
  });

  test.each(["deadmanssnitch", "get"] as const)("%s: clean passes only", async (type) => {
    const { look, emit, notes, later } = running(beats(type));
    emit("started", { id: "1", description: "" });
    await look(status(blockedCopy));
    later(60);
    await look(status());
    await look(status());
    later(60);
    await look(status({}, { more: { complete: false } }));
    await look(status());
    await notes.close();
    expect(heard()).toEqual(["GET /ping/x?a=1", "GET /ping/x?a=1"]);
  });

  test("a pass that failed without an operation is no clean one", async () => {
    const { look, emit, notes } = running(beats("healthchecks"));
    emit("reconciled", { source: "nas:tank/data" as never, result: "failed", seconds: 1 as never });
    await look(status());
    await notes.close();
    expect(heard()).toEqual(["POST /ping/x/fail?a=1 failed: nas:tank/data: its last pass failed"]);
  });

  test.each([
    ["healthchecks", "OK (not found)"],
    ["uptimekuma", '{"ok":false,"msg":"Monitor not found or not active."}'],
  ] as const)("%s may refuse in words", async (type, words) => {
    there.answers((response) => response.end(words));
    const { look, notes, logged } = running(beats(type));
    await look(status());
    await notes.close();
    expect(logged).toEqual([expect.stringContaining(`did not arrive: HTTP 200: ${words}`)]);
  });
});
