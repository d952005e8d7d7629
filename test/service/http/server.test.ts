import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import type { OperationReport, Report } from "../../../src/model/report.ts";
import type { ServiceView, Taken } from "../../../src/model/service.ts";
import type { HostName, TypeName } from "../../../src/model/units.ts";
import { badDay, fakeService, NOW } from "./fixture.ts";
import { raw, serving, statusOf, TOKEN } from "./serve.ts";

const bearer = { Authorization: `Bearer ${TOKEN}` };
const post = (headers: Readonly<Record<string, string>> = bearer): RequestInit => ({ method: "POST", headers });

function viewOf(this: { readonly known: ServiceView }): ServiceView {
  return this.known;
}

describe("what can be read", () => {
  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/metrics", "text/plain; version=0.0.4"],
    ["/healthz", "text/plain; charset=utf-8"],
    ["/readyz", "text/plain; charset=utf-8"],
    ["/api/v1/status", "application/json; charset=utf-8"],
    ["/api/v1/plan", "application/json; charset=utf-8"],
    ["/api/v1/inventory", "application/json; charset=utf-8"],
    ["/api/v1/runs", "application/json; charset=utf-8"],
    ["/api/v1/service", "application/json; charset=utf-8"],
    ["/api/v1/openapi.json", "application/json; charset=utf-8"],
    ["/schemas/plan.v1.schema.json", "application/json; charset=utf-8"],
  ])("%s", async (path, type) => {
    const { server } = await serving();
    const answer = await fetch(server.address + path);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, type]);
    expect((await answer.text()).length).toBeGreaterThan(2);
    const head = await fetch(server.address + path, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test("JSON is what the service knows, whole", async () => {
    const view = badDay();
    const { server } = await serving({}, view);
    const read = async (part: string): Promise<unknown> => (await fetch(`${server.address}/api/v1/${part}`)).json();
    expect(await read("plan")).toEqual(JSON.parse(JSON.stringify(view.plan)));
    expect(await read("inventory")).toEqual(JSON.parse(JSON.stringify(view.inventory)));
    expect(await read("status")).toEqual(JSON.parse(JSON.stringify(view.status)));
    expect(await read("runs")).toEqual({ formatVersion: 1, runs: JSON.parse(JSON.stringify(view.runs)) });
  });

  test("before the first look there is nothing, and it says when to ask again", async () => {
    const { plan, status, inventory, ...view } = badDay();
    const { server } = await serving({}, { ...view, ready: false, running: [], runs: [] });
    for (const path of ["/api/v1/plan", "/api/v1/status", "/api/v1/inventory", "/readyz"]) {
      const answer = await fetch(server.address + path);
      expect([path, answer.status]).toEqual([path, 503]);
    }
    expect((await fetch(`${server.address}/api/v1/plan`)).headers.get("retry-after")).toBe("5");
    const page = await fetch(server.address);
    expect([page.status, await page.text()]).toEqual([
      200,
      expect.stringContaining("Looking around for the first time"),
    ]);
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
  });

  test("a loop that has not turned for longer than it said is not healthy", async () => {
    const nextLook = { at: new Date((NOW - 301) * 1000).toISOString(), reason: "every 5m" };
    const { server, service } = await serving(
      {},
      { ...badDay(), turnedAt: new Date((NOW - 900) * 1000).toISOString(), nextLook },
    );
    const stuck = await fetch(`${server.address}/healthz`);
    expect([stuck.status, await stuck.text()]).toEqual([503, expect.stringContaining("stuck")]);
    service.set({ ...service.view(), turnedAt: new Date((NOW - 290) * 1000).toISOString() });
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
  });

  test("everything carries a policy that lets nothing in from elsewhere", async () => {
    const { server } = await serving();
    for (const path of ["/", "/api/v1/plan", "/nowhere", "/metrics"]) {
      const { headers } = await fetch(server.address + path);
      expect(headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self'/,
      );
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  test("the page's own files are kept by the browser, and named anew when they change", async () => {
    const { server } = await serving();
    const page = await (await fetch(server.address)).text();
    const paths = [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path);
    expect(paths).toHaveLength(3);
    for (const path of paths) {
      const answer = await fetch(`${server.address}${path}`);
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, expect.stringContaining("immutable")]);
    }
  });
});

