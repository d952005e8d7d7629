import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { differences } from "./harness/differences.ts";
import { mayMount, onDisk } from "./harness/disk.ts";
import { expectDone, testOn, VERSIONS, type World } from "./harness/world.ts";

/** A copy of it from yesterday. */
function backedUp(world: World, source: string, folder = world.path("usb")) {
  const usb = world.repository("usb", { folder });
  usb.seed(source, { daysAgo: 1, types: ["a"] });
  world.manifest({
    snapshotTypes: { a: {} },
    remotes: { usb: { type: "restic", ...usb.entry } },
    directories: { [source]: { keep: { a: "all" }, remotes: { usb: {} } } },
  });
  return usb;
}

describe.each(VERSIONS)("restic %s", (version) => {
  testOn(version).skipIf(!mayMount)(
    "onto a full disk: what is to be done is said, and it goes on",
    async ({ world }) => {
      const { holdfast } = world;
      const files = Object.fromEntries([...Array(40).keys()].map((n) => [`${n % 4}/${n}`, 300_000]));
      const source = world.source("data", { ...files, big: 3_000_000 });
      const usb = backedUp(world, source);
      const disk = world.path("disk");
      await onDisk(disk, 4, async ({ grow }) => {
        const restore = ["restore", source, "--to", join(disk, "back"), "--yes"];
        const full = await holdfast(...restore);
        expect(full.code, full.stdout + full.stderr).toBe(3);
        expect(full.stdout).toMatch(/there is no more space for what comes to .*disk\/back: .*no space left on device/);
        expect(full.stdout).toMatch(/free or add space there, and give the same command again/);
        expect(usb.locks()).toEqual([]);
        expect(readdirSync(join(disk, "back")).length).toBeGreaterThan(1);

        grow(64);
        const again = await holdfast(...restore);
        expect(again.code, again.stdout + again.stderr).toBe(0);
        expect(differences(source, join(disk, "back"))).toEqual([]);
        expect(readdirSync(join(disk, "back")).filter((name) => name.startsWith(".holdfast"))).toEqual([]);
      });
      await expectDone(holdfast);
    },
  );

  testOn(version).skipIf(!mayMount)(
    "from a full disk, which not even a lock fits on: all comes back, and why nothing is forgotten is said",
    async ({ world }) => {
      const { holdfast } = world;
      const source = world.source("data", { a: "text" });
      const disk = world.path("disk");
      await onDisk(disk, 1, async ({ grow }) => {
        const usb = backedUp(world, source, join(disk, "repository"));
        usb.seed(source, { daysAgo: 2, types: ["a"] });
        spawnSync("dd", ["if=/dev/zero", `of=${join(disk, "else")}`, "bs=4k"]);
        const back = await holdfast("restore", source, "--to", world.path("back"), "--yes");
        expect(back.code, back.stdout + back.stderr).toBe(0);
        expect(differences(source, world.path("back"))).toEqual([]);

        world.manifest({
          snapshotTypes: { a: {} },
          remotes: { usb: { type: "restic", ...usb.entry } },
          directories: { [source]: { keep: { a: 1 }, remotes: { usb: {} } } },
        });
        const full = await holdfast("apply", "--yes");
        expect(full.code).toBe(3);
        expect(full.stdout).toMatch(/no space is left.*remove or move something else there/s);
        grow(64);
        expect((await holdfast("apply", "--yes")).code).toBe(0);
        await expectDone(holdfast);
      });
    },
  );

  testOn(version)("holes come back, and over what is there nothing of it shines through", async ({ world }) => {
    const { holdfast } = world;
    const source = world.source("data", { small: "x" });
    const sparse = join(source, "sparse");
    execFileSync("sh", ["-ec", 'truncate -s 40M "$0"; printf end >>"$0"', sparse]);
    backedUp(world, source);
    const beside = await holdfast("restore", source, "--to", world.path("beside"), "--yes");
    expect(beside.code, beside.stdout + beside.stderr).toBe(0);
    expect(differences(source, world.path("beside"))).toEqual([]);
    const blocks = (file: string): number => (statSync(file).blocks * 512) / 2 ** 20;
    if (version === "0.14") expect(blocks(world.path("beside/sparse"))).toBeGreaterThan(39);
    else expect(blocks(world.path("beside/sparse"))).toBeLessThan(17);

    writeFileSync(sparse, randomBytes(statSync(sparse).size));
    const inPlace = await holdfast("restore", source, "--in-place", "--confirm", source);
    expect(inPlace.code, inPlace.stdout + inPlace.stderr).toBe(0);
    expect(differences(world.path("beside"), source)).toEqual([]);
  });
});
