import { readdirSync } from "node:fs";
import { expect } from "vitest";
import { receiver } from "../../notify/receivers.ts";
import { planOf, reportOf, testOn, type World } from "./harness/world.ts";

const test = testOn("0.18");

/** A directory with a remote, a receiver that hears of it, and another one for its heartbeat. */
async function setUp(world: World) {
  const [told, pinged] = [await receiver(), await receiver()];
  const source = world.source("data", { a: "text" });
  const usb = world.repository("usb");
  const urls = { HOOK: `${told.url}/hook`, PING: `${pinged.url}/ping` };
  return {
    source,
    told,
    pinged,
    manifest: (before: string) =>
      world.manifest({
        remotes: { usb: { type: "restic", ...usb.entry } },
        directories: {
          [source]: { keep: { daily: 2 }, remotes: { usb: {} }, hooks: [{ around: "backup", before: [before] }] },
        },
        notifications: [{ type: "webhook", url: { env: "HOOK" } }],
        heartbeats: [{ type: "healthchecks", url: { env: "PING" } }],
      }),
    holdfast: world.with({ ...urls, HOLDFAST_STATE_DIR: world.path("state") }),
    pings: () => pinged.heard.splice(0).map(({ path }) => path.replace("/ping", "") || "ok"),
    titles: () => told.bodies().map(({ title }) => title.replace(/^Holdfast \S+: /, "")),
    async close(): Promise<void> {
      await Promise.all([told.close(), pinged.close()]);
    },
  };
}

test("apply tells what failed, once, and that it has recovered; plan tells nobody anything", async ({ world }) => {
  const { source, told, manifest, holdfast, pings, titles, close } = await setUp(world);
  manifest("false");
  await planOf(holdfast);
  expect([pings(), titles()]).toEqual([[], []]);

  expect((await reportOf(holdfast)).code).toBe(3);
  expect(pings()).toEqual(["/start", "/fail"]);
  expect(titles()).toEqual([expect.stringMatching(/failed$/)]);
  expect(told.bodies()[0].items[0]).toMatchObject({ event: "failed", source: expect.stringContaining(source) });
  expect(readdirSync(world.path("state"))).toEqual([expect.stringMatching(/^notifications-[0-9a-f]{12}\.json$/)]);

  expect((await reportOf(holdfast)).code).toBe(3);
  expect(pings()).toEqual(["/start", "/fail"]);
  expect(titles()).toHaveLength(1);

  manifest("true");
  expect((await reportOf(holdfast)).code).toBe(0);
  expect(pings()).toEqual(["/start", "ok"]);
  expect(titles().slice(1)).toEqual([expect.stringMatching(/recovered$/)]);

  expect((await reportOf(holdfast)).code).toBe(0);
  expect(pings()).toEqual(["ok"]);
  expect(titles()).toHaveLength(2);
  await close();
});

test("a run that was asked for some sources only says nothing of how all is", async ({ world }) => {
  const { source, manifest, holdfast, pings, titles, close } = await setUp(world);
  manifest("false");
  expect((await reportOf(holdfast, "--target", source)).code).toBe(3);
  expect([pings(), titles()]).toEqual([[], [expect.stringMatching(/failed$/)]]);
  manifest("true");
  expect((await reportOf(holdfast, "--target", source)).code).toBe(0);
  expect([pings(), titles().slice(1)]).toEqual([[], [expect.stringMatching(/recovered$/)]]);
  await close();
});

test("what cannot be told changes nothing of how apply ends", async ({ world }) => {
  const { manifest, holdfast, told, pinged, close } = await setUp(world);
  told.answers((response) => response.writeHead(403).end());
  pinged.answers((response) => response.writeHead(404).end());
  manifest("true");
  const { code, stdout, stderr } = await holdfast("apply", "--yes");
  expect([code, stdout]).toEqual([0, expect.stringContaining("Applied: 2 done")]);
  expect(stderr).toContain("heartbeat to healthchecks (environment variable PING) did not arrive: HTTP 404");
  expect(stderr).not.toContain(pinged.url);
  await close();
});
