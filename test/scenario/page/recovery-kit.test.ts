import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHECKS } from "../../../src/kit/fingerprint.ts";
import { pageOf } from "../../../src/render/kit/content.ts";
import { renderHtml } from "../../../src/render/kit/html.ts";
import { kitOf } from "../../kit/world.ts";
import { launch, open } from "./browser.ts";

let browser: Browser;
const folder = mkdtempSync(join(tmpdir(), "holdfast-kit-"));
beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Of A4 less its margins, in the pixels of CSS. */
const PAPER = { width: Math.floor((180 / 25.4) * 96), height: 1000 };

test("a kit from a file: nothing is fetched or refused, and on paper nothing is cut off", async () => {
  const path = join(folder, "kit.html");
  writeFileSync(path, renderHtml(pageOf(kitOf(), CHECKS)));
  const url = pathToFileURL(path).href;
  const { context, page, requests, complaints } = await open(browser, url, { viewport: PAPER });
  expect(requests).toEqual([url]);
  expect(complaints).toEqual([]);
  await page.emulateMedia({ media: "print" });
  const [wide, cut] = await page.evaluate<[number, number]>(`[
    document.documentElement.scrollWidth,
    [...document.querySelectorAll("pre, table")].filter((one) => one.scrollWidth > one.clientWidth).length,
  ]`);
  expect(wide).toBeLessThanOrEqual(PAPER.width);
  expect(cut).toBe(0);
  await page.evaluate(axe.source);
  const violations = await page.evaluate<readonly { readonly id: string }[]>(
    `axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) => violations)`,
  );
  expect(violations.map(({ id }) => id)).toEqual([]);
  const pdf = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
  const [, width, height] = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(pdf) ?? [];
  expect([Math.round(Number(width)), Math.round(Number(height))]).toEqual([595, 842]);
  await context.close();
});
