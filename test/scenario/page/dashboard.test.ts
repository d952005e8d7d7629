import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Bytes } from "../../../src/model/units.ts";
import { badDay, manySources } from "../../service/http/fixture.ts";
import { launch, type Opened, open, type Served, serve } from "./browser.ts";

let browser: Browser;
let served: Served;
beforeAll(async () => {
  browser = await launch();
  served = await serve(badDay());
});
afterAll(async () => {
  await served.server.close();
  await browser.close();
});

/** A page that is closed after the test, and that complained of nothing. */
async function visit(options: BrowserContextOptions = {}, path = "/", from = served): Promise<Opened> {
  const opened = await open(browser, from.server.address + path, options);
  onTestFinished(async () => {
    await opened.context.close();
    expect(opened.complaints).toEqual([]);
  });
  return opened;
}

const isLive = (page: Page): Promise<void> => page.locator("#live", { hasText: /^live$/ }).waitFor();

/** What makes the page wider than the window, by name. */
const tooWide = (page: Page): Promise<string[]> =>
  page.evaluate(`
    [...document.querySelectorAll("body *")]
      .filter((one) => one.closest("pre, .unseen, svg") === null || one.matches("pre"))
      .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .filter((one) => getComputedStyle(one).position !== "absolute")
      .map((one) => one.tagName + "." + one.className)
      .concat(document.documentElement.scrollWidth > document.documentElement.clientWidth ? ["the page"] : [])`);

/** Rules of WCAG 2.2 AA, and good practice, that the page breaks. */
async function violations(page: Page): Promise<unknown> {
  await page.evaluate(axe.source); // as a debugger: the page's policy holds
  return page.evaluate(`axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html, failureSummary }) => html + " " + failureSummary)]))`);
}

