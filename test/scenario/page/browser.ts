import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { ServiceView } from "../../../src/model/service.ts";
import { type HttpServer, serveHttp } from "../../../src/service/http/index.ts";
import { type FakeService, fakeService, NOW } from "../../service/http/fixture.ts";

const executablePath = (): string =>
  execFileSync("bash", [join(import.meta.dirname, "../../browser/build")], { encoding: "utf8" }).trim();

/** Nothing but the pages: no updates, no accounts, no questions to anybody. Playwright gives it a folder of its own. */
export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: executablePath(),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--font-render-hinting=none",
    ],
  });

export interface Served {
  readonly service: FakeService;
  readonly server: HttpServer;
}

/** The clock is that of the view, and goes on from there. */
export async function serve(view: ServiceView, started = Date.now(), port = 0): Promise<Served> {
  const service = fakeService(view);
  const server = await serveHttp(service, {
    listen: { host: "127.0.0.1", port },
    metrics: async () => ({ contentType: "text/plain", body: "" }),
    log: { info() {}, warn() {} },
    now: () => NOW * 1000 + Date.now() - started,
  });
  return { service, server };
}

export interface Opened {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Every URL it asked for. */
  readonly requests: readonly string[];
  /** What its console complained of, as of a policy that was broken. */
  readonly complaints: readonly string[];
}

export async function open(
  browser: Browser,
  url: string,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url, { waitUntil: "load" });
  return { context, page, requests, complaints };
}
