import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { listenOf, statusFromService } from "../../src/cli/service-client.ts";
import type { HostName, Seconds } from "../../src/model/units.ts";
import { makeManifest } from "../property/manifests.ts";
import * as fake from "../service/fake.ts";

const digest = "d".repeat(64);
const healthy = fake.statusOf(1_800_000_000, fake.threeSources(1_800_000_000));

/** What a command with this manifest learns from a service that answers so. */
async function ask(code: number, body: string, { self = fake.nas as HostName | null, host = "127.0.0.1" } = {}) {
  const paths: (string | undefined)[] = [];
  const server = createServer(({ url }, response) => {
    paths.push(url);
    response.writeHead(code, { location: "/elsewhere" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const service = serviceAt((server.address() as AddressInfo).port, host);
  try {
    const manifest = { ...makeManifest({ self, datasets: [] }), digest, service };
    const answer = await statusFromService(manifest, new AbortController().signal);
    expect(paths).toEqual(["/api/v1/status"]);
    return answer;
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const serviceAt = (port: number, host = "127.0.0.1") => ({ every: 300 as Seconds, jitter: 10, listen: { host, port } });

describe("the running service", () => {
  test.each(["127.0.0.1", "0.0.0.0", "*", "", "localhost"])("is asked where it listens: %j", async (host) => {
    expect(await ask(200, JSON.stringify(healthy), { host })).toEqual({ state: "answered", status: healthy });
  });

  test("is where the manifest says that it listens", () => {
    expect(listenOf({ service: serviceAt(9469) })).toBe("127.0.0.1:9469");
    expect(listenOf({ service: serviceAt(9469, "::1") })).toBe("[::1]:9469");
    expect(listenOf({ service: { every: 300 as Seconds, jitter: 10 } })).toBeUndefined();
  });

  test.each<[string, number, string, RegExp]>([
    ["it is just starting", 503, "{}", /not looked at everything/],
    ["it refuses", 403, "{}", /answered with 403/],
    ["it sends elsewhere", 302, "", /answered with 302/],
    ["it is something else", 200, "<html>", /answers something else/],
    ["it is an older or newer one", 200, JSON.stringify({ ...healthy, formatVersion: 2 }), /answers something else/],
    ["it has another manifest", 200, JSON.stringify({ ...healthy, manifestDigest: "e" }), /another manifest/],
    ["it is another host", 200, JSON.stringify({ ...healthy, self: "nas02" }), /it is nas02, this is nas01/],
  ])("is not believed where %s", async (_, code, body, reason) => {
    expect(await ask(code, body)).toEqual({ state: "useless", reason: expect.stringMatching(reason) });
  });

  test("is nobody where nobody listens", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const manifest = { ...makeManifest({ self: fake.nas, datasets: [] }), service: serviceAt(port) };
    expect(await statusFromService(manifest, new AbortController().signal)).toEqual({ state: "none" });
  });
});
