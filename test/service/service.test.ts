import { describe, expect, test } from "vitest";
import type { Manifest, SourceKeys } from "../../src/model/manifest.ts";
import type { PassResult } from "../../src/model/service.ts";
import type { Address, EpochSeconds, HostName, RemoteName, Seconds, TypeName } from "../../src/model/units.ts";
import { nextTick } from "../../src/planner/schedule.ts";
import { assess } from "../../src/planner/status.ts";
import type { ServiceOptions } from "../../src/service/service.ts";
import { byType, entry, makeManifest, snapshotType, zfsRemote } from "../property/manifests.ts";
import { emptyWorld, find, type World } from "../property/world.ts";
import * as zfs from "../property/zfs.ts";
import { FakeClock, settled } from "./fake-clock.ts";
import { FakeWorkshop, manifestState, notebook, startService } from "./fake-workshop.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const vault = "vault" as RemoteName;

function worldOf(...datasets: readonly string[]): World {
  const world = emptyWorld({ a: ["tank"], v: ["vault"] });
  zfs.create(world, "a", "tank");
  zfs.create(world, "v", "vault");
  for (const dataset of datasets) zfs.create(world, "a", dataset, { written: 1 });
  return world;
}

function manifestOf(
  datasets: readonly string[],
  keys: Partial<SourceKeys> = {},
  more: Partial<Manifest> = {},
): Manifest {
  const own: SourceKeys = {
    keep: byType({ hourly: 3, daily: 2 }),
    take: ["hourly", "daily"] as TypeName[],
    remotes: new Map([[vault, { keep: byType({ daily: 3 }) }]]),
    ...keys,
  };
  return makeManifest({
    remotes: new Map([zfsRemote("vault", { root: "vault/{host}", host: "v" as HostName })]),
    datasets: datasets.map((name) => entry(`a:${name}`, own)),
    ...more,
  });
}

const snapshotsOf = (world: World, dataset: string, host = "a"): string[] =>
  (find(world, host, dataset)?.snapshots ?? []).map(({ name }) => name);