describe("what is refused", () => {
  test("paths and methods there are not", async () => {
    const { server, port } = await serving();
    const nowhere = await fetch(`${server.address}/api/v2/plan`);
    expect([nowhere.status, await nowhere.json()]).toEqual([
      404,
      { error: "there is no such page", hint: "what there is, is in /api/v1/openapi.json" },
    ]);
    for (const path of [
      "/../etc/passwd",
      "/schemas/../../package.json",
      "/assets/%2e%2e/x",
      "//etc/passwd",
      "/constructor",
    ])
      expect([path, statusOf(await raw(port, `GET ${path} HTTP/1.1`, "Host: localhost"))]).toEqual([path, 404]);
    const method = await fetch(`${server.address}/api/v1/plan`, { method: "DELETE" });
    expect([method.status, method.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect((await fetch(`${server.address}/api/v1/snapshots?type=daily`)).headers.get("allow")).toBe("POST");
  });

  test("a name that is not this service's, as after DNS rebinding", async () => {
    const { port } = await serving({ names: ["backup.example.net"] });
    const ask = async (host: string): Promise<number> => statusOf(await raw(port, "GET / HTTP/1.1", `Host: ${host}`));
    for (const host of ["localhost", `127.0.0.1:${port}`, "[::1]:80", "LOCALHOST.", "Backup.example.net:443"])
      expect([host, await ask(host)]).toEqual([host, 200]);
    // behind a published port or a NAT nobody here knows the address that was asked; and none can be made to point here
    for (const host of ["192.168.1.5:9469", "10.0.0.1", "[2001:db8::7]:9469"])
      expect([host, await ask(host)]).toEqual([host, 200]);
    for (const host of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "10.0.0.1.evil.example",
      "0x7f000001",
      "127.1",
      "evil@localhost",
      "",
    ])
      expect([host, await ask(host)]).not.toEqual([host, 200]);
    expect(statusOf(await raw(port, "GET / HTTP/1.1", "Host: localhost", "Host: evil.example"))).toBe(400);
    expect(statusOf(await raw(port, "GET / HTTP/1.1"))).toBe(400);
  });

  test("a POST without the token, with another one, or from another site's page", async () => {
    const { server, service } = await serving({ token: TOKEN });
    const ask = async (init: RequestInit): Promise<number> =>
      (await fetch(`${server.address}/api/v1/reconcile`, init)).status;
    expect(await ask(post({}))).toBe(401);
    expect(await ask(post({ Authorization: `Bearer ${TOKEN}x` }))).toBe(401);
    expect(await ask(post({ Authorization: `Basic ${TOKEN}` }))).toBe(401);
    expect(await ask(post({ ...bearer, Origin: "https://evil.example" }))).toBe(403);
    expect(await ask(post({ ...bearer, Origin: "null" }))).toBe(403);
    expect(await ask(post({ ...bearer, "Sec-Fetch-Site": "cross-site" }))).toBe(403);
    expect(service.asked).toEqual([]);
    expect(await ask(post({ ...bearer, Origin: server.address }))).toBe(202);
    expect(service.asked).toEqual([{}]);
    const events = await fetch(`${server.address}/api/v1/events`, { headers: { Origin: "https://evil.example" } });
    expect(events.status).toBe(403);
  });

  test("names there are no longer, once it goes by others", async () => {
    const { port, server } = await serving({ names: ["one.example.net"] });
    const ask = async (host: string): Promise<number> => statusOf(await raw(port, "GET / HTTP/1.1", `Host: ${host}`));
    server.admit({ names: ["two.example.net"] });
    expect([await ask("one.example.net"), await ask("two.example.net")]).toEqual([421, 200]);
  });

  test("the token before, once there is another; and one that is none changes nothing", async () => {
    const { server } = await serving({ token: TOKEN });
    const ask = async (token: string): Promise<number> =>
      (await fetch(`${server.address}/api/v1/reconcile`, post({ Authorization: `Bearer ${token}` }))).status;
    expect(() => server.admit({ token: "short" })).toThrow("needs 16 or more");
    expect(await ask(TOKEN)).toBe(202);
    server.admit({ token: `${TOKEN}-2` });
    expect([await ask(TOKEN), await ask(`${TOKEN}-2`)]).toEqual([401, 202]);
    server.admit({});
    expect(await ask(TOKEN)).toBe(403);
    const { server: open } = await serving({ token: TOKEN, listen: { host: "0.0.0.0", port: 0 } });
    expect(() => open.admit({})).toThrow("beyond this machine");
  });

  test("every POST, where no token is configured", async () => {
    const { server, service } = await serving();
    const answer = await fetch(`${server.address}/snapshot?periodicity=daily`, post());
    expect([answer.status, await answer.json()]).toEqual([
      403,
      {
        error: "nothing may be asked for here, since no token is configured",
        hint: "name a file that holds one at service.token in the manifest",
      },
    ]);
    expect(service.asked).toEqual([]);
  });

  test("to listen beyond this machine without a token", async () => {
    for (const host of ["0.0.0.0", "::"])
      await expect(serving({ listen: { host, port: 0 } })).rejects.toThrow("beyond this machine");
    const { server, port } = await serving({ listen: { host: "0.0.0.0", port: 0 }, token: TOKEN });
    expect(server.address).toBe(`http://0.0.0.0:${port}`);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  });

  test("a token that is too short, or could not be sent", async () => {
    await expect(serving({ token: "short" })).rejects.toThrow("16 or more");
    await expect(serving({ token: "with a blank and long enough" })).rejects.toThrow("without blanks");
  });

  test("a port that is taken is told, and nothing listens on", async () => {
    const { port } = await serving();
    const service = fakeService(badDay());
    await expect(serving({ listen: { host: "127.0.0.1", port } }, badDay(), service)).rejects.toThrow("EADDRINUSE");
    expect(service.listeners()).toBe(0);
  });
});

describe("what can be asked for", () => {
  test("a type with a name that no snapshot could have is none", async () => {
    const { server } = await serving({ token: TOKEN });
    expect((await fetch(`${server.address}/api/v1/snapshots?type=${"x".repeat(300)}`, post())).status).toBe(400);
  });

  test("a snapshot of a type, of all or of named sources, also as backupd does", async () => {
    const { server, service } = await serving({ token: TOKEN });
    const one = encodeURIComponent("nas01:tank/data");
    const answer = await fetch(`${server.address}/api/v1/snapshots?type=daily&source=${one}&source=nas01:/etc`, post());
    expect([answer.status, await answer.json()]).toEqual([
      200,
      expect.objectContaining({ formatVersion: 1, finished: true }),
    ]);
    expect((await fetch(`${server.address}/snapshot?periodicity=hourly`, post())).status).toBe(200);
    // of this machine, as everywhere else
    const short = await fetch(`${server.address}/api/v1/snapshots?type=daily&source=tank/data&source=/etc`, post());
    expect(short.status).toBe(200);
    const both = { type: "daily", sources: ["nas01:tank/data", "nas01:/etc"] };
    expect(service.asked).toEqual([both, { type: "hourly" }, both]);
  });

  test.each([
    ["/api/v1/snapshots", 400, "which type"],
    ["/api/v1/snapshots?type=", 400, "which type"],
    ["/api/v1/snapshots?type=a%0ab", 400, "which type"],

    ["/snapshot?type=daily", 400, "which type"],
    ["/api/v1/snapshots?type=daily&source=nas01:tank/nowhere", 404, "no source nas01:tank/nowhere"],
    ["/api/v1/snapshots?type=daily&source=$(reboot)", 404, "no source"],
    ["/api/v1/snapshots?type=daily&source=tank/nowhere", 404, "no source tank/nowhere"],
  ])("%s is refused", async (path, status, words) => {
    const { server, service } = await serving({ token: TOKEN });
    const answer = await fetch(server.address + path, post());
    const { error, hint } = (await answer.json()) as { error: string; hint: string };
    expect([answer.status, error]).toEqual([status, expect.stringContaining(words)]);
    expect(hint).not.toBe("");
    expect(service.asked).toEqual([]);
  });

  test("of a service that finds its memory through itself", async () => {
    const fake = fakeService(badDay());
    const actions = {
      asked: 0,
      async snapshot(): Promise<Taken> {
        this.asked++;
        return fake.actions.snapshot("daily" as TypeName);
      },
      reconcile(): void {
        this.asked++;
      },
    };
    const service = { ...fake, known: badDay(), actions, view: viewOf };
    const { server } = await serving({ token: TOKEN }, badDay(), service);
    expect((await fetch(`${server.address}/snapshot?periodicity=daily`, post())).status).toBe(200);
    expect((await fetch(`${server.address}/api/v1/reconcile`, post())).status).toBe(202);
    expect(actions.asked).toBe(2);
  });

  test("what was not done is no success", async () => {
    const report = badDay().runs[1]?.operations ?? [];
    const failed: Report = {
      formatVersion: 1,
      manifestDigest: "0",
      startedAt: "2026-11-22T12:00:00Z",
      finishedAt: "2026-11-22T12:00:01Z",
      finished: true,
      operations: report,
    };
    const service = fakeService(badDay(), { snapshot: async () => ({ report: failed, missed: [] }) });
    const { server } = await serving({ token: TOKEN }, badDay(), service);
    const answer = await fetch(`${server.address}/snapshot?periodicity=daily`, post());
    expect([answer.status, await answer.json()]).toEqual([500, JSON.parse(JSON.stringify(failed))]);
  });

  test("nor is what could not be seen", async () => {
    const missed = [{ host: "nas02" as HostName, reason: "no route to host", hint: "is it on?", expected: false }];
    const report = async (operations: readonly OperationReport[]) => {
      const taken = {
        report: { ...(await fakeService(badDay()).actions.snapshot("daily" as TypeName)).report, operations },
        missed,
      };
      const { server } = await serving(
        { token: TOKEN },
        badDay(),
        fakeService(badDay(), { snapshot: async () => taken }),
      );
      const answer = await fetch(`${server.address}/snapshot?periodicity=daily`, post());
      return [answer.status, await answer.json()];
    };
    const error = "nothing was taken: nas02 could not be seen: no route to host";
    expect(await report([])).toEqual([500, { error, hint: "is it on?" }]);
    const done = badDay().runs[0]?.operations.find(({ outcome }) => outcome === "done");
    expect(await report(done ? [done] : [])).toMatchObject([500, { finished: true }]);
  });

  test("what the service refuses is told, with its advice", async () => {
    const snapshot = async (type: TypeName): Promise<Taken> => {
      throw Object.assign(new Error(`there is no snapshot type ${type}`), { hint: "there are daily, hourly" });
    };
    const { server } = await serving({ token: TOKEN }, badDay(), fakeService(badDay(), { snapshot }));
    const answer = await fetch(`${server.address}/snapshot?periodicity=dayly`, post());
    expect([answer.status, await answer.json()]).toEqual([
      422,
      { error: "there is no snapshot type dayly", hint: "there are daily, hourly" },
    ]);
  });
});

test("metrics that fail cost their answer, nothing else", async () => {
  const { server, log } = await serving({
    metrics: async () => {
      throw new Error("boom");
    },
  });
  const answer = await fetch(`${server.address}/metrics`);
  expect([answer.status, await answer.json()]).toEqual([500, { error: expect.any(String), hint: expect.any(String) }]);
  expect(log.at(-1)).toEqual({ level: "warn", message: "a request was not answered" });
  expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
});

test("a socket that systemd hands over is listened on, and given back", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void holder.close());
  const { fd } = (holder as unknown as { _handle: { fd: number } })._handle;
  const { port } = holder.address() as AddressInfo;
  const script = join(import.meta.dirname, "handed-over.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script], { stdio: ["pipe", "pipe", "inherit", fd] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(child.stdout as Readable, "data")) as [Buffer];
  holder.close(); // from now on the child alone has it
  expect(line.toString()).toBe(`http://127.0.0.1:${port}\n`);
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  const ended = once(child, "exit");
  child.stdin?.end();
  expect(await ended).toEqual([0, null]);
});
