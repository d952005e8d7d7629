import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RESULTS } from "../../../src/service/label-sets.ts";
import { createMetrics, type Metrics } from "../../../src/service/metrics.ts";
import type { OneRun } from "../../../src/service/one-run.ts";
import * as fake from "../../service/fake.ts";
import { type Endpoint, type Prometheus, packaged, promtool, serve, startPrometheus } from "./prometheus.ts";

interface Target {
  readonly expr: string;
  readonly instant?: boolean;
}
interface Dashboard {
  readonly panels: readonly { readonly type: string; readonly title: string; readonly targets?: readonly Target[] }[];
  readonly templating: {
    readonly list: readonly { readonly type: string; readonly name: string; readonly definition?: string }[];
  };
}
const dashboard = JSON.parse(readFileSync(packaged("grafana/holdfast.json"), "utf8")) as Dashboard;
const rules = packaged("prometheus/holdfast.rules.yml");

const now = Math.floor(Date.now() / 1000);

describe("promtool", () => {
  test("finds nothing wrong with the metrics", async () => {
    for (const view of [fake.viewOf(now), fake.newView(now)]) {
      const metrics = createMetrics(fake.fakeService(view).service);
      expect(promtool(["check", "metrics"], await metrics.text())).toMatchObject({ exitCode: 0, all: "" });
    }
  });

  test("finds nothing wrong with the alert rules, and tries them", () => {
    expect(promtool(["check", "rules", rules]).exitCode).toBe(0);
    const tried = promtool(["test", "rules", packaged("prometheus/holdfast.rules.test.yml")]);
    expect(tried.all).toContain("SUCCESS");
    expect(tried.exitCode).toBe(0);
  });

  test("every alert is tried", () => {
    const alerts = (path: string, key: RegExp) =>
      new Set([...readFileSync(packaged(path), "utf8").matchAll(key)].map(([, name]) => name));
    const tried = alerts("prometheus/holdfast.rules.test.yml", /alertname: (\w+)/g);
    expect([...alerts("prometheus/holdfast.rules.yml", /alert: (\w+)/g)].filter((name) => !tried.has(name))).toEqual(
      [],
    );
  });
});

describe("a Prometheus that scrapes the service", () => {
  let service: OneRun;
  let metrics: Metrics;
  let endpoint: Endpoint;
  let prometheus: Prometheus;

  beforeAll(async () => {
    const running = fake.fakeService(fake.viewOf(now));
    service = running;
    metrics = createMetrics(running.service, { cachedMs: -1 });
    endpoint = await serve(metrics);
    prometheus = await startPrometheus(endpoint.address, rules);
    await endpoint.scrapes(2);
    for (const { source } of fake.threeSources(now))
      for (const result of RESULTS) running.emit("reconciled", { source, result, seconds: 12 as never });
    for (const kind of ["send", "resume"] as const) running.emit("finished", fake.sent({ kind }));
    await endpoint.scrapes(3);
  });
  afterAll(async () => {
    await prometheus?.stop();
    await endpoint?.close();
    metrics?.close();
  });

  /** As Grafana does, where everything is selected. */
  const filledIn = (query: string): string =>
    query.replaceAll("$__rate_interval", "1m").replaceAll(/\$(?:host|source)\b/g, ".*");

  const targets = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, instant = false }) => ({ title, expr, instant })),
  );

  test.each(targets)("the dashboard's $title has data", async ({ expr, instant }) => {
    const ask = () => (instant ? prometheus.query(filledIn(expr)) : prometheus.queryRange(filledIn(expr)));
    await expect
      .poll(
        async () =>
          (await ask()).flatMap(({ values }) => values.map(([, value]) => Number(value))).some(Number.isFinite),
        {
          timeout: 30_000,
          interval: 250,
        },
      )
      .toBe(true);
  });

  test("so have its variables", async () => {
    const variables = dashboard.templating.list.filter(({ type }) => type === "query");
    expect(variables.map(({ name }) => name)).toEqual(["host", "source"]);
    for (const { name, definition = "" } of variables) {
      const [, selector = "", label = ""] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? [];
      expect(label).toBe(name);
      const expected = name === "host" ? [fake.nas] : fake.threeSources(now).map(({ source }) => source);
      expect(await prometheus.labelValues(label, filledIn(selector))).toEqual([...expected].sort());
    }
  });

  test("no variable is left that Grafana would have to fill in", () => {
    expect(targets.map(({ expr }) => filledIn(expr)).filter((query) => query.includes("$"))).toEqual([]);
  });

  test("values arrive as they are, under their labels", async () => {
    const found = await prometheus.query("holdfast_overdue == 1");
    expect(found.map(({ metric }) => metric)).toMatchObject([
      { host: "nas01", source: "nas01:tank/data", remote: "vault" },
    ]);
    const bytes = await prometheus.query('holdfast_transfer_bytes_total{source="nas01:tank/data"}');
    expect(bytes[0]?.values[0]?.[1]).toBe("2000000");
  });

  test("alerts are on their way", async () => {
    const pending = async () =>
      (await prometheus.query('ALERTS{alertstate="pending"}')).map(({ metric }) => metric.alertname).sort();
    await expect
      .poll(pending, { timeout: 30_000, interval: 250 })
      .toEqual(expect.arrayContaining(["HoldfastBlocked", "HoldfastDeletionsWithheld", "HoldfastNoFreshCopy"]));
    expect(await pending()).not.toContain("HoldfastDown");
  });

  test("what is gone is gone", async () => {
    const vm = `count({source="nas01:tank/vm"})`;
    expect(await prometheus.query(vm)).toHaveLength(1);
    const sources = fake.threeSources(now).filter(({ source }) => !source.endsWith("tank/vm"));
    fake.assessed(service, fake.viewOf(now, { status: fake.statusOf(now, sources) }));
    await expect.poll(() => prometheus.query(vm), { timeout: 30_000, interval: 250 }).toEqual([]);
  });
});