describe("the dashboard", () => {
  test("says all of it with scripts off", async () => {
    const { page, requests } = await visit({ javaScriptEnabled: false });
    await page.getByRole("heading", { level: 1, name: "3 of 6 sources need you" }).waitFor();
    for (const name of ["What needs you", "Sources", "What exists where", "Plan", "Running", "Last runs", "Service"])
      expect(await page.getByRole("heading", { level: 2, name }).isVisible()).toBe(true);
    expect(await page.locator("pre.plan").textContent()).toContain("Plan: 1 to send");
    await page.getByRole("link", { name: "tank/home" }).first().click();
    await page.getByRole("heading", { level: 1, name: /^tank\/home/ }).waitFor();
    expect(await page.getByRole("table").getByRole("row").count()).toBeGreaterThan(40);
    expect(requests.filter((url) => !url.startsWith(served.server.address))).toEqual([]);
  });

  test.each([
    ["light", "light", 1280, "/"],
    ["dark", "dark", 1280, "/"],
    ["light, on a phone", "light", 360, "/"],
    ["dark, on a phone", "dark", 360, "/"],
    ["a source", "light", 1280, "/?source=nas01:tank/data"],
    ["a source, dark, on a phone", "dark", 360, "/?source=nas01:tank/data"],
  ] as const)("breaks no rule of accessibility, and fits: %s", async (_, colorScheme, width, path) => {
    const { page } = await visit({ colorScheme, viewport: { width, height: 800 } }, path);
    await isLive(page);
    expect(await violations(page)).toEqual([]);
    expect(await tooWide(page)).toEqual([]);
    const [paper = 0] = /\d+/.exec(await page.evaluate("getComputedStyle(document.body).backgroundColor")) ?? [];
    expect(Number(paper) < 128).toBe(colorScheme === "dark");
  });

  test("asks nobody but its own server, and only when something happened", async () => {
    const { page, requests } = await visit();
    await isLive(page);
    const asked = (): string[] =>
      requests.map((url) => url.slice(served.server.address.length).replace(/-[\da-f]{10}\./, "."));
    const first = ["/", "/assets/dashboard.css", "/assets/dashboard.js", "/api/v1/events", "/"]; // once more, for what it missed
    await vi.waitFor(() => expect(asked().filter((path) => !path.endsWith(".svg"))).toEqual(first), 5000);
    const { length } = requests;
    const [run] = badDay().runs;
    if (run === undefined) throw new Error("no run");
    served.service.emit("reconciled", { source: "nas01:tank/data" as never, result: "clean", seconds: 1 as never });
    served.service.emit("ran", run);
    await vi.waitFor(() => expect(asked().slice(length)).toEqual(["/?part=live"]), 5000);
    expect(requests.filter((url) => !url.startsWith(`${served.server.address}/`))).toEqual([]);
  });

  test("can be walked through with the keyboard", async () => {
    const { page } = await visit();
    await isLive(page);
    const focused = (): Promise<string> =>
      page.evaluate(
        `(document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "").trim()`,
      );
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("To the sources");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("main");
    const walked: string[] = [];
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      walked.push(await focused());
      const outline = await page.evaluate(`(() => {
        const one = document.activeElement;
        if (one.matches(".point")) return getComputedStyle(one.querySelector("circle, rect, text")).strokeWidth;
        return getComputedStyle(one).outlineStyle === "none" ? "" : getComputedStyle(one).outlineWidth; })()`);
      if (walked.at(-1) !== "" && (await page.evaluate("document.activeElement !== document.body")))
        expect([walked.at(-1), outline]).not.toEqual([walked.at(-1), ""]);
    }
    expect(walked).toContain("copy holdfast apply --resolve vault=rollback --target nas01:tank/vm");
    expect(walked).toContain("The plan, as holdfast plan prints it");
    expect(walked.some((text) => text.startsWith("here: hourly-20261122T120000Z"))).toBe(true);
  });

  test("has one stop for each line of a timeline, and arrows within", async () => {
    const { page } = await visit();
    const lanes = page.locator(".timeline", { has: page.getByRole("link", { name: "tank/home" }) }).locator(".lane");
    expect(await lanes.first().locator(".point[tabindex='0']").count()).toBe(1);
    await lanes.first().locator(".point[tabindex='0']").focus();
    const label = (): Promise<string> => page.evaluate(`document.activeElement.getAttribute("aria-label")`);
    const readout = page
      .locator(".timeline", { has: page.getByRole("link", { name: "tank/home" }) })
      .locator(".readout");
    expect(await label()).toMatch(/^here: hourly-20261122T120000Z/);
    await page.keyboard.press("ArrowLeft");
    expect(await label()).toMatch(/^here: hourly-20261122T110000Z/);
    expect(await readout.textContent()).toBe(await label());
    await page.keyboard.press("Home");
    expect(await label()).toMatch(/^here: monthly-20260601T000000Z/);
    await page.keyboard.press("ArrowDown");
    expect(await label()).toMatch(/^vault: monthly-20260601T000000Z .*guid \d+ .*among the newest \(monthly: 24\)/);
    // the same point in time is marked wherever it is
    expect(await lanes.locator(".point.same").count()).toBe(2);
    expect(await lanes.first().locator(".point[tabindex='0']").count()).toBe(1);
  });

  test("shows a mark's facts when it is pointed at", async () => {
    const { page } = await visit();
    const card = page.locator(".timeline", { has: page.getByRole("link", { name: "tank/data" }) });
    await card.scrollIntoViewIfNeeded();
    await card.locator(".lane").first().locator(".point").first().locator("rect").hover();
    expect(await card.locator(".readout").textContent()).toMatch(
      /^here: before-the-move · guid \d+ · .* never touched$/,
    );
  });

  test("copies a command, or selects it", async () => {
    const { page, context } = await visit();
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page
      .getByRole("button", { name: "copy holdfast apply --resolve vault=rollback --target nas01:tank/vm" })
      .click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
      "holdfast apply --resolve vault=rollback --target nas01:tank/vm",
    );
  });

  test("moves nothing where movement is not wanted", async () => {
    const { page } = await visit({ reducedMotion: "reduce" });
    const moving = await page.evaluate(
      `[...document.querySelectorAll("*")].filter((one) => getComputedStyle(one).animationName !== "none").length`,
    );
    expect(moving).toBe(0);
  });
});

