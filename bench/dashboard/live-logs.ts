/**
 * From a key to its paint in the search of the live logs while a function prints: `node bench/dashboard/live-logs.ts [LINES_PER_S]`,
 * 5,000 by default, in alternation with the same page while nothing is printed. Prints the lines that arrived and the memory
 * of the page as well.
 */
import type { Page } from "playwright-core";
import { startChromium } from "../../test/support/browser/chromium.ts";
import { startedSkiff } from "../../test/support/skiff/started-skiff.ts";
import { reportKeys, typed } from "./typing.ts";

const RATE = Number(process.argv[2] ?? 5_000);
const ROUNDS = 3;
/** One call prints this long. */
const PRINTING_S = 5;
const TICK_MS = 20;
const MIB = 2 ** 20;

const PRINTS = `export default async () => {
  const began = performance.now();
  let printed = 0;
  while (printed < ${RATE * PRINTING_S}) {
    const due = Math.min(${RATE * PRINTING_S}, ((performance.now() - began) * ${RATE}) / 1_000);
    while (printed < due) console.log("line", ++printed, "of many, with some words that nobody reads to their end");
    await new Promise((resolve) => setTimeout(resolve, ${TICK_MS}));
  }
  return { printed, tookMs: performance.now() - began };
};
`;

async function main(): Promise<void> {
  const skiff = await startedSkiff({ dashboardPort: 0 });
  const browser = await startChromium();
  try {
    await skiff.deploy("prints", PRINTS);
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB" });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    await page.goto(skiff.dashboardUrl!);
    await page.locator("main h1").waitFor();
    for (let round = 1; round <= ROUNDS; round++) {
      const quiet = reportKeys("quiet", await typeInto(page, skiff.dashboardUrl!));
      const printing = fetch(`${skiff.url}/fn/prints`);
      const busy = reportKeys(`${RATE} lines a second`, await typeInto(page, skiff.dashboardUrl!));
      console.log(`  ${(busy / quiet).toFixed(2)} × the quiet page; ${await (await printing).text()}`);
    }
    await page.getByRole("searchbox", { name: "Search" }).fill("");
    await page.getByText(/\d lines/).waitFor();
    const heap = await page.evaluate<number>("performance.memory.usedJSHeapSize");
    console.log(
      `${await page.locator(".logs-bar .number").innerText()}; ${(heap / MIB).toFixed(0)} MiB in the page`,
    );
  } finally {
    await browser.close();
    await skiff.close();
  }
}

/** Opens the logs anew, where lines arrive, and types into their search. */
async function typeInto(page: Page, dashboardUrl: string): Promise<number[]> {
  await page.goto(`${new URL(dashboardUrl).origin}/functions/prints/logs`);
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByRole("searchbox", { name: "Search" }).click();
  return typed(page);
}

await main();
process.exit(0);
