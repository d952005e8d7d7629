import { describe, expect } from "vitest";
import { test } from "../harness/index.ts";
import { expectDone, planOf, shortOf } from "./plans.ts";

const patience = { timeout: 300_000 };
const until = { timeout: 120_000, interval: 500 };

/** Types whose snapshot is due once, as soon as somebody takes it. */
const once = { schedule: "0 0 1 1 *" };

describe("holdfast watch on real OpenZFS", () => {
  test("takes, sends, thins, and goes on with what it was stopped in", patience, async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const link = await world.link(vault);
    const copy = `${datasets.backup}/${datasets.tank}`;
    const manifest = (types: object, keep: object) =>
      world.manifest({
        version: 1,
        snapshotTypes: types,
        hosts: { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller", link) },
        remotes: { vault: { type: "zfs", host: "vault", root: datasets.backup } },
        datasets: { [`nas:${datasets.tank}`]: { keep, remotes: { vault: {} } } },
        service: { every: "1h", listen: "off" },
      });
    await nas.writeData(datasets.tank, 20);
    await manifest({ first: once }, { first: 1 });
    const stopped = holdfast.spawn("watch");
    await link.passed(6 * 2 ** 20);
    await stopped.kill("SIGTERM");
    expect(await stopped.result).toMatchObject({ code: 0, stderr: expect.stringContaining("ending what runs") });
    expect(await vault.property(copy, "receive_resume_token")).not.toBe("-");

    const sentBefore = link.bytes.up;
    const running = holdfast.spawn("watch");
    await running.printed(/done {2}.*resume/i);
    expect(link.bytes.up - sentBefore).toBeLessThan(18 * 2 ** 20);
    await expect.poll(() => vault.snapshots(copy), until).toEqual(await nas.snapshots(datasets.tank));

    // a commit is a deployment
    await manifest({ first: once, second: once }, { first: 0, second: 1 });
    await running.printed(/manifest {2}\+.*second/);
    await running.printed(/done {2}.*send/i);
    await expect.poll(async () => (await vault.snapshots(copy)).length, until).toBe(2);

    // what somebody does by hand is seen at the next look
    await nas.run("zfs", "destroy", `${datasets.tank}@${(await nas.snapshots(datasets.tank)).at(-1)?.name}`);
    await running.kill("SIGHUP");
    await running.kill("SIGTERM");
    expect((await running.result).code).toBe(0);
  });

  test("one manifest on three machines: each does its own part, and follows it", patience, async ({ world }) => {
    const { nas, vault, datasets } = world;
    const desk = await world.link(nas);
    const own = { vault: `${datasets.backup}/own`, desk: `${datasets.usb}/own` };
    const roots = { offsite: `${datasets.backup}/offsite`, mirror: `${datasets.usb}/mirror` };
    await vault.sh(`zfs create ${own.vault} && zfs create ${roots.offsite}`);
    await nas.sh(`zfs create ${own.desk} && zfs create ${roots.mirror}`);
    const manifest = (...types: string[]) => {
      const keep = Object.fromEntries(types.map((type) => [type, 2]));
      return world.manifest({
        version: 1,
        snapshotTypes: Object.fromEntries(types.map((type) => [type, once])),
        hosts: {
          nas: nas.hostEntry("controller"),
          vault: vault.hostEntry("controller"),
          desk: nas.hostEntry("controller", desk),
        },
        remotes: {
          offsite: { type: "zfs", host: "vault", root: `${roots.offsite}/{host}` },
          mirror: { type: "zfs", host: "desk", root: `${roots.mirror}/{host}`, mode: "pull" },
        },
        datasets: {
          [`nas:${datasets.tank}`]: { keep, remotes: { offsite: {}, mirror: {} } },
          [`vault:${own.vault}`]: { keep, remotes: { mirror: {} } },
          [`desk:${own.desk}`]: { keep, remotes: { offsite: {} } },
        },
        service: { every: "5s", listen: "off" },
      });
    };
    await manifest("first");
    const hosts = { nas: await world.as(nas), vault: await world.as(vault), desk: await world.as(nas, "desk") };
    const services = Object.entries(hosts).map(([name, holdfast]) => ({ name, running: holdfast.spawn("watch") }));
    const copies = [
      { of: nas, source: datasets.tank, at: vault, copy: `${roots.offsite}/nas/${datasets.tank}` },
      { of: nas, source: datasets.tank, at: nas, copy: `${roots.mirror}/nas/${datasets.tank}` },
      { of: vault, source: own.vault, at: nas, copy: `${roots.mirror}/vault/${own.vault}` },
      { of: nas, source: own.desk, at: vault, copy: `${roots.offsite}/desk/${own.desk}` },
    ];
    const copied = async (count: number): Promise<void> => {
      for (const { of, source, at, copy } of copies) {
        await expect.poll(async () => (await at.exists(copy)) && (await at.snapshots(copy)).length, until).toBe(count);
        expect(await at.snapshots(copy)).toEqual(await of.snapshots(source));
      }
    };
    await copied(1);
    await manifest("first", "second");
    await Promise.all(services.map(({ running }) => running.printed(/manifest {2}\+.*second/)));
    await copied(2);
    for (const holdfast of Object.values(hosts))
      await expect.poll(async () => shortOf(await planOf(holdfast)), until).toEqual([]);
    const done: [string, string[]][] = [];
    for (const { name, running } of services) {
      await running.kill("SIGTERM");
      const { code, stderr } = await running.result;
      expect(code, stderr).toBe(0);
      const lines = [...stderr.matchAll(/done {2}(\w+):\S+ {2}(?:(create) @|(send) @\S+ to (\w+):)/g)];
      done.push([name, lines.map(([, of, ...rest]) => [of, ...rest].filter(Boolean).join(" ")).sort()]);
    }
    const twice = (...what: string[]): string[] => what.flatMap((one) => [one, one]).sort();
    expect(done).toEqual([
      ["nas", twice("nas create", "nas send vault")],
      ["vault", twice("vault create")],
      ["desk", twice("desk create", "desk send vault", "nas send desk", "vault send desk")],
    ]);
    for (const holdfast of Object.values(hosts)) await expectDone(holdfast);
    // one for each copy, of what it has
    for (const { of, source } of copies) {
      const remotes = source === datasets.tank ? 2 : 1;
      expect(await of.bookmarks(source)).toHaveLength(remotes);
    }
  });
});
