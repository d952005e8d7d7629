import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Plan } from "../../../src/model/plan.ts";
import { test } from "../harness/index.ts";

const MINUTE = 60;

test("what sanoid and syncoid did until now goes on: their snapshots count, their copies are bases, nothing is destroyed", async ({
  world,
}) => {
  const { nas, datasets, folder } = world;
  const { tank, usb } = datasets;
  const taken = (at: Date, type: string): string =>
    `autosnap_${at.toISOString().slice(0, 19).replace("T", "_")}_${type}`;
  const now = Number(await nas.sh("date +%s"));
  const ago = (minutes: number): Date => new Date((now - minutes * MINUTE) * 1000);
  const names = [
    ...[240, 180, 120, 60].map((minutes) => taken(ago(minutes), "hourly")),
    ...[4320, 2880, 1440].map((minutes) => taken(ago(minutes), "daily")),
  ];
  const snapshots = (dataset: string, some: readonly string[]): string =>
    some.map((name) => `zfs snapshot -r ${dataset}@${name}`).join("\n");
  await nas.sh(`
    zfs create ${tank}/data && zfs create ${tank}/data/below
    ${snapshots(`${tank}/data`, names.slice(0, -1))}
    zfs snapshot -r ${tank}/data@syncoid_nas_2026-11-29:03:00:01-GMT00:00
    zfs send -R ${tank}/data@syncoid_nas_2026-11-29:03:00:01-GMT00:00 | zfs receive -u ${usb}/copy
    ${snapshots(`${tank}/data`, names.slice(-1))}`);
  await writeFile(
    join(folder, "sanoid.conf"),
    `[${tank}/data]\nuse_template = mine\nrecursive = yes\n\n[template_mine]\nfrequently = 0\nhourly = 2\ndaily = 2\nmonthly = 0\nyearly = 0\nautosnap = yes\nautoprune = yes\n`,
  );
  await writeFile(join(folder, "crontab"), `0 3 * * * syncoid -r ${tank}/data ${usb}/copy\n`);
  const holdfast = await world.as(nas);
  const list = (): Promise<string> => nas.sh(`zfs list -Hp -t snapshot -o name,guid -r ${tank}/data ${usb}/copy`);
  const before = await list();

  const imported = await holdfast("import", "sanoid", "sanoid.conf", "--syncoid", "crontab", "--out", "holdfast.yaml");
  expect(imported.code, imported.stderr).toBe(0);
  expect(await list()).toBe(before);
  const planned = await holdfast("plan", "--json");
  expect(planned.code, planned.stderr).toBe(0);
  const plan = JSON.parse(planned.stdout) as Plan;
  expect(plan.blocked).toEqual([]);
  expect(plan.operations.filter(({ kind }) => kind === "destroy")).toEqual([]);
  // what syncoid would have sent next; from where it stopped
  const last = names.at(-1);
  const sent = plan.operations.flatMap((operation) => (operation.kind === "send" ? [operation] : []));
  expect(sent.map(({ at }) => at.dataset).sort()).toEqual([`${usb}/copy`, `${usb}/copy/below`]);
  for (const { base, snapshots } of sent) {
    expect(base).not.toBeNull();
    expect(snapshots.map(({ name }) => name)).toContain(last);
  }

  const applied = await holdfast("apply", "--yes");
  expect(applied.code, applied.stderr).toBe(0);
  const after = await list();
  for (const line of before.split("\n")) expect(after).toContain(line);
  const guidsOf = (dataset: string): string[] =>
    after.split("\n").flatMap((line) => (line.startsWith(`${dataset}@${last}\t`) ? [line.split("\t")[1] ?? ""] : []));
  expect(guidsOf(`${usb}/copy`)).toEqual(guidsOf(`${tank}/data`));
  expect(guidsOf(`${usb}/copy/below`)).toEqual(guidsOf(`${tank}/data/below`));
  const again = await holdfast("plan", "--detailed-exitcode");
  expect(again.code, again.stdout).toBe(0);
});
