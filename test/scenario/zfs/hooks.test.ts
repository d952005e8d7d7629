import { expect } from "vitest";
import type { Report } from "../../../src/model/report.ts";
import { type Machine, test, type World } from "../harness/index.ts";
import { expectDone } from "./plans.ts";

/** Two datasets of one application, and what stops it: each stop and start is noted with the time. */
async function application({ nas, datasets }: World) {
  const [app, db] = [`${datasets.tank}/app`, `${datasets.tank}/db`];
  const notes = `/var/tmp/${datasets.tank.replaceAll("/", "-")}`;
  await nas.sh(`zfs create ${app} && zfs create ${db}`);
  await nas.put(`${notes}-note`, `#!/bin/sh\necho "$1 $HOLDFAST_OUTCOME" >> ${notes}\n[ "$1" != fail ]\n`, "755");
  const note = (word: string): string[] => [`${notes}-note`, word];
  return {
    app,
    db,
    note,
    notes: async () => (await nas.sh(`cat ${notes}; rm ${notes}`)).split("\n").map((line) => line.trim()),
    remove: () => nas.run("rm", "-f", notes, `${notes}-note`),
  };
}

const manifestOf = (nas: Machine, { app, db }: { app: string; db: string }, appHooks: object, dbHooks: object) => ({
  version: 1,
  hosts: { nas: nas.hostEntry("controller") },
  datasets: {
    [`nas:${app}`]: { keep: { daily: 2 }, hooks: [{ around: "snapshot", ...appHooks }] },
    [`nas:${db}`]: { keep: { daily: 2 }, hooks: [{ around: "snapshot", ...dbHooks }] },
  },
  groups: [{ sources: [`nas:${app}`, `nas:${db}`] }],
});

const reportOf = async ({ holdfast }: World): Promise<Report> =>
  JSON.parse((await holdfast("apply", "--yes", "--json")).stdout) as Report;

test("an application is stopped, snapshotted in one instant and started again; where it cannot be stopped, nothing is taken", async ({
  world,
}) => {
  const { nas, holdfast } = world;
  const { app, db, note, notes, remove } = await application(world);
  // `db` cannot be stopped: neither is snapshotted, and what was stopped is started again
  await world.manifest(
    manifestOf(
      nas,
      { app, db },
      { before: note("stop-app"), after: note("start-app") },
      { before: note("fail"), after: note("start-db") },
    ),
  );
  const failed = await reportOf(world);
  expect(failed.operations.filter(({ kind }) => kind === "create").map(({ outcome }) => outcome)).toEqual([
    "skipped",
    "skipped",
  ]);
  expect(await notes()).toEqual(["stop-app", "fail", "start-db skipped", "start-app failed"]);
  expect(await nas.snapshots(app)).toEqual([]);
  expect(await nas.snapshots(db)).toEqual([]);

  await world.manifest(
    manifestOf(
      nas,
      { app, db },
      { before: note("stop-app"), after: note("start-app") },
      { before: note("stop-db"), after: note("start-db") },
    ),
  );
  const report = await reportOf(world);
  expect(report.operations.map(({ outcome }) => outcome)).toEqual(Array(report.operations.length).fill("done"));
  const windows = report.operations.flatMap(({ windowSeconds }) => windowSeconds ?? []);
  expect(windows).toHaveLength(2);
  for (const seconds of windows) expect(seconds).toBeGreaterThan(0);
  expect(await notes()).toEqual(["stop-app", "stop-db", "start-db complete", "start-app complete"]);
  const txgs = await nas.sh(`zfs list -Hp -t snapshot -o createtxg ${app} ${db} | sort -u | wc -l`);
  expect(txgs.trim()).toBe("1");
  await expectDone(holdfast);
  await remove();
});
