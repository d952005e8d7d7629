import { launch, open, serve } from "./browser.ts";
import { badDay, manySources } from "../../service/http/fixture.ts";
const browser = await launch();
const { server } = await serve(badDay());
for (const [name, o] of [
  ["light", { colorScheme: "light" }],
  ["dark-phone", { colorScheme: "dark", viewport: { width: 360, height: 800 } }],
  ["dark", { colorScheme: "dark" }],
] as const) {
  const { page, context, complaints } = await open(browser, server.address, o);
  await page.getByText("live", { exact: true }).waitFor();
  await page.waitForTimeout(900);
  await page.screenshot({ path: `/tmp/shot-${name}.png`, fullPage: true });
  console.log(name, complaints, await page.evaluate(() => document.documentElement.scrollWidth));
  await context.close();
}
const s = await open(browser, `${server.address}/?source=nas01:tank/data`, { colorScheme: "light" });
await s.page.waitForTimeout(500);
await s.page.screenshot({ path: "/tmp/shot-source.png", fullPage: true });
console.log(s.complaints);
await browser.close();
await server.close();