/** Resolves when it is told to. */
function door(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** Where the stream of `tank/data` flows until the gate is opened. */
async function whileSending(...others: readonly string[]) {
  const clock = new FakeClock("2026-03-01T10:20:00Z");
  const world = worldOf("tank/data", ...others);
  const shop = new FakeWorkshop(manifestOf(["tank/data"]), world, clock);
  const gate = door();
  shop.gate = async ({ kind }) => {
    if (kind === "send") await gate.opened;
    return undefined;
  };
  const { service, end } = startService(shop, clock);
  await clock.pass(10_000);
  expect(service.view().running).toHaveLength(1);
  return { clock, world, shop, gate, service, end };
}

describe("a service", () => {
  test("does what is due at once, then at each tick, and looks again at every interval", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const world = worldOf("tank/data");
    const shop = new FakeWorkshop(manifestOf(["tank/data"]), world, clock);
    const { service, end } = startService(shop, clock);
    await clock.pass(10_000);
    expect(snapshotsOf(world, "tank/data")).toHaveLength(2);
    expect(snapshotsOf(world, "vault/a/tank/data", "v")).toHaveLength(1);
    expect(service.view()).toMatchObject({ ready: true, lockHeld: false, running: [] });
    expect(service.view().plan?.operations).toEqual([]);
    await clock.pass(40 * MINUTE);
    expect(snapshotsOf(world, "tank/data").at(-1)).toBe("hourly-20260301T110000Z");
    // thrice where something was due: without the lock, with it, and afterwards; else each five minutes
    expect(shop.looks).toHaveLength(13);
    await end();
    expect(shop).toMatchObject({ closed: true, locks: 0 });
  });

  test("tells of its passes, and remembers its runs", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const shop = new FakeWorkshop(manifestOf(["tank/data"]), worldOf("tank/data"), clock);
    const { service, saved, end } = startService(shop, clock);
    const told: string[] = [];
    service.on("started", ({ id }) => told.push(`started ${id}`));
    service.on("finished", ({ id, outcome }) => told.push(`${outcome} ${id}`));
    service.on("reconciled", ({ source, result }) => told.push(`${source} ${result}`));
    service.on("ran", ({ trigger, result }) => told.push(`ran ${trigger} ${result}`));
    let views = 0;
    service.on("changed", () => {
      views += 1;
    });
    await clock.pass(10_000);
    await end();
    expect(told.at(-1)).toBe("a:tank/data clean");
    expect(told.at(-2)).toBe("ran interval clean");
    expect(told.filter((line) => line.startsWith("started"))).toHaveLength(
      told.filter((line) => line.startsWith("done")).length,
    );
    expect(views).toBeGreaterThan(1);
    expect(saved.at(-1)?.runs).toMatchObject([{ trigger: "interval", result: "clean", sources: ["a:tank/data"] }]);
    expect(service.view().runs).toEqual(saved.at(-1)?.runs);
  });

  test("looks when a drill is due, however rarely it looks otherwise", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const verify = { schedule: { schedule: "30 13 * * *", timezone: "UTC" } };
    const keys = { take: [], remotes: new Map([[vault, {}]]), verify };
    const manifest = manifestOf(["tank/data"], keys, { service: { every: (DAY / 2000) as Seconds, jitter: 0 } });
    const { service, end } = startService(new FakeWorkshop(manifest, worldOf("tank/data"), clock), clock);
    await clock.pass(10_000);
    expect(service.view().nextLook).toEqual({ at: "2026-03-01T13:30:00.000Z", reason: "due" });
    await end();
  });

  test("one listener that throws harms nobody", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const world = worldOf("tank/data");
    const log = notebook();
    const { service, end } = startService(new FakeWorkshop(manifestOf(["tank/data"]), world, clock), clock, { log });
    service.on("started", () => {
      throw new Error("oops");
    });
    await clock.pass(10_000);
    await end();
    expect(service.view().plan?.operations).toEqual([]);
    expect(log.lines[0]).toContain("oops");
  });

  test("does not let one long transfer hold up snapshots, of others and of its own", async () => {
    const clock = new FakeClock("2026-03-01T10:59:00Z");
    const world = worldOf("tank/slow", "tank/quick");
    const shop = new FakeWorkshop(manifestOf(["tank/slow", "tank/quick"]), world, clock);
    const gate = door();
    shop.gate = async ({ kind, source }) => {
      if (kind === "send" && source === "a:tank/slow") await gate.opened;
      return undefined;
    };
    const { service, end } = startService(shop, clock);
    await clock.pass(3 * HOUR);
    expect(service.view().running.map(({ kind, source }) => `${kind} ${source}`)).toEqual(["send a:tank/slow"]);
    expect(service.view().lockHeld).toBe(true);
    for (const dataset of ["tank/quick", "tank/slow"])
      expect(snapshotsOf(world, dataset)).toContain("hourly-20260301T130000Z");
    expect(snapshotsOf(world, "vault/a/tank/quick", "v")).toHaveLength(1);
    // it was never started a second time
    expect(shop.started.filter((id) => id.startsWith("send") && id.includes("tank/slow"))).toHaveLength(1);
    gate.open();
    await clock.pass(MINUTE / 2);
    expect(snapshotsOf(world, "vault/a/tank/slow", "v")).toHaveLength(1);
    expect(service.view()).toMatchObject({ running: [], lockHeld: false });
    expect(service.view().plan?.operations).toEqual([]);
    await end();
  });

  test("lets nothing that failed come back when what ran beside it ends much later", async () => {
    const clock = new FakeClock("2026-03-01T10:59:00Z");
    const world = worldOf("tank/slow", "tank/quick");
    const shop = new FakeWorkshop(manifestOf(["tank/slow", "tank/quick"]), world, clock);
    const gate = door();
    let fails = true;
    shop.gate = async ({ kind, source }) => {
      if (kind !== "send") return undefined;
      if (source === "a:tank/slow") await gate.opened;
      return source === "a:tank/quick" && fails ? { outcome: "failed", error: { message: "no route" } } : undefined;
    };
    let known: readonly string[] = [];
    const { service, saved, end } = startService(shop, clock, {
      assess: ({ manifest }, { inventory, plan }, { lastAttempts, lastSeen }) => {
        known = lastAttempts.flatMap(({ operations }) =>
          operations.flatMap(({ source, outcome }) => (outcome === "failed" ? [source] : [])),
        );
        return assess(manifest, inventory, plan, { now: inventory.observedAt, lastReports: lastAttempts, lastSeen });
      },
    });
    const told: string[] = [];
    service.on("tried", (operations) => {
      for (const { kind, source, outcome } of operations)
        if (kind === "send") told.push(`${source.slice("a:tank/".length)} ${outcome}`);
    });
    await clock.pass(6_000);
    expect([known, told]).toEqual([["a:tank/quick"], ["quick failed", "quick failed"]]);
    fails = false;
    await clock.pass(MINUTE);
    expect([known, told.at(-1)]).toEqual([[], "quick done"]);
    await clock.pass(3 * HOUR);
    gate.open();
    await clock.pass(MINUTE);
    const long = service.view().runs.find(({ operations }) => operations.some(({ outcome }) => outcome === "failed"));
    expect(long).toMatchObject({ startedAt: "2026-03-01T10:59:00.000Z", finishedAt: expect.stringMatching("T14:00") });
    expect([known, saved.at(-1)?.lastAttempts]).toEqual([[], []]);
    expect(told.at(-1)).toBe("slow done");
    await end();
  });

  test("tries again later and later what fails, without holding up its snapshots, and at once what was asked for", async () => {
    const clock = new FakeClock("2026-03-01T10:59:00Z");
    const world = worldOf("tank/data");
    const shop = new FakeWorkshop(manifestOf(["tank/data"]), world, clock);
    let fails = true;
    const tries: number[] = [];
    shop.gate = ({ kind }) => {
      if (kind !== "send") return undefined;
      tries.push(clock.now());
      return fails ? { outcome: "failed", error: { message: "the cable is cut" } } : undefined;
    };
    const { service, end } = startService(shop, clock);
    await clock.pass(2 * HOUR + 30 * MINUTE);
    expect(snapshotsOf(world, "tank/data").at(-1)).toBe("hourly-20260301T130000Z");
    const gaps = tries.slice(1).map((at, index) => (at - (tries[index] ?? 0)) / 1000);
    expect(gaps[0]).toBeGreaterThanOrEqual(5);
    expect(gaps[0]).toBeLessThan(10);
    expect(gaps.slice(1, 4).every((gap, index) => gap > (gaps[index] ?? 0))).toBe(true);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(15 * 60 + 5);
    expect(tries.length).toBeLessThan(25);
    fails = false;
    service.actions.reconcile();
    await clock.pass(5_000);
    expect(snapshotsOf(world, "vault/a/tank/data", "v")).toHaveLength(1);
    expect(service.view().runs[0]).toMatchObject({ trigger: "asked", result: "clean" });
    await end();
  });

  test("waits where another one is at work", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const world = worldOf("tank/data");
    const log = notebook();
    const shop = new FakeWorkshop(manifestOf(["tank/data"]), world, clock);
    shop.lockedBy = "locked by holdfast apply (pid 7)";
    const results: PassResult[] = [];
    const { service, end } = startService(shop, clock, { log });
    service.on("reconciled", ({ result }) => results.push(result));
    await clock.pass(2 * MINUTE);
    expect(snapshotsOf(world, "tank/data")).toEqual([]);
    expect(new Set(results)).toEqual(new Set(["waiting"]));
    expect(results.length).toBeLessThan(6);
    expect(log.lines).toContain("info waiting: locked by holdfast apply (pid 7)");
    shop.lockedBy = undefined;
    await clock.pass(MINUTE);
    expect(snapshotsOf(world, "tank/data")).toHaveLength(2);
    await end();
  });

  test("does not plan by what it saw before it had the lock", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const world = worldOf("tank/data");
    const shop = new FakeWorkshop(manifestOf(["tank/data"], { remotes: new Map() }), world, clock);
    const lock = shop.lock.bind(shop);
    shop.lock = async () => {
      for (const type of ["hourly", "daily"])
        zfs.snapshot(world, "a", [{ dataset: "tank/data", name: `${type}-20260301T102000Z` }], clock.now() / 1000);
      return lock();
    };
    const { end } = startService(shop, clock);
    await clock.pass(10_000);
    await end();
    expect(shop.started.filter((id) => id.startsWith("create"))).toEqual([]);
    expect(snapshotsOf(world, "tank/data")).toHaveLength(2);
  });

  test("looks again, later and later, when it cannot look", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const log = notebook();
    const shop = new FakeWorkshop(manifestOf(["tank/data"]), worldOf("tank/data"), clock);
    shop.lookFails = new Error("a bug");
    const { service, end } = startService(shop, clock, { log });
    await clock.pass(HOUR);
    expect(shop.looks.length).toBeLessThan(15);
    expect(service.view().ready).toBe(false);
    expect(log.lines[0]).toMatch(/cannot look; again in 5 s \(a bug\)/);
    shop.lookFails = undefined;
    await clock.pass(15 * MINUTE);
    expect(service.view().ready).toBe(true);
    await end();
  });

  test("calls a host that cannot be seen a failure, of its own sources alone", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const world = worldOf("tank/data", "tank/local");
    const shop = new FakeWorkshop(
      makeManifest({
        remotes: new Map([zfsRemote("vault", { root: "vault/{host}", host: "v" as HostName })]),
        datasets: [
          entry("a:tank/data", {
            keep: byType({ daily: 2 }),
            remotes: new Map([[vault, { keep: byType({ daily: 2 }) }]]),
          }),
          entry("a:tank/local", { keep: byType({ daily: 2 }) }),
        ],
      }),
      world,
      clock,
    );
    world.hosts.get("v")?.pools.forEach((pool) => {
      pool.imported = false;
    });
    const results = new Map<Address, PassResult>();
    const { service, end } = startService(shop, clock);
    service.on("reconciled", ({ source, result }) => results.set(source, result));
    await clock.pass(MINUTE);
    expect(Object.fromEntries(results)).toEqual({ "a:tank/data": "failed", "a:tank/local": "clean" });
    await end();
  });

  test("stalls at what it never sees, also while it does other things with the source", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const world = worldOf("tank/data");
    const shop = new FakeWorkshop(manifestOf(["tank/data"]), world, clock);
    const remote = [...(world.hosts.get("v")?.pools.values() ?? [])];
    for (const pool of remote) pool.imported = false;
    const { service, saved, end } = startService(shop, clock);
    const stalled = (key: string) =>
      saved
        .at(-1)
        ?.conditions.get(key)
        ?.find(({ type }) => type === "Stalled");
    await clock.pass(5 * HOUR);
    expect(snapshotsOf(world, "tank/data").at(-1)).toBe("hourly-20260301T150000Z");
    expect(stalled("a:tank/data vault")).toMatchObject({ status: true, reason: "Unobserved" });
    // for as long as it is so, whatever was done meanwhile
    expect(stalled("a:tank/data vault")?.since.slice(0, 15)).toBe("2026-03-01T10:2");
    expect(stalled("a:tank/data")).toMatchObject({ status: false });
    for (const pool of remote) pool.imported = true;
    service.actions.reconcile();
    await clock.pass(MINUTE);
    expect(stalled("a:tank/data vault")).toMatchObject({ status: false });
    await end();
  });

  test("keeps in mind what there was on a host that cannot be seen, also over a restart", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const world = worldOf("tank/data", "tank/data/child");
    const own = { take: ["daily"] as TypeName[], keep: byType({ daily: 2 }), recursive: true };
    const shop = new FakeWorkshop(makeManifest({ datasets: [entry("*:tank/d*", own, "*")] }), world, clock);
    const here: Partial<ServiceOptions> = {
      assess: ({ manifest }, { inventory, plan }, { lastAttempts, lastSeen }) =>
        assess(manifest, inventory, plan, { now: inventory.observedAt, lastReports: lastAttempts, lastSeen }),
    };
    const first = startService(shop, clock, here);
    await clock.pass(10_000);
    const machine = world.hosts.get("a");
    if (machine) machine.reachable = false;
    await clock.pass(HOUR);
    const sources = ["a:tank/data", "a:tank/data/child"];
    const healthOf = ({ service }: typeof first) =>
      Object.fromEntries(service.view().status?.sources.map(({ source, health }) => [source, health]) ?? []);
    expect(healthOf(first)).toMatchObject(Object.fromEntries(sources.map((source) => [source, "unknown"])));
    const stalled = first.service
      .view()
      .status?.sources.map(({ own }) => own?.conditions?.find(({ type }) => type === "Stalled")?.reason);
    expect(stalled?.slice(0, 2)).toEqual(["Unobserved", "Unobserved"]);
    await first.end();
    const kept = first.saved.at(-1);
    const history = {
      path: "/nowhere",
      load: () => kept ?? { runs: [], conditions: new Map(), lastAttempts: [], lastSeen: [] },
    };
    const again = new FakeWorkshop(shop.manifest, world, clock);
    const second = startService(again, clock, { ...here, history: { ...history, save: () => {} } });
    const results = new Map<Address, PassResult>();
    second.service.on("reconciled", ({ source, result }) => results.set(source, result));
    await clock.pass(3 * DAY);
    expect(healthOf(second)).toMatchObject(Object.fromEntries(sources.map((source) => [source, "overdue"])));
    expect(Object.fromEntries(results)).toMatchObject(Object.fromEntries(sources.map((source) => [source, "failed"])));
    await second.end();
  });

  test("is ended while something runs: nothing more is started", async () => {
    const { shop, gate, service, end } = await whileSending();
    const ended = end();
    await settled();
    gate.open();
    await ended;
    expect(service.view().runs[0]?.operations.map(({ kind, outcome }) => `${kind} ${outcome}`)).toContain(
      "bookmark interrupted",
    );
    expect(shop).toMatchObject({ locks: 0, closed: true });
  });

  test("takes a snapshot when asked, also of what is being transferred", async () => {
    const { world, gate, service, end } = await whileSending();
    const { report, missed } = await service.actions.snapshot("critical" as TypeName, ["a:tank/data" as Address]);
    expect(missed).toEqual([]);
    expect(report.operations.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual(["create done"]);
    expect(snapshotsOf(world, "tank/data")).toContain("critical-20260301T102010Z");
    gate.open();
    await end();
  });
});

