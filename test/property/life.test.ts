import { describe, expect, test } from "vitest";
import type { Manifest, ZfsRemote } from "../../src/model/manifest.ts";
import type { EpochSeconds, HostName, RemoteName } from "../../src/model/units.ts";
import { type PlanOptions, plan } from "../../src/planner/index.ts";
import { type ZfsPlan, zfsPlan } from "../zfs-plan.ts";
import { execute, linearize, startRun, unitsOf } from "./execute.ts";
import { byType, day, entry, layout, makeManifest, zfsRemote } from "./manifests.ts";
import { typeOf } from "./resolve.ts";
import { showPlan } from "./show.ts";
import { emptyWorld, find, toInventory, type World } from "./world.ts";
import * as zfs from "./zfs.ts";

/** A household: one source, a disk that comes and goes, a vault elsewhere. Guards are the default ones throughout. */
class Life {
  readonly world: World = emptyWorld(layout);
  readonly manifest: Manifest;
  now = Date.UTC(2026, 0, 1, 0, 7) / 1000;

  constructor(keep: Record<string, number>, away: Partial<ZfsRemote> = {}, schedules?: Manifest["snapshotTypes"]) {
    for (const [host, pools] of Object.entries(layout)) for (const pool of pools) zfs.create(this.world, host, pool);
    zfs.create(this.world, "a", "tank/data", { written: 1 });
    this.manifest = makeManifest({
      remotes: new Map([
        zfsRemote("usb", { root: "usb/b", ...away }),
        zfsRemote("vault", { root: "vault/{host}", host: "v" as HostName }),
      ]),
      ...(schedules === undefined ? {} : { snapshotTypes: schedules }),
      datasets: [
        entry("a:tank/data", {
          keep: byType(keep),
          remotes: new Map(["usb", "vault"].map((name) => [name as RemoteName, { keep: byType(keep) }])),
        }),
      ],
    });
  }

  /** One pass at the present time; it must do all it wants to do. */
  pass(options: Partial<PlanOptions> = {}, withheld = false): ZfsPlan {
    zfs.write(this.world, "a", "tank/data", 1);
    const made = this.plan(options);
    const refused = made.blocked.map((b) => b.reason).filter((reason) => !withheld || reason !== "withheld");
    expect(refused, `${new Date(this.now * 1000).toISOString()}\n${showPlan(made)}`).toEqual([]);
    const run = startRun(this.world, this.now);
    for (const unit of linearize(unitsOf(made), () => 0)) execute(run, unit);
    return made;
  }
  plan(options: Partial<PlanOptions> = {}): ZfsPlan {
    return zfsPlan(
      plan(this.manifest, toInventory(this.world, this.now), { now: this.now as EpochSeconds, ...options }),
    );
  }
  /** Passes at regular times. */
  live(seconds: number, step: number): void {
    for (const end = this.now + seconds; this.now < end; this.now += step) {
      this.pass();
      if (Math.floor(this.now / step) % 24 === 0) expect(this.plan().operations).toEqual([]);
    }
  }
  setHere(pool: string, here: boolean): void {
    const found = this.world.hosts.get("a")?.pools.get(pool);
    if (found) found.imported = here;
  }
  counts(host = "a", dataset = "tank/data"): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const s of find(this.world, host, dataset)?.snapshots ?? []) {
      const type = typeOf(this.manifest, s.name) ?? "foreign";
      counts[type] = (counts[type] ?? 0) + 1;
    }
    return counts;
  }
}

describe("normal life is never held back", () => {
  const keep = { hourly: 24, daily: 14, weekly: 8, monthly: 12 };
  const calm = { daily: 14, weekly: 8, monthly: 6 };

  test("a year of daily passes", { timeout: 120_000 }, () => {
    const life = new Life(calm);
    life.live(365 * day, day);
    for (const [host, dataset] of [
      ["a", "tank/data"],
      ["a", "usb/b/tank/data"],
      ["v", "vault/a/tank/data"],
    ] as const)
      expect(life.counts(host, dataset)).toEqual(calm);
  });

  test("a fortnight of hourly passes", { timeout: 120_000 }, () => {
    const life = new Life(keep);
    life.live(15 * day, 3600);
    expect(life.counts()).toEqual({ hourly: 24, daily: 14, weekly: 3, monthly: 1 });
    expect(life.counts("v", "vault/a/tank/data")).toEqual(life.counts());
  });

  test.each([2, 9, 40, 200])("switched off for %i days, then on again", { timeout: 120_000 }, (days) => {
    const life = new Life(keep);
    life.live(4 * day, 3600);
    life.now += days * day;
    life.live(2 * day, 3600);
    expect(life.counts()).toMatchObject({ hourly: 24 });
  });

  test("passes that come late, and at odd times", { timeout: 120_000 }, () => {
    const life = new Life(keep);
    for (let i = 0; i < 300; i++) {
      life.now += 1800 + ((i * 7919) % 20_000);
      life.pass();
    }
  });

  test("a removable remote back after 30 days", { timeout: 120_000 }, () => {
    const life = new Life(keep, { whileAway: "thin", removable: true });
    life.live(3 * day, 3 * 3600);
    life.setHere("usb", false);
    life.live(30 * day, 3 * 3600);
    life.setHere("usb", true);
    life.live(2 * day, 3 * 3600);
    expect(life.counts()).toMatchObject({ hourly: 24, daily: 14 });
    expect(life.counts("a", "usb/b/tank/data")).toMatchObject({ hourly: 24, daily: 14 });
  });

  test("a removable disk that is there one day in the week", { timeout: 120_000 }, () => {
    const life = new Life(calm, { whileAway: "thin", removable: true });
    for (let week = 0; week < 26; week++) {
      life.setHere("usb", true);
      life.live(day, day);
      life.setHere("usb", false);
      life.live(6 * day, day);
    }
    expect(life.counts()).toMatchObject({ daily: 14, weekly: 8 });
  });
});

test("what piled up while a remote froze its source goes when it is back", { timeout: 120_000 }, () => {
  const keep = { hourly: 24, daily: 14 };
  const life = new Life(keep);
  life.live(15 * day, 3 * 3600);
  life.setHere("usb", false);
  life.live(30 * day, 3 * 3600);
  expect(life.counts()).toMatchObject({ hourly: 24 + 30 * 8 });
  life.setHere("usb", true);
  expect(life.pass().blocked).toEqual([]);
  expect(life.counts("a", "usb/b/tank/data")).toEqual(keep);
  expect(life.counts()).toEqual(keep);
  life.live(2 * day, 3 * 3600);
});
