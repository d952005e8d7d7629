import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { Status } from "../../../src/model/status.ts";
import { host, testOn, type World } from "./harness/world.ts";

const test = testOn("0.18");

/** Series of the file, by name and labels. */
const seriesIn = (path: string): ReadonlyMap<string, number> =>
  new Map(
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );

function given(world: World, remote: object = {}) {
  const source = world.source("data", { a: "text", b: 200_000 });
  const usb = world.repository("usb", { absent: true });
  world.manifest({
    remotes: { usb: { type: "restic", ...usb.entry, init: true, ...remote } },
    directories: { [source]: { keep: { daily: 7 }, remotes: { usb: {} } } },
  });
  const labels = `host="${host}",source="${host}:${source}"`;
  return { source, usb, labels, place: `${labels},remote="usb"`, file: world.path("holdfast.prom") };
}

test("a run leaves how all is afterwards, and what it did", async ({ world }) => {
  const { holdfast } = world;
  const { file, place, labels, usb } = given(world);
  const before = Math.floor(Date.now() / 1000);
  expect(await holdfast("apply", "--yes", "--metrics-file", file)).toMatchObject({ code: 0 });

  const series = seriesIn(file);
  expect(series.get(`holdfast_copies{${place},type="daily"}`)).toBe(usb.copies().length);
  expect(series.get(`holdfast_newest_copy_timestamp_seconds{${place},type="daily"}`)).toBeGreaterThanOrEqual(before);
  expect(series.get(`holdfast_last_success_timestamp_seconds{${place}}`)).toBeGreaterThanOrEqual(before);
  expect(series.get(`holdfast_waiting_snapshots{${place}}`)).toBe(0);
  expect(series.get(`holdfast_overdue{${place}}`)).toBe(0);
  expect(series.get('holdfast_operations_total{kind="backup",result="done"}')).toBe(1);
  expect(series.get('holdfast_operations_total{kind="backup",result="failed"}')).toBe(0);
  expect(series.get(`holdfast_transfer_bytes_total{${place}}`)).toBeGreaterThan(200_000);
  expect(series.get(`holdfast_reconcile_total{${labels},result="clean"}`)).toBe(1);

  // nothing to do is told, too
  expect(await holdfast("apply", "--yes", "--metrics-file", file)).toMatchObject({ code: 0 });
  const again = seriesIn(file);
  expect(again.get(`holdfast_copies{${place},type="daily"}`)).toBe(1);
  expect(again.get('holdfast_operations_total{kind="backup",result="done"}')).toBe(0);
});

test("a run that failed says so", async ({ world }) => {
  const { holdfast } = world;
  const { file, place, labels, source } = given(world);
  world.manifest({
    remotes: { usb: { type: "restic", ...world.repository("other").entry } },
    directories: { [source]: { keep: { daily: 7 }, remotes: { usb: {} }, requireMount: source } },
  });
  expect(await holdfast("apply", "--yes", "--metrics-file", file)).toMatchObject({ code: 3 });
  const series = seriesIn(file);
  expect(series.get(`holdfast_overdue{${place}}`)).toBe(1);
  expect(series.get(`holdfast_condition{${place},condition="Stalled"}`)).toBe(1);
  expect(series.get(`holdfast_newest_copy_timestamp_seconds{${place},type="daily"}`)).toBe(0);
  expect(series.get(`holdfast_last_success_timestamp_seconds{${place}}`)).toBe(0);
  expect(series.get(`holdfast_reconcile_total{${labels},result="failed"}`)).toBe(1);
});

test("what cannot be written is no clean end, and what was there stays", async ({ world }) => {
  const { holdfast } = world;
  const { file } = given(world);
  const { code, stderr } = await holdfast("apply", "--yes", "--metrics-file", world.path("none/holdfast.prom"));
  expect(stderr).toContain("no metrics were written");
  expect(code).toBe(3);
  writeFileSync(file, "as it was\n");
  world.manifest({ nonsense: true });
  expect(await holdfast("apply", "--yes", "--metrics-file", file)).toMatchObject({ code: 5 });
  expect(readFileSync(file, "utf8")).toBe("as it was\n");
  expect(existsSync(world.path("none"))).toBe(false);
});

test("status of what is there, fresh", async ({ world }) => {
  const { holdfast } = world;
  const { source } = given(world);
  const before = await holdfast("status", "--fresh", "--json");
  expect(before.code).toBe(3);
  expect(JSON.parse(before.stdout) as Status).toMatchObject({
    sources: [
      { source: `${host}:${source}`, copies: [{ kind: "restic", health: "overdue", waiting: { snapshots: 1 } }] },
    ],
  });
  expect(await holdfast("apply", "--yes")).toMatchObject({ code: 0 });
  expect(await holdfast("status", "--fresh", "--check")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^HOLDFAST OK - 1 source\|/),
  });
});

test("what is away is as old as it was when it was seen last, and nobody counts what is on it", async ({ world }) => {
  const { holdfast } = world;
  const { file, place, usb, source } = given(world);
  const within = (maxAge: string) =>
    world.manifest({
      remotes: { usb: { type: "restic", ...usb.entry, init: true, removable: true, maxAge } },
      directories: { [source]: { keep: { daily: 7 }, remotes: { usb: {} } } },
    });
  within("35d");
  expect(await holdfast("apply", "--yes", "--metrics-file", file)).toMatchObject({ code: 0 });
  chmodSync(usb.folder, 0);

  const check = () => holdfast("status", "--fresh", "--check");
  expect(await check()).toMatchObject({ code: 0 });
  expect(await holdfast("apply", "--yes", "--metrics-file", file)).toMatchObject({ code: 0 });
  const away = seriesIn(file);
  expect([...away.keys()].filter((name) => /copies|newest/.test(name))).toEqual([]);
  expect(away.get(`holdfast_condition{${place},condition="Stalled"}`)).toBe(0);
  expect(away.get(`holdfast_overdue{${place}}`)).toBe(0);

  within("1s");
  expect(await check()).toMatchObject({ code: 2, stdout: expect.stringContaining("overdue") });
  expect(await holdfast("apply", "--yes", "--metrics-file", file)).toMatchObject({ code: 0 });
  expect(seriesIn(file).get(`holdfast_overdue{${place}}`)).toBe(1);

  // nobody remembers
  rmSync(world.path("state"), { recursive: true });
  expect(await check()).toMatchObject({ code: 3, stdout: expect.stringContaining("HOLDFAST UNKNOWN") });
});
