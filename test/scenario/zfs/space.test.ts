import { afterEach, expect } from "vitest";
import { type Machine, test, type World } from "../harness/index.ts";
import { applied, expectDone, planOf, shortOf } from "./plans.ts";

const pools: { machine: Machine; pool: string }[] = [];

/** A pool of its own, of so many MiB. */
async function makePool(machine: Machine, { datasets }: World, size: number): Promise<string> {
  const pool = datasets.tank.replace("tank/", "small-");
  pools.push({ machine, pool });
  await machine.sh(`truncate -s ${size}M /pools/${pool} && zpool create ${pool} /pools/${pool}`);
  return pool;
}

afterEach(async () => {
  for (const { machine, pool } of pools.splice(0)) await machine.sh(`zpool destroy -f ${pool}; rm /pools/${pool}`);
});

/** The same file anew before each snapshot, so that each snapshot holds that many MiB of its own. */
const rewrite = (machine: Machine, dataset: string, names: readonly string[], size: number) =>
  machine.sh(
    names
      .map((name) => `head -c ${size * 2 ** 20} /dev/urandom > /${dataset}/file && zfs snapshot ${dataset}@${name}`)
      .join(" && "),
  );

test("a copy whose pool is full: what is surplus there goes first, then there is room", async ({ world }) => {
  const { nas, vault, datasets, holdfast } = world;
  const pool = await makePool(vault, world, 96);
  const room = Number(await vault.property(pool, "available")) / 2 ** 20;
  const manifest = (a: number) =>
    world.manifest({
      version: 1,
      snapshotTypes: { a: {} },
      hosts: { nas: nas.hostEntry("controller"), vault: vault.hostEntry("controller") },
      remotes: { vault: { type: "zfs", host: "vault", root: pool } },
      datasets: { [`nas:${datasets.tank}`]: { keep: { a: 4 }, remotes: { vault: { keep: { a } } } } },
    });
  await manifest(3);
  await rewrite(nas, datasets.tank, ["a-1", "a-2", "a-3"], Math.floor(room * 0.28));
  await applied(holdfast);
  await rewrite(nas, datasets.tank, ["a-4"], Math.floor(room * 0.28));
  await manifest(1);
  const plan = await planOf(holdfast);
  expect(shortOf(plan).slice(0, 2)).toEqual(["destroy vault a-1 a-2", "send a-4"]);
  await applied(holdfast);
  expect((await vault.snapshots(`${pool}/${datasets.tank}`)).map(({ name }) => name)).toEqual(["a-4"]);
  await expectDone(holdfast);
});

test("a source whose pool is full: what is surplus goes, and the next snapshot can be taken", async ({ world }) => {
  const { nas, holdfast } = world;
  const pool = await makePool(nas, world, 96);
  await nas.run("zfs", "create", `${pool}/data`);
  const room = Number(await nas.property(pool, "available")) / 2 ** 20;
  const manifest = (take: readonly string[], a: number) =>
    world.manifest({
      version: 1,
      snapshotTypes: { a: {}, yearly: { schedule: "0 0 1 1 *" } },
      hosts: { nas: nas.hostEntry("controller") },
      datasets: { [`nas:${pool}/data`]: { take, keep: { a, yearly: 1 } } },
    });
  await manifest([], 3);
  await rewrite(nas, `${pool}/data`, ["a-1", "a-2", "a-3"], Math.floor(room * 0.25));
  await applied(holdfast);
  await nas.sh(
    `cat /dev/urandom > /${pool}/data/rest; sync; [ "$(zfs get -Hpo value available ${pool})" -lt 1048576 ]`,
  );
  await manifest(["yearly"], 1);
  expect(shortOf(await planOf(holdfast))).toEqual(["destroy source a-1 a-2", "create yearly"]);
  await applied(holdfast);
  expect((await nas.snapshots(`${pool}/data`)).map(({ name }) => name.split("-")[0])).toEqual(["a", "yearly"]);
  await expectDone(holdfast);
});
