import { expect } from "vitest";
import { placeOnHost } from "../../../src/model/plan.ts";
import { test } from "../harness/index.ts";
import { applied, expectDone, manifestOf, planOf, shortOf, targetOf } from "./plans.ts";

test("children come, go and are renamed; what is copied is never mounted over what lives there", async ({ world }) => {
  const { nas, vault, datasets, holdfast } = world;
  const [source, copy] = [datasets.tank, targetOf(world)];
  const live = `/live-${datasets.tank.replace("tank/", "")}`;
  const properties = { readonly: "on", canmount: "noauto", compression: "zstd" };
  const keep = { keep: { a: 5 }, remotes: { vault: { keep: { a: 5 } } } };
  await world.manifest(manifestOf(world, { remote: { properties }, entry: { recursive: true, ...keep } }));
  await vault.sh(`zfs create -o mountpoint=${live} ${datasets.backup}/live && touch ${live}/alive`);
  await nas.sh(`zfs create ${source}/one && zfs create ${source}/two && zfs snapshot -r ${source}@a-1`);
  await applied(holdfast);

  await nas.sh(
    `zfs destroy -r ${source}/one && zfs rename ${source}/two ${source}/three &&
     zfs create -o mountpoint=${live} ${source}/new && zfs snapshot -r ${source}@a-2`,
  );
  const { notes } = await planOf(holdfast);
  const orphans = notes.filter(({ kind }) => kind === "orphan").map(({ message }) => message);
  expect(orphans).toHaveLength(2);
  const advice = orphans.join("\n").match(/zfs rename -p \S+ \S+/)?.[0];
  expect(advice).toBe(`zfs rename -p ${copy}/two ${copy}/three`);
  await vault.sh(advice ?? "false");
  const plan = await planOf(holdfast);
  expect(shortOf(plan).filter((what) => what.startsWith("send"))).toEqual(["send a-2", "send a-2", "send a-2"]);
  expect(plan.operations.filter((o) => o.kind === "send" && o.base === null).map(({ at }) => placeOnHost(at))).toEqual([
    `${copy}/new`,
  ]);
  await applied(holdfast);
  await nas.run("zfs", "snapshot", "-r", `${source}@a-3`);
  await applied(holdfast);

  for (const child of ["", "/three", "/new"]) {
    expect(await vault.snapshots(`${copy}${child}`)).toEqual(await nas.snapshots(`${source}${child}`));
    const values = await vault.run(
      "zfs",
      "get",
      "-H",
      "-o",
      "value,source",
      "readonly,canmount,compression",
      `${copy}${child}`,
    );
    expect(values.split("\n")).toEqual(["on\tlocal", "noauto\tlocal", "zstd\tlocal"]);
  }
  expect(await vault.snapshots(`${copy}/one`)).toHaveLength(1);
  await vault.sh("zfs mount -a");
  expect(await vault.sh(`ls ${live}`)).toBe("alive");
  await expectDone(holdfast);
});
