/**
 * Pictures of every page with the data of a small shop: `node bench/dashboard/screenshots.ts [FOLDER] [PAGE…]`, by default all of them
 * into docs/dashboard. Each page in light colours; those of `THEMES` also dark and at the width of a phone.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { startChromium } from "../../test/support/browser/chromium.ts";
import { startedSkiff } from "../../test/support/skiff/started-skiff.ts";
import { Demo } from "./demo.ts";

const [folder = fileURLToPath(new URL("../../docs/dashboard", import.meta.url)), ...wanted] =
  process.argv.slice(2);
const USE_MS = 8_000;
const DESKTOP = { viewport: { width: 1280, height: 800 }, locale: "en-GB" };
const PHONE = { viewport: { width: 390, height: 844 }, locale: "en-GB", isMobile: true, hasTouch: true };

/** By the name of the file. */
const PAGES: Readonly<Record<string, string>> = {
  functions: "/",
  new: "/new",
  function: "/functions/checkout",
  failing: "/functions/flaky",
  code: "/functions/checkout/code",
  try: "/functions/checkout/try",
  versions: "/functions/checkout/versions",
  logs: "/functions/flaky/logs",
  metrics: "/functions/flaky/metrics",
  settings: "/functions/checkout/settings",
  "function-secrets": "/functions/checkout/secrets",
  access: "/functions/invoices/access",
  "function-schedules": "/functions/stock/schedules",
  calls: "/calls",
  topics: "/topics",
  topic: "/topics/orders",
  schedules: "/schedules",
  schedule: "/schedules/minute-tick",
  flows: "/flows",
  flow: "/flows/order",
  "flow-editor": "/flows/order/edit",
  runs: "/runs",
  secrets: "/secrets",
  keys: "/keys",
  usage: "/usage",
  audit: "/audit",
  commands: "/commands",
  system: "/system",
};

/** Pages that are shown dark and on a phone as well. */
const THEMES = ["functions", "function", "code", "logs", "flow-editor", "run"];

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.locator("main.page h1").waitFor();
  // The first answers of the API, and charts that are drawn after them.
  await page.waitForLoadState("networkidle", { timeout: 4_000 }).catch((error: Error) => {
    // A page that reads again and again is never idle.
    if (error.name !== "TimeoutError") throw error;
  });
  await page.locator(".loading").first().waitFor({ state: "detached", timeout: 4_000 });
  return page;
}

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const skiff = await startedSkiff({ dashboardPort: 0, env: { SKIFF_EXEC: "on" } });
  const browser = await startChromium();
  try {
    const demo = new Demo(skiff.url);
    await demo.declare();
    await demo.use(USE_MS);
    const { runs } = (await (await fetch(`${skiff.url}/flow/refund/run`)).json()) as {
      runs: { id: string }[];
    };
    const pages = { ...PAGES, run: `/flows/refund/runs/${runs.at(-1)!.id}` };
    const origin = new URL(skiff.dashboardUrl!).origin;
    const context = await browser.newContext(DESKTOP);
    await (await open(context, skiff.dashboardUrl!)).close();
    const shoot = async (name: string, path: string, suffix = "") => {
      const page = await open(context, `${origin}${path}`);
      await page.screenshot({ path: join(folder, `${name}${suffix}.png`) });
      await page.close();
    };
    for (const [name, path] of Object.entries(pages)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      await shoot(name, path);
      if (!THEMES.includes(name)) continue;
      const state = await context.storageState();
      const dark = await browser.newContext({ ...DESKTOP, colorScheme: "dark", storageState: state });
      const page = await open(dark, `${origin}${path}`);
      await page.screenshot({ path: join(folder, `${name}-dark.png`) });
      await dark.close();
      const phone = await browser.newContext({ ...PHONE, storageState: state });
      const small = await open(phone, `${origin}${path}`);
      await small.screenshot({ path: join(folder, `${name}-phone.png`) });
      await phone.close();
    }
  } finally {
    await browser.close();
    await skiff.close();
  }
}

await main();
process.exit(0);