describe("live", () => {
  test("bars move, runs and states appear, without the page being loaded again", async () => {
    const own = await serve(badDay());
    onTestFinished(() => own.server.close());
    const { page } = await visit({}, "/", own);
    await isLive(page);
    await page.evaluate("window.isTheSame = true");
    const { service } = own;
    const [one] = badDay().running;
    if (one === undefined) throw new Error("nothing runs");
    service.emit("progress", { id: one.id, bytes: (0.9 * 2 ** 30) as Bytes, expected: (1.2 * 2 ** 30) as Bytes });
    await page.locator(".amount", { hasText: "0.9 of 1.2 GiB, 75 %" }).waitFor();
    expect(await page.locator("progress").evaluate((bar) => (bar as unknown as { value: number }).value)).toBe(
      0.9 * 2 ** 30,
    );

    // it ends; the next look finds all well
    const view = badDay();
    const well = view.status.sources.map((source) => ({ ...source, health: "ok" as const }));
    const status = { ...view.status, health: "ok" as const, sources: well };
    service.set({ ...view, running: [], status, plan: { ...view.plan, blocked: [] } });
    service.emit("finished", { ...one, outcome: "done", seconds: 60 });
    await page.getByText("Nothing runs at present.").waitFor();
    service.emit("assessed", { status, plan: view.plan });
    await page.getByRole("heading", { level: 1, name: "All 6 sources are well" }).waitFor();
    expect(await page.evaluate("window.isTheSame")).toBe(true);
  });

  test("what is open stays open, what has the focus keeps it, and a failure is announced", async () => {
    const own = await serve(badDay());
    onTestFinished(() => own.server.close());
    const { page } = await visit({}, "/", own);
    await isLive(page);
    const done = page.locator("#runs details").first();
    await done.locator("summary").click();
    await page.locator("pre.plan").focus();
    const view = badDay();
    own.service.set({ ...view, suspended: [], runs: view.runs.slice(0, 2) });
    const [run] = view.runs;
    const failed = view.runs[1]?.operations[0];
    if (run === undefined || failed === undefined) throw new Error("no runs");
    own.service.emit("finished", failed);
    await page
      .locator("#news", { hasText: "failed: nas01:/srv/paperless, back up to friend" })
      .waitFor({ state: "attached" });
    own.service.emit("ran", run);
    await page.locator("#service", { hasText: "suspended" }).getByText("nothing", { exact: true }).waitFor();
    await vi.waitFor(async () => expect(await page.locator("#runs .run").count()).toBe(2), 5000);
    expect(await done.getAttribute("open")).not.toBeNull();
    expect(await page.evaluate("document.activeElement.className")).toBe("plan");

    // and what is gone gives it to the part it was in
    await page
      .getByRole("button", { name: "copy holdfast apply --resolve vault=rollback --target nas01:tank/vm" })
      .focus();
    own.service.set({ ...view, plan: { ...view.plan, blocked: [] } });
    own.service.emit("assessed", { status: view.status, plan: view.plan });
    await vi.waitFor(async () => expect(await page.locator("#attention .evidence").count()).toBe(0), 5000);
    expect(await page.evaluate("document.activeElement.id")).toBe("attention");
  });

  test("a service that was restarted is found again, and the page catches up", async () => {
    const first = await serve(badDay());
    const { context, page } = await open(browser, first.server.address);
    onTestFinished(() => context.close());
    await isLive(page);
    const { port } = new URL(first.server.address);
    await first.server.close();
    await page.locator("#live", { hasText: "not connected" }).waitFor();
    const view = badDay();
    const status = { ...view.status, sources: view.status.sources.slice(2, 3) };
    const second = await serve({ ...view, status }, Date.now(), Number(port));
    onTestFinished(() => second.server.close());
    await isLive(page);
    await page.getByRole("heading", { level: 1, name: "The one source is well" }).waitFor();
  });
});

test("hostile names do nothing but stand there", async () => {
  const evil = `\\"><img src=x onerror=window.isHurt=1><script>window.isHurt=1</script>`;
  const view = JSON.parse(
    JSON.stringify(badDay()).replaceAll("tank/vm", `tank/vm${evil}`).replaceAll("manual-1", evil),
  );
  const own = await serve(view);
  onTestFinished(() => own.server.close());
  const { page } = await visit({}, "/", own);
  await isLive(page);
  own.service.emit("assessed", { status: view.status, plan: view.plan });
  expect(await page.locator("img").count()).toBe(0);
  expect(await page.evaluate("window.isHurt ?? 0")).toBe(0);
  await page.getByRole("link", { name: 'tank/vm"><img' }).first().waitFor();
});

test("a thousand sources are there within a second", async () => {
  const own = await serve(manySources(1000));
  onTestFinished(() => own.server.close());
  await visit({}, "/", own); // what is only slow the first time
  const { page } = await visit({}, "/", own);
  const milliseconds = await page.evaluate<number>(
    `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`,
  );
  expect(milliseconds).toBeLessThan(5000); // about 400 where nothing else runs
  await page.getByText("100 sources on host3").click();
  await page.getByRole("link", { name: "host3:tank/project-342" }).waitFor();
  expect(await tooWide(page)).toEqual([]);
});
