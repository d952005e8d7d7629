import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Audit } from "../../../src/model/audit.ts";
import { test } from "../harness/index.ts";

test("without a manifest: what nothing protects, copies that diverged, leaked holds; and a manifest to begin with", async ({
  world,
}) => {
  const { nas, datasets, folder } = world;
  const { tank, usb } = datasets;
  await nas.sh(`
    zfs create ${tank}/bare && zfs create ${tank}/copied && zfs create ${tank}/diverged
    for each in bare copied diverged; do dd if=/dev/urandom of=/${tank}/$each/file bs=1M count=2 2>/dev/null; done
    sync
    zfs snapshot ${tank}/copied@a && zfs snapshot ${tank}/diverged@a
    zfs send ${tank}/copied@a | zfs receive -u ${usb}/copied
    zfs send ${tank}/diverged@a | zfs receive -u ${usb}/diverged
    zfs snapshot ${usb}/diverged@own && zfs snapshot ${tank}/diverged@b
    zfs hold zrepl_STEP_J_push ${tank}/copied@a`);
  const holdfast = await world.as(nas);
  const before = await nas.sh(`zfs list -Hp -t all -o name,guid,written,userrefs -r ${tank} ${usb}`);

  const { code, stdout, stderr } = await holdfast("audit", "--json");
  expect(code, stderr).toBe(3);
  const found = JSON.parse(stdout) as Audit;
  const protectionOf = (name: string) =>
    found.datasets.find(({ dataset }) => dataset === `${tank}/${name}`)?.protection;
  expect(["bare", "copied", "diverged"].map(protectionOf)).toEqual(["none", "copied", "copied"]);
  expect(found.replicas.filter(({ source }) => source.startsWith(tank))).toMatchObject([
    { source: `${tank}/copied`, replica: `${usb}/copied`, diverged: false },
    { source: `${tank}/diverged`, replica: `${usb}/diverged`, diverged: true },
  ]);
  expect(found.holds).toContainEqual(
    expect.objectContaining({ snapshot: `${tank}/copied@a`, tags: ["zrepl_STEP_J_push"], leaked: false }),
  );

  const text = await holdfast("audit");
  expect(text.stdout).toMatch(new RegExp(`^ +NOTHING +${tank}/bare +2\\.\\d MiB +0 +never +nowhere +ever$`, "m"));
  expect(text.stdout).toContain(`${usb}/diverged of ${tank}/diverged: diverged since`);
  expect(await nas.sh(`zfs list -Hp -t all -o name,guid,written,userrefs -r ${tank} ${usb}`)).toBe(before);

  const written = await holdfast("init");
  expect(written.code, written.stderr).toBe(0);
  expect(existsSync(join(folder, "holdfast.yaml"))).toBe(true);
  const valid = await holdfast("validate");
  expect(valid.code, valid.stderr).toBe(0);
  const again = await holdfast("init");
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("is there already; nothing was written") });
});