describe("another manifest", () => {
  test("holds at once: what runs comes to its end, nothing more of the old one is started", async () => {
    const { clock, world, shop: old, gate, service, end } = await whileSending("tank/other");
    const fresh = new FakeWorkshop(manifestOf(["tank/other"], {}, { digest: "1".repeat(64) }), world, clock);
    service.adopt(fresh);
    service.tellManifest({ ...manifestState, digest: "1" });
    await clock.pass(5_000);
    expect(snapshotsOf(world, "tank/other")).toHaveLength(2);
    expect(old.closed).toBe(false);
    gate.open();
    await clock.pass(5_000);
    expect(old).toMatchObject({ closed: true, locks: 0 });
    expect(snapshotsOf(world, "vault/a/tank/data", "v")).toHaveLength(1);
    expect(service.view().runs.map(({ trigger, result, sources }) => `${trigger} ${result} ${sources}`)).toEqual([
      "interval waiting a:tank/data",
      "manifest clean a:tank/other",
    ]);
    expect(service.view().manifest.digest).toBe("1");
    await end();
    expect(fresh.closed).toBe(true);
  });
});

describe("a manifest that may not be in force any longer", () => {
  test("what runs comes to its end; nothing more is started or looked at, until another one is", async () => {
    const { clock, world, shop, gate, service, end } = await whileSending();
    const [looks, started] = [shop.looks.length, shop.started.length];
    service.halt();
    service.halt();
    gate.open();
    service.actions.reconcile();
    await clock.pass(3 * HOUR);
    expect([shop.looks.length, shop.started.length, shop.closed]).toEqual([looks, started, true]);
    expect(service.view().nextLook).toBeUndefined();
    await expect(service.actions.snapshot("critical" as TypeName, undefined)).rejects.toThrow(/does not allow/);
    const fresh = new FakeWorkshop(shop.manifest, world, clock);
    service.adopt(fresh);
    await clock.pass(10_000);
    expect(snapshotsOf(world, "tank/data").at(-1)).toMatch(/^hourly-20260301T1320/);
    await end();
    expect(fresh).toMatchObject({ closed: true, locks: 0 });
  });
});

