/** Takes the pictures of docs/dashboard.md, of the page that the tests look at: `tsx scripts/dashboard-pictures.ts`. */
import { fileURLToPath } from "node:url";
import { launch, open, serve } from "../test/scenario/page/browser.ts";
import { badDay } from "../test/service/http/fixture.ts";

const pictures = [
  { name: "light", colorScheme: "light", viewport: { width: 1240, height: 880 }, at: "#sources" },
  { name: "phone", colorScheme: "dark", viewport: { width: 390, height: 844 }, at: "body" },
] as const;

const browser = await launch();
const { server } = await serve(badDay());
for (const { name, colorScheme, viewport, at } of pictures) {
  const { page, context } = await open(browser, server.address, { colorScheme, viewport });
  await page.locator("#live", { hasText: /^live$/ }).waitFor();
  await page.evaluate(`document.querySelector("${at}").scrollIntoView()`);
  await page.screenshot({ path: fileURLToPath(new URL(`../docs/dashboard-${name}.png`, import.meta.url)) });
  await context.close();
}
await browser.close();
await server.close();
