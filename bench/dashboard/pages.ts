/**
 * The files of the dashboard, the time until its start page can be used, and the time from Ctrl S to the first answer of the new
 * version: `node bench/dashboard/pages.ts [ROUNDS]`. Beside them a bare deploy by the API and an empty page of the same browser.
 */
import type { Page } from "playwright-core";
import { bundle } from "../../dashboard/build/bundle.ts";
import { sizesOf } from "../../dashboard/build/sizes.ts";
import { startChromium } from "../../test/support/browser/chromium.ts";
import { startedSkiff } from "../../test/support/skiff/started-skiff.ts";
import { median } from "../tools/report.ts";

const ROUNDS = Number(process.argv[2] ?? 7);

const sourceOf = (round: string) => `export default () => "${round}";\n`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Resolves when a function answers a text. */
async function answers(url: string, text: string): Promise<void> {
  while ((await (await fetch(url)).text()) !== text);
}

async function save(page: Page, source: string): Promise<void> {
  await page.locator(".editor .cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(source);
}

function report(what: string, times: readonly number[]): void {
  console.log(`${what}: median ${median(times).toFixed(0)} ms, worst ${Math.max(...times).toFixed(0)} ms`);
}

async function main(): Promise<void> {
  const sizes = Object.entries(sizesOf(await bundle()));
  console.log(sizes.map(([part, bytes]) => `${part} ${(bytes / 1_000).toFixed(1)} KB`).join(", "));
  const skiff = await startedSkiff({ dashboardPort: 0 });
  const browser = await startChromium();
  try {
    await skiff.deploy("edited", sourceOf("first"));
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB" });
    const origin = new URL(skiff.dashboardUrl!).origin;
    const page = await context.newPage();
    await page.goto(skiff.dashboardUrl!);
    await page.getByRole("link", { name: "edited" }).first().waitFor();

    const [empty, usable]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      empty.push(await timed(() => page.goto("about:blank")));
      usable.push(
        await timed(async () => {
          await page.goto(`${origin}/`);
          await page.getByRole("link", { name: "edited" }).first().waitFor();
        }),
      );
    }
    report("an empty page", empty);
    report("the start page with its functions (target 1,000 ms)", usable);

    await page.goto(`${origin}/functions/edited/code`);
    const [saved, posted]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      await save(page, sourceOf(`saved ${round}`));
      saved.push(
        await timed(async () => {
          await page.keyboard.press("Control+s");
          await answers(`${skiff.url}/fn/edited`, `saved ${round}`);
        }),
      );
      await page
        .getByText(/is live/)
        .first()
        .waitFor();
      posted.push(
        await timed(async () => {
          await skiff.deploy("bare", sourceOf(`posted ${round}`));
          await answers(`${skiff.url}/fn/bare`, `posted ${round}`);
        }),
      );
    }
    report("from Ctrl S to the new answer (target 300 ms)", saved);
    report("from a POST to the new answer", posted);
  } finally {
    await browser.close();
    await skiff.close();
  }
}

await main();
process.exit(0);
