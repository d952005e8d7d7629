import { describe, expect, test } from "vitest";
import type { Address, RemoteName, Seconds } from "../../src/model/units.ts";
import { createMetrics } from "../../src/service/metrics.ts";
import * as fake from "./fake.ts";

const now = Date.UTC(2026, 10, 24, 12) / 1000;
const address = (name: string) => `${fake.nas}:${name}` as Address;

/** Series by name and labels, with their values. */
function parse(text: string): ReadonlyMap<string, number> {
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    series.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

function metricsOf(view = fake.viewOf(now)) {
  const service = fake.fakeService(view);
  const metrics = createMetrics(service.service, { cachedMs: -1 });
  return { service, metrics, read: async () => parse(await metrics.text()) };
}

/** The labels of each name, as the design has them; histograms without `le`. */
const LABELS: Readonly<Record<string, string>> = {
  holdfast_build_info: "version",
  holdfast_manifest_info: "digest",
  holdfast_manifest_valid: "",
  holdfast_manifest_reachable: "",
  holdfast_reconcile_total: "host result source",
  holdfast_reconcile_duration_seconds: "",
  holdfast_operations_total: "kind result",
  holdfast_operation_duration_seconds: "kind",
  holdfast_plan_operations: "host kind source",
  holdfast_blocked: "host reason remote source",
  holdfast_condition: "condition host remote source",
  holdfast_newest_copy_timestamp_seconds: "host remote source type",
  holdfast_waiting_snapshots: "host remote source",
  holdfast_waiting_bytes: "host remote source",
  holdfast_overdue: "host remote source",
  holdfast_unprotected_datasets: "",
  holdfast_withheld_deletions: "host remote source",
  holdfast_last_success_timestamp_seconds: "host remote source",
  holdfast_copies: "host remote source type",
  holdfast_transfer_bytes_total: "host remote source",
  holdfast_resumes_total: "remote",
  holdfast_observe_duration_seconds: "host",
  holdfast_verify_last_success_timestamp_seconds: "host remote source",
  holdfast_lock_held: "",
};

describe("series", () => {
  test("every name has the labels it is to have, and there is no other name", async () => {
    const found: Record<string, Set<string>> = {};
    for (const series of (await metricsOf().read()).keys()) {
      const name = series.replace(/\{.*/, "").replace(/_(?:bucket|sum|count)$/, "");
      const labels = [...series.matchAll(/[{,](\w+)="/g)].map(([, label]) => label).filter((label) => label !== "le");
      found[name] ??= new Set();
      found[name].add(labels.sort().join(" "));
    }
    expect(Object.fromEntries(Object.entries(found).map(([name, labels]) => [name, [...labels].join(" | ")]))).toEqual(
      LABELS,
    );
  });

  test("each has a help and a type", async () => {
    const text = await metricsOf().metrics.text();
    for (const name of Object.keys(LABELS)) {
      expect(text).toMatch(new RegExp(`^# HELP ${name} .+$`, "m"));
      expect(text).toMatch(new RegExp(`^# TYPE ${name} (?:gauge|counter|histogram)$`, "m"));
    }
  });

  const vault = 'host="nas01",source="nas01:tank/data",remote="vault"';
  const own = 'host="nas01",source="nas01:tank/data",remote=""';
  test.each<[string, number]>([
    ['holdfast_build_info{version="0.1.0"}', 1],
    [`holdfast_manifest_info{digest="${"d".repeat(64)}"}`, 1],
    ["holdfast_manifest_valid", 1],
    ["holdfast_manifest_reachable", 1],
    ["holdfast_lock_held", 1],
    ["holdfast_unprotected_datasets", 2],
    ['holdfast_observe_duration_seconds{host="nas01"}', 1.5],
    [`holdfast_overdue{${own}}`, 0],
    [`holdfast_overdue{${vault}}`, 1],
    [`holdfast_waiting_snapshots{${vault}}`, 3],
    [`holdfast_waiting_bytes{${vault}}`, 5_000_000],
    [`holdfast_newest_copy_timestamp_seconds{${vault},type="daily"}`, now - 3 * 86_400],
    [`holdfast_copies{${vault},type="daily"}`, 7],
    [`holdfast_condition{${own},condition="Ready"}`, 1],
    [`holdfast_condition{${vault},condition="Ready"}`, 0],
    [`holdfast_blocked{${vault},reason="diverged"}`, 0],
    ['holdfast_blocked{host="nas01",source="nas01:tank/vm",remote="vault",reason="diverged"}', 1],
    ['holdfast_withheld_deletions{host="nas01",source="nas01:tank/vm",remote=""}', 4],
    ['holdfast_plan_operations{host="nas01",source="nas01:tank/data",kind="send"}', 1],
    ['holdfast_plan_operations{host="nas01",source="nas01:tank/vm",kind="send"}', 0],
    ['holdfast_plan_operations{host="nas01",source="usb",kind="prune"}', 0],
    ['holdfast_reconcile_total{host="nas01",source="nas01:tank/data",result="failed"}', 0],
    ['holdfast_operations_total{kind="send",result="failed"}', 0],
    ['holdfast_operation_duration_seconds_count{kind="send"}', 0],
    ['holdfast_resumes_total{remote="vault"}', 0],
    [`holdfast_transfer_bytes_total{${vault}}`, 0],
    // escaped as the format has it
    ['holdfast_copies{host="nas01",source="nas01:/srv/wéb \\"x\\"\\\\n",remote="usb",type="daily"}', 7],
    [
      'holdfast_newest_copy_timestamp_seconds{host="nas01",source="nas01:/srv/wéb \\"x\\"\\\\n",remote="cloud",type="daily"}',
      0,
    ],
    [
      'holdfast_verify_last_success_timestamp_seconds{host="nas01",source="nas01:/srv/wéb \\"x\\"\\\\n",remote="usb"}',
      now - 10 * 86_400,
    ],
    [
      'holdfast_verify_last_success_timestamp_seconds{host="nas01",source="nas01:/srv/wéb \\"x\\"\\\\n",remote="cloud"}',
      0,
    ],
  ])("%s", async (series, value) => {
    expect((await metricsOf().read()).get(series)).toBe(value);
  });

  test("a git server that is away is not a manifest that is not valid", async () => {
    const view = fake.viewOf(now);
    const manifest = { ...view.manifest, unreachable: "cannot fetch main" };
    const series = await metricsOf({ ...view, manifest }).read();
    expect([series.get("holdfast_manifest_valid"), series.get("holdfast_manifest_reachable")]).toEqual([1, 0]);
  });

  test("before the first look there is what is known then", async () => {
    const series = await metricsOf(fake.newView(now)).read();
    expect(series.get("holdfast_manifest_valid")).toBe(1);
    expect([...series.keys()].filter((name) => name.includes("source="))).toEqual([]);
  });

  test("those of a source that is gone go, whatever was counted of it", async () => {
    const { service, read } = metricsOf();
    service.emit("reconciled", { source: address("tank/vm"), result: "clean", seconds: 2 as Seconds });
    expect([...(await read()).keys()].some((name) => name.includes("tank/vm"))).toBe(true);
    const view = fake.viewOf(now);
    const sources = fake.threeSources(now).filter(({ source }) => source !== address("tank/vm"));
    fake.assessed(service, { ...view, status: fake.statusOf(now, sources) });
    expect([...(await read()).keys()].filter((name) => name.includes("tank/vm"))).toEqual([]);
    fake.assessed(service, view);
    const back = 'holdfast_reconcile_total{host="nas01",source="nas01:tank/vm",result="clean"}';
    expect((await read()).get(back)).toBe(0);
  });
});

describe("what happens", () => {
  test("is counted", async () => {
    const { service, read } = metricsOf();
    const source = address("tank/data");
    service.emit("reconciled", { source, result: "failed", seconds: 3 as Seconds });
    service.emit("reconciled", { source, result: "clean", seconds: 400 as Seconds });
    service.emit("finished", fake.sent());
    service.emit("finished", fake.sent({ kind: "resume", bytes: 500_000 as never }));
    service.emit("finished", fake.sent({ outcome: "failed", bytes: 7 as never }));
    service.emit("finished", fake.sent({ outcome: "skipped", seconds: 0, bytes: 0 as never }));
    const series = await read();
    const value = (name: string) => series.get(name);
    expect(value('holdfast_reconcile_total{host="nas01",source="nas01:tank/data",result="failed"}')).toBe(1);
    expect(value("holdfast_reconcile_duration_seconds_count")).toBe(2);
    expect(value('holdfast_reconcile_duration_seconds_bucket{le="5"}')).toBe(1);
    expect(value("holdfast_reconcile_duration_seconds_sum")).toBe(403);
    expect(value('holdfast_operations_total{kind="send",result="done"}')).toBe(1);
    expect(value('holdfast_operations_total{kind="send",result="failed"}')).toBe(1);
    expect(value('holdfast_operations_total{kind="send",result="skipped"}')).toBe(1);
    expect(value('holdfast_operation_duration_seconds_count{kind="send"}')).toBe(2);
    expect(value('holdfast_resumes_total{remote="vault"}')).toBe(1);
    // what a failed transfer moved was moved all the same
    expect(value('holdfast_transfer_bytes_total{host="nas01",source="nas01:tank/data",remote="vault"}')).toBe(
      1_500_007,
    );
  });

  const success = 'holdfast_last_success_timestamp_seconds{host="nas01",source="nas01:tank/data",remote="vault"}';

  test("the last success is remembered from before the start", async () => {
    const runs = [fake.ran(now - 100, fake.sent({ outcome: "failed" })), fake.ran(now - 5000, fake.sent())];
    expect((await metricsOf(fake.viewOf(now, { runs })).read()).get(success)).toBe(now - 5000);
    expect((await metricsOf().read()).get(success)).toBe(0);
  });

  test("where nothing was left to do that is one", async () => {
    const { service, read } = metricsOf();
    const own = success.replace("vault", "");
    expect((await read()).get(own)).toBe(now);
    const view = fake.viewOf(now + 60, { status: fake.statusOf(now + 60, fake.threeSources(now + 60)) });
    fake.assessed(service, view);
    const series = await read();
    expect([series.get(own), series.get(success)]).toEqual([now + 60, 0]);
  });

  test("the service's own conditions outweigh what the health says", async () => {
    const stalled = [
      { type: "Stalled", status: true, reason: "Retrying", message: "no space", since: "2026-11-24T11:00:00Z" },
    ] as const;
    const sources = [fake.source("tank/data", fake.place(now, 60, { conditions: stalled }), [])];
    const series = await metricsOf(fake.viewOf(now, { status: fake.statusOf(now, sources) })).read();
    const labels = 'host="nas01",source="nas01:tank/data",remote=""';
    expect(series.get(`holdfast_condition{${labels},condition="Stalled"}`)).toBe(1);
    expect(series.get(`holdfast_condition{${labels},condition="Ready"}`)).toBe(1);
    expect(series.get(`holdfast_condition{${labels},condition="Blocked"}`)).toBe(0);
  });

  test("a copy that drills are to prove was never proved until one has, be it what it may", async () => {
    const never = { verify: { result: "never", overdue: true } } as const;
    const copies = [
      fake.copy("vault", "zfs", fake.place(now, 60), never),
      fake.copy("other", "zfs", fake.place(now, 60)),
    ];
    const sources = [fake.source("tank/data", fake.place(now, 60), copies)];
    const series = await metricsOf(fake.viewOf(now, { status: fake.statusOf(now, sources) })).read();
    const verified = (remote: string) =>
      series.get(
        `holdfast_verify_last_success_timestamp_seconds{host="nas01",source="nas01:tank/data",remote="${remote}"}`,
      );
    expect([verified("vault"), verified("other")]).toEqual([0, undefined]);
  });

  test("what is not seen has no count, and is not in order", async () => {
    const unseen = { health: "unknown", unseen: true, types: [] } as const;
    const sources = [
      fake.source("tank/data", fake.place(now, 60), [fake.copy("vault", "zfs", fake.place(now, 60, unseen))]),
    ];
    const series = await metricsOf(fake.viewOf(now, { status: fake.statusOf(now, sources) })).read();
    const labels = 'host="nas01",source="nas01:tank/data",remote="vault"';
    expect([...series.keys()].filter((name) => /copies|newest/.test(name) && name.includes(labels))).toEqual([]);
    expect(series.get(`holdfast_condition{${labels},condition="Stalled"}`)).toBe(1);
    expect(series.get(`holdfast_condition{${labels},condition="Ready"}`)).toBe(0);
    expect(series.get(`holdfast_overdue{${labels}}`)).toBe(0);
  });

  test("what runs is being reconciled", async () => {
    const running = [
      {
        id: "send-1",
        kind: "send",
        source: address("tank/data"),
        remote: "vault" as RemoteName,
        description: "send",
        startedAt: "2026-11-24T11:00:00Z",
      },
    ] as const;
    const series = await metricsOf(fake.viewOf(now, { running })).read();
    const reconciling = (remote: string) =>
      series.get(
        `holdfast_condition{host="nas01",source="nas01:tank/data",remote="${remote}",condition="Reconciling"}`,
      );
    expect([reconciling("vault"), reconciling("")]).toEqual([1, 0]);
  });
});

describe("a scrape", () => {
  test("gets the same text again for a while", async () => {
    const service = fake.fakeService(fake.viewOf(now));
    const metrics = createMetrics(service.service, { cachedMs: 60_000 });
    const before = await metrics.text();
    service.show(fake.viewOf(now, { lockHeld: false }));
    expect(await metrics.text()).toBe(before);
  });

  test("is written anew only when something has changed", async () => {
    const view = fake.viewOf(now);
    const service = fake.fakeService(view);
    let written = 0;
    const metrics = createMetrics(service.service, { cachedMs: -1, onWritten: () => written++ });
    const before = await metrics.text();
    service.show({ ...view, turnedAt: "2030-01-01T00:00:00Z" });
    expect([await metrics.text(), written]).toEqual([before, 1]);
    service.show({ ...view, lockHeld: !view.lockHeld });
    expect([await metrics.text(), written]).toEqual([
      before.replace(/^holdfast_lock_held .*/m, `holdfast_lock_held ${view.lockHeld ? 0 : 1}`),
      2,
    ]);
    service.emit("reconciled", { source: "nas01:tank/data" as Address, result: "clean", seconds: 1 as Seconds });
    expect(await metrics.text()).toMatch(/^holdfast_reconcile_duration_seconds_count 1$/m);
  });

  test("leaves no listener behind", () => {
    const { service } = fake.fakeService(fake.viewOf(now));
    let listening = 0;
    const metrics = createMetrics({
      view: service.view,
      on: (kind, listener) => {
        const end = service.on(kind, listener);
        listening++;
        return () => {
          listening--;
          end();
        };
      },
    });
    expect(listening).toBeGreaterThan(0);
    metrics.close();
    expect(listening).toBe(0);
  });

  test("is valid for thousands of sources, and quick", async () => {
    const sources = Array.from({ length: 1000 }, (_, index) =>
      fake.source(`tank/${index}`, fake.place(now, 60), [fake.copy("vault", "zfs", fake.place(now, 60))]),
    );
    const { metrics } = metricsOf(fake.viewOf(now, { status: fake.statusOf(now, sources) }));
    const started = performance.now();
    const series = parse(await metrics.text());
    expect(series.size).toBeGreaterThan(30_000);
    expect(performance.now() - started).toBeLessThan(10_000); // a fraction of a second on an idle machine
  });
});
