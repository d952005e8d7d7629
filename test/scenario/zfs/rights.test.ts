import { describe, expect } from "vitest";
import type { Check, Diagnosis } from "../../../src/model/diagnosis.ts";
import { test, type World } from "../harness/index.ts";
import { applied, expectDone, manifestOf, targetOf } from "./plans.ts";

const asBackup = ({ nas, vault }: World) => ({
  nas: { ...nas.hostEntry("controller"), user: "backup" },
  vault: { ...vault.hostEntry("controller"), user: "backup" },
});

async function diagnose({ holdfast }: World): Promise<{ code: number; rights: (Check & { host: string })[] }> {
  const { code, stdout, stderr } = await holdfast("doctor", "--json");
  expect(stdout, stderr).toMatch(/^\{/);
  const { hosts } = JSON.parse(stdout) as Diagnosis;
  const rights = hosts.flatMap(({ host, checks }) =>
    checks.filter(({ about }) => about === "rights").map((check) => ({ ...check, host })),
  );
  return { code, rights };
}

describe("an account without root", () => {
  test("can do all there is with the rights that doctor asks for, and no others", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    await world.manifest(manifestOf(world, { hosts: asBackup(world), entry: { keep: { a: 2 } } }));
    const before = await diagnose(world);
    expect(before.code).toBe(3);
    expect(before.rights.map(({ host, result }) => [host, result])).toEqual([
      ["nas", "problem"],
      ["vault", "problem"],
    ]);
    for (const { host, advice } of before.rights) {
      const machine = host === "nas" ? nas : vault;
      for (const line of advice) await machine.sh(line.replace("as root there: ", ""));
    }
    expect(await diagnose(world)).toMatchObject({ code: 0, rights: [{ result: "good" }, { result: "good" }] });

    const entry = { keep: { a: 2 }, remotes: { vault: { keep: { a: 3 } } } };
    await world.manifest(manifestOf(world, { hosts: asBackup(world), entry }));
    await nas.snapshot(datasets.tank, ["a-1", "a-2"], 0.1);
    await applied(holdfast);
    await nas.snapshot(datasets.tank, ["a-3", "a-4"], 0.1);
    await applied(holdfast);
    const names = async (machine: typeof nas, dataset: string) =>
      (await machine.snapshots(dataset)).map(({ name }) => name);
    expect(await names(nas, datasets.tank)).toEqual(["a-3", "a-4"]);
    expect(await names(vault, targetOf(world))).toEqual(["a-2", "a-3", "a-4"]);
    const copy = targetOf(world);
    await vault.sh(
      `zfs set readonly=off canmount=on ${copy} && zfs mount ${copy} && touch /${copy}/oops && zfs unmount ${copy} && zfs snapshot ${copy}@theirs`,
    );
    await nas.snapshot(datasets.tank, ["a-5"], 0.1);
    await applied(holdfast, "--resolve", "vault=rollback");
    expect(await names(vault, copy)).toEqual(["a-3", "a-4", "a-5"]);
    await expectDone(holdfast);
  });
});