describe("time", () => {
  const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"];

  test.each(zones)("a year in %s: every tick of every schedule is answered when it comes, once", async (timezone) => {
    const clock = new FakeClock("2026-01-01T00:30:00Z");
    const schedules = { early: "30 1 * * *", quarter: "15 */6 * * *", monthly: "0 0 1 * *" };
    const types = new Map(
      Object.entries(schedules).map(([name, schedule]) => snapshotType(name, { schedule, timezone })),
    );
    const names = [...types.keys()];
    const keys: SourceKeys = { keep: byType(Object.fromEntries(names.map((name) => [name, 2]))), take: names };
    const more = { snapshotTypes: types, service: { every: (400 * 86_400) as Seconds, jitter: 10 } };
    const world = worldOf("tank/data");
    const shop = new FakeWorkshop(manifestOf(["tank/data"], { ...keys, remotes: new Map() }, more), world, clock);
    const { service, end } = startService(shop, clock, { turnMs: 20 * DAY });
    const taken: string[] = [];
    service.on("started", ({ description }) => {
      if (description.startsWith("create")) taken.push(description.slice("create @".length));
    });
    await clock.pass(MINUTE);
    taken.length = 0;
    const start = clock.now() / 1000;
    await clock.pass(365 * DAY);
    await end();
    const expected = Object.entries(schedules).flatMap(([name, schedule]) => {
      const ticks: string[] = [];
      let at = nextTick({ schedule, timezone }, start as EpochSeconds);
      while (at !== undefined && at <= clock.now() / 1000) {
        ticks.push(`${name}-${new Date(at * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`);
        at = nextTick({ schedule, timezone }, at);
      }
      return ticks;
    });
    expect(expected.length).toBeGreaterThan(1800);
    expect([...taken].sort()).toEqual(expected.sort());
  });

  test("a clock that is set forward: what is due is done within a turn; set back: nothing is held up", async () => {
    const clock = new FakeClock("2026-03-01T10:20:00Z");
    const world = worldOf("tank/data");
    const shop = new FakeWorkshop(manifestOf(["tank/data"]), world, clock);
    const { service, end } = startService(shop, clock);
    await clock.pass(10_000);
    clock.jump(5 * HOUR);
    await clock.pass(31_000);
    expect(snapshotsOf(world, "tank/data").at(-1)).toMatch(/^hourly-20260301T1520/);
    clock.jump(-3 * HOUR);
    const { length } = shop.looks;
    await clock.pass(31_000);
    expect(shop.looks.length).toBeGreaterThan(length);
    await clock.pass(10 * MINUTE);
    // by the interval, whatever the clock shows
    expect(shop.looks.length).toBeGreaterThan(length + 2);
    expect(shop.looks.length).toBeLessThan(length + 6);
    expect(service.view().plan?.operations).toEqual([]);
    await end();
  });
});
