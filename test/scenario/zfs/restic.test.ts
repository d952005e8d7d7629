import { describe, expect } from "vitest";
import { test } from "../harness/index.ts";
import { type Copy, Inside } from "./inside.ts";
import { applied, expectDone, planOf, shortOf } from "./plans.ts";

const guidsOf = (copies: readonly Copy[]) =>
  copies.flatMap(({ tags }) => tags.filter((tag) => tag.startsWith("guid=")).map((tag) => tag.slice(5)));

describe("snapshots in a restic repository", () => {
  test("mounted where the files are, unmounted, or legacy: each is read from its snapshot, and only what changed", async ({
    world,
  }) => {
    const { nas, datasets, holdfast } = world;
    const inside = await Inside.on(world);
    const { tank } = datasets;
    const all = [tank, `${tank}/legacy`, `${tank}/away`];
    await nas.sh(`zfs create -o mountpoint=legacy ${tank}/legacy && zfs create ${tank}/away`);
    await nas.sh(`mkdir /${tank}/folder && echo one > /${tank}/folder/file && touch "/${tank}/$(printf 'a\\nb\\377')"`);
    await nas.sh(`echo hidden > /${tank}/away/file && zfs unmount ${tank}/away && zfs create ${tank}/empty`);
    const where = `/var/tmp/${tank.replaceAll("/", "-")}-mounted`;
    await nas.sh(
      `mkdir ${where} && mount -t zfs ${tank}/legacy ${where} && echo old > ${where}/file && umount ${where} && rmdir ${where}`,
    );
    await nas.run("zfs", "snapshot", "-r", `${tank}@a-1`);
    await nas.sh(`echo two > /${tank}/folder/file`);
    await world.manifest({
      version: 1,
      snapshotTypes: { a: {} },
      hosts: { nas: nas.hostEntry("controller") },
      remotes: { usb: inside.entry },
      datasets: { [`nas:${tank}`]: { recursive: true, keep: { a: 2 }, remotes: { usb: { keep: { a: 1 } } } } },
    });
    expect(shortOf(await planOf(holdfast)).sort()).toEqual([...Array(4).fill("adopt"), ...Array(4).fill("backup")]);
    await applied(holdfast);

    const [first] = await inside.copies(tank);
    if (first === undefined) throw new Error("there is no copy");
    expect(first.paths).toEqual([`/${tank}`]);
    for (const dataset of all) {
      const copies = await inside.copies(dataset);
      expect(guidsOf(copies)).toEqual((await nas.snapshots(dataset)).map(({ guid }) => guid));
      const [copy] = copies as [Copy];
      expect(Date.parse(copy.time) / 1000).toBe(Number(await nas.property(`${dataset}@a-1`, "creation")));
      await inside.expectSame(copy, dataset, "a-1");
    }
    expect(guidsOf(await inside.copies(`${tank}/empty`))).toHaveLength(1);
    expect(await nas.sh(`cat /${tank}/folder/file`)).toBe("two");
    expect(await nas.sh("grep -e /run/holdfast -e @ /proc/mounts || true")).toBe("");
    await expectDone(holdfast);

    await nas.run("zfs", "snapshot", "-r", `${tank}@a-2`);
    // copies go by the time of their snapshots, in seconds
    const next = `until [ "$(date +%s)" -gt "$(zfs get -Hp -o value creation ${tank}@a-2)" ]; do :; done`;
    await nas.sh(`${next}; zfs snapshot -r ${tank}@a-3`);
    const plan = await planOf(holdfast);
    const changes = shortOf(plan).filter((one) => !one.startsWith("destroy"));
    expect(changes.sort()).toEqual([...Array(4).fill("backup"), ...Array(4).fill("forget")]);
    await applied(holdfast);
    for (const dataset of all) {
      const copies = await inside.copies(dataset);
      expect(guidsOf(copies)).toEqual([(await nas.snapshots(dataset)).at(-1)?.guid]);
      const [{ summary, tree }] = copies as [Copy];
      const isChanged = dataset === tank;
      expect(summary).toMatchObject({ files_new: 0, files_changed: isChanged ? 1 : 0 });
      if (!isChanged) expect(summary.data_added ?? 0).toBe(0);
      expect(tree).toMatch(/^[0-9a-f]{64}$/);
    }
    expect((await nas.snapshots(tank)).map(({ name }) => name)).toEqual(["a-2", "a-3"]);
    await expectDone(holdfast);
    await inside.remove();
  });

  test("without root it is read where ZFS shows it; a volume has no files", async ({ world }) => {
    const { nas, datasets, holdfast } = world;
    const inside = await Inside.on(world);
    const { tank } = datasets;
    await nas.run("zfs", "create", "-V", "8M", `${tank}/disk`);
    await nas.sh(`echo one > /${tank}/file && zfs snapshot -r ${tank}@a-1`);
    await nas.run("zfs", "allow", "-u", "backup", "userprop,snapshot,mount,destroy", tank);
    await world.manifest({
      version: 1,
      snapshotTypes: { a: {} },
      hosts: { nas: { ...nas.hostEntry("controller"), user: "backup" } },
      remotes: { usb: inside.entry },
      datasets: { [`nas:${tank}`]: { recursive: true, keep: { a: 2 }, remotes: { usb: {} } } },
    });
    const result = await holdfast("apply", "--yes");
    expect(result.code, result.stderr).toBe(3);
    const plan = await planOf(holdfast);
    expect(plan.operations).toEqual([]);
    expect(plan.blocked).toMatchObject([{ source: `nas:${tank}/disk`, remote: "usb", reason: "no-files" }]);
    const [copy, ...more] = await inside.copies(tank);
    expect(more).toEqual([]);
    expect(copy?.paths).toEqual([`/${tank}/.zfs/snapshot/a-1`]);
    await inside.expectSame(copy as Copy, tank, "a-1");
    await inside.remove();
  });
});
