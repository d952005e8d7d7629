import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { ServiceView } from "../../../src/model/service.ts";
import type { Address, HostName } from "../../../src/model/units.ts";
import { html } from "../../../src/render/html.ts";
import { renderPlan } from "../../../src/render/plan.ts";
import { dashboard } from "../../../src/service/http/page/index.ts";
import { fatesOf, lanesOf } from "../../../src/service/http/page/points.ts";
import { scale } from "../../../src/service/http/page/timeline.ts";
import { badDay, manySources, NOW } from "./fixture.ts";

const pageOf = (view: ServiceView, query = ""): string => dashboard(view, new URLSearchParams(query), NOW * 1000)[0];
const textOf = (page: string): string =>
  page
    .replace(/<[^>]*>/g, "")
    .replace(/&(\w+|#39);/g, (_, name: string) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" })[name] ?? "");
const part = (page: string, id: string): string =>
  page.split(new RegExp(`<section id="${id}"`))[1]?.split("</section>")[0] ?? "";

test("what the page loads was made from its sources (npm run generate)", () => {
  execFileSync(process.execPath, ["scripts/assets.mjs", "--check"], { stdio: "pipe" });
});

describe("markup", () => {
  test("is made by nobody but this code", () => {
    const hostile = `<script>alert("x")</script>&'`;
    expect(html`<p title="${hostile}">${hostile}${[hostile, html`<b>${1}</b>`]}${false}${undefined}</p>`.html).toBe(
      [
        '<p title="&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;">',
        "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;".repeat(2),
        "<b>1</b></p>",
      ].join(""),
    );
  });

  test("names, messages and errors from outside are text, wherever they stand", () => {
    const evil = `"><img src=x onerror=alert(1)>`;
    const text = JSON.stringify(badDay())
      .replaceAll("tank/vm", `tank/vm${evil.replaceAll('"', '\\"')}`)
      .replaceAll("manual-1", `manual${evil.replaceAll('"', '\\"')}`)
      .replaceAll("connection refused", evil.replaceAll('"', '\\"'))
      .replaceAll("every 5m", evil.replaceAll('"', '\\"'));
    const view = JSON.parse(text) as ServiceView;
    for (const query of [
      "",
      `source=${encodeURIComponent(`nas01:tank/vm${evil}`)}`,
      `source=${encodeURIComponent(evil)}`,
    ]) {
      const page = pageOf(view, query);
      expect(page).not.toContain("<img");
      expect(page).toContain("&lt;img src=x onerror=alert(1)&gt;");
    }
  });
});

describe("the page", () => {
  const view = badDay();
  const page = pageOf(view);

  test("shows the plan exactly as plan prints it", () => {
    const [, pre = ""] = /<pre class="plan"[^>]*>([\s\S]*?)<\/pre>/.exec(page) ?? [];
    expect(textOf(pre)).toBe(renderPlan(view.plan, { color: false }));
  });

  test("says in one sentence how it is, and in words and symbols what is how", () => {
    expect(page).toContain("<h1>3 of 6 sources need you</h1>");
    const sources = textOf(part(page, "sources")).replace(/\s+/g, " ");
    expect(sources).toContain("tank/vm ✓ 4 m ok ! 2 d 12 h blocked");
    expect(sources).toContain("▲ 3 d 12 h overdue, due within 1 d 2 h");
    expect(sources).toContain("◌ 20 d 12 h away, 14 to come, 1.2 GiB");
  });

  test("has what is blocked with its evidence and its remedies, and what is late", () => {
    const attention = textOf(part(page, "attention"));
    expect(attention).toContain("holdfast apply --resolve vault=rollback --target nas01:tank/vm");
    expect(attention).toContain("@manual-1");
    expect(attention).toMatch(/overdue \/srv\/paperless → friend/);
    expect(attention).toContain("pool usb is not imported");
  });

  test("has errors of the last runs with their advice", () => {
    const runs = textOf(part(page, "runs"));
    expect(runs).toContain("the repository friend could not be reached");
    expect(runs).toContain("connection refused");
    expect(runs).toContain("next: see whether the server runs");
  });

  test("tells of an invalid manifest, and that the last good one is in force", () => {
    const manifest = { ...view.manifest, valid: false, error: 'unknown key "recursiv"\n --> holdfast.yaml:6:5' };
    const invalid = pageOf({ ...view, manifest });
    expect(textOf(invalid)).toContain("manifest not valid The last good one stays in force");
    expect(textOf(part(invalid, "service"))).toContain("--> holdfast.yaml:6:5");
    const stopped = pageOf({ ...view, manifest: { ...manifest, stopped: true } });
    expect(textOf(stopped)).toContain("manifest not valid This machine no longer allows the one in force");
    expect(textOf(part(stopped, "service"))).toContain("nothing is started");
  });

  test("tells that a newer manifest cannot be asked for", () => {
    const away = pageOf({ ...view, manifest: { ...view.manifest, unreachable: "cannot fetch main: no route" } });
    expect(textOf(part(away, "service"))).toContain("cannot fetch main: no route");
    expect(textOf(away)).not.toContain("manifest not valid");
  });

  test("of one source has every point in time, and why it stays or goes", () => {
    const one = pageOf(view, "source=nas01:tank/data");
    const points = textOf(part(one, "points")).replace(/\s+/g, " ");
    expect(points).toContain("among the newest (hourly: 24)");
    expect(points).toContain("− leaves with the plan");
    expect(points).toContain("before-the-move");
    expect(points).toContain("of no declared type: never touched");
    expect(one).not.toContain("tank/vm");
  });

  test("of a source there is not is a page that says so", () => {
    const [body, status] = dashboard(view, new URLSearchParams("source=nas01:nowhere"), NOW * 1000);
    expect([status, textOf(body)]).toEqual([404, expect.stringContaining("No source has the address nas01:nowhere")]);
  });

  test("asked for what is live, has that alone", () => {
    const live = pageOf(view, "part=live");
    expect([...live.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id)).toEqual(["running", "runs", "service"]);
  });

  test("calls nothing new that only grew older or went on", () => {
    const versions = (text: string): string[] =>
      [...text.matchAll(/data-version="([^"]+)"/g)].map(([, one]) => one ?? "");
    const [later] = dashboard(
      { ...view, running: view.running.map((one) => ({ ...one, bytes: 7 as never })) },
      new URLSearchParams("part=live"),
      (NOW + 40) * 1000,
    );
    expect(versions(later)).toEqual(versions(pageOf(view, "part=live")));
    expect(versions(pageOf({ ...view, running: [] }, "part=live"))).not.toEqual(versions(later));
  });

  test("loads nothing from elsewhere, and has no code or style in its markup", () => {
    expect(
      [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url).filter((url) => !/^[/#]/.test(url ?? "")),
    ).toEqual([]);
    expect(page).not.toMatch(/ style=|<style|<script>| on\w+=/);
  });
});

describe("timelines", () => {
  test("have what each place has: bookmarks, copies in repositories, what leaves", () => {
    const view = badDay();
    const fates = fatesOf(view.plan);
    const lanes = (address: string) => {
      const source = view.status.sources.find((one) => one.source === address);
      if (source === undefined) throw new Error(address);
      return Object.fromEntries(lanesOf(source, view.inventory, fates).map((lane) => [lane.name, lane]));
    };
    const home = lanes("nas01:tank/home");
    expect(home.usb?.state).toBe("unobserved");
    expect(home.here?.points.filter(({ kind }) => kind === "bookmark")).toHaveLength(1);
    const [copy] = home.friend?.points.slice(-1) ?? [];
    expect(copy).toMatchObject({ kind: "copy", name: "daily-20261122T000000Z" });
    // the same point in time is known to be the same
    expect(home.here?.points.some(({ key, kind }) => key === copy?.key && kind === "snapshot")).toBe(true);
    expect(lanes("nas01:/srv/paperless").friend?.points.map(({ kind, isLeaving }) => [kind, isLeaving])).toEqual([
      ["copy", false],
      ["partial", true],
    ]);
    expect(lanes("nas01:tank/data").here?.points.filter(({ isLeaving }) => isLeaving)).toHaveLength(3);
  });

  test("put now at the right, and the oldest at the left, in order", () => {
    const x = scale(365 * 86_400);
    const ages = [0, 60, 3600, 86_400, 30 * 86_400, 365 * 86_400];
    const places = ages.map(x);
    expect(places[0]).toBe(98.5);
    expect(places.at(-1)).toBeCloseTo(1.5);
    expect([...places].sort((a, b) => b - a)).toEqual(places);
    expect(scale(0)(-5)).toBe(98.5);
  });
});

test("a thousand sources are a page of moderate size, the healthy ones folded away", () => {
  const view = manySources(1000);
  const started = process.cpuUsage();
  const page = pageOf(view);
  const { user } = process.cpuUsage(started);
  expect(page).toContain("3 of 1,006 sources need you");
  expect(page.match(/<details class="fold"/g)?.length).toBe(11); // ten hosts, and the two of the bad day that are well
  expect(page.match(/class="timeline"/g)?.length).toBeLessThanOrEqual(12);
  expect(page.length).toBeLessThan(3_000_000);
  expect(user / 1000).toBeLessThan(1000);
});

test("a source that nobody knows the places of is no error", () => {
  const { inventory, ...view } = badDay();
  const status = {
    ...view.status,
    sources: view.status.sources.map((source) => ({ ...source, source: "x:tank/y" as Address, host: "x" as HostName })),
  };
  expect(pageOf({ ...view, status })).toContain("not observed");
  const bare = {
    ...badDay(),
    inventory: { ...inventory, hosts: { ["nas01" as HostName]: { state: "unobserved" as const, reason: "no route" } } },
  };
  expect(pageOf(bare, "source=nas01:tank/data")).toContain("not observed");
});
